//! The plan itself: steps and remarks.

use std::ops::Index;

use super::{Action, Remarks, Step, StepId, Steps};

/// The steps that make Azure match the spec, and remarks on it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// The steps, each after the steps that it depends on.
    pub steps: Steps,
    /// What the plan says in addition to its steps.
    pub remarks: Remarks,
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The number of steps with this action.
    pub fn count(&self, action: Action) -> usize {
        self.steps
            .iter()
            .filter(|step| step.action == action)
            .count()
    }
}

/// Finds a step by its id. Panics on an id of another plan.
impl Index<StepId> for Plan {
    type Output = Step;

    fn index(&self, id: StepId) -> &Step {
        &self.steps[id.0]
    }
}
