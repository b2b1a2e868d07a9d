//! A moving line while Azure is looked at, before there is a plan.

use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressStyle};
use lazuli_engine::{Event, Observer};

use super::{live::TICK, screen, settling::SettlingLines};
use crate::render::style::Style;

/// The line, with lasting ones above it for what Azure is still working on. It goes when this is dropped.
pub(super) struct Looking {
    line: ProgressBar,
    settling: SettlingLines<Above>,
}

/// Writes above a moving line.
struct Above(ProgressBar);

impl Write for Above {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl Looking {
    pub(super) fn on_stderr(style: &Style) -> Self {
        let ticks = if style.ascii {
            "|/-\\ "
        } else {
            "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "
        };
        let look = ProgressStyle::with_template("{spinner} looking at Azure, {elapsed}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner())
            .tick_chars(ticks);
        let line = ProgressBar::with_draw_target(None, screen::stderr()).with_style(look);
        line.enable_steady_tick(TICK);
        Self {
            settling: SettlingLines::new(Above(line.clone())),
            line,
        }
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        self.line.finish_and_clear();
    }
}

impl Observer for Looking {
    fn event(&self, event: &Event<'_>) {
        self.settling.event(event);
    }
}
