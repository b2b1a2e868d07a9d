//! Resources without an ownership marker that the marker of a resource around them records.

use serde_json::Value as Json;

use super::{Action, Call, CallTarget, Method, StepId, ownership, step::StepDraft};
use crate::{
    arm::{ArmId, types::TAGS},
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
        let records = undeclared(graph, node, live.resource(holder)?);
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
    let kept = undeclared(graph, node, body);
    let kept = match node.id().and_then(|id| live.gone_children(id)) {
        Some(gone) => kept.without(gone),
        None => kept,
    };
    let declared = declared(node);
    let all = declared.records().chain(kept.records()).cloned();
    let all: ChildLedger = all.collect();
    if let Value::Object(members) = wanted
        && let Some(Value::Object(tags)) = members.get_mut("tags")
        && !all.is_empty()
    {
        tags.insert(CHILDREN_TAG.into(), Value::String(all.to_string()));
    }
    all.is_empty().then(|| Change {
        path: BodyPath::from_names(["tags", CHILDREN_TAG]),
        before: Some(Json::from(recorded.to_string())),
        after: None,
        immutable: false,
    })
}

/// The step that removes the records of deleted resources from their holder. All other tags stay.
pub(super) fn forget(
    live: &Live,
    holder: &Node,
    deleted: &[&ArmId],
    after: Vec<StepId>,
) -> Option<StepDraft> {
    let id = holder.id()?;
    let before = tag(live.resource(id)?, CHILDREN_TAG)?;
    let gone = deleted.iter().filter_map(|id| ChildRecord::new(id));
    let left = ChildLedger::parse(before).without(&gone.collect());
    let (operation, value) = match left.is_empty() {
        true => ("Delete", before.to_owned()),
        false => ("Merge", left.to_string()),
    };
    let tags = Value::object([(CHILDREN_TAG, Value::String(value))]);
    Some(StepDraft {
        subject: holder.subject.clone(),
        action: Action::Update,
        reason: "its marker records resources that are deleted".to_owned(),
        changes: vec![Change {
            path: BodyPath::from_names(["tags", CHILDREN_TAG]),
            before: Some(Json::from(before)),
            after: (!left.is_empty()).then(|| Value::String(left.to_string())),
            immutable: false,
        }],
        call: Call {
            method: Method::Patch,
            target: CallTarget::Id(id.provider_child(&TAGS.name, "default")),
            api_version: TAGS.api_version.into_owned(),
            body: Value::object([
                ("operation", operation.into()),
                ("properties", Value::object([("tags", tags)])),
            ]),
        },
        after,
        retry_causes: Vec::new(),
    })
}
