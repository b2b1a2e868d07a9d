//! Progress texts.

use std::time::Duration;

use lazuli_core::plan::{Action, Plan, Step};
use lazuli_engine::{Failure, Outcome};

use crate::render::{NodeNames, describe_step, report::format_duration, style::escape_control};

/// The texts about the steps of one plan.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct StepLabels {
    names: NodeNames,
}

/// Why a step waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum WaitCause {
    /// A long-running operation, with its status.
    Operation(String),
    /// A failed request that is retried, with the reason.
    Retry(String),
}

impl WaitCause {
    /// `in progress (Creating), next poll in 17s`
    pub(super) fn to_long(&self, left: Duration) -> String {
        let what = match self {
            Self::Operation(status) if status.is_empty() => "in progress".to_owned(),
            Self::Operation(status) => format!("in progress ({})", escape_control(status)),
            Self::Retry(reason) => escape_control(reason),
        };
        format!("{what}, {}", self.to_short(left))
    }

    /// `next poll in 17s`
    pub(super) fn to_short(&self, left: Duration) -> String {
        match self {
            _ if left.is_zero() => "waiting for a response".to_owned(),
            Self::Operation(_) => format!("next poll in {}", format_duration(left)),
            Self::Retry(_) => format!("retrying in {}", format_duration(left)),
        }
    }
}

/// The message about the first Ctrl-C.
pub(super) const STOPPING: &str =
    "Stopping when the steps in progress are finished. Press Ctrl-C again to stop immediately.";

impl StepLabels {
    pub(super) fn from_plan(plan: &Plan) -> Self {
        Self {
            names: NodeNames::from_plan(plan),
        }
    }

    /// `recordings`, `access/Reader`
    pub(super) fn name(self, step: &Step) -> String {
        self.names.name(&step.subject.key)
    }

    pub(super) fn progressive(action: Action) -> &'static str {
        match action {
            Action::Create => "creating",
            Action::Adopt => "adopting",
            Action::Update => "updating",
            Action::Replace => "replacing",
            Action::Delete => "deleting",
            Action::Release => "releasing",
        }
    }

    /// `recordings: creating storageAccount stcameras`
    pub(super) fn started(self, step: &Step) -> String {
        format!(
            "{}: {} {}",
            self.name(step),
            Self::progressive(step.action),
            describe_step(step)
        )
    }

    /// `recordings: in progress (Creating), next poll in 17s`
    pub(super) fn waiting(self, step: &Step, cause: &WaitCause, wait: Duration) -> String {
        format!("{}: {}", self.name(step), cause.to_long(wait))
    }

    /// The outcome of a step; `blocker` is the name of the step that blocked it.
    pub(super) fn ended(self, step: &Step, outcome: &Outcome, blocker: Option<&str>) -> String {
        let (name, object) = (self.name(step), describe_step(step));
        match outcome {
            Outcome::Done {
                already_there: Some(id),
                ..
            } => format!(
                "{name}: already exists as {}",
                escape_control(&id.to_string())
            ),
            Outcome::Done { took, .. } => {
                let done = step.action.done();
                format!("{name}: {done} {object} in {}", format_duration(*took))
            }
            Outcome::Failed(failure) => format!(
                "{name}: failed to {} {object}: {}",
                step.action,
                summarize_failure(failure)
            ),
            Outcome::Blocked(_) => format!(
                "{name}: not started, depends on {}, which did not complete",
                blocker.unwrap_or("another step")
            ),
            Outcome::NotStarted => format!("{name}: not started"),
        }
    }
}

/// The ARM error code, or the first line of the message.
fn summarize_failure(failure: &Failure) -> String {
    let code = match failure {
        Failure::Arm(error) => error.code.clone(),
        Failure::MissingOutput(_)
        | Failure::NotOwned(_)
        | Failure::NotEmpty { .. }
        | Failure::Conflict(_)
        | Failure::Appeared(_) => None,
    };
    let text = code.unwrap_or_else(|| failure.to_string());
    escape_control(text.split('\n').next().unwrap_or(&text))
}
