//! Progress as plain lines, for logs.

use std::{
    collections::HashMap,
    io::Write,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use lazuli_core::plan::{Step, StepId};
use lazuli_engine::{Event, Observer, Outcome};

use super::words::{self, Why, Words};
use crate::render::style::wrap;

/// A line whenever something changes. Waits for the same reason are told once, however often Azure is asked.
pub(super) struct Lines<W> {
    words: Words,
    state: Mutex<State<W>>,
}

struct State<W> {
    to: W,
    width: Option<usize>,
    /// Why each step waits, as told last.
    told: HashMap<StepId, Why>,
    /// The names of steps that ended, to say what blocks others.
    names: HashMap<StepId, String>,
}

impl<W: Write> Lines<W> {
    /// Lines written to `to`, broken at a width where they are to fit into a terminal. What cannot be written is lost:
    /// progress never fails a run.
    pub(super) fn new(to: W, words: Words, width: Option<usize>) -> Self {
        Self {
            words,
            state: Mutex::new(State {
                to,
                width,
                told: HashMap::new(),
                names: HashMap::new(),
            }),
        }
    }

    fn with(&self, act: impl FnOnce(&mut State<W>)) {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn waits(&self, step: &Step, why: Why, wait: Duration) {
        self.with(|state| {
            if state.told.get(&step.id) != Some(&why) {
                state.say(&self.words.waiting(step, &why, wait));
                state.told.insert(step.id, why);
            }
        });
    }
}

impl<W: Write> State<W> {
    fn say(&mut self, line: &str) {
        let lines = match self.width {
            Some(width) => wrap(line, width).join("\n"),
            None => line.to_owned(),
        };
        // At once: in parts it could be torn by others.
        let _ = self.to.write_all(format!("{lines}\n").as_bytes());
    }
}

impl<W: Write + Send> Observer for Lines<W> {
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

impl<W: Write> Lines<W> {
    fn started(&self, step: &Step) {
        self.with(|state| state.say(&format!("{} ...", self.words.started(step))));
    }

    fn retrying(&self, step: &Step, why: &str, wait: Duration) {
        self.waits(step, Why::Refused(why.to_owned()), wait);
    }

    fn polling(&self, step: &Step, status: &str, wait: Duration) {
        self.waits(step, Why::Working(status.to_owned()), wait);
    }

    fn stopping(&self) {
        self.with(|state| state.say(words::STOPPING));
    }

    fn ended(&self, step: &Step, outcome: &Outcome) {
        self.with(|state| {
            let blocker = match outcome {
                Outcome::Blocked(by) => state.names.get(by).cloned(),
                _ => None,
            };
            state.say(&self.words.ended(step, outcome, blocker.as_deref()));
            state.told.remove(&step.id);
            state.names.insert(step.id, self.words.name(step));
        });
    }
}

#[cfg(test)]
mod tests {
    use lazuli_core::plan::{Action, Plan};
    use lazuli_engine::Failure;

    use super::*;
    use crate::render::testing::{arm_error, output, plan_of, step};

    const SECONDS: fn(u64) -> Duration = Duration::from_secs;

    fn cameras() -> Plan {
        plan_of([
            step(Action::Create, "recordings", "storageAccount", "stcameras"),
            step(Action::Delete, "old", "storageAccount", "stold"),
            step(
                Action::Create,
                "access/Reader",
                "roleAssignment",
                "Reader on stcameras",
            ),
        ])
    }

    fn told(act: impl FnOnce(&Lines<Vec<u8>>, &[Step])) -> String {
        let plan = cameras();
        let lines = Lines::new(Vec::new(), Words::of(&plan), None);
        act(&lines, &plan.steps);
        String::from_utf8(lines.state.into_inner().unwrap().to).unwrap()
    }

    #[test]
    fn waits_are_told_when_their_reason_changes() {
        let text = told(|events, steps| {
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
recordings: waiting: Azure is working (Creating), next look in 17s
old: waiting: Azure is working, next look in 1s
recordings: waiting: TooManyRequests, trying again in 1m 15s
recordings: waiting: Azure is working (Creating), next look in 17s
old: deleted storageAccount stold in 3s
recordings: created storageAccount stcameras in 25s
"
        );
    }

    #[test]
    fn a_failure_is_told_by_its_code_and_what_it_blocks() {
        let text = told(|events, steps| {
            let refused = arm_error(403, "AuthorizationFailed", "No.");
            events.ended(&steps[0], &Outcome::Failed(refused.into()));
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
access/Reader: not begun, it waits for recordings
"
        );
    }

    #[test]
    fn no_control_character_reaches_the_log() {
        let text = told(|events, steps| {
            let wild = Step {
                subject: "\u{1b}[2J\n".to_owned(),
                ..steps[0].clone()
            };
            events.started(&wild);
            events.polling(&wild, "\u{7}\r\n", SECONDS(1));
            events.retrying(&wild, "\u{9b}", SECONDS(1));
        });
        assert_eq!(text.lines().count(), 3, "{text:?}");
        assert!(
            text.chars()
                .all(|shown| shown == '\n' || !shown.is_control()),
            "{text:?}"
        );
    }
}
