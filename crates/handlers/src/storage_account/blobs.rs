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
    /// The soft delete of blobs. Azure's default is none.
    pub delete_retention_policy: Option<DeleteRetention>,
    /// The soft delete of containers. Azure's default is none.
    pub container_delete_retention_policy: Option<DeleteRetention>,
    /// Whether Azure keeps earlier versions of blobs. Azure's default is false.
    pub is_versioning_enabled: Option<Field<bool>>,
    /// The change feed: a log of changes to blobs.
    pub change_feed: Option<ChangeFeed>,
    /// Point-in-time restore. Requires versions, change feed and soft delete.
    pub restore_policy: Option<RestorePolicy>,
    /// The tracking of last reads, for lifecycle rules.
    pub last_access_time_tracking_policy: Option<LastAccess>,
    /// The cross-origin rules for browsers.
    pub cors: Option<Cors>,
    /// The API version of requests that name none: `2021-12-02`.
    pub default_service_version: Option<String>,
    /// Deprecated by Azure; use `isVersioningEnabled`.
    pub automatic_snapshot_policy_enabled: Option<Field<bool>>,
}

/// The retention of deleted data.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeleteRetention {
    /// Whether soft delete is on.
    pub enabled: Option<Field<bool>>,
    /// The retention in days: 1 to 365.
    #[schemars(range(min = 1, max = 365))]
    pub days: Option<Field<u32>>,
    /// Whether callers can permanently delete data earlier.
    pub allow_permanent_delete: Option<Field<bool>>,
}

/// A log of changes to blobs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeFeed {
    /// Whether the change feed is on.
    pub enabled: Option<Field<bool>>,
    /// The retention in days: 1 to 146000. Unlimited without a number.
    #[schemars(range(min = 1, max = 146_000))]
    pub retention_in_days: Option<Field<u32>>,
}

/// Point-in-time restore.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestorePolicy {
    /// Whether point-in-time restore is on.
    pub enabled: Field<bool>,
    /// The days that can be restored: 1 to 365, fewer than soft delete keeps.
    #[schemars(range(min = 1, max = 365))]
    pub days: Option<Field<u32>>,
}

/// The tracking of last reads.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LastAccess {
    /// Whether tracking is on.
    pub enable: Field<bool>,
    /// The tracking method; there is one.
    pub name: Option<Field<Tracking>>,
    /// The granularity in days. Always 1.
    pub tracking_granularity_in_days: Option<Field<u32>>,
    /// The tracked blob types. Always `[blockBlob]`.
    pub blob_type: Option<Vec<String>>,
}

words! {
    /// A method of tracking.
    Tracking { AccessTimeTracking }
    /// The anonymous access to a container.
    PublicAccess { None, Blob, Container }
    /// An HTTP method.
    CorsMethod {
        Delete = "DELETE", Get = "GET", Head = "HEAD", Merge = "MERGE", Post = "POST", Options = "OPTIONS",
        Put = "PUT", Patch = "PATCH", Connect = "CONNECT", Trace = "TRACE",
    }
}

/// The cross-origin rules for browsers.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cors {
    /// Up to five rules; the first match applies.
    pub cors_rules: Option<Vec<CorsRule>>,
}

/// A cross-origin rule.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CorsRule {
    /// The allowed origins; `*` is any.
    pub allowed_origins: Vec<String>,
    /// The allowed methods.
    pub allowed_methods: Vec<CorsMethod>,
    /// The allowed request headers.
    pub allowed_headers: Vec<String>,
    /// The response headers that pages can read.
    pub exposed_headers: Vec<String>,
    /// The seconds for which browsers can cache the response.
    pub max_age_in_seconds: Field<u32>,
}

/// A blob container.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Container {
    /// Anonymous access: none, to blobs, or to the container. Azure's default is `None`.
    pub public_access: Option<Field<PublicAccess>>,
    /// The metadata of the container.
    pub metadata: Option<BTreeMap<String, String>>,
    /// The default encryption scope of blobs. Fixed at creation.
    pub default_encryption_scope: Option<String>,
    /// Whether blobs must use the default scope. Fixed at creation.
    pub deny_encryption_scope_override: Option<Field<bool>>,
    /// Immutability of blob versions. Cannot be turned off again.
    pub immutable_storage_with_versioning: Option<ContainerImmutability>,
    /// Whether the NFS 3.0 root user is mapped to anonymous.
    pub enable_nfs_v3_root_squash: Option<Field<bool>>,
    /// Whether all NFS 3.0 users are mapped to anonymous.
    pub enable_nfs_v3_all_squash: Option<Field<bool>>,
}

/// Immutability of blob versions in a container.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContainerImmutability {
    /// Whether immutability is available.
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

/// The part of an account for its blob service.
pub(super) const SERVICE_PART: &str = "blobService";

/// The blob service, if the entry sets it, and the containers.
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
                Diagnostic::error(Code::BadName, entry.key_span, format!("`{}` is not a valid container name", entry.key))
                    .help("use 3 to 63 lowercase letters, digits and single `-`, with a letter or digit at both ends"),
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

/// The blob service and containers of a live account, as properties of an entry.
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
            containers.values_mut().for_each(remove_defaults);
            props.insert("containers".into(), Value::Object(containers));
        }
    }
}

/// Removes the defaults of a container.
fn remove_defaults(container: &mut Value) {
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
