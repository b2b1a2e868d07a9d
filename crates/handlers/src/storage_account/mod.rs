//! `storageAccount`: the account, its blob service and containers, and its lifecycle rules.

pub mod blobs;
mod checks;
pub mod lifecycle;
mod name_check;
pub mod props;
#[cfg(test)]
mod tests;

use lazuli_core::{
    diagnostic::Diagnostics,
    facts::{
        Facts, Family, LinkedAction, NameRule, OutputDoc, PartOf, PermissionPurpose, Place, Rule,
    },
    graph::{Nodes, Surroundings, TypedEntry},
    kind::Handler,
    lift::{LiftSource, LiftedEntry},
    node::Datum,
    value::{Object, Value},
};

pub use props::StorageAccountProps;

use crate::identity::{self, AssignedIdentities};

use crate::arm_types;

/// Handles `storageAccount`.
pub struct StorageAccount;

/// Properties outside of `properties` in ARM's body, and those that become child resources.
const NOT_IN_PROPERTIES: &[&str] = &[
    "sku",
    "accountKind",
    "identity",
    "extendedLocation",
    "zones",
    "placement",
    "blobService",
    "containers",
    "lifecycleRules",
];

/// Properties that a live account has elsewhere, or under another name.
const NOT_LIFTED: &[&str] = &[
    "sku",
    "accountKind",
    "identity",
    "blobService",
    "containers",
    "lifecycleRules",
];

/// The kind that is sent by default.
const USUAL_KIND: &str = "StorageV2";

impl Handler for StorageAccount {
    const FACTS: Facts = Facts {
        kind: "storageAccount",
        arm_type: Some(arm_types::STORAGE_ACCOUNT),
        place: Place::ResourceGroup,
        name: Some(NameRule {
            length: 3..=24,
            is_valid: |name| {
                name.chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
            },
            description: "3 to 24 lowercase letters and digits",
        }),
        tags: true,
        location: true,
        listed: true,
        body: None,
        rules: RULES,
        outputs: OUTPUTS,
        retired: None,
        family: Family::Storage,
        permissions: &[
            (
                PermissionPurpose::Read,
                "Microsoft.Storage/storageAccounts/read",
            ),
            (
                PermissionPurpose::Write,
                "Microsoft.Storage/storageAccounts/write",
            ),
            (
                PermissionPurpose::Write,
                "Microsoft.Storage/storageAccounts/delete",
            ),
        ],
        linked_actions: LINKED_ACTIONS,
        creation: Some(name_check::CREATION),
    };
    type Props = StorageAccountProps;
    type Links<'a> = ();
    const PARTS: &'static [PartOf] = &[
        PartOf {
            path: blobs::SERVICE_PATH,
            arm_type: arm_types::BLOB_SERVICE,
        },
        PartOf {
            path: blobs::CONTAINERS_PATH,
            arm_type: arm_types::BLOB_CONTAINER,
        },
        PartOf {
            path: lifecycle::POLICY_PATH,
            arm_type: arm_types::STORAGE_MANAGEMENT_POLICY,
        },
    ];

    fn link(_: &TypedEntry<'_, StorageAccountProps>, _: &mut Nodes) -> Option<()> {
        Some(())
    }

    fn declare(resource: &TypedEntry<'_, StorageAccountProps>, nodes: &mut Nodes) {
        let Some(id) = resource.placement().id.clone() else {
            return;
        };
        let mut body = resource.envelope(nodes);
        if let Some(sku) = resource.value("sku", nodes) {
            body.insert("sku".into(), Value::object([("name", sku)]));
        }
        let kind = resource
            .value("accountKind", nodes)
            .filter(|kind| *kind != Value::Null);
        body.insert("kind".into(), kind.unwrap_or_else(|| USUAL_KIND.into()));
        for property in ["extendedLocation", "zones", "placement"] {
            if let Some(value) = resource.value(property, nodes) {
                body.insert(property.into(), value);
            }
        }
        let identity = resource.resource().props.get("identity");
        let identity = identity.filter(|node| node.datum != Datum::Null);
        if let Some(identities) =
            identity.and_then(|node| AssignedIdentities::read(resource, node, nodes))
        {
            body.insert("identity".into(), identities.body());
        }
        let properties = resource.properties_except(NOT_IN_PROPERTIES, nodes);
        if !properties.is_empty() {
            body.insert("properties".into(), Value::Object(properties));
        }
        nodes.push(resource.draft(id.clone(), body));
        blobs::declare(resource, &id, nodes);
        lifecycle::declare(resource, &id, nodes);
    }

    fn lift(found: &mut LiftSource<'_>) -> Option<LiftedEntry> {
        let mut props = Object::new();
        let sku = found.at("sku.name")?;
        props.insert("sku".into(), found.shaped("sku", sku)?);
        let kind = found.shaped("accountKind", found.at("kind")?)?;
        if kind.as_str() != Some(USUAL_KIND) {
            props.insert("accountKind".into(), kind);
        }
        props.extend(found.properties_except(NOT_LIFTED));
        props.retain(|name, value| name != "encryption" || !is_usual_encryption(value));
        let identity = identity::lift(found, None);
        props.extend(identity.map(|identity| ("identity".to_owned(), identity)));
        blobs::lift(found, &mut props);
        lifecycle::lift(found, &mut props);
        Some(found.to_entry(props))
    }

    fn check(
        resource: &TypedEntry<'_, StorageAccountProps>,
        _: &Surroundings<'_>,
        diagnostics: &mut Diagnostics,
    ) {
        checks::check(resource, diagnostics);
    }
}

/// Whether the encryption is Azure's default, with keys that Microsoft manages.
fn is_usual_encryption(encryption: &Value) -> bool {
    let service = |name: &str| match name {
        "blob" | "file" => "Account",
        _ => "Service",
    };
    let is_usual = |(name, settings): (&String, &Value)| match settings {
        Value::Object(settings) => settings
            .iter()
            .all(|(setting, value)| match setting.as_str() {
                "enabled" => *value == Value::Bool(true),
                _ => setting == "keyType" && value.as_str() == Some(service(name)),
            }),
        _ => false,
    };
    let Value::Object(members) = encryption else {
        return false;
    };
    members
        .iter()
        .all(|(name, value)| match (name.as_str(), value) {
            ("keySource", value) => value.as_str() == Some("Microsoft.Storage"),
            ("requireInfrastructureEncryption", value) => *value == Value::Bool(false),
            ("services", Value::Object(services)) => services.iter().all(is_usual),
            _ => false,
        })
}

/// Microsoft docs "Azure Storage firewall rules": adding a subnet to an account needs this action on the subnet.
const LINKED_ACTIONS: &[LinkedAction] = &[LinkedAction {
    list: &["properties", "networkAcls", "virtualNetworkRules"],
    id: "id",
    action: "Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action",
}];

const RULES: &[Rule] = &[
    Rule::Immutable("location"),
    Rule::Immutable("extendedLocation"),
    Rule::Immutable("properties.isHnsEnabled"),
    Rule::Immutable("properties.isNfsV3Enabled"),
    Rule::Immutable("properties.dnsEndpointType"),
    Rule::Immutable("properties.immutableStorageWithVersioning.enabled"),
    Rule::Immutable("properties.encryption.requireInfrastructureEncryption"),
    Rule::Immutable("properties.encryption.services.blob.keyType"),
    Rule::Immutable("properties.encryption.services.file.keyType"),
    Rule::Immutable("properties.encryption.services.queue.keyType"),
    Rule::Immutable("properties.encryption.services.table.keyType"),
    Rule::WriteOnly("properties.customDomain.useSubDomainName"),
    Rule::AnyCase("sku.name"),
    Rule::AnyCase("kind"),
    Rule::AnyCase("identity.type"),
    Rule::AnyCase("properties.encryption.keySource"),
    Rule::AnyCase("properties.encryption.keyvaultproperties.keyvaulturi"),
    Rule::Set("zones"),
    Rule::Keyed("properties.networkAcls.ipRules", "value"),
    Rule::Keyed("properties.networkAcls.ipv6Rules", "value"),
    Rule::Keyed("properties.networkAcls.virtualNetworkRules", "id"),
    Rule::Keyed("properties.networkAcls.resourceAccessRules", "resourceId"),
    Rule::ReadOnly("sku.tier"),
    Rule::ReadOnly("identity.principalId"),
    Rule::ReadOnly("identity.tenantId"),
    Rule::ReadOnly("identity.userAssignedIdentities.*.principalId"),
    Rule::ReadOnly("identity.userAssignedIdentities.*.clientId"),
    Rule::ReadOnly("identity.userAssignedIdentities.*.tenantId"),
    Rule::ReadOnly("identity.userAssignedIdentities.*.identityUrl"),
    Rule::ReadOnly("identity.userAssignedIdentities.*.certRenewAfter"),
    Rule::ReadOnly("properties.encryption.services.blob.lastEnabledTime"),
    Rule::ReadOnly("properties.encryption.services.file.lastEnabledTime"),
    Rule::ReadOnly("properties.encryption.services.queue.lastEnabledTime"),
    Rule::ReadOnly("properties.encryption.services.table.lastEnabledTime"),
    Rule::ReadOnly("properties.encryption.keyvaultproperties.currentVersionedKeyIdentifier"),
    Rule::ReadOnly("properties.encryption.keyvaultproperties.lastKeyRotationTimestamp"),
    Rule::ReadOnly(
        "properties.encryption.keyvaultproperties.currentVersionedKeyExpirationTimestamp",
    ),
    Rule::ReadOnly("properties.networkAcls.virtualNetworkRules[].state"),
    Rule::ReadOnly("properties.provisioningState"),
    Rule::ReadOnly("properties.primaryEndpoints"),
    Rule::ReadOnly("properties.primaryLocation"),
    Rule::ReadOnly("properties.statusOfPrimary"),
    Rule::ReadOnly("properties.lastGeoFailoverTime"),
    Rule::ReadOnly("properties.secondaryEndpoints"),
    Rule::ReadOnly("properties.secondaryLocation"),
    Rule::ReadOnly("properties.statusOfSecondary"),
    Rule::ReadOnly("properties.creationTime"),
    Rule::ReadOnly("properties.keyCreationTime"),
    Rule::ReadOnly("properties.geoReplicationStats"),
    Rule::ReadOnly("properties.failoverInProgress"),
    Rule::ReadOnly("properties.privateEndpointConnections"),
    Rule::ReadOnly("properties.blobRestoreStatus"),
    Rule::ReadOnly("properties.storageAccountSkuConversionStatus"),
    Rule::ReadOnly("properties.isSkuConversionBlocked"),
    Rule::ReadOnly("properties.accountMigrationInProgress"),
];

const OUTPUTS: &[OutputDoc] = &[
    OutputDoc {
        name: "primaryEndpoints",
        path: "properties.primaryEndpoints",
        doc: "The service URLs: `.blob`, `.dfs`, `.file`, `.queue`, `.table`, `.web`.",
    },
    OutputDoc {
        name: "secondaryEndpoints",
        path: "properties.secondaryEndpoints",
        doc: "The service URLs in the secondary region, with read access.",
    },
    OutputDoc {
        name: "primaryLocation",
        path: "properties.primaryLocation",
        doc: "The primary region.",
    },
    OutputDoc {
        name: "secondaryLocation",
        path: "properties.secondaryLocation",
        doc: "The secondary region, with geo-replication.",
    },
    OutputDoc {
        name: "principalId",
        path: "identity.principalId",
        doc: "The object id of the system-assigned identity.",
    },
    OutputDoc {
        name: "tenantId",
        path: "identity.tenantId",
        doc: "The tenant of the system-assigned identity.",
    },
    OutputDoc {
        name: "creationTime",
        path: "properties.creationTime",
        doc: "The time of creation.",
    },
    OutputDoc {
        name: "provisioningState",
        path: "properties.provisioningState",
        doc: "The state of provisioning: `Succeeded` when complete.",
    },
];
