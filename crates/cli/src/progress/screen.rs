//! The terminal below moving lines, such that they survive a change of its width.

use std::{
    io,
    sync::{Mutex, MutexGuard, PoisonError},
};

use console::{Term, measure_text_width};
use indicatif::{ProgressDrawTarget, TermLike};

/// How often moving lines are written, at most, in a second.
const REFRESH: u8 = 20;

/// Where moving lines on stderr are drawn.
pub(super) fn stderr() -> ProgressDrawTarget {
    ProgressDrawTarget::term_like_with_hz(Box::new(Screen::new(Term::buffered_stderr())), REFRESH)
}

/// Ends lines where they end. indicatif fills each up with spaces until the terminal itself begins the next one, so that
/// lines fall apart, and are lost track of, when the terminal becomes narrower or wider.
#[derive(Debug)]
struct Screen<T> {
    term: T,
    drawn: Mutex<Drawn>,
}

#[derive(Debug, Default)]
struct Drawn {
    /// The width for which lines were drawn.
    width: u16,
    /// The columns that each line took.
    lines: Vec<usize>,
    /// Whether what is written next begins a line.
    ends: bool,
}

impl<T: TermLike> Screen<T> {
    fn new(term: T) -> Self {
        Self {
            term,
            drawn: Mutex::default(),
        }
    }

    fn drawn(&self) -> MutexGuard<'_, Drawn> {
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

    /// Goes to the first of the lines, which may take more rows in a terminal that has become narrower.
    fn move_cursor_up(&self, rows: usize) -> io::Result<()> {
        let width = self.term.width();
        let mut drawn = self.drawn();
        let was = std::mem::replace(&mut drawn.width, width);
        let lines = std::mem::take(&mut drawn.lines);
        drawn.ends = false;
        if was == width || was == 0 || lines.is_empty() {
            return self.term.move_cursor_up(rows);
        }
        // What stands above them lasts, and is none of them.
        let moving = lines.iter().rev().take(rows + 1);
        let rows: usize = moving
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
    use std::sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    };

    use indicatif::{ProgressBar, ProgressStyle};

    use super::*;

    /// Keeps what is written and how the cursor moves, in a terminal whose width can change.
    #[derive(Debug, Clone)]
    struct Paper(Arc<(Mutex<String>, AtomicU16)>);

    impl Paper {
        fn note(&self, text: &str) -> io::Result<()> {
            self.0.0.lock().unwrap().push_str(text);
            Ok(())
        }

        fn taken(&self) -> String {
            std::mem::take(&mut *self.0.0.lock().unwrap())
        }
    }

    impl TermLike for Paper {
        fn width(&self) -> u16 {
            self.0.1.load(Ordering::SeqCst)
        }
        fn height(&self) -> u16 {
            24
        }
        fn move_cursor_up(&self, n: usize) -> io::Result<()> {
            self.note(&format!("<up {n}>"))
        }
        fn move_cursor_down(&self, n: usize) -> io::Result<()> {
            self.note(&format!("<down {n}>"))
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.note(&format!("{text}\n"))
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.note(text)
        }
        fn clear_line(&self) -> io::Result<()> {
            self.note("<clear>")
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_end_where_they_end_and_are_found_again_in_a_narrower_terminal() {
        let paper = Paper(Arc::new((Mutex::default(), AtomicU16::new(20))));
        let target = ProgressDrawTarget::term_like(Box::new(Screen::new(paper.clone())));
        let style = ProgressStyle::with_template("{msg}").unwrap();
        let bar = ProgressBar::with_draw_target(None, target).with_style(style);
        bar.set_message("a line of 18 chars\nshort");
        bar.force_draw();
        let first = paper.taken();
        assert!(
            first.ends_with("a line of 18 chars\u{1b}[K\r\nshort\u{1b}[K"),
            "{first:?}"
        );
        bar.println("lasting");
        let again = paper.taken();
        assert!(
            again.starts_with("<up 1>") && again.contains("lasting\u{1b}[K\r\na line of"),
            "{again:?}"
        );
        paper.0.1.store(10, Ordering::SeqCst);
        bar.force_draw();
        let narrower = paper.taken();
        assert!(
            narrower.starts_with("<up 2>\r\u{1b}[J"),
            "the first line takes two rows now: {narrower:?}"
        );
    }
}
