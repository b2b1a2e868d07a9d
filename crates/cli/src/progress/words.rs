//! The words of progress: what happens to what.

use std::time::Duration;

use lazuli_core::plan::{Action, Plan, Step};
use lazuli_engine::{Failure, Outcome};

use crate::render::{Names, object, report::duration, style::clean};

/// The words for the steps of one plan.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Words {
    names: Names,
}

/// Why a step waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why {
    /// Azure is working; its word for how far it is.
    Working(String),
    /// It was refused, and is tried again.
    Refused(String),
}

impl Why {
    /// `Azure is working (Creating), next look in 17s`
    pub(super) fn long(&self, left: Duration) -> String {
        let what = match self {
            Self::Working(status) if status.is_empty() => "Azure is working".to_owned(),
            Self::Working(status) => format!("Azure is working ({})", clean(status)),
            Self::Refused(reason) => clean(reason),
        };
        format!("{what}, {}", self.short(left))
    }

    /// `next look in 17s`
    pub(super) fn short(&self, left: Duration) -> String {
        match self {
            _ if left.is_zero() => "waiting for an answer".to_owned(),
            Self::Working(_) => format!("next look in {}", duration(left)),
            Self::Refused(_) => format!("trying again in {}", duration(left)),
        }
    }
}

/// What the first Ctrl-C does.
pub(super) const STOPPING: &str =
    "Stopping: what is in flight is finished first. Press Ctrl-C again to stop at once.";

impl Words {
    pub(super) fn of(plan: &Plan) -> Self {
        Self {
            names: Names::of_plan(plan),
        }
    }

    /// How a step is called: `recordings`, `access/Reader`.
    pub(super) fn name(self, step: &Step) -> String {
        self.names.name(&step.subject.key)
    }

    pub(super) fn doing(action: Action) -> &'static str {
        match action {
            Action::Create => "creating",
            Action::Adopt => "adopting",
            Action::Update => "updating",
            Action::Replace => "replacing",
            Action::Delete => "deleting",
            Action::Release => "releasing",
        }
    }

    pub(super) fn object(step: &Step) -> String {
        object(step)
    }

    /// `recordings: creating storageAccount stcameras`
    pub(super) fn started(self, step: &Step) -> String {
        format!(
            "{}: {} {}",
            self.name(step),
            Self::doing(step.action),
            object(step)
        )
    }

    /// `recordings: waiting: Azure is working (Creating), next look in 17s`
    pub(super) fn waiting(self, step: &Step, why: &Why, wait: Duration) -> String {
        format!("{}: waiting: {}", self.name(step), why.long(wait))
    }

    /// How a step ended; `blocker` is the name of the step that blocked it.
    pub(super) fn ended(self, step: &Step, outcome: &Outcome, blocker: Option<&str>) -> String {
        let (name, object) = (self.name(step), object(step));
        match outcome {
            Outcome::Done {
                already_there: Some(id),
                ..
            } => format!("{name}: was there already, as {}", clean(&id.to_string())),
            Outcome::Done { took, .. } => {
                let done = step.action.done();
                format!("{name}: {done} {object} in {}", duration(*took))
            }
            Outcome::Failed(failure) => format!(
                "{name}: failed to {} {object}: {}",
                step.action,
                cause(failure)
            ),
            Outcome::Blocked(_) => format!(
                "{name}: not begun, it waits for {}",
                blocker.unwrap_or("a step that failed")
            ),
            Outcome::NotBegun => format!("{name}: not begun"),
        }
    }
}

/// ARM's code, or the first line of what else is known.
fn cause(failure: &Failure) -> String {
    let code = match failure {
        Failure::Arm(error) => error.code.clone(),
        Failure::MissingOutput(_) => None,
    };
    clean(&code.unwrap_or_else(|| {
        failure
            .to_string()
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned()
    }))
}
