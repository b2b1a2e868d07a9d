//! The terminal for redrawn lines, which survive a change of its width.

use std::{
    io,
    sync::{Mutex, MutexGuard, PoisonError},
};

use console::{Term, measure_text_width};
use indicatif::{ProgressDrawTarget, TermLike};

/// The maximum number of redraws per second.
const REFRESH: u8 = 20;

/// The draw target for redrawn lines on stderr.
pub(super) fn stderr() -> ProgressDrawTarget {
    ProgressDrawTarget::term_like_with_hz(Box::new(Screen::new(Term::buffered_stderr())), REFRESH)
}

/// Ends lines with line ends. indicatif pads lines with spaces until the terminal wraps instead, so that resizing
/// breaks the lines and the cursor position.
#[derive(Debug)]
struct Screen<T> {
    term: T,
    drawn: Mutex<DrawnLines>,
}

#[derive(Debug, Default)]
struct DrawnLines {
    /// The width for which lines were drawn.
    width: u16,
    /// The columns of each line.
    lines: Vec<usize>,
    /// Whether the next text begins a line.
    ends: bool,
}

impl<T: TermLike> Screen<T> {
    fn new(term: T) -> Self {
        Self {
            term,
            drawn: Mutex::default(),
        }
    }

    fn drawn(&self) -> MutexGuard<'_, DrawnLines> {
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: TermLike> TermLike for Screen<T> {
    fn width(&self) -> u16 {
        self.term.width()
    }

    fn height(&self) -> u16 {
        self.term.height()
    }

    /// Moves to the first of the lines, which take more rows if the terminal has become narrower.
    fn move_cursor_up(&self, rows: usize) -> io::Result<()> {
        let width = self.term.width();
        let mut drawn = self.drawn();
        let was = std::mem::replace(&mut drawn.width, width);
        let lines = std::mem::take(&mut drawn.lines);
        drawn.ends = false;
        if was == width || was == 0 || lines.is_empty() {
            return self.term.move_cursor_up(rows);
        }
        // The permanent lines above are not redrawn.
        let redrawn = lines.iter().rev().take(rows + 1);
        let rows: usize = redrawn
            .map(|columns| columns.div_ceil(usize::from(width).max(1)).max(1))
            .sum();
        self.term.move_cursor_up(rows.saturating_sub(1))?;
        self.term.write_str("\r\u{1b}[J")
    }

    fn move_cursor_down(&self, rows: usize) -> io::Result<()> {
        self.drawn().ends = false;
        self.term.move_cursor_down(rows)
    }

    fn move_cursor_right(&self, columns: usize) -> io::Result<()> {
        self.term.move_cursor_right(columns)
    }

    fn move_cursor_left(&self, columns: usize) -> io::Result<()> {
        self.term.move_cursor_left(columns)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.drawn().ends = false;
        self.term.write_line(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        let mut drawn = self.drawn();
        if text == "\r" {
            drawn.ends = false;
            return self.term.write_str(text);
        }
        if !text.is_empty() && text.bytes().all(|byte| byte == b' ') {
            drawn.ends = true;
            return self.term.write_str("\u{1b}[K");
        }
        if std::mem::take(&mut drawn.ends) {
            self.term.write_str("\r\n")?;
        }
        drawn.lines.push(measure_text_width(text));
        self.term.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.drawn().ends = false;
        self.term.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.term.flush()
    }
}

#[cfg(test)]
mod tests {
    use indicatif::{ProgressBar, ProgressStyle};

    use super::*;
    use crate::progress::testing::RecordingTerm;

    #[test]
    fn lines_are_redrawn_after_the_terminal_becomes_narrower() {
        let term = RecordingTerm::new(20);
        let target = ProgressDrawTarget::term_like(Box::new(Screen::new(term.clone())));
        let style = ProgressStyle::with_template("{msg}").unwrap();
        let bar = ProgressBar::with_draw_target(None, target).with_style(style);
        bar.set_message("a line of 18 chars\nshort");
        bar.force_draw();
        let first = term.take();
        assert!(
            first.ends_with("a line of 18 chars\u{1b}[K\r\nshort\u{1b}[K"),
            "{first:?}"
        );
        bar.println("permanent");
        let again = term.take();
        assert!(
            again.starts_with("<up 1>") && again.contains("permanent\u{1b}[K\r\na line of"),
            "{again:?}"
        );
        term.resize(10);
        bar.force_draw();
        let narrower = term.take();
        assert!(
            narrower.starts_with("<up 2>\r\u{1b}[J"),
            "the first line takes two rows after the resize: {narrower:?}"
        );
    }
}
