//! The words of progress: what happens to what.

use std::time::Duration;

use lazuli_core::plan::{Action, Step};
use lazuli_engine::{Failure, Outcome};

use crate::render::{object, report::duration, style::clean};

/// How a step is called: `recordings`, `access/Reader`.
pub(super) fn name(step: &Step) -> String {
    clean(&step.key.to_string())
}

/// `recordings: creating storageAccount stcameras`
pub(super) fn started(step: &Step) -> String {
    let doing = match step.action {
        Action::Create => "creating",
        Action::Adopt => "adopting",
        Action::Update => "updating",
        Action::Replace => "replacing",
        Action::Delete => "deleting",
        Action::Release => "releasing",
    };
    format!("{}: {doing} {}", name(step), object(step))
}

/// Why a step waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why {
    /// Azure is working; its word for how far it is.
    Working(String),
    /// It was refused, and is tried again.
    Refused(String),
}

/// `waiting: Azure is working (Creating), next look in 17s`
pub(super) fn waiting(why: &Why, wait: Duration) -> String {
    let wait = duration(wait);
    match why {
        Why::Working(status) if status.is_empty() => {
            format!("waiting: Azure is working, next look in {wait}")
        }
        Why::Working(status) => format!(
            "waiting: Azure is working ({}), next look in {wait}",
            clean(status)
        ),
        Why::Refused(reason) => format!("waiting: {}, trying again in {wait}", clean(reason)),
    }
}

/// What the first Ctrl-C does.
pub(super) const STOPPING: &str =
    "Stopping: what is in flight is finished first. Press Ctrl-C again to stop at once.";

/// How a step ended; `blocker` is the name of the step that blocked it.
pub(super) fn ended(step: &Step, outcome: &Outcome, blocker: Option<&str>) -> String {
    let (name, object) = (name(step), object(step));
    match outcome {
        Outcome::Done {
            already_there: Some(id),
            ..
        } => format!("{name}: was there already, as {}", clean(&id.to_string())),
        Outcome::Done { took, .. } => {
            let done = match step.action {
                Action::Create => "created",
                Action::Adopt => "adopted",
                Action::Update => "updated",
                Action::Replace => "replaced",
                Action::Delete => "deleted",
                Action::Release => "released",
            };
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
