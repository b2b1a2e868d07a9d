//! The result of executing a plan.

use std::time::Duration;

use lazuli_arm::ArmError;
use lazuli_core::{
    arm::ArmId,
    plan::{ContainedResource, OwnershipLoss, Plan, StepId, UpdateConflict},
    value::Output,
};

/// The outcome of every step of a plan.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// One outcome per step, in the order of the plan.
    pub outcomes: Vec<Outcome>,
    /// Whether the run was interrupted.
    pub stopped: bool,
    /// How long the run took.
    pub took: Duration,
}

/// The outcome of one step.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The step succeeded.
    Done {
        /// How long it took.
        took: Duration,
        /// The id of an equivalent role assignment that already existed and counts as this one.
        already_there: Option<ArmId>,
    },
    /// Azure rejected the step, or could not be reached.
    Failed(Failure),
    /// A step that this one depends on failed.
    Blocked(StepId),
    /// The run was interrupted before the step started.
    NotStarted,
}

/// Why a step failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    /// A request failed.
    #[error("{0}")]
    Arm(#[from] ArmError),
    /// Azure did not return a value that the step refers to.
    #[error("Azure returned no value for `{}`", .0.written)]
    MissingOutput(Box<Output>),
    /// The resource to delete does not belong to the stack any longer. Nothing was sent.
    #[error("not deleted: {0}")]
    NotOwned(OwnershipLoss),
    /// Something is in the resource to delete that the plan does not delete. Nothing was sent.
    #[error("not deleted: {id} contains what the plan does not delete: {}", list(.contents))]
    NotEmpty {
        /// The resource.
        id: ArmId,
        /// What is in or on it.
        contents: Vec<ContainedResource>,
    },
    /// The resource to change is not as it was when the plan was made. Nothing was sent.
    #[error("not changed: {0}")]
    Conflict(Box<UpdateConflict>),
    /// The resource to create exists now. Nothing was sent.
    #[error("not created: {0} exists now")]
    Appeared(ArmId),
}

fn list(contents: &[ContainedResource]) -> String {
    let names: Vec<String> = contents.iter().map(ToString::to_string).collect();
    names.join(", ")
}

impl Failure {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Arm(error) => error.hint(),
            Self::MissingOutput(output) => Some(format!(
                "check that `{}` has this property after it is created",
                output.of
            )),
            Self::NotOwned(_) => Some("run 'lazuli plan' to see who owns what now".to_owned()),
            Self::NotEmpty { .. } | Self::Conflict(_) | Self::Appeared(_) => {
                Some("run 'lazuli plan' to see what has changed".to_owned())
            }
        }
    }
}

impl Report {
    /// The report of a plan of which no step was started.
    pub fn unstarted(plan: &Plan) -> Self {
        Self {
            outcomes: vec![Outcome::NotStarted; plan.steps.len()],
            ..Self::default()
        }
    }

    /// Whether every step succeeded.
    pub fn is_complete(&self) -> bool {
        self.outcomes
            .iter()
            .all(|outcome| matches!(outcome, Outcome::Done { .. }))
    }

    /// The number of steps that succeeded.
    pub fn done(&self) -> usize {
        self.outcomes
            .iter()
            .filter(|outcome| matches!(outcome, Outcome::Done { .. }))
            .count()
    }

    /// The steps that failed.
    pub fn failures(&self) -> impl Iterator<Item = (StepId, &Failure)> {
        self.outcomes
            .iter()
            .enumerate()
            .filter_map(|(at, outcome)| match outcome {
                Outcome::Failed(failure) => Some((StepId(at), failure)),
                _ => None,
            })
    }

    /// The steps that were not started, each with the failed step that blocks it.
    pub fn not_started(&self) -> impl Iterator<Item = (StepId, Option<StepId>)> {
        self.outcomes
            .iter()
            .enumerate()
            .filter_map(|(at, outcome)| match outcome {
                Outcome::Blocked(by) => Some((StepId(at), Some(*by))),
                Outcome::NotStarted => Some((StepId(at), None)),
                _ => None,
            })
    }
}
