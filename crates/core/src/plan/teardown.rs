//! Planning away from the spec: every node wanted absent, the edges turned round. Only what is marked goes.

use std::collections::{HashMap, HashSet};

use super::{Call, KeptResource, Plan, StepId, orphans, step::StepDraft};
use crate::{
    arm::ArmId,
    diagnostic::{Code, Diagnostic, Diagnostics},
    graph::{Graph, Identity, Names, Node, NodeKey, Selection},
    live::Live,
    mark::{Mark, TextMark, owner},
    spec::OnRemove,
};

/// Plans the deletion of everything that the entries stand for and the stacks own. Nothing unmarked is deleted, and no
/// resource group that holds something else. Orphans are listed and stay.
pub fn teardown(graph: &Graph, live: &Live) -> Plan {
    teardown_part(graph, live, &Selection::all())
}

/// As [`teardown`], of a part of the graph, in which all that waits for one of its nodes has to be as well.
pub fn teardown_part(graph: &Graph, live: &Live, selection: &Selection) -> Plan {
    let mut plan = Plan::default();
    plan.remarks.selection = selection.summary().cloned();
    let nodes = || {
        let nodes = graph.nodes().rev();
        nodes.filter(|node| selection.has(&node.subject.key))
    };
    let mut going: HashMap<&NodeKey, ArmId> = HashMap::new();
    let mut gone: HashSet<ArmId> = HashSet::new();
    let mut staying: HashSet<&NodeKey> = HashSet::new();
    for node in nodes() {
        match fate(graph, live, selection, node, &gone, &staying) {
            Fate::Absent | Fate::WithParent => {}
            Fate::Kept(why) => {
                // A grant needs its principal and scope only to mean something.
                if matches!(node.identity, Identity::Resource(_)) {
                    staying.insert(&node.subject.key);
                }
                plan.remarks.kept.push(KeptResource {
                    key: node.subject.key.clone(),
                    why,
                });
            }
            Fate::Goes(id) => {
                gone.insert(id.clone());
                going.insert(&node.subject.key, id);
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
        let Some(id) = going.get(&node.subject.key) else {
            waits.insert(&node.subject.key, after);
            continue;
        };
        let step = plan.steps.push(deletion(node, id.clone(), after));
        waits.insert(&node.subject.key, vec![step]);
    }
    if selection.is_all() {
        plan.remarks.orphans = orphans::list(graph, live);
        plan.remarks.unreadable = live.unreadable_scopes().to_vec();
    }
    plan
}

/// The targets that go only with what they are in, which is no target, as mistakes: what needs them would go for nothing.
pub fn inseparable(graph: &Graph, targets: &Names, selection: &Selection) -> Diagnostics {
    let mut found = Diagnostics::default();
    for node in graph.nodes().filter(|node| targets.name(&node.subject.key)) {
        let outer = node.id().and_then(|id| nearest(graph, id));
        let outer =
            outer.filter(|outer| !selection.has(&outer.subject.key) && goes_with_entry(node));
        if let Some(outer) = outer {
            let entry = &outer.subject.key.address;
            let message = format!("`{}` goes only with `{entry}`", node.subject.key);
            let help = format!(
                "name that: --target {entry}; or take it out of its entry, and delete it by hand"
            );
            found.push(
                Diagnostic::error(Code::ValueNotAllowed, node.subject.span, message).help(help),
            );
        }
    }
    found
}

/// Whether a node is a part of its entry, and so never deleted by itself.
fn goes_with_entry(node: &Node) -> bool {
    node.mark == Mark::Parent && node.subject.key.part.is_some()
}

enum Fate {
    Absent,
    WithParent,
    Kept(String),
    Goes(ArmId),
}

fn fate(
    graph: &Graph,
    live: &Live,
    selection: &Selection,
    node: &Node,
    gone: &HashSet<ArmId>,
    staying: &HashSet<&NodeKey>,
) -> Fate {
    let Some((id, owned)) = find(graph, live, node) else {
        return Fate::Absent;
    };
    let lifecycle = &node.lifecycle;
    if lifecycle.existing || node.mark == Mark::Parent && goes_with_parent(graph, selection, node) {
        return Fate::WithParent;
    }
    if lifecycle.protect {
        return Fate::Kept("it is protected (`protect: true`)".to_owned());
    }
    if lifecycle.on_remove == OnRemove::Keep {
        return Fate::Kept("`onRemove: keep` says so".to_owned());
    }
    if !owned {
        let why = match node.mark {
            Mark::Parent => format!(
                "it takes no mark, and what it is in or on is not owned by the stack `{}`",
                node.subject.key.stack
            ),
            Mark::Tag | Mark::Text(_) => {
                format!(
                    "it is not marked as owned by the stack `{}`",
                    node.subject.key.stack
                )
            }
        };
        return Fate::Kept(why);
    }
    if let Some((user, _)) = graph
        .dependents(&node.subject.key)
        .into_iter()
        .find(|(user, _)| staying.contains(&user.subject.key))
    {
        return Fate::Kept(format!("`{}`, which stays, needs it", user.subject.key));
    }
    let strangers = strangers(live, &id, gone);
    if !strangers.is_empty() {
        return Fate::Kept(format!("it holds what stays: {}", strangers.join(", ")));
    }
    Fate::Goes(id)
}

/// The id of a node's live resource, and whether it carries the stack's mark.
fn find(graph: &Graph, live: &Live, node: &Node) -> Option<(ArmId, bool)> {
    let (id, body) = match &node.identity {
        Identity::Resource(id) => (id.clone(), live.resource(id)?),
        Identity::Grant(grant) => {
            let found = live.grant(graph, grant)?;
            (found.id.clone(), &found.body)
        }
    };
    let owned = match node.mark {
        Mark::Tag => owner(body) == Some(node.subject.key.stack.as_str()),
        Mark::Text(member) => {
            TextMark::on(body, member).is_some_and(|mark| mark.stack == node.subject.key.stack)
        }
        Mark::Parent => nearest(graph, &id)
            .filter(|above| {
                !above.lifecycle.existing && above.subject.key.stack == node.subject.key.stack
            })
            .and_then(|above| find(graph, live, above))
            .is_some_and(|(_, owned)| owned),
    };
    Some((id, owned))
}

/// The node of the nearest resource that an id is in or on.
fn nearest<'g>(graph: &'g Graph, id: &ArmId) -> Option<&'g Node> {
    std::iter::successors(id.parent(), ArmId::parent).find_map(|above| graph.node_of(&above))
}

/// Whether a node without a mark is a part of its entry, or nested in a resource that goes, and so is gone with that.
/// What is only in its resource group, or an extension, is deleted by itself.
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

/// What is in a resource group and does not go before it.
fn strangers(live: &Live, id: &ArmId, gone: &HashSet<ArmId>) -> Vec<String> {
    live.contents(id)
        .into_iter()
        .flatten()
        .filter(|inside| !gone.contains(inside))
        .map(|inside| inside.name().to_owned())
        .collect()
}

fn deletion(node: &Node, id: ArmId, after: Vec<StepId>) -> StepDraft {
    let reason = format!("the stack `{}` is destroyed", node.subject.key.stack);
    let call = Call::delete(id, node.subject.arm_type.api_version.to_string());
    StepDraft::deletion(node.subject.clone(), reason, call, after)
}
