//! Replacements: a resource that cannot be changed in place is deleted and recreated, with everything in and on it, if the
//! caller allows it by name.

use super::{Deletion, OwnershipGuard, inside, ownership};
use crate::{
    arm::ArmId,
    child_types::ChildTypes,
    diff::Change,
    graph::{Graph, Identity, Marker, Names, Node, NodeKey, Selection},
    live::Live,
    reads::Read,
};

/// Providers whose resources hold no data. All other types count as holding data.
const DATALESS: [&str; 4] = [
    "Microsoft.Authorization/",
    "Microsoft.ManagedIdentity/",
    "Microsoft.Network/",
    "Microsoft.Resources/",
];

/// The additional reads for allowed replacements: what is in the resources.
pub fn list_reads_to_replace(graph: &Graph, allowed: &Names, types: ChildTypes) -> Vec<Read> {
    let allowed = graph.nodes().filter(|node| allowed.name(&node.subject.key));
    let ids: Vec<ArmId> = allowed.filter_map(|node| node.id().cloned()).collect();
    inside::list_reads(types, &ids)
}

/// A resource that is deleted and recreated.
#[derive(Debug)]
pub(super) struct Replacement {
    pub(super) key: NodeKey,
    /// Its id in Azure.
    pub(super) id: ArmId,
    /// What must hold when it is deleted.
    pub(super) deletion: Deletion,
    /// The differences.
    pub(super) changes: Vec<Change>,
}

/// Whether a live resource may be replaced: what must hold when it is deleted.
///
/// # Errors
/// Why it may not, and how to allow it.
pub(super) fn consent(
    graph: &Graph,
    live: &Live,
    (allowed, selection): (&Names, &Selection),
    node: &Node,
    id: &ArmId,
) -> Result<Deletion, String> {
    if !node.deletable {
        return Err("set the live value: the resource cannot be deleted by itself".to_owned());
    }
    let guard = OwnershipGuard::for_node(graph, node).filter(|_| is_own(graph, live, node));
    let Some(guard) = guard else {
        return Err(
            "set the live value: the resource lacks the ownership marker of the stack, and only resources with the marker are replaced"
                .to_owned(),
        );
    };
    let others = find_others_in(graph, live, node, id);
    if !allowed.name(&node.subject.key) {
        let names = others.iter().copied();
        let names = names.filter(|other| other.subject.key.part.is_none() && is_precious(other));
        let names = std::iter::once(node).chain(names);
        let options = names.map(|node| format!("--allow-replace {}", quoted(&node.subject.key)));
        let options: Vec<String> = options.collect();
        let mut help = format!(
            "set the live value, or delete and recreate the resource: {}",
            options.join(" ")
        );
        if holds_data(node) {
            help.push_str("; its data is lost");
        }
        if !others.is_empty() {
            help.push_str(&format!(
                "; deleted and recreated with it: {}",
                list(&others)
            ));
        }
        return Err(help);
    }
    // A name covers the parts of its entry.
    let entries = others
        .iter()
        .filter(|other| other.subject.key.part.is_none());
    for precious in std::iter::once(&node).chain(entries) {
        if is_precious(precious) && !allowed.name_exactly(&precious.subject.key) {
            return Err(format!(
                "`{}` {} and must be allowed by its own name: --allow-replace {}",
                precious.subject.key,
                why_precious(precious),
                quoted(&precious.subject.key)
            ));
        }
    }
    if let Some(left_out) = others
        .iter()
        .find(|other| !selection.has(&other.subject.key))
    {
        return Err(format!(
            "`{0}` is deleted with it and must be selected: --target {1}",
            left_out.subject.key,
            quoted(&left_out.subject.key)
        ));
    }
    if let Some(foreign) = others.iter().find(|other| !is_own(graph, live, other)) {
        return Err(format!(
            "`{}` is deleted with it and lacks the ownership marker of the stack",
            foreign.subject.key
        ));
    }
    if node.id().is_none() {
        return Ok(Deletion::without_contents(guard));
    }
    let is_declared = |inner: &ArmId| {
        let node = graph.node_by_id(inner);
        node.is_some_and(|node| !node.lifecycle.existing)
    };
    match inside::staying(live, &graph.stack_identity(node), id, &is_declared) {
        Ok(staying) if staying.is_empty() => {
            let going = others.iter().filter_map(|other| other.id());
            Ok(Deletion::with_contents(guard, live, id, going))
        }
        Ok(staying) => Err(format!(
            "it contains undeclared resources, which are never deleted: {}",
            inside::list(&staying)
        )),
        Err(why) => Err(format!("set the live value: {why}")),
    }
}

fn quoted(key: &NodeKey) -> String {
    let name = key.to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_/.".contains(c);
    match name.chars().all(is_plain) {
        true => name,
        false => format!("'{name}'"),
    }
}

/// `recordings/containers/video, access/Reader`
pub(super) fn list(nodes: &[&Node]) -> String {
    let names: Vec<String> = nodes
        .iter()
        .map(|node| node.subject.key.to_string())
        .collect();
    names.join(", ")
}

/// The other live nodes in or on a resource, which are deleted with it.
pub(super) fn find_others_in<'g>(
    graph: &'g Graph,
    live: &Live,
    node: &Node,
    id: &ArmId,
) -> Vec<&'g Node> {
    let goes = |other: &&Node| {
        other.subject.key != node.subject.key
            && match &other.identity {
                Identity::Resource(inner) => id.covers(inner) && live.resource(inner).is_some(),
                Identity::Grant(grant) => {
                    node.id().is_some()
                        && id.covers(&grant.scope)
                        && live.grant(graph, grant).is_some()
                }
            }
    };
    graph.nodes().filter(goes).collect()
}

fn holds_data(node: &Node) -> bool {
    let is_type = |prefix: &str| {
        let start = node.subject.arm_type.name.get(..prefix.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    !DATALESS.iter().any(|prefix| is_type(prefix))
}

/// Whether a replacement has to be allowed by the node's own name.
fn is_precious(node: &Node) -> bool {
    node.lifecycle.protect || holds_data(node)
}

fn why_precious(node: &Node) -> &'static str {
    if node.lifecycle.protect {
        "is protected"
    } else {
        "can hold data"
    }
}

/// Whether a live node has the ownership marker of its stack, or is of a type without ownership markers.
fn is_own(graph: &Graph, live: &Live, node: &Node) -> bool {
    let body = node.id().and_then(|id| live.resource(id));
    match (node.marker, body) {
        (Marker::Parent, _) | (_, None) => !node.lifecycle.existing,
        (_, Some(body)) => ownership::is_own(graph, node, body),
    }
}

/// The reason of a replacement, and what is deleted with it.
pub(super) fn reason(graph: &Graph, live: &Live, node: &Node, replacement: &Replacement) -> String {
    let fixed = replacement.changes.iter().filter(|change| change.immutable);
    let paths: Vec<String> = fixed
        .map(|change| format!("`{}`", change.path.lifted()))
        .collect();
    let verb = if paths.len() == 1 { "is" } else { "are" };
    let mut reason = format!("{} {verb} fixed at creation", paths.join(", "));
    if holds_data(node) {
        reason.push_str("; its data is lost");
    }
    let others = find_others_in(graph, live, node, &replacement.id);
    if !others.is_empty() {
        reason.push_str(&format!(
            "; deleted and recreated with it: {}",
            list(&others)
        ));
    }
    let is_named = |id: &ArmId| {
        graph.nodes().any(|node| match &node.identity {
            Identity::Grant(wanted) => live.grant(graph, wanted).is_some_and(|it| it.id == *id),
            Identity::Resource(_) => false,
        })
    };
    let lost = live.grants().iter();
    let lost = lost.filter(|grant| node.id().is_some() && replacement.id.covers(&grant.scope));
    match lost.filter(|grant| !is_named(&grant.id)).count() {
        0 => {}
        1 => reason.push_str("; deleted with it: 1 undeclared role assignment"),
        count => reason.push_str(&format!(
            "; deleted with it: {count} undeclared role assignments"
        )),
    }
    reason
}
