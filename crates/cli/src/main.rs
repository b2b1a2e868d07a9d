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
mod logs;
mod preflight;
mod progress;
mod refusal;
mod render;
mod saved;
mod stop;
mod terminal;
mod trace;

use std::process::ExitCode;

use clap::{
    Parser,
    error::{ContextKind, ContextValue, ErrorKind},
};

use crate::{
    args::{Cli, LogFormat, Progress},
    render::style::Tint,
    terminal::{Display, OutputOptions, Terminal, tell},
};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(usage) => {
            let failed = usage.use_stderr();
            match wrapped(&usage) {
                Some(text) => tell(&text),
                // A closed pipe is no reason to fail.
                None => drop(usage.print()),
            }
            if lacks_path(&usage) {
                tell("\nhelp: `.` stands for all specs in this directory and below\n");
            }
            return ExitCode::from(u8::from(failed));
        }
    };
    logs::start(cli.verbose, cli.log_format);
    let terminal = Terminal::detect(output_options(&cli));
    match commands::run(cli, &terminal) {
        Ok(outcome) => outcome.exit_code(),
        Err(error) => {
            error.print(&terminal);
            ExitCode::from(1)
        }
    }
}

fn output_options(cli: &Cli) -> OutputOptions {
    OutputOptions {
        display: match cli.progress {
            Progress::Auto => None,
            Progress::Live => Some(Display::Live),
            Progress::Plain => Some(Display::Lines),
            Progress::None => Some(Display::Nothing),
        },
        logs_json: cli.log_format == LogFormat::Json,
        shows_logs: logs::is_requested(cli.verbose),
    }
}

/// What is wrong with the command line in lines that fit, where clap's own are too wide.
fn wrapped(usage: &clap::Error) -> Option<String> {
    const WORD: &str = "error:";
    let style = terminal::stderr_style();
    let text = usage.render().to_string();
    let says = text.strip_prefix(WORD)?.trim_start();
    let is_wide = |line: &str| render::style::columns(line) > style.width;
    text.lines()
        .any(is_wide)
        .then(|| render::said(WORD, Tint::Red, says, &style))
}

/// Whether a command was given without the specs that it is about.
fn lacks_path(usage: &clap::Error) -> bool {
    let missing = usage.get(ContextKind::InvalidArg);
    usage.kind() == ErrorKind::MissingRequiredArgument
        && matches!(missing, Some(ContextValue::Strings(all)) if all.iter().any(|one| one == "<PATH>..."))
}
