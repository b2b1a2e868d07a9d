//! Stacks of which a plan deletes most resources.

use std::{borrow::Cow, collections::BTreeSet};

use super::{CallTarget, MassDeletion, Method, Plan, orphans, ownership};
use crate::{
    arm::ArmId,
    graph::{Graph, StackScope},
    live::{Live, OwnedResource},
    marker::claim,
};

/// The stacks of which a plan deletes so much that only their name confirms it. Pruned and replaced resources count, and
/// those that go with them. `live` is the state before the plan.
pub(super) fn find(graph: &Graph, live: &Live, plan: &Plan) -> Vec<MassDeletion> {
    let deletions: Vec<(&str, &ArmId)> = plan
        .steps
        .iter()
        .filter_map(|step| match (&step.call.method, &step.call.target) {
            (Method::Delete(_) | Method::Replace(_), CallTarget::Id(id)) => {
                Some((&*step.subject.key.stack, id))
            }
            _ => None,
        })
        .collect();
    if deletions.is_empty() {
        return Vec::new();
    }
    let orphans = orphans::list_ids(graph, live);
    let is_own = |owned: &OwnedResource| match graph.node_by_id(&owned.id) {
        Some(node) => live
            .resource(&owned.id)
            .is_none_or(|body| ownership::is_own(graph, node, body)),
        None if owned.entry.is_some() => {
            let stack = graph.stack(&owned.stack);
            let found = claim(&stack, &owned.id, &owned.body, owned.marker_place());
            found.is_some_and(|claim| claim.is_own())
        }
        None => orphans.contains(&owned.id),
    };
    let of_stack = |scope: &StackScope| {
        let stack = &scope.stack.name;
        let owned = live.owned().filter(|owned| owned.stack == *stack);
        let owned: Vec<Cow<'_, OwnedResource>> = owned.filter(|owned| is_own(owned)).collect();
        let goes = |owned: &&Cow<'_, OwnedResource>| {
            deletions
                .iter()
                .any(|(_, deleted)| deleted.covers(&owned.id))
        };
        let going = owned.iter().filter(goes).count();
        let mut nodes = graph.nodes();
        let is_empty = !nodes.any(|node| node.subject.key.stack == *stack);
        let of_stack = deletions.iter().filter(|(owner, _)| owner == stack);
        let orphaned = of_stack.filter(|(_, id)| orphans.contains(id));
        let groups = orphaned.filter_map(|(_, id)| id.group());
        let unnamed: BTreeSet<ArmId> = groups
            .filter(|group| !scope.groups.contains(group))
            .collect();
        let is_mass = going * 2 > owned.len() || is_empty && going > 0;
        (is_mass || !unnamed.is_empty()).then(|| MassDeletion {
            stack: stack.clone(),
            going,
            owned: owned.len(),
            unnamed_groups: unnamed
                .iter()
                .map(|group| group.name().to_owned())
                .collect(),
        })
    };
    graph.stack_scopes().iter().filter_map(of_stack).collect()
}
