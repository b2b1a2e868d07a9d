//! `lazuli graph`: what waits for what, and why.

use lazuli_core::graph::SecretsPolicy;

use super::validate::NO_SUBSCRIPTION;
use crate::{
    args::{Graph, GraphFormat},
    error::{CommandError, Success},
    flow,
    input::environment,
    render,
    terminal::{Terminal, answer},
};

pub(super) fn run(args: &Graph, terminal: &Terminal) -> Result<Success, CommandError> {
    let specs = flow::read_specs(
        &args.specs,
        Some(NO_SUBSCRIPTION.to_owned()),
        SecretsPolicy::default(),
        &environment,
    )?;
    let loaded = specs.unasked(terminal)?;
    answer(&match args.format {
        GraphFormat::Text => render::graph::text(&loaded.graph, &terminal.out),
        GraphFormat::Mermaid => render::graph::mermaid(&loaded.graph),
        GraphFormat::Dot => render::graph::dot(&loaded.graph),
    });
    Ok(Success::Done)
}
