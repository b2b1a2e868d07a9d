//! What happens to blobs of a storage account as they grow old.

use std::collections::BTreeMap;

use lazuli_core::{
    arm::ArmId,
    diagnostic::{Code, Diagnostic},
    facts::{Field, Rule},
    graph::{Nodes, TypedEntry},
    lift::LiftSource,
    node::{Datum, Node},
    value::{Object, Value},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::{
    blobs::{SERVICE_PART, properties},
    props::StorageAccountProps,
};

use crate::arm_types;

/// Rules by name, or a list of rules with names.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum LifecycleRules {
    /// A list, as ARM has it.
    List(Vec<NamedRule>),
    /// By name.
    ByName(BTreeMap<String, LifecycleRule>),
}

/// A rule of a list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NamedRule {
    /// The name of the rule.
    pub name: String,
    /// Whether the rule counts. Azure's default is true.
    pub enabled: Option<Field<bool>>,
    /// The sort of rule. `Lifecycle`, the only one, is sent when it is left out.
    #[serde(rename = "type")]
    pub kind: Option<Field<RuleType>>,
    /// Which blobs, and what happens to them.
    pub definition: Definition,
}

/// A rule whose name is its key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LifecycleRule {
    /// Whether the rule counts. Azure's default is true.
    pub enabled: Option<Field<bool>>,
    /// The sort of rule. `Lifecycle`, the only one, is sent when it is left out.
    #[serde(rename = "type")]
    pub kind: Option<Field<RuleType>>,
    /// Which blobs, and what happens to them.
    pub definition: Definition,
}

words! {
    /// The sort of rule.
    RuleType { Lifecycle }
    /// A sort of blob.
    BlobType { BlockBlob = "blockBlob", AppendBlob = "appendBlob" }
    /// How a tag is compared.
    TagOperator { Equal = "==" }
}

/// Which blobs, and what happens to them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Definition {
    /// What happens.
    pub actions: Actions,
    /// To which blobs. Without it, to all.
    pub filters: Option<Filters>,
}

/// What happens to blobs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Actions {
    /// To the blobs themselves.
    pub base_blob: Option<BaseBlobActions>,
    /// To their snapshots.
    pub snapshot: Option<CopyActions>,
    /// To their earlier versions.
    pub version: Option<CopyActions>,
}

/// What happens to blobs themselves.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BaseBlobActions {
    /// When they go to the tier `Hot`. Premium block blobs only.
    pub tier_to_hot: Option<AfterUse>,
    /// When they go to the tier `Cool`.
    pub tier_to_cool: Option<AfterUse>,
    /// When they go to the tier `Cold`.
    pub tier_to_cold: Option<AfterUse>,
    /// When they go to the tier `Archive`.
    pub tier_to_archive: Option<AfterUse>,
    /// When they are deleted.
    pub delete: Option<AfterUse>,
    /// Whether they come back from `Cool` to `Hot` when they are read. Needs `daysAfterLastAccessTimeGreaterThan`.
    pub enable_auto_tier_to_hot_from_cool: Option<Field<bool>>,
}

/// What happens to snapshots or earlier versions.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CopyActions {
    /// When they go to the tier `Hot`. Premium block blobs only.
    pub tier_to_hot: Option<AfterCreation>,
    /// When they go to the tier `Cool`.
    pub tier_to_cool: Option<AfterCreation>,
    /// When they go to the tier `Cold`.
    pub tier_to_cold: Option<AfterCreation>,
    /// When they go to the tier `Archive`.
    pub tier_to_archive: Option<AfterCreation>,
    /// When they are deleted.
    pub delete: Option<AfterCreation>,
}

/// When something happens to a blob.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AfterUse {
    /// Days since the blob was changed.
    pub days_after_modification_greater_than: Option<Field<u32>>,
    /// Days since the blob was read. Needs `blobService.lastAccessTimeTrackingPolicy`.
    pub days_after_last_access_time_greater_than: Option<Field<u32>>,
    /// Days since the blob was made.
    pub days_after_creation_greater_than: Option<Field<u32>>,
    /// And besides, days since the blob came to its tier. For `tierToArchive`.
    pub days_after_last_tier_change_greater_than: Option<Field<u32>>,
}

/// When something happens to a snapshot or an earlier version.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AfterCreation {
    /// Days since it was made.
    pub days_after_creation_greater_than: Field<u32>,
    /// And besides, days since it came to its tier. For `tierToArchive`.
    pub days_after_last_tier_change_greater_than: Option<Field<u32>>,
}

/// Which blobs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Filters {
    /// Of which sort.
    pub blob_types: Vec<BlobType>,
    /// Whose names begin with one of these, container included: `video/2024`.
    pub prefix_match: Option<Vec<String>>,
    /// Whose index tags are these.
    pub blob_index_match: Option<Vec<TagFilter>>,
}

/// An index tag.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TagFilter {
    /// The name of the tag.
    pub name: String,
    /// How it is compared: `==`.
    pub op: TagOperator,
    /// The value of the tag.
    pub value: String,
}

pub(super) const POLICY_PATH: &str = "managementPolicies/default";

const RULES: &[Rule] = &[
    Rule::ReadOnly("properties.lastModifiedTime"),
    Rule::Keyed("properties.policy.rules", "name"),
    Rule::Set("properties.policy.rules[].definition.filters.blobTypes"),
    Rule::Set("properties.policy.rules[].definition.filters.prefixMatch"),
    Rule::Set("properties.policy.rules[].definition.filters.blobIndexMatch"),
];

/// The policy that holds the rules, if there are any.
pub(super) fn declare(
    resource: &TypedEntry<'_, StorageAccountProps>,
    account: &ArmId,
    nodes: &mut Nodes,
) {
    let Some(written) = resource.resource().props.get("lifecycleRules") else {
        return;
    };
    let rules = match &written.datum {
        Datum::Seq(items) => items
            .iter()
            .filter_map(|item| rule(resource, None, item, nodes))
            .collect(),
        _ => written
            .entries()
            .iter()
            .filter_map(|entry| rule(resource, Some(&entry.key), &entry.value, nodes))
            .collect::<Vec<_>>(),
    };
    if rules.is_empty() {
        return;
    }
    let policy = Value::object([("rules", Value::Array(rules))]);
    let mut lifecycle = resource.child(
        "lifecycle".into(),
        account.child("managementPolicies", "default"),
        arm_types::STORAGE_MANAGEMENT_POLICY,
        properties(Object::from([("policy".to_owned(), policy)])),
        RULES,
    );
    lifecycle.after.push((
        SERVICE_PART.to_owned(),
        "rules on the last access need its tracking first",
    ));
    nodes.push(lifecycle);
}

/// What an author would write of the policy.
pub(super) fn lift(found: &mut LiftSource<'_>, props: &mut Object) {
    let policy = found.parts(POLICY_PATH).next();
    let rules = policy.and_then(|(_, body)| body.pointer("/properties/policy/rules"));
    // Without a type, the usual one would be sent.
    let has_types = |rules: &&Json| {
        let mut rules = rules.as_array().into_iter().flatten();
        rules.all(|rule| rule["type"].is_string())
    };
    let rules = rules.filter(has_types);
    let rules = rules.and_then(|rules| found.shaped("lifecycleRules", rules));
    props.extend(rules.map(|rules| ("lifecycleRules".to_owned(), rules)));
}

fn rule(
    resource: &TypedEntry<'_, StorageAccountProps>,
    key: Option<&str>,
    node: &Node,
    nodes: &mut Nodes,
) -> Option<Value> {
    let Value::Object(mut rule) = resource.resolve(node, nodes) else {
        return None;
    };
    if let Some(key) = key {
        rule.shift_insert(0, "name".into(), key.into());
    }
    let name = rule.get("name")?;
    // An unresolved name shows its reference, which no rule can be called.
    let name = match name {
        Value::String(name) => name.clone(),
        other => other.to_display_json().to_string(),
    };
    if !(1..=256).contains(&name.len())
        || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    {
        nodes.report(
            Diagnostic::error(
                Code::BadName,
                node.span,
                format!("`{name}` is no name for a lifecycle rule"),
            )
            .help("names have 1 to 256 letters, digits and `-`"),
        );
    }
    rule.entry("type".into())
        .or_insert_with(|| "Lifecycle".into());
    Some(Value::Object(rule))
}
