//! The steps of a plan, in the order in which they can be executed.

use std::{
    collections::BTreeSet,
    ops::{Deref, DerefMut},
};

use super::{Action, Call};
use crate::{
    diff::Change,
    subject::Subject,
    value::{Output, Value},
};

/// The position of a step in its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StepId(pub usize);

/// One change to Azure.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its position.
    pub id: StepId,
    /// The resource that it acts on.
    pub subject: Subject,
    /// What happens.
    pub action: Action,
    /// Why, for a person.
    pub reason: String,
    /// The properties that change; for a creation all of them.
    pub changes: Vec<Change>,
    /// The request.
    pub call: Call,
    /// The outputs that other steps need.
    pub outputs: Vec<Output>,
    /// The steps that have to complete before.
    pub after: Vec<StepId>,
    /// Propagation delays for which a denied or failed request is sent again.
    pub retry_causes: Vec<RetryCause>,
}

/// A propagation delay: Azure denies or fails a correct request until it has caught up with an earlier change.
#[derive(Debug, Clone, PartialEq)]
pub enum RetryCause {
    /// The directory does not know the identity yet that this step creates.
    Principal(StepId),
    /// The custom role that this step creates is not known everywhere yet.
    Role(StepId),
    /// A recently created role assignment of this principal is not effective yet.
    Grant {
        /// The object id of the principal, or its unresolved output.
        principal: Value,
        /// When the role assignment was created.
        made: GrantTime,
    },
}

/// When a role assignment was created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantTime {
    /// By a step of this plan.
    Step(StepId),
    /// At this time (ISO 8601), before the plan.
    Before(String),
}

/// The steps of a plan. The id of a step is its position, and a step only depends on steps before it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Steps(Vec<Step>);

/// A step without its position.
pub(super) struct StepDraft {
    pub(super) subject: Subject,
    pub(super) action: Action,
    pub(super) reason: String,
    pub(super) changes: Vec<Change>,
    pub(super) call: Call,
    pub(super) after: Vec<StepId>,
    pub(super) retry_causes: Vec<RetryCause>,
}

impl StepDraft {
    /// A deletion.
    pub(super) fn deletion(
        subject: Subject,
        reason: String,
        call: Call,
        after: Vec<StepId>,
    ) -> Self {
        Self {
            subject,
            action: Action::Delete,
            reason,
            changes: Vec::new(),
            call,
            after,
            retry_causes: Vec::new(),
        }
    }
}

impl Steps {
    /// All steps, in their order.
    pub fn as_slice(&self) -> &[Step] {
        &self.0
    }

    /// Appends a step and returns its position.
    pub(super) fn push(&mut self, draft: StepDraft) -> StepId {
        let id = StepId(self.0.len());
        let StepDraft {
            subject,
            action,
            reason,
            changes,
            call,
            mut after,
            retry_causes,
        } = draft;
        after.sort();
        after.dedup();
        self.0.push(Step {
            id,
            subject,
            action,
            reason,
            changes,
            call,
            outputs: Vec::new(),
            after,
            retry_causes,
        });
        id
    }

    /// Moves steps before all others, in their order. They must not depend on steps that stay.
    pub(super) fn move_to_front(&mut self, moved: &BTreeSet<StepId>) {
        let rest = (0..self.0.len())
            .map(StepId)
            .filter(|id| !moved.contains(id));
        let order: Vec<StepId> = moved.iter().copied().chain(rest).collect();
        let mut positions = vec![StepId(0); order.len()];
        for (at, id) in order.iter().enumerate() {
            positions[id.0] = StepId(at);
        }
        self.0.sort_by_key(|step| positions[step.id.0]);
        for step in &mut self.0 {
            step.id = positions[step.id.0];
            step.after.iter_mut().for_each(|id| *id = positions[id.0]);
            step.after.sort();
            for cause in &mut step.retry_causes {
                match cause {
                    RetryCause::Principal(id)
                    | RetryCause::Role(id)
                    | RetryCause::Grant {
                        made: GrantTime::Step(id),
                        ..
                    } => *id = positions[id.0],
                    RetryCause::Grant {
                        made: GrantTime::Before(_),
                        ..
                    } => {}
                }
            }
        }
    }

    /// Sets the outputs of a step that other steps need.
    pub(super) fn set_outputs(&mut self, id: StepId, outputs: Vec<Output>) {
        self.0[id.0].outputs = outputs;
    }
}

impl Deref for Steps {
    type Target = [Step];

    fn deref(&self) -> &[Step] {
        &self.0
    }
}

impl DerefMut for Steps {
    fn deref_mut(&mut self) -> &mut [Step] {
        &mut self.0
    }
}

/// Numbers the steps by their position.
impl FromIterator<Step> for Steps {
    fn from_iter<I: IntoIterator<Item = Step>>(steps: I) -> Self {
        let mut all = Self::default();
        all.extend(steps);
        all
    }
}

/// Numbers the steps by their position.
impl Extend<Step> for Steps {
    fn extend<I: IntoIterator<Item = Step>>(&mut self, steps: I) {
        for step in steps {
            let id = StepId(self.0.len());
            self.0.push(Step { id, ..step });
        }
    }
}

impl IntoIterator for Steps {
    type Item = Step;
    type IntoIter = std::vec::IntoIter<Step>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Steps {
    type Item = &'a Step;
    type IntoIter = std::slice::Iter<'a, Step>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}
