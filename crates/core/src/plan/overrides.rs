//! Values that Azure keeps although another was sent: told once, then remembered by a tag and not taken for drift.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, Plan, ServerOverride};
use crate::{
    arm::ArmId,
    diff::Change,
    graph::{Graph, Node, NodeKey},
    live::Live,
    mark::{Mark, OVERRULED_TAG, tag},
    secret::Digest,
};

/// A tag that is to be set, so that what Azure keeps is known to the next plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reminder {
    /// The resource that takes the tag.
    pub on: ArmId,
    /// The value of the tag [`OVERRULED_TAG`].
    pub tag: String,
}

/// Of the differences that a plan shows again right after `done` were written, those that Azure keeps.
pub fn overrides_after(again: &Plan, done: &[NodeKey]) -> Vec<ServerOverride> {
    let is_again = |key: &NodeKey| done.contains(key);
    again
        .steps
        .iter()
        .filter(|step| step.action == Action::Update && is_again(&step.subject.key))
        .filter(|step| !step.changes.is_empty())
        .map(|step| ServerOverride {
            key: step.subject.key.clone(),
            changes: step.changes.clone(),
        })
        .collect()
}

/// The tags that remember what is kept, old and new. What stands nowhere to be remembered is left out.
pub fn reminders(
    graph: &Graph,
    live: &Live,
    again: &Plan,
    new: &[ServerOverride],
) -> Vec<Reminder> {
    let mut digests: BTreeMap<&ArmId, BTreeSet<Digest>> = BTreeMap::new();
    let kept = again.remarks.server_overrides.iter().chain(new);
    for (node, changes) in kept.filter_map(|kept| Some((graph.node(&kept.key)?, &kept.changes))) {
        let holder = holder(graph, node).and_then(Node::id);
        let Some(digests) = holder.map(|id| digests.entry(id).or_default()) else {
            continue;
        };
        digests.extend(
            changes
                .iter()
                .filter_map(|change| digest(graph, node, change)),
        );
    }
    digests
        .into_iter()
        .map(|(on, digests)| Reminder {
            on: on.clone(),
            tag: Digest::write(digests),
        })
        .filter(|reminder| {
            let known = live
                .resource(&reminder.on)
                .and_then(|body| tag(body, OVERRULED_TAG));
            known != Some(reminder.tag.as_str())
        })
        .collect()
}

/// Takes those changes away that Azure is known to keep.
pub(super) fn take_known(
    graph: &Graph,
    live: &Live,
    node: &Node,
    changes: &mut Vec<Change>,
) -> Option<ServerOverride> {
    let body = live.resource(holder(graph, node)?.id()?)?;
    let known: BTreeSet<Digest> = Digest::read(tag(body, OVERRULED_TAG)?).collect();
    let is_known = |change: &mut Change| {
        digest(graph, node, change).is_some_and(|digest| known.contains(&digest))
    };
    let kept: Vec<Change> = changes.extract_if(.., is_known).collect();
    (!kept.is_empty()).then(|| ServerOverride {
        key: node.subject.key.clone(),
        changes: kept,
    })
}

/// The resource whose tags remember for a node: itself, or the nearest around it that the stack owns.
fn holder<'g>(graph: &'g Graph, node: &'g Node) -> Option<&'g Node> {
    let above = std::iter::successors(node.scope(), ArmId::parent);
    std::iter::once(node)
        .chain(above.filter_map(|id| graph.node_of(&id)))
        .find(|holder| {
            holder.mark == Mark::Tag
                && !holder.lifecycle.existing
                && holder.subject.key.stack == node.subject.key.stack
        })
}

/// What a tag keeps of a change: it is another where either value is another.
fn digest(graph: &Graph, node: &Node, change: &Change) -> Option<Digest> {
    let after = change.after.as_ref().map(|value| value.to_display_json());
    let values = serde_json::json!([change.before, after]).to_string();
    let id = node.id().cloned().or_else(|| node.scope())?;
    let place = format!("{} {}", node.subject.key, change.path);
    Some(graph.secrets().key.digest(&id, &place, &values))
}
