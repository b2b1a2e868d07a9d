//! What management locks will keep a plan from doing.

use std::collections::HashSet;

use super::{CallTarget, Method, Plan, Step, StepId};
use crate::{
    arm::ArmId,
    graph::Graph,
    live::{Live, LiveLock, LockLevel},
    mark::TextMark,
};

/// The type of locks. They are not under each other's protection (Microsoft docs "Lock your Azure resources": who may
/// delete a lock is a matter of rights alone).
const LOCKS: &str = "Microsoft.Authorization/locks";

/// A lock that is in the way of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Obstacle {
    /// The lock.
    pub lock: LiveLock,
    /// Whose it is.
    pub owner: LockOwner,
    /// The steps that Azure will refuse because of it, in the order of the plan.
    pub blocks: Vec<StepId>,
}

/// Whose a lock is, by the mark in its notes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockOwner {
    /// Of a stack that is planned here.
    Own,
    /// Of another stack.
    Stack(String),
    /// Of somebody else.
    Unmarked,
}

/// The locks that will block steps of a plan, in the order of their ids.
///
/// - `ReadOnly` blocks every write and deletion at and below its scope, `CanNotDelete` every deletion there; of role
///   assignments too, which are below what they are on.
/// - Either blocks the deletion of what is above its scope, for it takes along what is locked.
/// - A lock that the plan itself deletes is not in the way of what waits for that.
///
/// A lock counts with the level that it has now: a plan puts on and changes locks last.
pub fn obstacles(plan: &Plan, graph: &Graph, live: &Live) -> Vec<Obstacle> {
    let mut obstacles: Vec<Obstacle> = live
        .locks()
        .iter()
        .filter_map(|lock| {
            let freed = freed_by_deletion(plan, lock);
            let blocks: Vec<StepId> = plan
                .steps
                .iter()
                .filter(|step| !freed.contains(&step.id) && blocks(lock, step))
                .map(|step| step.id)
                .collect();
            (!blocks.is_empty()).then(|| Obstacle {
                lock: lock.clone(),
                owner: owner(lock, graph),
                blocks,
            })
        })
        .collect();
    obstacles.sort_by(|left, right| left.lock.id.cmp(&right.lock.id));
    obstacles
}

fn blocks(lock: &LiveLock, step: &Step) -> bool {
    if step.subject.arm_type.name.eq_ignore_ascii_case(LOCKS) {
        return false;
    }
    let target = step.call.target.place();
    let inherited = lock.scope.covers(target);
    match (step.call.method, lock.level) {
        (Method::Delete | Method::Replace, _) => inherited || target.covers(&lock.scope),
        (Method::Put | Method::Patch, LockLevel::ReadOnly) => inherited,
        (Method::Put | Method::Patch, LockLevel::CanNotDelete) => false,
    }
}

/// The deletion of the lock, and the steps that wait for it, directly or not.
fn freed_by_deletion(plan: &Plan, lock: &LiveLock) -> HashSet<StepId> {
    let deletes = |step: &Step| {
        let is_on = |id: &ArmId| *id == lock.id;
        step.call.method == Method::Delete
            && matches!(&step.call.target, CallTarget::Id(id) if is_on(id))
    };
    let mut freed = HashSet::new();
    for step in &plan.steps {
        if deletes(step) || step.after.iter().any(|before| freed.contains(before)) {
            freed.insert(step.id);
        }
    }
    freed
}

fn owner(lock: &LiveLock, graph: &Graph) -> LockOwner {
    let Some(mark) = lock.notes.as_deref().and_then(TextMark::find) else {
        return LockOwner::Unmarked;
    };
    if graph
        .nodes()
        .any(|node| node.subject.key.stack == mark.stack)
    {
        LockOwner::Own
    } else {
        LockOwner::Stack(mark.stack)
    }
}

#[cfg(test)]
mod tests;
