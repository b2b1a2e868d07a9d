//! `lazuli validate`: checks specs without sending a request.

use clap::Args;

use crate::{
    args::SpecArgs,
    error::{CommandError, Success},
    flow::load_offline,
    render::pluralize,
    terminal::{Terminal, write_output},
};

const EXAMPLES: &str = examples! {
    "lazuli validate stacks               check every spec in the directory"
    "lazuli validate stack.yaml --params-file prod.params.yaml"
};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ValidateArgs {
    #[command(flatten)]
    specs: SpecArgs,
}

pub(super) fn run(args: &ValidateArgs, terminal: &Terminal) -> Result<Success, CommandError> {
    let stacks = load_offline(&args.specs, terminal)?;
    write_output(&format!(
        "Valid: {}, {}.\n",
        pluralize(stacks.names.len(), "stack"),
        pluralize(stacks.graph.len(), "Azure resource")
    ))?;
    Ok(Success::Done)
}
