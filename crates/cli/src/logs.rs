//! Where logs go, in which form, and what is in them.

use std::io::{self, IsTerminal, Write};

use tracing_subscriber::EnvFilter;

use crate::{
    args::LogFormat,
    input::{environment, option_from_environment},
    render::style::{harmless_json, is_shown},
    terminal,
};

/// The events that tell how a plan goes, in logs for programs.
pub(crate) const PROGRESS: &str = "lazuli::progress";

/// Logs go to stderr: with -v what lazuli does, with -vv every request. `RUST_LOG` says more. Logs for programs tell
/// what goes wrong, and how a plan goes, in any case.
pub(crate) fn start(verbose: u8, format: LogFormat) {
    let filter = wanted_filter().unwrap_or_else(|| EnvFilter::new(usual_filter(verbose, format)));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // What cannot be logged is lost: to tell of it there is the same place only.
        .log_internal_errors(false);
    let log = log.with_writer(move || Sieve {
        to: io::stderr(),
        format,
    });
    match format {
        LogFormat::Text => log
            .with_ansi(terminal::colour(io::stderr().is_terminal(), &environment))
            .with_target(false)
            .init(),
        LogFormat::Json => log.json().with_ansi(false).init(),
    }
}

/// Whether somebody wants to read a log beside what a command tells anyway.
pub(crate) fn is_read(verbose: u8) -> bool {
    verbose > 0 || option_from_environment("RUST_LOG").is_some()
}

/// The filter of `RUST_LOG`, if there is one that can be read.
fn wanted_filter() -> Option<EnvFilter> {
    let written = option_from_environment("RUST_LOG")?;
    match EnvFilter::try_new(written) {
        Ok(filter) => Some(filter),
        Err(error) => {
            terminal::tell(&format!(
                "warning: RUST_LOG is passed over, it is no filter: {error}\n"
            ));
            None
        }
    }
}

fn usual_filter(verbose: u8, format: LogFormat) -> &'static str {
    match (verbose, format) {
        (0, LogFormat::Text) => "error,lazuli_sim=warn",
        (0, LogFormat::Json) => "warn,lazuli::progress=info",
        (1, _) => "warn,lazuli=info,lazuli_engine=info,lazuli_reconcile=info,lazuli_arm=info",
        _ => "info,lazuli=debug,lazuli_engine=debug,lazuli_reconcile=debug,lazuli_arm=debug",
    }
}

/// Lets nothing pass that acts on the terminal, but for line ends and the colours of the log itself: escape characters
/// of what is logged do not come this far.
struct Sieve<W> {
    to: W,
    format: LogFormat,
}

impl<W: Write> Write for Sieve<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let sieved = match self.format {
            LogFormat::Text => sieved(&text),
            LogFormat::Json => harmless_json(&text),
        };
        self.to.write_all(sieved.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

fn sieved(text: &str) -> String {
    let mut sieved = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\u{1b}' => sieved.push(character),
            acts if !is_shown(acts) => sieved.extend(acts.escape_default()),
            shown => sieved.push(shown),
        }
    }
    sieved
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(format: LogFormat, text: &str) -> String {
        let mut sieve = Sieve {
            to: Vec::new(),
            format,
        };
        sieve.write_all(text.as_bytes()).unwrap();
        String::from_utf8(sieve.to).unwrap()
    }

    #[test]
    fn what_acts_on_the_terminal_is_escaped_in_the_manner_of_the_log() {
        assert_eq!(
            through(LogFormat::Text, "a\u{202e}b\u{9b}c\n"),
            "a\\u{202e}b\\u{9b}c\n"
        );
        let event = serde_json::json!({ "fields": { "why": "a\u{202e}b\u{9b}\u{e0001}c" } });
        let written = through(LogFormat::Json, &format!("{event}\n"));
        assert!(written.is_ascii(), "{written}");
        assert_eq!(written.parse::<serde_json::Value>().unwrap(), event);
    }
}
