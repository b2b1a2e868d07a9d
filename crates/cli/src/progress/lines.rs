//! Execution progress as lines.

use std::{
    collections::HashMap,
    io::Write,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use lazuli_core::plan::{Step, StepId};
use lazuli_engine::{Event, Observer, Outcome};

use super::labels::{STOPPING, StepLabels, WaitCause};
use crate::render::style::wrap;

/// Writes a line per change. A repeated wait for the same cause is written once.
pub(super) struct ExecutionLines<W> {
    labels: StepLabels,
    state: Mutex<LineWriter<W>>,
}

struct LineWriter<W> {
    to: W,
    width: Option<usize>,
    /// The cause that was last written for each step.
    causes: HashMap<StepId, WaitCause>,
    /// The names of steps that ended, which may block others.
    names: HashMap<StepId, String>,
}

impl<W: Write> ExecutionLines<W> {
    /// Wraps lines at a width, if set. Write errors are ignored: progress never fails a run.
    pub(super) fn new(to: W, labels: StepLabels, width: Option<usize>) -> Self {
        Self {
            labels,
            state: Mutex::new(LineWriter {
                to,
                width,
                causes: HashMap::new(),
                names: HashMap::new(),
            }),
        }
    }

    fn with(&self, act: impl FnOnce(&mut LineWriter<W>)) {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn waits(&self, step: &Step, cause: WaitCause, wait: Duration) {
        self.with(|state| {
            if state.causes.get(&step.id) != Some(&cause) {
                state.write(&self.labels.waiting(step, &cause, wait));
                state.causes.insert(step.id, cause);
            }
        });
    }
}

impl<W: Write> LineWriter<W> {
    fn write(&mut self, line: &str) {
        let lines = match self.width {
            Some(width) => wrap(line, width).join("\n"),
            None => line.to_owned(),
        };
        // In one call, so that other output does not split the line.
        let _ = self.to.write_all(format!("{lines}\n").as_bytes());
    }
}

impl<W: Write + Send> Observer for ExecutionLines<W> {
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

impl<W: Write> ExecutionLines<W> {
    fn started(&self, step: &Step) {
        self.with(|state| state.write(&format!("{} ...", self.labels.started(step))));
    }

    fn retrying(&self, step: &Step, why: &str, wait: Duration) {
        self.waits(step, WaitCause::Retry(why.to_owned()), wait);
    }

    fn polling(&self, step: &Step, status: &str, wait: Duration) {
        self.waits(step, WaitCause::Operation(status.to_owned()), wait);
    }

    fn stopping(&self) {
        self.with(|state| state.write(STOPPING));
    }

    fn ended(&self, step: &Step, outcome: &Outcome) {
        self.with(|state| {
            let blocker = match outcome {
                Outcome::Blocked(by) => state.names.get(by).cloned(),
                _ => None,
            };
            state.write(&self.labels.ended(step, outcome, blocker.as_deref()));
            state.causes.remove(&step.id);
            state.names.insert(step.id, self.labels.name(step));
        });
    }
}

#[cfg(test)]
mod tests {
    use lazuli_core::plan::{Action, Plan};
    use lazuli_engine::Failure;

    use super::*;
    use crate::render::testing::{arm_error, output, plan_of, role_assignment, step};

    const SECONDS: fn(u64) -> Duration = Duration::from_secs;

    fn cameras() -> Plan {
        plan_of([
            step(Action::Create, "recordings", "storageAccount", "stcameras"),
            step(Action::Delete, "old", "storageAccount", "stold"),
            role_assignment(Action::Create),
        ])
    }

    fn write_lines(act: impl FnOnce(&ExecutionLines<Vec<u8>>, &[Step])) -> String {
        let plan = cameras();
        let lines = ExecutionLines::new(Vec::new(), StepLabels::from_plan(&plan), None);
        act(&lines, &plan.steps);
        String::from_utf8(lines.state.into_inner().unwrap().to).unwrap()
    }

    #[test]
    fn waits_are_written_when_their_cause_changes() {
        let text = write_lines(|events, steps| {
            events.started(&steps[0]);
            events.started(&steps[1]);
            for _ in 0..50 {
                events.polling(&steps[0], "Creating", SECONDS(17));
                events.polling(&steps[1], "", SECONDS(1));
            }
            events.retrying(&steps[0], "TooManyRequests", SECONDS(75));
            events.polling(&steps[0], "Creating", SECONDS(17));
            events.ended(
                &steps[1],
                &Outcome::Done {
                    took: SECONDS(3),
                    already_there: None,
                },
            );
            events.ended(
                &steps[0],
                &Outcome::Done {
                    took: SECONDS(25),
                    already_there: None,
                },
            );
        });
        assert_eq!(
            text,
            "\
recordings: creating storageAccount stcameras ...
old: deleting storageAccount stold ...
recordings: in progress (Creating), next poll in 17s
old: in progress, next poll in 1s
recordings: TooManyRequests, retrying in 1m 15s
recordings: in progress (Creating), next poll in 17s
old: deleted storageAccount stold in 3s
recordings: created storageAccount stcameras in 25s
"
        );
    }

    #[test]
    fn failure_shows_its_code_and_the_steps_that_it_blocks() {
        let text = write_lines(|events, steps| {
            let failure = arm_error(403, "AuthorizationFailed", "No.");
            events.ended(&steps[0], &Outcome::Failed(failure.into()));
            events.ended(
                &steps[1],
                &Outcome::Failed(Failure::MissingOutput(output("analyzer.id").into())),
            );
            events.ended(&steps[2], &Outcome::Blocked(steps[0].id));
        });
        assert_eq!(
            text,
            "\
recordings: failed to create storageAccount stcameras: AuthorizationFailed
old: failed to delete storageAccount stold: Azure returned no value for `analyzer.id`
access/Reader: not started, depends on recordings, which did not complete
"
        );
    }

    #[test]
    fn control_characters_are_escaped() {
        let text = write_lines(|events, steps| {
            let wild = Step {
                subject: lazuli_core::subject::Subject {
                    title: "\u{1b}[2J\n".to_owned(),
                    ..steps[0].subject.clone()
                },
                ..steps[0].clone()
            };
            events.started(&wild);
            events.polling(&wild, "\u{7}\r\n", SECONDS(1));
            events.retrying(&wild, "\u{9b}", SECONDS(1));
        });
        assert_eq!(text.lines().count(), 3, "{text:?}");
        assert!(
            text.chars()
                .all(|character| character == '\n' || !character.is_control()),
            "{text:?}"
        );
    }
}
