//! Progress on a terminal: lines that move for what runs and waits, a lasting one for each step that ended.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use lazuli_core::plan::{Plan, Step};
use lazuli_engine::{Event, Observer, Outcome};

use super::{
    board::{Board, Room},
    screen,
    words::{self, Why, Words},
};
use crate::render::style::{Style, Tint, wrap};

/// How often the moving lines are drawn.
pub(super) const TICK: Duration = Duration::from_millis(120);

/// Where the moving lines are drawn, asked anew each time: terminals are resized.
type Size = fn() -> Option<Room>;

/// Moving lines. Times in them are those of the wall clock; the lasting ones tell how long the step itself took.
pub(super) struct Live {
    style: Style,
    words: Words,
    board: Arc<Mutex<Board>>,
    size: Size,
    lines: ProgressBar,
}

impl Live {
    pub(super) fn on_stderr(plan: &Plan, style: Style) -> Self {
        let size = || {
            let (rows, columns) = console::Term::stderr().size_checked()?;
            Some(Room {
                columns: columns.into(),
                rows: rows.into(),
            })
        };
        let live = Self::new(plan, style, screen::stderr(), size);
        live.lines.enable_steady_tick(TICK);
        live
    }

    fn new(plan: &Plan, style: Style, target: ProgressDrawTarget, size: Size) -> Self {
        let words = Words::of(plan);
        let board = Arc::new(Mutex::new(Board::new(plan, words, Instant::now())));
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
        let look = ProgressStyle::with_template("{board}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner())
            .with_key("board", draw);
        let lines = ProgressBar::with_draw_target(None, target).with_style(look);
        Self {
            style,
            words,
            board,
            size,
            lines,
        }
    }

    /// Says above the moving lines what stays.
    fn say(&self, line: &str, tint: Option<Tint>) {
        let columns = (self.size)().map_or(self.style.width, |room| room.columns);
        let lines = wrap(line, columns.saturating_sub(1)).into_iter();
        let paint = |line: String| match tint {
            Some(tint) => self.style.paint(tint, &line),
            None => line,
        };
        let lines: Vec<String> = lines.map(paint).collect();
        self.lines.println(lines.join("\n"));
    }

    fn waits(&self, step: &Step, why: Why, wait: Duration) {
        if let Some(until) = Instant::now().checked_add(wait) {
            locked(&self.board).waits(step.id, why, until);
        }
    }
}

/// The moving lines as they were drawn last.
struct Canvas {
    board: Arc<Mutex<Board>>,
    style: Style,
    size: Size,
    drawn: Mutex<Option<(Instant, Room, String)>>,
}

impl Canvas {
    /// The lines; those of just before where many steps end at once, for each of which they are drawn.
    fn lines(&self) -> String {
        let usual = Room {
            columns: self.style.width,
            rows: 24,
        };
        let (room, now) = ((self.size)().unwrap_or(usual), Instant::now());
        let mut drawn = locked(&self.drawn);
        if let Some((when, was, lines)) = drawn.as_ref()
            && *was == room
            && now.saturating_duration_since(*when) < TICK / 2
        {
            return lines.clone();
        }
        let lines = locked(&self.board).lines(now, room, &self.style).join("\n");
        *drawn = Some((now, room, lines.clone()));
        lines
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Live {
    fn drop(&mut self) {
        self.lines.finish_and_clear();
    }
}

impl Observer for Live {
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

impl Live {
    fn started(&self, step: &Step) {
        locked(&self.board).started(step.id, Instant::now());
    }

    fn stopping(&self) {
        locked(&self.board).stopping();
        self.say(words::STOPPING, None);
    }

    fn retrying(&self, step: &Step, why: &str, wait: Duration) {
        self.waits(step, Why::Refused(why.to_owned()), wait);
    }

    fn polling(&self, step: &Step, status: &str, wait: Duration) {
        self.waits(step, Why::Working(status.to_owned()), wait);
    }

    fn ended(&self, step: &Step, outcome: &Outcome) {
        locked(&self.board).ended(step.id, outcome);
        let tint = match outcome {
            Outcome::Done { .. } => Tint::Green,
            Outcome::Failed(_) => Tint::Red,
            // Counted while it goes, and listed in the report.
            Outcome::Blocked(_) | Outcome::NotBegun => return,
        };
        let line = self.words.ended(step, outcome, None);
        self.say(&line, Some(tint));
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use indicatif::TermLike;
    use lazuli_core::plan::Action;

    use super::*;
    use crate::render::testing::{arm_error, plan_of, step};

    /// Keeps everything that is written to it.
    #[derive(Debug, Clone, Default)]
    struct Paper(Arc<Mutex<String>>);

    impl TermLike for Paper {
        fn width(&self) -> u16 {
            80
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(&format!("{text}\n"))
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_runs_moves_and_what_ended_stays() {
        let paper = Paper::default();
        let new = |name: &str| step(Action::Create, name, "storageAccount", "stcameras");
        let plan = plan_of([new("recordings"), new("others"), new("blocked")]);
        let live = Live::new(
            &plan,
            Style::default(),
            ProgressDrawTarget::term_like(Box::new(paper.clone())),
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
        let text = paper.0.lock().unwrap().clone();
        for said in [
            "0 of 3 done, 1 running, 2 waiting, 0s",
            "recordings: creating, 0s, Azure is working (Creating), next look in 1h 0m 0s",
            "recordings: created storageAccount stcameras in 25s",
            "others: failed to create storageAccount stcameras: Conflict",
        ] {
            assert!(text.contains(said), "{said} is not in\n{text}");
        }
        assert!(!text.contains("blocked: not begun"), "{text}");
    }
}
