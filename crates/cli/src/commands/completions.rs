//! `lazuli completions`: a completion script for a shell.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::{
    args::Cli,
    error::{CommandError, Success},
};

pub(super) fn run(shell: Shell) -> Result<Success, CommandError> {
    clap_complete::generate(shell, &mut Cli::command(), "lazuli", &mut std::io::stdout());
    Ok(Success::Done)
}
