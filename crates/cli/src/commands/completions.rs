//! `lazuli completions`: a completion script for a shell.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::{
    args::Cli,
    error::{CommandError, Success},
    terminal::answer,
};

pub(super) fn run(shell: Shell) -> Result<Success, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "lazuli", &mut script);
    answer(&String::from_utf8_lossy(&script))?;
    Ok(Success::Done)
}
