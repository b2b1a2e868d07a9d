//! Management locks that block steps of a plan.

use std::collections::HashSet;

use super::{CallTarget, Method, Plan, Step, StepId};
use crate::{
    arm::ArmId,
    arm::types::MANAGEMENT_LOCK,
    graph::Graph,
    live::{Live, LiveLock, LockLevel},
    marker::TextMarker,
};

/// A lock that blocks steps of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Obstacle {
    /// The lock.
    pub lock: LiveLock,
    /// Its owner.
    pub owner: LockOwner,
    /// The steps that it blocks, in the order of the plan.
    pub blocks: Vec<StepId>,
}

/// The owner of a lock, by the ownership marker in its notes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockOwner {
    /// A stack of the graph.
    Own,
    /// Another stack.
    Stack(String),
    /// None: it has no ownership marker.
    Unmarked,
}

/// The locks that block steps of a plan, in the order of their ids.
///
/// - `ReadOnly` blocks every write and deletion at and below its scope, `CanNotDelete` every deletion there, including
///   those of role assignments.
/// - Both block the deletion of resources above their scope, which would delete the locked resource.
/// - A lock that the plan deletes does not block the steps that wait for its deletion.
///
/// A lock counts with its live level: a plan creates and changes locks last.
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

/// Locks do not lock each other (Microsoft docs "Lock your Azure resources": deleting a lock takes permissions only).
fn blocks(lock: &LiveLock, step: &Step) -> bool {
    if MANAGEMENT_LOCK.is(&step.subject.arm_type.name) {
        return false;
    }
    let target = step.call.target.place();
    let inherited = lock.scope.covers(target);
    match (&step.call.method, lock.level) {
        (Method::Delete(_) | Method::Replace(_), _) => inherited || target.covers(&lock.scope),
        (Method::Create(_) | Method::Update(_), LockLevel::ReadOnly) => inherited,
        (Method::Create(_) | Method::Update(_), LockLevel::CanNotDelete) => false,
    }
}

/// The deletion of the lock, and the steps that wait for it, directly or indirectly.
fn freed_by_deletion(plan: &Plan, lock: &LiveLock) -> HashSet<StepId> {
    let deletes = |step: &Step| {
        let is_on = |id: &ArmId| *id == lock.id;
        matches!(step.call.method, Method::Delete(_))
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
    let Some(marker) = lock.notes.as_deref().and_then(TextMarker::find) else {
        return LockOwner::Unmarked;
    };
    if graph
        .nodes()
        .any(|node| node.subject.key.stack == marker.stack)
    {
        LockOwner::Own
    } else {
        LockOwner::Stack(marker.stack)
    }
}

#[cfg(test)]
mod tests;
