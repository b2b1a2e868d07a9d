//! A spinner while Azure is read.

use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressStyle};
use lazuli_engine::{Event, Observer};

use super::{live::TICK, screen, wait_lines::WaitLines};
use crate::render::style::Style;

/// A spinner with permanent lines above it about resources in transition. Dropping it removes the spinner.
pub(super) struct ObservationSpinner {
    line: ProgressBar,
    waits: WaitLines<AboveSpinner>,
}

struct AboveSpinner(ProgressBar);

impl Write for AboveSpinner {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl ObservationSpinner {
    pub(super) fn on_stderr(style: &Style) -> Self {
        let ticks = if style.ascii {
            "|/-\\ "
        } else {
            "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "
        };
        let template = ProgressStyle::with_template("{spinner} reading live state, {elapsed}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner())
            .tick_chars(ticks);
        let line = ProgressBar::with_draw_target(None, screen::stderr()).with_style(template);
        line.enable_steady_tick(TICK);
        Self {
            waits: WaitLines::new(AboveSpinner(line.clone())),
            line,
        }
    }
}

impl Drop for ObservationSpinner {
    fn drop(&mut self) {
        self.line.finish_and_clear();
    }
}

impl Observer for ObservationSpinner {
    fn event(&self, event: &Event<'_>) {
        self.waits.event(event);
    }
}
