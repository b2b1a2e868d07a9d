//! The `lazuli` binary: arguments in, exit code out.

mod aftermath;
mod answer;
mod args;
mod commands;
mod confirm;
mod connection;
mod error;
mod examples;
mod flow;
mod input;
mod preflight;
mod progress;
mod render;
mod saved;
mod stop;
mod terminal;

use std::process::ExitCode;

use clap::Parser;

use crate::{args::Cli, terminal::Terminal};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(usage) => {
            let failed = usage.use_stderr();
            // A closed pipe is no reason to fail.
            let _ = usage.print();
            return ExitCode::from(u8::from(failed));
        }
    };
    terminal::log(cli.verbose);
    let terminal = Terminal::detect();
    match commands::run(cli, &terminal) {
        Ok(outcome) => outcome.exit_code(),
        Err(error) => {
            error.print(&terminal);
            ExitCode::from(1)
        }
    }
}
