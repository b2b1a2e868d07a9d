//! Planning the deletion of a spec: no node is wanted, and dependents go before their dependencies. Only resources with
//! the ownership marker of the stack are deleted.

use std::collections::{HashMap, HashSet};

use super::{
    Call, Deletion, KeptResource, OwnershipGuard, Plan, StepId, grants::ReplacedPrincipals, inside,
    orphans, ownership, step::StepDraft,
};
use crate::{
    arm::ArmId,
    child_types::ChildTypes,
    diagnostic::{Code, Diagnostic, Diagnostics},
    graph::{Grant, Graph, Identity, Names, Node, NodeKey, Selection},
    live::{Live, LiveGrant},
    marker::{Marker, TextMarker},
    reads::{self, Read},
    spec::OnRemove,
};

/// Plans the deletion of all declared resources that the stacks own. Resources without an ownership marker stay, as do
/// resource groups with other contents. Orphans are listed and stay.
pub fn teardown(graph: &Graph, live: &Live) -> Plan {
    teardown_part(graph, live, &Selection::all())
}

/// [`teardown`] for a selection of the graph, which has to include the dependents of its nodes.
pub fn teardown_part(graph: &Graph, live: &Live, selection: &Selection) -> Plan {
    let mut plan = Plan::default();
    plan.remarks.selection = selection.summary().cloned();
    let nodes = || {
        let nodes = graph.nodes().rev();
        nodes.filter(|node| selection.has(&node.subject.key))
    };
    let mut going: HashMap<&NodeKey, (ArmId, Deletion)> = HashMap::new();
    let mut gone: HashSet<ArmId> = HashSet::new();
    let mut staying: HashSet<&NodeKey> = HashSet::new();
    for node in nodes() {
        match decision(graph, live, selection, node, &gone, &staying) {
            TeardownDecision::Absent | TeardownDecision::Existing => {}
            TeardownDecision::WithParent(id) => {
                gone.insert(id);
            }
            TeardownDecision::Keep(why) => {
                // A role assignment that stays does not keep its principal and scope.
                if matches!(node.identity, Identity::Resource(_)) {
                    staying.insert(&node.subject.key);
                }
                plan.remarks.kept.push(KeptResource {
                    key: node.subject.key.clone(),
                    why,
                });
            }
            TeardownDecision::Delete(id, guard) => {
                let deletion = Deletion::with_contents(guard, live, &id, &gone);
                gone.insert(id.clone());
                going.insert(&node.subject.key, (id, deletion));
            }
        }
    }
    let mut waits: HashMap<&NodeKey, Vec<StepId>> = HashMap::new();
    for node in nodes() {
        let mut after: Vec<StepId> = graph
            .dependents(&node.subject.key)
            .into_iter()
            .filter_map(|(dependent, _)| waits.get(&dependent.subject.key))
            .flatten()
            .copied()
            .collect();
        after.sort();
        after.dedup();
        let Some((id, deletion)) = going.remove(&node.subject.key) else {
            waits.insert(&node.subject.key, after);
            continue;
        };
        let step = plan.steps.push(delete(node, id, deletion, after));
        waits.insert(&node.subject.key, vec![step]);
    }
    if selection.is_all() {
        plan.remarks.orphans = orphans::list(graph, live, &ReplacedPrincipals::new());
        plan.remarks.unreadable = live.unreadable_scopes().to_vec();
        plan.remarks.unsearched = live.unsearched().map(str::to_owned);
    }
    plan
}

/// Reports targets that can only be deleted with the resource that contains them, where that is not selected: their
/// dependents would be deleted in vain.
pub fn inseparable(graph: &Graph, targets: &Names, selection: &Selection) -> Diagnostics {
    let mut found = Diagnostics::default();
    for node in graph.nodes().filter(|node| targets.name(&node.subject.key)) {
        let outer = node.id().and_then(|id| nearest(graph, id));
        let outer =
            outer.filter(|outer| !selection.has(&outer.subject.key) && goes_with_entry(node));
        if let Some(outer) = outer {
            let entry = &outer.subject.key.address;
            let message = format!("`{}` can only be deleted with `{entry}`", node.subject.key);
            let help =
                format!("use --target {entry}, or remove it from its entry and delete it by hand");
            found.push(
                Diagnostic::error(Code::ValueNotAllowed, node.subject.span, message).help(help),
            );
        }
    }
    found
}

/// Whether a node is a part of its entry, and so is never deleted by itself.
fn goes_with_entry(node: &Node) -> bool {
    node.marker == Marker::Parent && node.subject.key.part.is_some()
}

enum TeardownDecision {
    Absent,
    /// It is not the stack's own.
    Existing,
    /// It goes with the resource around it.
    WithParent(ArmId),
    Keep(String),
    Delete(ArmId, OwnershipGuard),
}

fn decision(
    graph: &Graph,
    live: &Live,
    selection: &Selection,
    node: &Node,
    gone: &HashSet<ArmId>,
    staying: &HashSet<&NodeKey>,
) -> TeardownDecision {
    let Some((id, owned)) = find(graph, live, node) else {
        return TeardownDecision::Absent;
    };
    let lifecycle = &node.lifecycle;
    if lifecycle.existing {
        return TeardownDecision::Existing;
    }
    let goes_along = node.marker == Marker::Parent && goes_with_parent(graph, selection, node);
    if goes_along && node.subject.key.part.is_some() {
        return TeardownDecision::WithParent(id);
    }
    if lifecycle.protect {
        return TeardownDecision::Keep("it is protected (`protect: true`)".to_owned());
    }
    if lifecycle.on_remove == OnRemove::Keep {
        return TeardownDecision::Keep("its entry has `onRemove: keep`".to_owned());
    }
    if goes_along {
        return TeardownDecision::WithParent(id);
    }
    let guard = OwnershipGuard::for_node(graph, node).filter(|_| owned);
    let Some(guard) = guard else {
        let why = match node.marker {
            Marker::Parent => format!(
                "its type has no ownership marker, and the resource that contains it is not owned by stack `{}`",
                node.subject.key.stack
            ),
            Marker::Tag | Marker::Text(_) => {
                format!(
                    "it lacks the ownership marker of stack `{}`",
                    node.subject.key.stack
                )
            }
        };
        return TeardownDecision::Keep(why);
    };
    if let Some((user, _)) = graph
        .dependents(&node.subject.key)
        .into_iter()
        .find(|(user, _)| staying.contains(&user.subject.key))
    {
        return TeardownDecision::Keep(format!("`{}` needs it and stays", user.subject.key));
    }
    // What is in a resource that goes is checked there.
    let goes = |inner: &ArmId| {
        std::iter::successors(Some(inner.clone()), ArmId::parent)
            .any(|around| gone.contains(&around))
    };
    match inside::staying(live, &graph.stack_identity(node), &id, &goes) {
        Ok(staying) if staying.is_empty() => TeardownDecision::Delete(id, guard),
        Ok(staying) => TeardownDecision::Keep(format!(
            "it contains resources that stay: {}",
            inside::list(&staying)
        )),
        Err(why) => TeardownDecision::Keep(why),
    }
}

/// The id of the live resource of a node, and whether the stack owns it.
fn find(graph: &Graph, live: &Live, node: &Node) -> Option<(ArmId, bool)> {
    let (id, body) = match &node.identity {
        Identity::Resource(id) => (id.clone(), live.resource(id)?),
        Identity::Grant(grant) => {
            let found = live
                .grant(graph, grant)
                .or_else(|| find_left_over(graph, live, node, grant))?;
            (found.id.clone(), &found.body)
        }
    };
    let owned = match node.marker {
        Marker::Tag | Marker::Text(_) => ownership::is_own(graph, node, body),
        Marker::Parent => nearest(graph, &id)
            .filter(|above| {
                !above.lifecycle.existing && above.subject.key.stack == node.subject.key.stack
            })
            .and_then(|above| find(graph, live, above))
            .is_some_and(|(_, owned)| owned),
    };
    Some((id, owned))
}

/// The role assignment that was created for a node whose principal no longer exists.
fn find_left_over<'l>(
    graph: &Graph,
    live: &'l Live,
    node: &Node,
    wanted: &Grant,
) -> Option<&'l LiveGrant> {
    let key = &node.subject.key;
    live.grants().iter().find(|grant| {
        let marker = TextMarker::on(&grant.body, "description");
        grant.is_of(wanted)
            && marker.is_some_and(|marker| marker.is_for(key))
            && ownership::is_own(graph, node, &grant.body)
    })
}

/// The node of the nearest resource above an id.
fn nearest<'g>(graph: &'g Graph, id: &ArmId) -> Option<&'g Node> {
    std::iter::successors(id.parent(), ArmId::parent).find_map(|above| graph.node_by_id(&above))
}

/// Whether a node without an ownership marker is a part of its entry or nested in a resource that is deleted, and so is
/// deleted with it. Resources directly in a group and extension resources are deleted by themselves.
fn goes_with_parent(graph: &Graph, selection: &Selection, node: &Node) -> bool {
    let type_of = |node: &Node| node.id().and_then(ArmId::arm_type);
    let is_nested_in = |outer: &Node| {
        type_of(node)
            .zip(type_of(outer))
            .is_some_and(|(inner, outer)| {
                inner
                    .to_lowercase()
                    .starts_with(&format!("{}/", outer.to_lowercase()))
            })
    };
    let goes = |outer: &Node| !outer.lifecycle.existing && selection.has(&outer.subject.key);
    node.subject.key.part.is_some()
        || node
            .id()
            .and_then(|id| nearest(graph, id))
            .is_some_and(|outer| is_nested_in(outer) && goes(outer))
}

/// The reads for a destruction: those of the graph, and what is in the resources that it would delete.
pub fn list_reads_to_destroy(graph: &Graph, types: ChildTypes) -> Vec<Read> {
    let owned = graph.nodes().filter(|node| !node.lifecycle.existing);
    let ids: Vec<ArmId> = owned.filter_map(|node| node.id().cloned()).collect();
    let mut reads = reads::list_reads(graph);
    reads.extend(inside::list_reads(types, &ids));
    reads
}

fn delete(node: &Node, id: ArmId, deletion: Deletion, after: Vec<StepId>) -> StepDraft {
    let reason = format!("stack `{}` is destroyed", node.subject.key.stack);
    let call = Call::delete(id, node.subject.arm_type.api_version.to_string(), deletion);
    StepDraft::deletion(node.subject.clone(), reason, call, after)
}
