//! Progress as log events.

use std::time::Duration;

use lazuli_core::{graph::NodeKey, plan::Step};
use lazuli_engine::{Event, Failure, Observer, Outcome};

use super::labels::{STOPPING, StepLabels};
use crate::terminal::PROGRESS;

/// Emits an event when a step starts, waits or ends, and when a resource is in transition.
pub(super) struct ProgressLog {
    pub(super) labels: StepLabels,
}

impl Observer for ProgressLog {
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

impl ProgressLog {
    fn started(&self, step: &Step) {
        let (name, action) = (self.labels.name(step), step.action);
        tracing::info!(target: PROGRESS, step = name, %action, "started");
    }

    fn retrying(&self, step: &Step, why: &str, wait: Duration) {
        let (name, wait_s) = (self.labels.name(step), wait.as_secs_f64());
        tracing::info!(target: PROGRESS, step = name, why, wait_s, "retrying");
    }

    fn polling(&self, step: &Step, status: &str, wait: Duration) {
        let (name, wait_s) = (self.labels.name(step), wait.as_secs_f64());
        tracing::info!(target: PROGRESS, step = name, status, wait_s, "in progress");
    }

    fn stopping(&self) {
        tracing::warn!(target: PROGRESS, "{STOPPING}");
    }

    fn ended(&self, step: &Step, outcome: &Outcome) {
        let (name, action) = (self.labels.name(step), step.action);
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
            Outcome::Blocked(_) | Outcome::NotStarted => {
                tracing::warn!(target: PROGRESS, step = name, %action, "not started");
            }
        }
    }
}

impl ProgressLog {
    fn waiting(&self, key: &NodeKey, state: &str, so_far: Duration) {
        let so_far_s = so_far.as_secs_f64();
        tracing::info!(target: PROGRESS, resource = %key, state, so_far_s, "waiting for a stable state");
    }

    fn settled(&self, key: &NodeKey, state: Option<&str>, took: Duration) {
        let took_s = took.as_secs_f64();
        tracing::info!(target: PROGRESS, resource = %key, state, took_s, "state is stable");
    }
}
