//! What stdout and stderr can display, and writing to them.

use std::{
    env,
    io::{self, IsTerminal, Write},
};

use crate::{error::CommandError, render::style::Style};

/// The target of log events about progress.
pub(crate) const PROGRESS: &str = "lazuli::progress";

/// Stdin, stdout and stderr.
#[derive(Debug, Clone)]
pub(crate) struct Terminal {
    /// The style of stdout.
    pub(crate) out: Style,
    /// The style of stderr.
    pub(crate) err: Style,
    /// Whether prompts are possible: both stdin and stderr are terminals.
    pub(crate) can_ask: bool,
    /// Whether stderr is a terminal.
    pub(crate) is_stderr_terminal: bool,
    /// How progress is displayed.
    pub(crate) display: Display,
    /// Whether stderr is a JSON log.
    pub(crate) logs_json: bool,
}

/// How progress is displayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Display {
    /// Lines that are redrawn in place.
    Live,
    /// One line per change.
    Lines,
    /// Log events.
    Log,
    /// None.
    Nothing,
}

/// The options of the command line for output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OutputOptions {
    /// The requested display; `None` chooses one.
    pub(crate) display: Option<Display>,
    /// Whether stderr is a JSON log.
    pub(crate) logs_json: bool,
    /// Whether log lines appear on stderr, which would interfere with redrawn lines.
    pub(crate) shows_logs: bool,
}

impl Terminal {
    pub(crate) fn detect(options: OutputOptions) -> Self {
        let OutputOptions {
            display,
            logs_json,
            shows_logs,
        } = options;
        let [out, err] = [io::stdout().is_terminal(), io::stderr().is_terminal()];
        let err_style = stderr_style();
        let is_redrawable = err && !err_style.plain && anstyle_query::term_supports_color();
        Self {
            out: detect_style(out, &console::Term::stdout()),
            can_ask: io::stdin().is_terminal() && err,
            is_stderr_terminal: err,
            display: match display {
                Some(Display::Live) if !err => Display::Lines,
                Some(display) => display,
                None if logs_json => Display::Log,
                None if is_redrawable && !shows_logs => Display::Live,
                None => Display::Lines,
            },
            logs_json,
            err: err_style,
        }
    }
}

/// The style of stderr.
pub(crate) fn stderr_style() -> Style {
    detect_style(io::stderr().is_terminal(), &console::Term::stderr())
}

fn detect_style(is_terminal: bool, term: &console::Term) -> Style {
    let plain = variable("LAZULI_PLAIN").is_some_and(|value| !value.is_empty() && value != "0");
    Style {
        color: !plain && is_color_enabled(is_terminal),
        ascii: plain || is_ascii_locale(&variable),
        plain,
        width: detect_width(term).clamp(40, 200),
    }
}

/// The severity of a message on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Information.
    Note,
    /// A problem that does not end the run.
    Warning,
    /// A problem that ends the run.
    Error,
}

impl Terminal {
    /// Writes whole lines to stderr; if stderr is a JSON log, as one event.
    pub(crate) fn write_message(&self, text: &str, tone: Tone) {
        match (self.logs_json, tone) {
            (false, _) => write_message(text),
            (true, _) if text.trim().is_empty() => {}
            (true, Tone::Note) => tracing::info!(target: PROGRESS, "{}", text.trim()),
            (true, Tone::Warning) => tracing::warn!("{}", text.trim()),
            (true, Tone::Error) => tracing::error!("{}", text.trim()),
        }
    }
}

/// Writes the output of a command to stdout. A closed pipe (`lazuli roles | head`) is not an error; a full disk is.
pub(crate) fn write_output(text: &str) -> Result<(), CommandError> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(CommandError::new(format!(
            "cannot write to standard output: {error}"
        ))),
        _ => Ok(()),
    }
}

/// Writes a message to stderr. Errors are ignored, because they cannot be reported elsewhere.
pub(crate) fn write_message(text: &str) {
    let mut err = io::stderr().lock();
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

/// An environment variable; one that is not Unicode counts as not set.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok()
}

/// Whether to use color, by <https://no-color.org> and <https://bixense.com/clicolors>.
pub(crate) fn is_color_enabled(is_terminal: bool) -> bool {
    use anstyle_query::{clicolor, clicolor_force, no_color, term_supports_color};
    let by_default = is_terminal && term_supports_color() && clicolor() != Some(false);
    !no_color() && (clicolor_force() || by_default)
}

/// Whether the locale is known to be limited to ASCII: its codeset is not UTF-8, or it is `C`. Without a locale, as in
/// containers, UTF-8 is assumed.
fn is_ascii_locale(variables: &dyn Fn(&str) -> Option<String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| variables(name).filter(|value| !value.is_empty()));
    locale.is_some_and(|locale| {
        let codeset = locale
            .rsplit_once('.')
            .map_or(locale.as_str(), |(_, codeset)| codeset);
        let codeset = codeset
            .split_once('@')
            .map_or(codeset, |(codeset, _)| codeset);
        let codeset = codeset.replace('-', "").to_ascii_lowercase();
        codeset != "utf8"
    })
}

/// The width by `COLUMNS`, by the terminal, or 80.
fn detect_width(term: &console::Term) -> usize {
    let columns = variable("COLUMNS").and_then(|columns| columns.parse().ok());
    columns
        .or_else(|| term.size_checked().map(|(_, width)| usize::from(width)))
        .unwrap_or(80)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn variables(pairs: &[(&'static str, &'static str)]) -> impl Fn(&str) -> Option<String> {
        move |name| {
            let found = pairs.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn only_utf8_locales_are_more_than_ascii() {
        for locale in [
            "en_US.UTF-8",
            "C.UTF-8",
            "C.utf8",
            "UTF-8",
            "de_DE.utf8@euro",
        ] {
            assert!(
                !is_ascii_locale(&variables(&[("LANG", locale)])),
                "{locale}"
            );
        }
        for locale in [
            "C",
            "POSIX",
            "en_US.ISO-8859-1",
            "de_DE@euro",
            "ja_JP.eucJP",
            "en_US",
        ] {
            assert!(is_ascii_locale(&variables(&[("LANG", locale)])), "{locale}");
        }
        assert!(!is_ascii_locale(&variables(&[])));
        let first = [("LC_ALL", ""), ("LC_CTYPE", "C"), ("LANG", "en_US.UTF-8")];
        assert!(
            is_ascii_locale(&variables(&first)),
            "the first nonempty variable decides"
        );
    }

    const IS_TERMINAL: &str = "PROBE_IS_TERMINAL";

    /// Run by [`is_color_enabled_with`] in a process of its own: the environment of a test process cannot be changed
    /// safely.
    #[test]
    #[ignore = "runs in the environment that another test gives it"]
    fn probe_color() {
        assert!(is_color_enabled(variable(IS_TERMINAL).is_some()));
    }

    fn is_color_enabled_with(is_terminal: bool, pairs: &[(&str, &str)]) -> bool {
        let mut probe = Command::new(env::current_exe().unwrap());
        probe
            .args(["--exact", "terminal::tests::probe_color", "--ignored"])
            .env_clear()
            .envs(pairs.iter().copied());
        if is_terminal {
            probe.env(IS_TERMINAL, "1");
        }
        let output = probe.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("running 1 test"), "{text}");
        output.status.success()
    }

    #[test]
    fn color_follows_the_environment() {
        let term = ("TERM", "xterm");
        let force = ("CLICOLOR_FORCE", "1");
        for (is_terminal, pairs, expected) in [
            (true, &[term][..], true),
            (false, &[term], false),
            (true, &[("TERM", "dumb")], false),
            (true, &[term, ("NO_COLOR", "0")], false),
            (true, &[term, ("CLICOLOR", "0")], false),
            (true, &[term, ("NO_COLOR", "")], true),
            (false, &[force], true),
            (true, &[force, ("NO_COLOR", "1")], false),
        ] {
            let enabled = is_color_enabled_with(is_terminal, pairs);
            assert_eq!(enabled, expected, "{is_terminal} {pairs:?}");
        }
    }
}
