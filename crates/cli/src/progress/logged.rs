//! Progress as events of the log, for programs.

use std::time::Duration;

use lazuli_core::{graph::NodeKey, plan::Step};
use lazuli_engine::{Event, Failure, Observer, Outcome};

use super::words::{STOPPING, Words};
use crate::logs::PROGRESS;

/// An event for each step that begins, waits or ends.
pub(super) struct Logged {
    pub(super) words: Words,
}

impl Observer for Logged {
    fn event(&self, event: &Event<'_>) {
        match *event {
            Event::StepStarted { step } => self.started(step),
            Event::StepRetrying { step, reason, wait } => self.retrying(step, reason, wait),
            Event::StepPolling { step, status, wait } => self.polling(step, status, wait),
            Event::Stopping => self.stopping(),
            Event::StepFinished { step, outcome } => self.ended(step, outcome),
            Event::ResourceBusy { key, state, waited } => self.waiting(key, state, waited),
            Event::ResourceSettled { key, state, waited } => self.settled(key, state, waited),
            _ => {}
        }
    }
}

impl Logged {
    fn started(&self, step: &Step) {
        let (name, action) = (self.words.name(step), step.action);
        tracing::info!(target: PROGRESS, step = name, %action, "started");
    }

    fn retrying(&self, step: &Step, why: &str, wait: Duration) {
        let (name, wait_s) = (self.words.name(step), wait.as_secs_f64());
        tracing::info!(target: PROGRESS, step = name, why, wait_s, "refused for now");
    }

    fn polling(&self, step: &Step, status: &str, wait: Duration) {
        let (name, wait_s) = (self.words.name(step), wait.as_secs_f64());
        tracing::info!(target: PROGRESS, step = name, status, wait_s, "Azure is working");
    }

    fn stopping(&self) {
        tracing::warn!(target: PROGRESS, "{STOPPING}");
    }

    fn ended(&self, step: &Step, outcome: &Outcome) {
        let (name, action) = (self.words.name(step), step.action);
        match outcome {
            Outcome::Done { took, .. } => {
                let took_s = took.as_secs_f64();
                tracing::info!(target: PROGRESS, step = name, %action, took_s, "done");
            }
            Outcome::Failed(Failure::Arm(error)) => tracing::error!(
                target: PROGRESS,
                step = name,
                %action,
                code = error.code,
                status = error.status,
                correlation_id = error.correlation_id,
                request_id = error.request_id,
                reason = error.message,
                "failed"
            ),
            Outcome::Failed(why) => {
                tracing::error!(target: PROGRESS, step = name, %action, reason = %why, "failed");
            }
            Outcome::Blocked(_) | Outcome::NotBegun => {
                tracing::warn!(target: PROGRESS, step = name, %action, "not begun");
            }
        }
    }
}

impl Logged {
    fn waiting(&self, key: &NodeKey, state: &str, so_far: Duration) {
        let so_far_s = so_far.as_secs_f64();
        tracing::info!(target: PROGRESS, resource = %key, state, so_far_s, "Azure is not done with it");
    }

    fn settled(&self, key: &NodeKey, state: Option<&str>, took: Duration) {
        let took_s = took.as_secs_f64();
        tracing::info!(target: PROGRESS, resource = %key, state, took_s, "Azure is done with it");
    }
}
