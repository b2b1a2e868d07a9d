//! Execution progress on a terminal: redrawn lines for running and waiting steps, permanent ones for completed steps.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use lazuli_core::plan::{Plan, Step};
use lazuli_engine::{Event, Observer, Outcome};

use super::{
    board::{Board, TerminalSize},
    labels::{STOPPING, StepLabels, WaitCause},
    screen,
};
use crate::render::style::{Style, Tint, wrap};

/// The interval between redraws.
pub(super) const TICK: Duration = Duration::from_millis(120);

/// Reads the size of the terminal before each redraw: terminals are resized.
type ReadSize = fn() -> Option<TerminalSize>;

/// Redrawn lines show wall-clock times; permanent ones show the duration of the step itself.
pub(super) struct LiveExecution {
    style: Style,
    labels: StepLabels,
    board: Arc<Mutex<Board>>,
    size: ReadSize,
    lines: ProgressBar,
}

impl LiveExecution {
    pub(super) fn on_stderr(plan: &Plan, style: Style) -> Self {
        let size = || {
            let (rows, columns) = console::Term::stderr().size_checked()?;
            Some(TerminalSize {
                columns: columns.into(),
                rows: rows.into(),
            })
        };
        let live = Self::new(plan, style, screen::stderr(), size);
        live.lines.enable_steady_tick(TICK);
        live
    }

    fn new(plan: &Plan, style: Style, target: ProgressDrawTarget, size: ReadSize) -> Self {
        let labels = StepLabels::from_plan(plan);
        let board = Arc::new(Mutex::new(Board::new(plan, labels, Instant::now())));
        let canvas = Canvas {
            board: board.clone(),
            style: style.clone(),
            size,
            drawn: Mutex::default(),
        };
        let canvas = Arc::new(canvas);
        let draw = move |_: &ProgressState, to: &mut dyn std::fmt::Write| {
            let _ = to.write_str(&canvas.lines());
        };
        let template = ProgressStyle::with_template("{board}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner())
            .with_key("board", draw);
        let lines = ProgressBar::with_draw_target(None, target).with_style(template);
        Self {
            style,
            labels,
            board,
            size,
            lines,
        }
    }

    /// Writes a permanent line above the redrawn ones.
    fn write_line(&self, line: &str, tint: Option<Tint>) {
        let columns = (self.size)().map_or(self.style.width, |size| size.columns);
        let lines = wrap(line, columns.saturating_sub(1)).into_iter();
        let paint = |line: String| match tint {
            Some(tint) => self.style.paint(tint, &line),
            None => line,
        };
        let lines: Vec<String> = lines.map(paint).collect();
        self.lines.println(lines.join("\n"));
    }

    fn waits(&self, step: &Step, cause: WaitCause, wait: Duration) {
        if let Some(until) = Instant::now().checked_add(wait) {
            lock(&self.board).waits(step.id, cause, until);
        }
    }
}

/// The redrawn lines as they were last drawn.
struct Canvas {
    board: Arc<Mutex<Board>>,
    style: Style,
    size: ReadSize,
    drawn: Mutex<Option<(Instant, TerminalSize, String)>>,
}

impl Canvas {
    /// The current lines. When many steps end at once, each of which causes a redraw, the last lines are reused.
    fn lines(&self) -> String {
        let default = TerminalSize {
            columns: self.style.width,
            rows: 24,
        };
        let (size, now) = ((self.size)().unwrap_or(default), Instant::now());
        let mut drawn = lock(&self.drawn);
        if let Some((when, was, lines)) = drawn.as_ref()
            && *was == size
            && now.saturating_duration_since(*when) < TICK / 2
        {
            return lines.clone();
        }
        let lines = lock(&self.board).lines(now, size, &self.style).join("\n");
        *drawn = Some((now, size, lines.clone()));
        lines
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for LiveExecution {
    fn drop(&mut self) {
        self.lines.finish_and_clear();
    }
}

impl Observer for LiveExecution {
    fn event(&self, event: &Event<'_>) {
        match *event {
            Event::StepStarted { step } => self.started(step),
            Event::StepRetrying { step, reason, wait } => self.retrying(step, reason, wait),
            Event::StepPolling { step, status, wait } => self.polling(step, status, wait),
            Event::Stopping => self.stopping(),
            Event::StepFinished { step, outcome } => self.ended(step, outcome),
            _ => {}
        }
    }
}

impl LiveExecution {
    fn started(&self, step: &Step) {
        lock(&self.board).started(step.id, Instant::now());
    }

    fn stopping(&self) {
        lock(&self.board).stopping();
        self.write_line(STOPPING, None);
    }

    fn retrying(&self, step: &Step, why: &str, wait: Duration) {
        self.waits(step, WaitCause::Retry(why.to_owned()), wait);
    }

    fn polling(&self, step: &Step, status: &str, wait: Duration) {
        self.waits(step, WaitCause::Operation(status.to_owned()), wait);
    }

    fn ended(&self, step: &Step, outcome: &Outcome) {
        lock(&self.board).ended(step.id, outcome);
        let tint = match outcome {
            Outcome::Done { .. } => Tint::Green,
            Outcome::Failed(_) => Tint::Red,
            // Counted in the redrawn lines and listed in the report.
            Outcome::Blocked(_) | Outcome::NotStarted => return,
        };
        let line = self.labels.ended(step, outcome, None);
        self.write_line(&line, Some(tint));
    }
}

#[cfg(test)]
mod tests {
    use lazuli_core::plan::Action;

    use super::*;
    use crate::progress::testing::RecordingTerm;
    use crate::render::testing::{arm_error, plan_of, step};

    #[test]
    fn running_steps_are_redrawn_and_completed_steps_are_permanent() {
        let term = RecordingTerm::new(80);
        let new = |name: &str| step(Action::Create, name, "storageAccount", "stcameras");
        let plan = plan_of([new("recordings"), new("others"), new("blocked")]);
        let live = LiveExecution::new(
            &plan,
            Style::default(),
            ProgressDrawTarget::term_like(Box::new(term.clone())),
            || None,
        );
        live.started(&plan.steps[0]);
        live.polling(&plan.steps[0], "Creating", Duration::from_secs(3600));
        live.lines.force_draw();
        let done = Outcome::Done {
            took: Duration::from_secs(25),
            already_there: None,
        };
        live.ended(&plan.steps[0], &done);
        let failed = arm_error(409, "Conflict", "No.");
        live.ended(&plan.steps[1], &Outcome::Failed(failed.into()));
        live.ended(&plan.steps[2], &Outcome::Blocked(plan.steps[1].id));
        let text = term.take();
        for expected in [
            "0 of 3 done, 1 running, 2 waiting, 0s",
            "recordings: creating, 0s, in progress (Creating), next poll in 1h 0m 0s",
            "recordings: created storageAccount stcameras in 25s",
            "others: failed to create storageAccount stcameras: Conflict",
        ] {
            assert!(text.contains(expected), "{expected} is not in\n{text}");
        }
        assert!(!text.contains("blocked: not started"), "{text}");
    }
}
