//! What the terminal can show, and how it is to be used.

use std::io::{self, IsTerminal, Write};

use crate::{
    args::{Cli, LogFormat, Progress},
    error::CommandError,
    input::environment,
    logs,
    render::style::Style,
};

/// What stdout and stderr are.
#[derive(Debug, Clone)]
pub(crate) struct Terminal {
    /// How to write to stdout.
    pub(crate) out: Style,
    /// How to write to stderr.
    pub(crate) err: Style,
    /// Whether somebody can be asked.
    pub(crate) can_ask: bool,
    /// Whether stderr is a terminal.
    pub(crate) is_seen: bool,
    /// How to tell what happens while it happens.
    pub(crate) display: Display,
    /// Whether stderr is a log for programs.
    pub(crate) logs_json: bool,
}

/// How is told what happens while it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Display {
    /// By lines that move.
    Live,
    /// By a line for each change.
    Lines,
    /// By events of the log.
    Log,
    /// Not at all.
    Nothing,
}

impl Terminal {
    pub(crate) fn detect(cli: &Cli) -> Self {
        let [out, err] = [io::stdout().is_terminal(), io::stderr().is_terminal()];
        let err_style = stderr_style();
        let logs_json = cli.log_format == LogFormat::Json;
        let moves = !err_style.plain && understands(&environment);
        Self {
            out: style(out, &console::Term::stdout()),
            err: err_style,
            can_ask: io::stdin().is_terminal() && err,
            is_seen: err,
            display: match cli.progress {
                Progress::None => Display::Nothing,
                Progress::Plain => Display::Lines,
                Progress::Live if err => Display::Live,
                Progress::Auto if logs_json => Display::Log,
                Progress::Auto if err && moves && !logs::is_read(cli.verbose) => Display::Live,
                Progress::Live | Progress::Auto => Display::Lines,
            },
            logs_json,
        }
    }
}

/// How to write to stderr.
pub(crate) fn stderr_style() -> Style {
    style(io::stderr().is_terminal(), &console::Term::stderr())
}

fn style(is_terminal: bool, term: &console::Term) -> Style {
    let plain = is_on("LAZULI_PLAIN", &environment);
    Style {
        colour: !plain && colour(is_terminal, &environment),
        ascii: plain || is_ascii(&environment),
        plain,
        width: width(term).clamp(40, 200),
    }
}

/// How bad something is that a person is told on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// It goes as it should.
    Note,
    /// The run goes on.
    Warning,
    /// The run ends.
    Error,
}

impl Terminal {
    /// Tells text of whole lines on stderr; where that is a log for programs, as one event of it.
    pub(crate) fn tell(&self, text: &str, tone: Tone) {
        match (self.logs_json, tone) {
            (false, _) => tell(text),
            (true, _) if text.trim().is_empty() => {}
            (true, Tone::Note) => tracing::info!(target: logs::PROGRESS, "{}", text.trim()),
            (true, Tone::Warning) => tracing::warn!("{}", text.trim()),
            (true, Tone::Error) => tracing::error!("{}", text.trim()),
        }
    }
}

/// Writes what was asked for to stdout. Who has read enough and closes the pipe (`lazuli roles | head`) is no failure;
/// a disk without room is.
pub(crate) fn answer(text: &str) -> Result<(), CommandError> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(CommandError::new(format!(
            "the answer cannot be written: {error}"
        ))),
        _ => Ok(()),
    }
}

/// Writes what is said beside the answer to stderr. Where nobody listens, it is lost.
pub(crate) fn tell(text: &str) {
    let mut err = io::stderr().lock();
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

fn is_on(name: &str, variables: Variables<'_>) -> bool {
    variables(name).is_some_and(|value| !value.is_empty() && value != "0")
}

/// Whether to colour, by <https://no-color.org> and <https://bixense.com/clicolors>.
pub(crate) fn colour(is_terminal: bool, variables: Variables<'_>) -> bool {
    let is_refused = variables("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_off = variables("CLICOLOR").is_some_and(|value| value == "0");
    !is_refused
        && (is_on("CLICOLOR_FORCE", variables) || is_terminal && understands(variables) && !is_off)
}

/// Whether a terminal takes more than text. On Windows they do not say what they are.
fn understands(variables: Variables<'_>) -> bool {
    variables("TERM").map_or(cfg!(windows), |term| term != "dumb")
}

/// Whether the locale has no more than ASCII for sure: one that says no UTF-8, or `C`. Where there is none, as in
/// containers, text is UTF-8 all the same.
fn is_ascii(variables: Variables<'_>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| variables(name).filter(|value| !value.is_empty()));
    locale.is_some_and(|locale| {
        let codeset = locale
            .rsplit_once('.')
            .map_or(locale.as_str(), |(_, codeset)| codeset);
        let codeset = codeset.split('@').next().unwrap_or_default();
        let codeset = codeset.replace('-', "").to_ascii_lowercase();
        codeset != "utf8"
    })
}

/// How many columns there are: as the user says, as the terminal says, or as many as terminals once had.
fn width(term: &console::Term) -> usize {
    let said = environment("COLUMNS").and_then(|columns| columns.parse().ok());
    said.or_else(|| term.size_checked().map(|(_, width)| usize::from(width)))
        .unwrap_or(80)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&'static str, &'static str)]) -> impl Fn(&str) -> Option<String> {
        move |name| {
            let found = pairs.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn only_utf8_is_more_than_ascii() {
        for locale in [
            "en_US.UTF-8",
            "C.UTF-8",
            "C.utf8",
            "UTF-8",
            "de_DE.utf8@euro",
        ] {
            assert!(!is_ascii(&with(&[("LANG", locale)])), "{locale}");
        }
        for locale in [
            "C",
            "POSIX",
            "en_US.ISO-8859-1",
            "de_DE@euro",
            "ja_JP.eucJP",
            "en_US",
        ] {
            assert!(is_ascii(&with(&[("LANG", locale)])), "{locale}");
        }
        assert!(!is_ascii(&with(&[])));
        let first = [("LC_ALL", ""), ("LC_CTYPE", "C"), ("LANG", "en_US.UTF-8")];
        assert!(is_ascii(&with(&first)), "the first that is set counts");
    }

    #[test]
    fn colour_is_refused_by_any_value_of_no_color() {
        let term = ("TERM", "xterm");
        assert!(colour(true, &with(&[term])));
        assert!(!colour(false, &with(&[term])));
        assert!(!colour(true, &with(&[("TERM", "dumb")])));
        assert!(!colour(true, &with(&[term, ("NO_COLOR", "0")])));
        assert!(!colour(true, &with(&[term, ("CLICOLOR", "0")])));
        assert!(colour(true, &with(&[term, ("NO_COLOR", "")])));
        assert!(colour(false, &with(&[("CLICOLOR_FORCE", "1")])));
        assert!(!colour(
            true,
            &with(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")])
        ));
    }
}
