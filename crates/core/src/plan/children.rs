//! Resources without an ownership marker that the marker of a resource around them records.

use std::sync::Arc;

use serde_json::Value as Json;

use super::{
    Action, Call, CallTarget, Method, OwnershipGuard, StepId, Update, ownership,
    step::StepDraft,
    update::{ExpectedOwnership, UpdateScope},
};
use crate::{
    arm::ArmId,
    body_path::BodyPath,
    diff::Change,
    graph::{Graph, Node},
    live::Live,
    marker::{CHILDREN_TAG, ChildLedger, ChildRecord, Marker, tag},
    value::Value,
};

/// A resource with records of resources that no entry declares any more.
#[derive(Debug, Clone, PartialEq)]
pub struct LedgerSearch {
    /// The resource with the records.
    pub holder: ArmId,
    /// The stack that owns it.
    pub stack: String,
    /// The records to look for.
    pub records: ChildLedger,
}

/// The resources whose records have to be looked for: each of them is an orphan, or gone.
pub fn ledger_searches(graph: &Graph, live: &Live) -> Vec<LedgerSearch> {
    let search = |node: &Node| {
        let holder = node.id()?;
        let records = undeclared(graph, node, live.resource(holder)?).without_parts();
        (!records.is_empty()).then(|| LedgerSearch {
            holder: holder.clone(),
            stack: node.subject.key.stack.clone(),
            records,
        })
    };
    graph.nodes().filter_map(search).collect()
}

/// The records that a node's live resource has, if the stack owns it.
fn recorded(graph: &Graph, node: &Node, live: &Json) -> Option<ChildLedger> {
    let is_holder = node.marker == Marker::Tag && !node.lifecycle.existing;
    let text = tag(live, CHILDREN_TAG).filter(|_| is_holder)?;
    ownership::is_own(graph, node, live).then(|| ChildLedger::parse(text))
}

/// The records of declared resources.
pub(super) fn declared(node: &Node) -> ChildLedger {
    let tags = node.body.get("tags");
    let text = tags.and_then(|tags| tags.get(CHILDREN_TAG)?.as_str());
    ChildLedger::parse(text.unwrap_or(""))
}

/// The records of resources that no entry declares.
fn undeclared(graph: &Graph, node: &Node, live: &Json) -> ChildLedger {
    match recorded(graph, node, live) {
        Some(recorded) => recorded.without(&declared(node)),
        None => ChildLedger::default(),
    }
}

/// The records that a node's live resource should have before anything is deleted: those of declared resources, and of
/// others unless a search found that they are gone.
fn expected(graph: &Graph, live: &Live, node: &Node, body: &Json) -> ChildLedger {
    let kept = undeclared(graph, node, body);
    let kept = match node.id().and_then(|id| live.gone_children(id)) {
        Some(gone) => kept.without(gone),
        None => kept,
    };
    let declared = declared(node);
    declared.records().chain(kept.records()).cloned().collect()
}

/// Keeps the records of resources that no entry declares in the wanted body, unless a search found that they are gone.
/// Returns the change if the tag has to be removed.
pub(super) fn keep_records(
    graph: &Graph,
    live: &Live,
    node: &Node,
    wanted: &mut Value,
    body: &Json,
) -> Option<Change> {
    let recorded = recorded(graph, node, body)?;
    let all = expected(graph, live, node, body);
    if let Value::Object(members) = wanted
        && let Some(Value::Object(tags)) = members.get_mut("tags")
        && !all.is_empty()
    {
        tags.insert(CHILDREN_TAG.into(), Value::String(all.to_string()));
    }
    all.is_empty().then(|| change(&recorded, None))
}

fn change(before: &ChildLedger, after: Option<&ChildLedger>) -> Change {
    Change {
        path: BodyPath::from_names(["tags", CHILDREN_TAG]),
        before: Some(Json::from(before.to_string())),
        after: after.map(|after| Value::String(after.to_string())),
        immutable: false,
    }
}

/// The step that removes the records of deleted resources from their holder. All other tags stay.
pub(super) fn forget(
    graph: &Graph,
    live: &Live,
    holder: &Node,
    deleted: &[&ArmId],
    after: Vec<StepId>,
) -> Option<StepDraft> {
    let id = holder.id()?;
    let body = live.resource(id)?;
    // A step of the same plan may write the records of new resources before.
    let before = expected(graph, live, holder, body);
    let gone = deleted.iter().filter_map(|id| ChildRecord::new(id));
    let left = before.without(&gone.collect());
    let left = Some(left).filter(|left| !left.is_empty());
    let change = change(&before, left.as_ref());
    let tags = |ledger: &ChildLedger| (CHILDREN_TAG, Value::String(ledger.to_string()));
    let mut base = body.clone();
    base["tags"][CHILDREN_TAG] = Json::from(before.to_string());
    let update = Update {
        wanted: Value::object([("tags", Value::object(left.as_ref().map(tags)))]),
        base: Arc::new(base),
        rules: &[],
        ignore: Vec::new(),
        removed: Vec::from_iter(left.is_none().then(|| change.clone())),
        ownership: ExpectedOwnership::Own(OwnershipGuard::for_node(graph, holder)?),
        scope: UpdateScope::Tags,
    };
    Some(StepDraft {
        subject: holder.subject.clone(),
        action: Action::Update,
        reason: "its marker records resources that are deleted".to_owned(),
        changes: vec![change],
        call: Call {
            method: Method::Update(Box::new(update)),
            target: CallTarget::Id(id.clone()),
            api_version: holder.subject.arm_type.api_version.to_string(),
            body: Value::object([("tags", Value::object(left.as_ref().map(tags)))]),
        },
        after,
        retry_causes: Vec::new(),
    })
}
