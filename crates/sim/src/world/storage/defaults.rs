//! Default values of the service, as recorded in 2026.

use serde_json::{Value, json};

use crate::world::call::Call;
use crate::world::merge::{tags, text};

pub(super) const SKUS: &[&str] = &[
    "Standard_LRS",
    "Standard_GRS",
    "Standard_RAGRS",
    "Standard_ZRS",
    "Standard_GZRS",
    "Standard_RAGZRS",
    "Premium_LRS",
    "Premium_ZRS",
    "StandardV2_LRS",
    "StandardV2_GRS",
    "StandardV2_ZRS",
    "StandardV2_GZRS",
    "PremiumV2_LRS",
    "PremiumV2_ZRS",
];

pub(super) const KINDS: &[&str] = &[
    "Storage",
    "StorageV2",
    "BlobStorage",
    "FileStorage",
    "BlockBlobStorage",
];

pub(super) fn sku(name: &str) -> Value {
    let tier = if name.starts_with("Premium") {
        "Premium"
    } else {
        "Standard"
    };
    json!({ "name": name, "tier": tier })
}

/// The account that the service creates from the required members.
pub(super) fn account(call: &Call<'_>, body: &Value, location: &str) -> Value {
    let now = call.now.iso();
    let name = call.target.name();
    let kind = text(body, "/kind");
    let service = json!({ "keyType": "Account", "enabled": true, "lastEnabledTime": now });
    let mut acls = json!({
        "bypass": "AzureServices",
        "virtualNetworkRules": [],
        "ipRules": [],
        "defaultAction": "Allow",
    });
    if call.api_version >= "2023-01-01" {
        acls["ipv6Rules"] = json!([]);
    }
    let mut properties = json!({
        "keyCreationTime": { "key1": now, "key2": now },
        "allowCrossTenantReplication": false,
        "privateEndpointConnections": [],
        "minimumTlsVersion": "TLS1_2",
        "allowBlobPublicAccess": false,
        "networkAcls": acls,
        "supportsHttpsTrafficOnly": true,
        "encryption": {
            "services": { "file": service, "blob": service },
            "keySource": "Microsoft.Storage",
        },
    });
    if call.api_version >= "2025-06-01" {
        properties["allowCrossTenantDelegationSas"] = Value::from(false);
    }
    if !matches!(kind, "Storage" | "FileStorage") {
        properties["accessTier"] = Value::from("Hot");
    }
    properties["provisioningState"] = Value::from("Succeeded");
    properties["creationTime"] = Value::from(now);
    properties["primaryEndpoints"] = endpoints(name, kind);
    properties["primaryLocation"] = Value::from(location);
    properties["statusOfPrimary"] = Value::from("available");
    json!({
        "sku": sku(text(body, "/sku/name")),
        "kind": kind,
        "id": call.target.id(),
        "name": name,
        "type": "Microsoft.Storage/storageAccounts",
        "location": location,
        "tags": tags(body),
        "properties": properties,
    })
}

fn endpoints(name: &str, kind: &str) -> Value {
    let url = |service: &str| format!("https://{name}.{service}.core.windows.net/");
    let mut endpoints = json!({ "dfs": url("dfs"), "blob": url("blob"), "table": url("table") });
    if kind != "BlobStorage" {
        endpoints["web"] = Value::from(url("z6.web"));
        endpoints["queue"] = Value::from(url("queue"));
        endpoints["file"] = Value::from(url("file"));
    }
    endpoints
}

/// A service of an account before its first write.
pub(super) fn service(kind: &str, account: &Value) -> Value {
    let cors = json!({ "corsRules": [] });
    match kind {
        "blobservices" => json!({
            "sku": account["sku"],
            "properties": {
                "cors": cors,
                "deleteRetentionPolicy": { "allowPermanentDelete": false, "enabled": false },
            },
        }),
        "fileservices" => json!({
            "sku": account["sku"],
            "properties": {
                "protocolSettings": { "smb": {} },
                "cors": cors,
                "shareDeleteRetentionPolicy": { "enabled": true, "days": 7 },
            },
        }),
        _ => json!({ "properties": { "cors": cors } }),
    }
}

/// The properties of a new container, share, queue or table.
pub(super) fn item(kind: &str, name: &str, now: &str) -> Value {
    match kind {
        "containers" => json!({
            "deleted": false,
            "remainingRetentionDays": 0,
            "defaultEncryptionScope": "$account-encryption-key",
            "denyEncryptionScopeOverride": false,
            "publicAccess": "None",
            "leaseStatus": "Unlocked",
            "leaseState": "Available",
            "lastModifiedTime": now,
            "legalHold": { "hasLegalHold": false, "tags": [] },
            "hasImmutabilityPolicy": false,
            "hasLegalHold": false,
        }),
        "shares" => json!({
            "leaseStatus": "unlocked",
            "leaseState": "available",
            "signedIdentifiers": [],
            "accessTier": "TransactionOptimized",
            "accessTierChangeTime": now,
            "lastModifiedTime": now,
            "shareQuota": 102_400,
        }),
        "queues" => json!({ "metadata": {}, "approximateMessageCount": 0 }),
        _ => json!({ "tableName": name, "signedIdentifiers": [] }),
    }
}
