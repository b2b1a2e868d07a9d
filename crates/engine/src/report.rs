//! What became of a plan.

use std::time::Duration;

use lazuli_arm::ArmError;
use lazuli_core::{arm::ArmId, plan::StepId, value::Output};

/// What became of each step, in the order of the plan.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The outcomes; as many as the plan has steps.
    pub outcomes: Vec<Outcome>,
    /// Whether the run was asked to stop.
    pub stopped: bool,
}

/// What became of one step.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It is done.
    Done {
        /// How long it took.
        took: Duration,
        /// The grant that somebody else made first, and that counts as this one.
        already_there: Option<ArmId>,
    },
    /// Azure refused it, or could not be reached.
    Failed(Failure),
    /// It waits for a step that failed.
    Blocked(StepId),
    /// The run was stopped before.
    NotBegun,
}

/// Why a step failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    /// Azure's own answer.
    #[error("{0}")]
    Arm(#[from] ArmError),
    /// Azure did not fill in what another resource refers to.
    #[error("Azure filled in no `{}`", .0.written)]
    MissingOutput(Box<Output>),
}

impl Failure {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Arm(error) => error.hint(),
            Self::MissingOutput(output) => Some(format!(
                "check that `{}` has this property once it is made",
                output.of
            )),
        }
    }
}

impl Report {
    /// Whether every step is done.
    pub fn is_complete(&self) -> bool {
        self.outcomes
            .iter()
            .all(|outcome| matches!(outcome, Outcome::Done { .. }))
    }

    /// How many steps are done.
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

    /// The steps that were not begun.
    pub fn not_begun(&self) -> impl Iterator<Item = (StepId, Option<StepId>)> {
        self.outcomes
            .iter()
            .enumerate()
            .filter_map(|(at, outcome)| match outcome {
                Outcome::Blocked(by) => Some((StepId(at), Some(*by))),
                Outcome::NotBegun => Some((StepId(at), None)),
                _ => None,
            })
    }
}
