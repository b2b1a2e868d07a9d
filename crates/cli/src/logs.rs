//! The destination, format and filter of logs.

use std::io::{self, IsTerminal, Write};

use tracing_subscriber::EnvFilter;

use crate::{
    args::LogFormat,
    input::option_from_environment,
    render::style::{escape_json, is_shown},
    terminal,
};

/// Starts logging to stderr: with -v what lazuli does, with -vv every request; `RUST_LOG` overrides both. JSON logs
/// always have warnings and progress.
pub(crate) fn start(verbose: u8, format: LogFormat) {
    let filter =
        requested_filter().unwrap_or_else(|| EnvFilter::new(default_filter(verbose, format)));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // Errors are ignored: they could only be reported to the same place.
        .log_internal_errors(false);
    let log = log.with_writer(move || EscapingWriter {
        to: io::stderr(),
        format,
    });
    match format {
        LogFormat::Text => log
            .with_ansi(terminal::is_color_enabled(io::stderr().is_terminal()))
            .with_target(false)
            .init(),
        LogFormat::Json => log.json().with_ansi(false).init(),
    }
}

/// Whether logs are requested.
pub(crate) fn is_requested(verbose: u8) -> bool {
    verbose > 0 || option_from_environment("RUST_LOG").is_some()
}

/// The filter of `RUST_LOG`, if it is valid.
fn requested_filter() -> Option<EnvFilter> {
    let written = option_from_environment("RUST_LOG")?;
    match EnvFilter::try_new(written) {
        Ok(filter) => Some(filter),
        Err(error) => {
            terminal::write_message(&format!(
                "warning: RUST_LOG is not a valid filter and is ignored: {error}\n"
            ));
            None
        }
    }
}

fn default_filter(verbose: u8, format: LogFormat) -> &'static str {
    match (verbose, format) {
        (0, LogFormat::Text) => "error,lazuli_sim=warn",
        (0, LogFormat::Json) => "warn,lazuli::progress=info",
        (1, _) => "warn,lazuli=info,lazuli_engine=info,lazuli_reconcile=info,lazuli_arm=info",
        _ => "info,lazuli=debug,lazuli_engine=debug,lazuli_reconcile=debug,lazuli_arm=debug",
    }
}

/// Escapes characters that a terminal would interpret, except line ends and the color of the log itself.
/// tracing-subscriber has already escaped the escape characters in logged values.
struct EscapingWriter<W> {
    to: W,
    format: LogFormat,
}

impl<W: Write> Write for EscapingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let escaped = match self.format {
            LogFormat::Text => escape_text(&text),
            LogFormat::Json => escape_json(&text),
        };
        self.to.write_all(escaped.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

fn escape_text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\u{1b}' => escaped.push(character),
            hidden if !is_shown(hidden) => escaped.extend(hidden.escape_default()),
            visible => escaped.push(visible),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write_log(format: LogFormat, text: &str) -> String {
        let mut writer = EscapingWriter {
            to: Vec::new(),
            format,
        };
        writer.write_all(text.as_bytes()).unwrap();
        String::from_utf8(writer.to).unwrap()
    }

    #[test]
    fn control_characters_are_escaped_in_the_format_of_the_log() {
        assert_eq!(
            write_log(LogFormat::Text, "a\u{202e}b\u{9b}c\n"),
            "a\\u{202e}b\\u{9b}c\n"
        );
        let event = serde_json::json!({ "fields": { "why": "a\u{202e}b\u{9b}\u{e0001}c" } });
        let written = write_log(LogFormat::Json, &format!("{event}\n"));
        assert!(written.is_ascii(), "{written}");
        assert_eq!(written.parse::<serde_json::Value>().unwrap(), event);
    }
}
