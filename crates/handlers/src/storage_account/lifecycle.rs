//! The lifecycle rules of a storage account.

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
    /// A list, as in ARM.
    List(Vec<NamedRule>),
    /// A mapping by name.
    ByName(BTreeMap<String, LifecycleRule>),
}

/// A rule in a list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NamedRule {
    /// The name of the rule.
    pub name: String,
    /// Whether the rule is active. Azure's default is true.
    pub enabled: Option<Field<bool>>,
    /// The type of the rule. The default that is sent is `Lifecycle`.
    #[serde(rename = "type")]
    pub kind: Option<Field<RuleType>>,
    /// The filters and actions of the rule.
    pub definition: Definition,
}

/// A rule whose key is its name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LifecycleRule {
    /// Whether the rule is active. Azure's default is true.
    pub enabled: Option<Field<bool>>,
    /// The type of the rule. The default that is sent is `Lifecycle`.
    #[serde(rename = "type")]
    pub kind: Option<Field<RuleType>>,
    /// The filters and actions of the rule.
    pub definition: Definition,
}

words! {
    /// A type of rule.
    RuleType { Lifecycle }
    /// A type of blob.
    BlobType { BlockBlob = "blockBlob", AppendBlob = "appendBlob" }
    /// An operator for tags.
    TagOperator { Equal = "==" }
}

/// The filters and actions of a rule.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Definition {
    /// The actions.
    pub actions: Actions,
    /// The filters; without them, the rule covers all blobs.
    pub filters: Option<Filters>,
}

/// The actions of a rule.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Actions {
    /// The actions on blobs.
    pub base_blob: Option<BaseBlobActions>,
    /// The actions on snapshots.
    pub snapshot: Option<CopyActions>,
    /// The actions on earlier versions.
    pub version: Option<CopyActions>,
}

/// The actions on blobs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BaseBlobActions {
    /// When blobs move to `Hot`. Premium block blobs only.
    pub tier_to_hot: Option<AfterUse>,
    /// When blobs move to `Cool`.
    pub tier_to_cool: Option<AfterUse>,
    /// When blobs move to `Cold`.
    pub tier_to_cold: Option<AfterUse>,
    /// When blobs move to `Archive`.
    pub tier_to_archive: Option<AfterUse>,
    /// When blobs are deleted.
    pub delete: Option<AfterUse>,
    /// Whether a read moves a blob from `Cool` to `Hot`. Requires `daysAfterLastAccessTimeGreaterThan`.
    pub enable_auto_tier_to_hot_from_cool: Option<Field<bool>>,
}

/// The actions on snapshots or earlier versions.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CopyActions {
    /// When copies move to `Hot`. Premium block blobs only.
    pub tier_to_hot: Option<AfterCreation>,
    /// When copies move to `Cool`.
    pub tier_to_cool: Option<AfterCreation>,
    /// When copies move to `Cold`.
    pub tier_to_cold: Option<AfterCreation>,
    /// When copies move to `Archive`.
    pub tier_to_archive: Option<AfterCreation>,
    /// When copies are deleted.
    pub delete: Option<AfterCreation>,
}

/// The conditions of an action on blobs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AfterUse {
    /// The days since the last change.
    pub days_after_modification_greater_than: Option<Field<u32>>,
    /// The days since the last read. Requires `lastAccessTimeTrackingPolicy`.
    pub days_after_last_access_time_greater_than: Option<Field<u32>>,
    /// The days since creation.
    pub days_after_creation_greater_than: Option<Field<u32>>,
    /// The days since the last tier change. For `tierToArchive`.
    pub days_after_last_tier_change_greater_than: Option<Field<u32>>,
}

/// The conditions of an action on snapshots or earlier versions.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AfterCreation {
    /// The days since creation.
    pub days_after_creation_greater_than: Field<u32>,
    /// The days since the last tier change. For `tierToArchive`.
    pub days_after_last_tier_change_greater_than: Option<Field<u32>>,
}

/// The filters of a rule.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Filters {
    /// The blob types.
    pub blob_types: Vec<BlobType>,
    /// Prefixes of names that include the container: `video/2024`.
    pub prefix_match: Option<Vec<String>>,
    /// The index tags.
    pub blob_index_match: Option<Vec<TagFilter>>,
}

/// An index tag.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TagFilter {
    /// The name of the tag.
    pub name: String,
    /// The operator: `==`.
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

/// The policy that holds the rules, if the entry has rules.
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
        "rules on the last access require its tracking",
    ));
    nodes.push(lifecycle);
}

/// The lifecycle rules of a live account, as properties of an entry.
pub(super) fn lift(found: &mut LiftSource<'_>, props: &mut Object) {
    let policy = found.parts(POLICY_PATH).next();
    let rules = policy.and_then(|(_, body)| body.pointer("/properties/policy/rules"));
    // Without a type, the default one would be sent.
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
                format!("`{name}` is not a valid lifecycle rule name"),
            )
            .help("use 1 to 256 letters, digits and `-`"),
        );
    }
    rule.entry("type".into())
        .or_insert_with(|| "Lifecycle".into());
    Some(Value::Object(rule))
}
