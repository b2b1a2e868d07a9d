//! The `lazuli` binary: arguments in, exit code out.

mod args;
mod commands;
mod confirm;
mod connection;
mod doctor;
mod error;
mod failed_request;
mod flow;
mod input;
mod logs;
mod observer;
mod output;
mod output_file;
mod preflight;
mod progress;

mod render;
mod saved;
mod starter;
mod stop;
mod terminal;
mod topic;
mod trace;

use std::process::ExitCode;

use clap::{
    Parser,
    error::{ContextKind, ContextValue, ErrorKind},
};

use crate::{
    args::{LogFormat, ProgressMode},
    commands::Cli,
    render::style::Tint,
    terminal::{Display, OutputOptions, Terminal, write_message},
};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(usage) => {
            let failed = usage.use_stderr();
            match wrap_usage(&usage) {
                Some(text) => write_message(&text),
                // A closed pipe is not an error.
                None => drop(usage.print()),
            }
            if lacks_path(&usage) {
                write_message(
                    "\nhelp: use `.` for all specs in this directory and its subdirectories\n",
                );
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
            ProgressMode::Auto => None,
            ProgressMode::Live => Some(Display::Live),
            ProgressMode::Plain => Some(Display::Lines),
            ProgressMode::None => Some(Display::Nothing),
        },
        logs_json: cli.log_format == LogFormat::Json,
        shows_logs: logs::is_requested(cli.verbose),
    }
}

/// The usage error, wrapped if clap's own lines are too wide.
fn wrap_usage(usage: &clap::Error) -> Option<String> {
    const WORD: &str = "error:";
    let style = terminal::stderr_style();
    let text = usage.render().to_string();
    let message = text.strip_prefix(WORD)?.trim_start();
    let is_wide = |line: &str| render::style::columns(line) > style.width;
    text.lines()
        .any(is_wide)
        .then(|| render::render_message(WORD, Tint::Red, message, &style))
}

/// Whether the paths of the specs are missing.
fn lacks_path(usage: &clap::Error) -> bool {
    let missing = usage.get(ContextKind::InvalidArg);
    usage.kind() == ErrorKind::MissingRequiredArgument
        && matches!(missing, Some(ContextValue::Strings(all)) if all.iter().any(|one| one == "<PATH>..."))
}
