//! The blob service of a storage account, and its containers.

use std::collections::BTreeMap;

use lazuli_core::{
    arm::ArmId,
    diagnostic::{Code, Diagnostic},
    facts::{Field, Rule},
    graph::{Draft, Nodes, TypedEntry},
    lift::LiftSource,
    value::{Object, Value},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::props::StorageAccountProps;

use crate::arm_types;

/// The settings of the blob service.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BlobService {
    /// How long deleted blobs can be brought back. Azure's default is not at all.
    pub delete_retention_policy: Option<DeleteRetention>,
    /// How long deleted containers can be brought back. Azure's default is not at all.
    pub container_delete_retention_policy: Option<DeleteRetention>,
    /// Whether earlier versions of blobs are kept. Azure's default is false.
    pub is_versioning_enabled: Option<Field<bool>>,
    /// A log of what happens to blobs.
    pub change_feed: Option<ChangeFeed>,
    /// Whether containers can be put back to an earlier time. Needs versions, the change feed, and that deleted blobs
    /// can be brought back for longer.
    pub restore_policy: Option<RestorePolicy>,
    /// Whether the last time that a blob was read is kept, for lifecycle rules.
    pub last_access_time_tracking_policy: Option<LastAccess>,
    /// Which pages of other origins may use the service from a browser.
    pub cors: Option<Cors>,
    /// The version of the service for requests that name none: `2021-12-02`.
    pub default_service_version: Option<String>,
    /// Deprecated by Azure: `isVersioningEnabled` is what it became.
    pub automatic_snapshot_policy_enabled: Option<Field<bool>>,
}

/// How long what was deleted can be brought back.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeleteRetention {
    /// Whether it can.
    pub enabled: Option<Field<bool>>,
    /// For how many days: 1 to 365.
    #[schemars(range(min = 1, max = 365))]
    pub days: Option<Field<u32>>,
    /// Whether it can be deleted for good before that.
    pub allow_permanent_delete: Option<Field<bool>>,
}

/// A log of what happens to blobs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeFeed {
    /// Whether it is kept.
    pub enabled: Option<Field<bool>>,
    /// For how many days: 1 to 146000. Without a number, for ever.
    #[schemars(range(min = 1, max = 146_000))]
    pub retention_in_days: Option<Field<u32>>,
}

/// Whether containers can be put back to an earlier time.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestorePolicy {
    /// Whether they can.
    pub enabled: Field<bool>,
    /// By how many days: 1 to 365, fewer than deleted blobs are kept.
    #[schemars(range(min = 1, max = 365))]
    pub days: Option<Field<u32>>,
}

/// Whether the last time that a blob was read is kept.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LastAccess {
    /// Whether it is.
    pub enable: Field<bool>,
    /// How it is kept. There is one way.
    pub name: Option<Field<Tracking>>,
    /// How exactly, in days. Always 1.
    pub tracking_granularity_in_days: Option<Field<u32>>,
    /// For which sorts of blobs. Always `[blockBlob]`.
    pub blob_type: Option<Vec<String>>,
}

words! {
    /// How the last access is kept.
    Tracking { AccessTimeTracking }
    /// Who may read a container without signing in.
    PublicAccess { None, Blob, Container }
    /// A method of HTTP.
    CorsMethod {
        Delete = "DELETE", Get = "GET", Head = "HEAD", Merge = "MERGE", Post = "POST", Options = "OPTIONS",
        Put = "PUT", Patch = "PATCH", Connect = "CONNECT", Trace = "TRACE",
    }
}

/// Which pages of other origins may use the service.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cors {
    /// Up to five rules; the first that fits counts.
    pub cors_rules: Option<Vec<CorsRule>>,
}

/// Pages that may use the service.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CorsRule {
    /// The origins; `*` is any.
    pub allowed_origins: Vec<String>,
    /// The methods.
    pub allowed_methods: Vec<CorsMethod>,
    /// The headers that a request may have.
    pub allowed_headers: Vec<String>,
    /// The headers of an answer that a page may read.
    pub exposed_headers: Vec<String>,
    /// How many seconds a browser may remember the answer.
    pub max_age_in_seconds: Field<u32>,
}

/// A container of blobs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Container {
    /// Who may read without signing in: no one, anyone who knows a blob's name, or anyone. Azure's default is `None`.
    pub public_access: Option<Field<PublicAccess>>,
    /// Names and values that the container carries.
    pub metadata: Option<BTreeMap<String, String>>,
    /// The encryption scope of blobs that name none. Fixed at creation.
    pub default_encryption_scope: Option<String>,
    /// Whether blobs must be in that scope. Fixed at creation.
    pub deny_encryption_scope_override: Option<Field<bool>>,
    /// Whether versions of its blobs can be kept from being changed or deleted. It cannot be turned off again.
    pub immutable_storage_with_versioning: Option<ContainerImmutability>,
    /// Whether the user root of NFS 3.0 counts as no one.
    pub enable_nfs_v3_root_squash: Option<Field<bool>>,
    /// Whether every user of NFS 3.0 counts as no one.
    pub enable_nfs_v3_all_squash: Option<Field<bool>>,
}

/// Whether versions of blobs can be kept from being changed or deleted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContainerImmutability {
    /// Whether they can.
    pub enabled: Option<Field<bool>>,
}

pub(super) const SERVICE_PATH: &str = "blobServices/default";
pub(super) const CONTAINERS_PATH: &str = "blobServices/default/containers";

const SERVICE_RULES: &[Rule] = &[
    Rule::ReadOnly("sku"),
    Rule::ReadOnly("properties.restorePolicy.lastEnabledTime"),
    Rule::ReadOnly("properties.restorePolicy.minRestoreTime"),
    Rule::Set("properties.cors.corsRules[].allowedOrigins"),
    Rule::Set("properties.cors.corsRules[].allowedMethods"),
    Rule::Set("properties.cors.corsRules[].allowedHeaders"),
    Rule::Set("properties.cors.corsRules[].exposedHeaders"),
    Rule::Set("properties.lastAccessTimeTrackingPolicy.blobType"),
];

const CONTAINER_RULES: &[Rule] = &[
    Rule::Immutable("properties.defaultEncryptionScope"),
    Rule::Immutable("properties.denyEncryptionScopeOverride"),
    Rule::ReadOnly("properties.version"),
    Rule::ReadOnly("properties.deleted"),
    Rule::ReadOnly("properties.deletedTime"),
    Rule::ReadOnly("properties.remainingRetentionDays"),
    Rule::ReadOnly("properties.lastModifiedTime"),
    Rule::ReadOnly("properties.leaseStatus"),
    Rule::ReadOnly("properties.leaseState"),
    Rule::ReadOnly("properties.leaseDuration"),
    Rule::ReadOnly("properties.immutabilityPolicy"),
    Rule::ReadOnly("properties.legalHold"),
    Rule::ReadOnly("properties.hasLegalHold"),
    Rule::ReadOnly("properties.hasImmutabilityPolicy"),
    Rule::ReadOnly("properties.immutableStorageWithVersioning.timeStamp"),
    Rule::ReadOnly("properties.immutableStorageWithVersioning.migrationState"),
];

/// The part of an account that is the settings of its blob service.
pub(super) const SERVICE_PART: &str = "blobService";

/// The blob service, if something is said about it, and the containers.
pub(super) fn declare(
    resource: &TypedEntry<'_, StorageAccountProps>,
    account: &ArmId,
    nodes: &mut Nodes,
) {
    let service = account.child("blobServices", "default");
    if let Some(Value::Object(settings)) = resource.value("blobService", nodes) {
        let draft = resource.child(
            SERVICE_PART.into(),
            service.clone(),
            arm_types::BLOB_SERVICE,
            properties(settings),
            SERVICE_RULES,
        );
        nodes.push(Draft {
            deletable: false,
            ..draft
        });
    }
    for entry in resource.entries("containers") {
        if !is_container_name(&entry.key) {
            nodes.report(
                Diagnostic::error(Code::BadName, entry.key_span, format!("`{}` is no name for a container", entry.key))
                    .help("names have 3 to 63 lowercase letters, digits and single `-`, and begin and end with a letter or digit"),
            );
            continue;
        }
        let settings = match resource.resolve(&entry.value, nodes) {
            Value::Object(settings) => settings,
            _ => Object::new(),
        };
        nodes.push(resource.child(
            format!("containers/{}", entry.key),
            service.child("containers", &entry.key),
            arm_types::BLOB_CONTAINER,
            properties(settings),
            CONTAINER_RULES,
        ));
    }
}

/// What an author would write of the blob service and the containers.
pub(super) fn lift(found: &mut LiftSource<'_>, props: &mut Object) {
    let service = found.parts(SERVICE_PATH).next();
    let service = service.map(|(_, body)| body["properties"].clone());
    let service = service.and_then(|settings| found.shaped(SERVICE_PART, &settings));
    let service = service.filter(|settings| *settings != Value::Object(Object::new()));
    props.extend(service.map(|settings| (SERVICE_PART.to_owned(), settings)));
    let containers: Map<String, Json> = found
        .parts(CONTAINERS_PATH)
        .map(|(name, body)| (name.to_owned(), body["properties"].clone()))
        .collect();
    if !containers.is_empty() {
        let containers = found.shaped("containers", &Json::Object(containers));
        if let Some(Value::Object(mut containers)) = containers {
            containers.values_mut().for_each(without_what_is_usual);
            props.insert("containers".into(), Value::Object(containers));
        }
    }
}

/// Leaves out what Azure answers of every container that nobody said anything of.
fn without_what_is_usual(container: &mut Value) {
    let usual = [
        ("publicAccess", Value::from("None")),
        (
            "defaultEncryptionScope",
            Value::from("$account-encryption-key"),
        ),
        ("denyEncryptionScopeOverride", Value::from(false)),
    ];
    if let Value::Object(settings) = container {
        settings.retain(|name, value| !usual.iter().any(|(it, is)| it == name && is == value));
    }
}

pub(super) fn properties(settings: Object) -> Object {
    Object::from([("properties".to_owned(), Value::Object(settings))])
}

/// Microsoft docs: "Naming and referencing containers, blobs, and metadata". `$root`, `$web` and `$logs` are Azure's.
fn is_container_name(name: &str) -> bool {
    let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    matches!(name, "$root" | "$web" | "$logs")
        || (3..=63).contains(&name.len())
            && name.chars().all(|c| ends(c) || c == '-')
            && name.starts_with(ends)
            && name.ends_with(ends)
            && !name.contains("--")
}
