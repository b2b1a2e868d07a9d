//! Ownership markers of resources that a plan changes: the owner, adoption, and text that others wrote around a marker.

use serde_json::Value as Json;

use crate::{
    arm::ArmId,
    body_path::{BodyPath, Level},
    diff::Change,
    facts::Rule,
    graph::{Graph, Identity, Node},
    marker::{
        Marker, MarkerClaim, MarkerTarget, ON_REMOVE_TAG, RemovalPolicy, STACK_TAG, TextMarker,
        claim, tag,
    },
    value::Value,
};

/// The node and the nodes of the resources around it that its stack owns, innermost first.
pub(super) fn owned_around<'g>(graph: &'g Graph, node: &'g Node) -> impl Iterator<Item = &'g Node> {
    let around = std::iter::successors(node.scope(), ArmId::parent);
    let around = around.filter_map(|id| graph.node_by_id(&id));
    std::iter::once(node).chain(around).filter(|owned| {
        !owned.lifecycle.existing && owned.subject.key.stack == node.subject.key.stack
    })
}

/// The innermost of them that has an ownership marker of its own.
pub(super) fn holder<'g>(graph: &'g Graph, node: &'g Node) -> Option<&'g Node> {
    owned_around(graph, node).find(|owned| owned.marker != Marker::Parent)
}

/// What the marker on the live resource of a node says to its stack; `None` without a marker.
pub(super) fn claim_on(graph: &Graph, node: &Node, live: &Json) -> Option<MarkerClaim> {
    let live_id = || live.get("id").and_then(Json::as_str).and_then(ArmId::parse);
    let id = node.id().cloned().or_else(live_id)?;
    claim(&graph.stack_identity(node), &id, live, node.marker.place()?)
}

/// Whether the stack of a node owns its live resource.
pub(super) fn is_own(graph: &Graph, node: &Node, live: &Json) -> bool {
    claim_on(graph, node, live).is_some_and(|claim| claim.is_own())
}

/// Whether a write adds the ownership marker to a resource without one.
pub(super) fn is_added(graph: &Graph, node: &Node, wanted: &Value, live: &Json) -> bool {
    let is_wanted = match node.marker {
        Marker::Tag => {
            !node.lifecycle.ignores("tags")
                && !node.lifecycle.ignores(&format!("tags.{STACK_TAG}"))
                && wanted
                    .get("tags")
                    .and_then(|tags| tags.get(STACK_TAG))
                    .is_some()
        }
        Marker::Text(member) => wanted
            .get("properties")
            .and_then(|properties| properties.get(member)?.as_str())
            .is_some_and(|text| TextMarker::find(text).is_some()),
        Marker::Parent => false,
    };
    is_wanted
        && matches!(
            claim_on(graph, node, live),
            None | Some(MarkerClaim::Copied)
        )
}

/// The reason for a write beyond differences: the resource has no owner, or its last write failed.
pub(super) fn reason_beyond_differences(
    is_taken_over: bool,
    broken: Option<&str>,
) -> Option<String> {
    let free = is_taken_over.then(|| "it exists and no stack owns it".to_owned());
    let broken = broken.map(|state| format!("its last write ended as {state}"));
    match (free, broken) {
        (Some(free), Some(broken)) => Some(format!("{free}, {broken}")),
        (free, broken) => free.or(broken),
    }
}

/// Keeps text that was written in Azure and puts the ownership marker below it, where the spec does not set the text.
/// Returns the change, if there is one.
pub(super) fn keep_text(
    graph: &Graph,
    node: &Node,
    wanted: &mut Value,
    live: &Json,
) -> Option<Change> {
    let Marker::Text(member) = node.marker else {
        return None;
    };
    let path = BodyPath::from_names(["properties", member]);
    let is_unset = |rule: &Rule| matches!(rule, Rule::WriteOnly(left) if path.matches(left));
    let before = live.get("properties")?.get(member)?;
    let words = before.as_str().filter(|words| !words.is_empty())?;
    if !node.rules.iter().any(is_unset) || node.lifecycle.ignores(member) {
        return None;
    }
    let marker = text_marker(graph, node)?;
    let text = Value::String(marker.append_line_to(words));
    if let Value::Object(body) = wanted
        && let Some(Value::Object(properties)) = body.get_mut("properties")
    {
        properties.insert(member.to_owned(), text.clone());
    }
    (text.as_str() != Some(words)).then(|| Change {
        path,
        before: Some(before.clone()),
        after: Some(text),
        immutable: false,
    })
}

/// The ownership marker of a node in a text.
fn text_marker(graph: &Graph, node: &Node) -> Option<TextMarker> {
    let target = match &node.identity {
        Identity::Resource(id) => MarkerTarget::from_id(id),
        Identity::Grant(grant) => MarkerTarget::from_grant(&grant.scope, &grant.role),
    };
    let is_text = matches!(node.marker, Marker::Text(_));
    is_text.then(|| {
        let address = &node.subject.key.address;
        let policy = node.lifecycle.removal_policy();
        TextMarker::new(&graph.stack_identity(node), address, policy, &target)
    })
}

/// The change of an ownership marker of an older version or with an outdated removal policy. Where the spec sets the text or the tag, the general
/// comparison finds it.
pub(super) fn find_outdated(graph: &Graph, node: &Node, live: &Json) -> Option<Change> {
    match node.marker {
        Marker::Tag if node.lifecycle.removal_policy() == RemovalPolicy::Delete => {
            is_own(graph, node, live).then_some(())?;
            let policy = tag(live, ON_REMOVE_TAG)?;
            Some(Change {
                path: BodyPath::from_names(["tags", ON_REMOVE_TAG]),
                before: Some(Json::from(policy)),
                after: None,
                immutable: false,
            })
        }
        Marker::Text(member) => {
            let marker =
                TextMarker::on(live, member).filter(|marker| marker.is_for(&node.subject.key))?;
            let is_other = Some(&marker) != text_marker(graph, node).as_ref();
            let mut wanted = Value::object([("properties", Value::object::<&str>([]))]);
            is_other.then(|| keep_text(graph, node, &mut wanted, live))?
        }
        Marker::Tag | Marker::Parent => None,
    }
}

/// A body without the tags that the changes remove.
pub(super) fn remove_tags(mut body: Value, changes: &[Change]) -> Value {
    let removed: Vec<&str> = changes
        .iter()
        .filter(|change| change.after.is_none())
        .filter_map(|change| match change.path.levels() {
            [Level::Member(tags), Level::Member(name)] if tags == "tags" => Some(&**name),
            _ => None,
        })
        .collect();
    let is_removed = |name: &str| removed.iter().any(|tag| tag.eq_ignore_ascii_case(name));
    if let Value::Object(members) = &mut body
        && let Some(Value::Object(tags)) = members.get_mut("tags")
    {
        tags.retain(|name, _| !is_removed(name));
    }
    body
}
