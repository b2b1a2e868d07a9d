//! `lazuli completions`: prints a completion script for a shell.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::{
    commands::Cli,
    error::{CommandError, Success},
    terminal::write_output,
};

const EXAMPLES: &str = examples! {
    "lazuli completions bash > ~/.local/share/bash-completion/completions/lazuli"
    "lazuli completions fish > ~/.config/fish/completions/lazuli.fish"
};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub(super) fn run(args: &CompletionsArgs) -> Result<Success, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "lazuli", &mut script);
    write_output(&String::from_utf8_lossy(&script))?;
    Ok(Success::Done)
}
