//! What the terminal can show, and where logs go.

use std::{
    env,
    io::{self, IsTerminal, Write},
};

use tracing_subscriber::EnvFilter;

use crate::{
    error::CommandError,
    render::style::{Style, is_shown},
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
    /// Whether stderr can show what moves.
    pub(crate) is_live: bool,
}

impl Terminal {
    pub(crate) fn detect() -> Self {
        let width = indicatif_width().clamp(40, 200);
        let ascii = ["LC_ALL", "LC_CTYPE", "LANG"]
            .iter()
            .find_map(|name| env::var(name).ok().filter(|value| !value.is_empty()))
            .is_some_and(|locale| matches!(locale.as_str(), "C" | "POSIX"));
        let style = |terminal: bool| Style {
            colour: colour(terminal),
            ascii,
            width,
        };
        let err_terminal = std::io::stderr().is_terminal();
        Self {
            out: style(std::io::stdout().is_terminal()),
            err: style(err_terminal),
            can_ask: std::io::stdin().is_terminal() && err_terminal,
            is_live: err_terminal && env::var("TERM").is_ok_and(|term| term != "dumb"),
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

/// Whether to colour, by <https://no-color.org> and <https://bixense.com/clicolors>.
fn colour(terminal: bool) -> bool {
    let set = |name: &str| env::var(name).is_ok_and(|value| !value.is_empty() && value != "0");
    if set("NO_COLOR") {
        false
    } else {
        set("CLICOLOR_FORCE") || terminal && env::var("TERM").is_ok_and(|t| t != "dumb")
    }
}

fn indicatif_width() -> usize {
    let columns = env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok());
    columns.unwrap_or_else(|| {
        console::Term::stdout()
            .size_checked()
            .map_or(80, |(_, width)| usize::from(width))
    })
}

/// Logs go to stderr: warnings, with -v what lazuli does, with -vv every request. `RUST_LOG` says more.
pub(crate) fn log(verbose: u8) {
    let default = match verbose {
        0 => "error,lazuli_sim=warn",
        1 => "warn,lazuli=info,lazuli_engine=info,lazuli_arm=info",
        _ => "info,lazuli=debug,lazuli_engine=debug,lazuli_arm=debug",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| Sieve(std::io::stderr()))
        .with_ansi(colour(std::io::stderr().is_terminal()))
        .with_target(false)
        // What cannot be logged is lost: to tell of it there is the same place only.
        .log_internal_errors(false)
        .init();
}

/// Lets nothing pass that acts on the terminal, but for line ends and the colours of the log itself: escape characters
/// of what is logged do not come this far.
struct Sieve<W>(W);

impl<W: Write> Write for Sieve<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let mut sieved = String::with_capacity(text.len());
        for character in text.chars() {
            match character {
                '\n' | '\u{1b}' => sieved.push(character),
                acts if !is_shown(acts) => sieved.extend(acts.escape_default()),
                shown => sieved.push(shown),
            }
        }
        self.0.write_all(sieved.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
