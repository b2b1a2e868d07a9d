//! Records the resources that cannot have an ownership marker in the marker of the nearest resource around them.

use std::collections::{BTreeMap, HashMap};

use super::Node;
use crate::{
    arm::ArmId,
    child_types::ChildTypes,
    declare::Identity,
    key::NodeKey,
    marker::{CHILDREN_TAG, ChildLedger, ChildRecord, Marker, RemovalPolicy},
    value::Value,
};

/// Adds the tag with the records to each node that has some. Returns the nodes that are not recorded, because there is no
/// room.
///
/// Parts are recorded if they keep their parent from being deleted. Their records come last: they only show which of the resources in an orphan were declared. Resources that stay
/// when their entry is removed are not recorded.
pub(super) fn record(nodes: &mut [Node], types: ChildTypes) -> Vec<NodeKey> {
    let by_id: HashMap<&ArmId, usize> = nodes
        .iter()
        .enumerate()
        .filter_map(|(at, node)| Some((node.id()?, at)))
        .collect();
    let mut children: BTreeMap<usize, Vec<(bool, &ArmId, usize)>> = BTreeMap::new();
    for (at, node) in nodes.iter().enumerate() {
        let Identity::Resource(id) = &node.identity else {
            continue;
        };
        let is_part = node.subject.key.part.is_some();
        let is_recorded = node.marker == Marker::Parent
            && !node.lifecycle.existing
            && (!is_part || types.is_child(id))
            && node.lifecycle.removal_policy() == RemovalPolicy::Delete;
        let holder = std::iter::successors(id.parent(), ArmId::parent)
            .filter_map(|above| by_id.get(&above).copied())
            .find(|above| is_holder(&nodes[*above], node))
            .filter(|_| is_recorded);
        if let Some(holder) = holder {
            children.entry(holder).or_default().push((is_part, id, at));
        }
    }
    let mut ledgers = Vec::new();
    let mut unrecorded = Vec::new();
    for (holder, mut children) in children {
        children.sort();
        let mut ledger = ChildLedger::default();
        for (is_part, id, child) in children {
            let record = match is_part {
                true => Some(ChildRecord::part(id)),
                false => ChildRecord::new(id),
            };
            let has_room = record.is_some_and(|record| ledger.insert(record));
            if !has_room && !is_part {
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
