//! `lazuli validate`: everything that can be said of a spec without asking Azure.

use lazuli_core::graph::SecretsPolicy;

use crate::{
    args::Validate,
    error::{CommandError, Success},
    flow,
    input::environment,
    render::count,
    terminal::{Terminal, answer},
};

/// Stands in for the subscription where none is given: no request is sent.
pub(super) const NO_SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000000";

pub(super) fn run(args: &Validate, terminal: &Terminal) -> Result<Success, CommandError> {
    let specs = flow::read_specs(
        &args.specs,
        Some(NO_SUBSCRIPTION.to_owned()),
        SecretsPolicy::default(),
        &environment,
    )?;
    let loaded = specs.unasked(terminal)?;
    answer(&format!(
        "Valid: {}, {}.\n",
        count(loaded.stacks.len(), "stack"),
        count(loaded.graph.len(), "Azure resource")
    ))?;
    Ok(Success::Done)
}
