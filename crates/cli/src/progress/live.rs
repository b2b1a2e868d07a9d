//! Progress on a terminal: a moving line for each running step, a lasting one for each that ended.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use lazuli_core::plan::{Step, StepId};
use lazuli_engine::{Events, Outcome};

use super::words::{self, Why};
use crate::render::style::{Style, Tint};

/// How often the moving lines are drawn.
const TICK: Duration = Duration::from_millis(120);

/// Moving lines. Times in them are those of the wall clock; the lasting ones tell how long the step itself took.
pub(super) struct Live {
    style: Style,
    lines: MultiProgress,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: HashMap<StepId, Running>,
    /// The names of steps that ended, to say what blocks others.
    names: HashMap<StepId, String>,
}

struct Running {
    bar: ProgressBar,
    wait: Arc<Mutex<Option<Wait>>>,
}

/// A wait that is counted down.
struct Wait {
    why: Why,
    until: Instant,
}

impl Live {
    pub(super) fn on_stderr(style: Style) -> Self {
        Self::new(style, ProgressDrawTarget::stderr())
    }

    fn new(style: Style, target: ProgressDrawTarget) -> Self {
        Self {
            style,
            lines: MultiProgress::with_draw_target(target),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }

    fn waits(&self, step: &Step, why: Why, wait: Duration) {
        if let Some(running) = self.state().running.get(&step.id) {
            let until = Instant::now().checked_add(wait);
            *locked(&running.wait) = until.map(|until| Wait { why, until });
        }
    }

    /// The look of the line of a step: `⠹ recordings: creating storageAccount stcameras, 12s, waiting: ...`
    fn look(&self, step: &Step, wait: &Arc<Mutex<Option<Wait>>>) -> ProgressStyle {
        let (style, wait, doing) = (self.style.clone(), Arc::clone(wait), words::started(step));
        let line = move |bar: &ProgressState, line: &mut dyn std::fmt::Write| {
            let text = running(
                &doing,
                bar.elapsed(),
                locked(&wait).as_ref(),
                Instant::now(),
            );
            let _ = line.write_str(&style.fit(&text, style.width.saturating_sub(3)));
        };
        let ticks = if self.style.ascii {
            "|/-\\ "
        } else {
            "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "
        };
        ProgressStyle::with_template("{spinner} {line}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner())
            .with_key("line", line)
            .tick_chars(ticks)
    }
}

/// What a moving line says.
fn running(doing: &str, elapsed: Duration, wait: Option<&Wait>, now: Instant) -> String {
    let mut text = format!("{doing}, {}s", elapsed.as_secs());
    if let Some(wait) = wait {
        let left = wait.until.saturating_duration_since(now);
        let left = if left.is_zero() {
            left
        } else {
            Duration::from_secs(left.as_secs() + 1)
        };
        text.push_str(", ");
        text.push_str(&match left.is_zero() {
            true => "waiting for an answer".to_owned(),
            false => words::waiting(&wait.why, left),
        });
    }
    text
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Events for Live {
    fn started(&self, step: &Step) {
        let wait = Arc::default();
        let bar = ProgressBar::new_spinner().with_style(self.look(step, &wait));
        let bar = self.lines.add(bar);
        bar.enable_steady_tick(TICK);
        self.state().running.insert(step.id, Running { bar, wait });
    }

    fn stopping(&self) {
        let _ = self.lines.println(words::STOPPING);
    }

    fn retrying(&self, step: &Step, why: &str, wait: Duration) {
        self.waits(step, Why::Refused(why.to_owned()), wait);
    }

    fn polling(&self, step: &Step, status: &str, wait: Duration) {
        self.waits(step, Why::Working(status.to_owned()), wait);
    }

    fn ended(&self, step: &Step, outcome: &Outcome) {
        let mut state = self.state();
        let blocker = match outcome {
            Outcome::Blocked(by) => state.names.get(by).map(String::as_str),
            _ => None,
        };
        let tint = match outcome {
            Outcome::Done { .. } => Tint::Green,
            Outcome::Failed(_) => Tint::Red,
            Outcome::Blocked(_) | Outcome::NotBegun => Tint::Faint,
        };
        let line = self
            .style
            .paint(tint, &words::ended(step, outcome, blocker));
        if let Some(running) = state.running.remove(&step.id) {
            running.bar.finish_and_clear();
            self.lines.remove(&running.bar);
        }
        state.names.insert(step.id, words::name(step));
        let _ = self.lines.println(line);
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use indicatif::TermLike;
    use lazuli_core::plan::Action;

    use super::*;
    use crate::render::testing::{plan_of, step};

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
    fn a_running_step_moves_and_an_ended_one_stays() {
        let paper = Paper::default();
        let live = Live::new(
            Style::default(),
            ProgressDrawTarget::term_like(Box::new(paper.clone())),
        );
        let plan = plan_of([step(
            Action::Create,
            "recordings",
            "storageAccount",
            "stcameras",
        )]);
        live.started(&plan.steps[0]);
        live.polling(&plan.steps[0], "Creating", Duration::from_secs(3600));
        live.state()
            .running
            .values()
            .for_each(|running| running.bar.force_draw());
        live.ended(
            &plan.steps[0],
            &Outcome::Done {
                took: Duration::from_secs(25),
                already_there: None,
            },
        );
        let text = paper.0.lock().unwrap().clone();
        assert!(
            text.contains("recordings: creating storageAccount stcameras, "),
            "{text}"
        );
        assert!(
            text.contains("recordings: created storageAccount stcameras in 25s"),
            "{text}"
        );
        assert!(live.state().running.is_empty());
    }

    #[test]
    fn a_wait_is_counted_down() {
        let now = Instant::now();
        let wait = Wait {
            why: Why::Working("Creating".to_owned()),
            until: now + Duration::from_millis(16_200),
        };
        let at = |after: u64| {
            let now = now + Duration::from_secs(after);
            running(
                "a: creating b",
                Duration::from_secs(after),
                Some(&wait),
                now,
            )
        };
        assert_eq!(
            at(0),
            "a: creating b, 0s, waiting: Azure is working (Creating), next look in 17s"
        );
        assert_eq!(
            at(10),
            "a: creating b, 10s, waiting: Azure is working (Creating), next look in 7s"
        );
        assert_eq!(at(20), "a: creating b, 20s, waiting for an answer");
        assert_eq!(
            running("a: creating b", Duration::ZERO, None, now),
            "a: creating b, 0s"
        );
    }
}
