//! Records the resources that cannot have an ownership marker in the marker of the nearest resource around them.

use std::collections::{BTreeMap, HashMap};

use super::Node;
use crate::{
    arm::ArmId,
    declare::Identity,
    key::NodeKey,
    marker::{CHILDREN_TAG, ChildLedger, ChildRecord, Marker, RemovalPolicy},
    value::Value,
};

/// Adds the tag with the records to each node that has some. Returns the nodes that are not recorded, because there is no
/// room.
///
/// Parts are not recorded: they belong to their entry. Nor are resources that stay when their entry is removed.
pub(super) fn record(nodes: &mut [Node]) -> Vec<NodeKey> {
    let by_id: HashMap<&ArmId, usize> = nodes
        .iter()
        .enumerate()
        .filter_map(|(at, node)| Some((node.id()?, at)))
        .collect();
    let mut children: BTreeMap<usize, Vec<(&ArmId, usize)>> = BTreeMap::new();
    for (at, node) in nodes.iter().enumerate() {
        let Identity::Resource(id) = &node.identity else {
            continue;
        };
        let is_recorded = node.marker == Marker::Parent
            && !node.lifecycle.existing
            && node.subject.key.part.is_none()
            && node.lifecycle.removal_policy() == RemovalPolicy::Delete;
        let holder = std::iter::successors(id.parent(), ArmId::parent)
            .filter_map(|above| by_id.get(&above).copied())
            .find(|above| is_holder(&nodes[*above], node))
            .filter(|_| is_recorded);
        if let Some(holder) = holder {
            children.entry(holder).or_default().push((id, at));
        }
    }
    let mut ledgers = Vec::new();
    let mut unrecorded = Vec::new();
    for (holder, mut children) in children {
        children.sort();
        let mut ledger = ChildLedger::default();
        for (id, child) in children {
            if !ChildRecord::new(id).is_some_and(|record| ledger.insert(record)) {
                unrecorded.push(nodes[child].subject.key.clone());
            }
        }
        ledgers.push((holder, ledger));
    }
    for (holder, ledger) in ledgers {
        if let Value::Object(body) = &mut nodes[holder].body
            && let Some(Value::Object(tags)) = body.get_mut("tags")
        {
            tags.insert(CHILDREN_TAG.into(), Value::String(ledger.to_string()));
        }
    }
    unrecorded
}

/// Whether a node can have the record of another one in its tags: the other is nested in it, or directly on it. Elsewhere,
/// the types to look for would not be known.
fn is_holder(holder: &Node, child: &Node) -> bool {
    let is_near = || {
        let (holder, child) = holder.id().zip(child.id())?;
        let below = child.as_str().get(holder.as_str().len()..)?;
        let is_nested = !below.to_lowercase().contains("/providers/");
        Some(is_nested || child.parent().as_ref() == Some(holder))
    };
    holder.marker == Marker::Tag
        && !holder.lifecycle.existing
        && holder.subject.key.stack == child.subject.key.stack
        && is_near() == Some(true)
}
