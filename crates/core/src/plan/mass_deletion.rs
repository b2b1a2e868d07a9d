//! Stacks of which a plan deletes most resources.

use super::{CallTarget, MassDeletion, Method, Plan};
use crate::{
    arm::ArmId,
    graph::{Graph, StackScope},
    live::Live,
};

/// The stacks that lose most of their resources: pruned and replaced ones, and those that go with them. `live` is the
/// state before the plan.
pub(super) fn find(graph: &Graph, live: &Live, plan: &Plan) -> Vec<MassDeletion> {
    let deleted = plan.steps.iter().filter_map(|step| {
        let is_deletion = matches!(step.call.method, Method::Delete(_) | Method::Replace(_));
        match &step.call.target {
            CallTarget::Id(id) if is_deletion => Some(id),
            _ => None,
        }
    });
    let deleted: Vec<&ArmId> = deleted.collect();
    let of_stack = |scope: &StackScope| {
        let owned = live.owned().filter(|owned| owned.stack == scope.stack.name);
        let owned: Vec<ArmId> = owned.map(|owned| owned.id.clone()).collect();
        let goes = |id: &&ArmId| deleted.iter().any(|deleted| deleted.covers(id));
        let going = owned.iter().filter(goes).count();
        let mut nodes = graph.nodes();
        let is_empty = !nodes.any(|node| node.subject.key.stack == scope.stack.name);
        (going * 2 > owned.len() || is_empty && going > 0).then(|| MassDeletion {
            stack: scope.stack.name.clone(),
            going,
            owned: owned.len(),
        })
    };
    graph.stack_scopes().iter().filter_map(of_stack).collect()
}
