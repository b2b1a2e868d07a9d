//! Server overrides: values that Azure keeps although others were sent. They are reported once, then recorded in a tag
//! and not taken for drift.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, Plan, ServerOverride, ownership};
use crate::{
    arm::ArmId,
    diff::Change,
    graph::{Graph, Node, NodeKey},
    live::Live,
    marker::{Marker, OVERRIDES_TAG, tag},
    secret::Digest,
};

/// A tag that records server overrides for the next plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reminder {
    /// The resource with the tag.
    pub on: ArmId,
    /// The value of the tag [`OVERRIDES_TAG`].
    pub tag: String,
}

/// The server overrides: differences that a plan made after the writes of `done` still has. A difference whose wanted
/// value is not known, because the resource that it comes from could not be read, is none.
pub fn overrides_after(again: &Plan, done: &[NodeKey]) -> Vec<ServerOverride> {
    let is_again = |key: &NodeKey| done.contains(key);
    again
        .steps
        .iter()
        .filter(|step| step.action == Action::Update && is_again(&step.subject.key))
        .map(|step| ServerOverride {
            key: step.subject.key.clone(),
            changes: step
                .changes
                .iter()
                .filter(|change| is_known(change))
                .cloned()
                .collect(),
        })
        .filter(|kept| !kept.changes.is_empty())
        .collect()
}

/// Whether all of the wanted value is known.
fn is_known(change: &Change) -> bool {
    let wanted = change.after.as_ref();
    wanted.is_none_or(|wanted| wanted.outputs().is_empty())
}

/// The tags that record known and new server overrides. Those of resources without a place for the tag are left out.
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
            tag: Digest::format_tag(digests),
        })
        .filter(|reminder| {
            let known = live
                .resource(&reminder.on)
                .and_then(|body| tag(body, OVERRIDES_TAG));
            known != Some(reminder.tag.as_str())
        })
        .collect()
}

/// Removes the changes that are known server overrides, and returns them.
pub(super) fn take_known(
    graph: &Graph,
    live: &Live,
    node: &Node,
    changes: &mut Vec<Change>,
) -> Option<ServerOverride> {
    let body = live.resource(holder(graph, node)?.id()?)?;
    let known: BTreeSet<Digest> = Digest::parse_tag(tag(body, OVERRIDES_TAG)?).collect();
    let is_recorded = |change: &mut Change| {
        digest(graph, node, change).is_some_and(|digest| known.contains(&digest))
    };
    let kept: Vec<Change> = changes.extract_if(.., is_recorded).collect();
    (!kept.is_empty()).then(|| ServerOverride {
        key: node.subject.key.clone(),
        changes: kept,
    })
}

/// The resource whose tags record the server overrides of a node: itself, or the nearest one around it that the stack
/// owns.
fn holder<'g>(graph: &'g Graph, node: &'g Node) -> Option<&'g Node> {
    ownership::owned_around(graph, node).find(|holder| holder.marker == Marker::Tag)
}

/// The digest of a change: of its path and both values.
fn digest(graph: &Graph, node: &Node, change: &Change) -> Option<Digest> {
    let after = change.after.as_ref().map(|value| value.to_display_json());
    let values = serde_json::json!([change.before, after]).to_string();
    let id = node.id().cloned().or_else(|| node.scope())?;
    let place = format!("{} {}", node.subject.key, change.path);
    Some(graph.secrets().key.digest(&id, &place, &values))
}
