//! Video Indexer accounts and their storage.

use serde_json::{Value, json};

use crate::world::testing::{Bench, RG, outcome};

fn account() -> String {
    format!("{RG}/providers/Microsoft.VideoIndexer/accounts/vi-videos")
}

/// A world with an identity and a storage account, and the body of a Video Indexer account that uses both.
fn scene() -> (Bench, Value) {
    let mut bench = Bench::with_group();
    let (identity, _) = bench.identity("id");
    let storage = bench.storage("stvideo");
    let body = json!({
        "location": "westeurope",
        "identity": { "type": "UserAssigned", "userAssignedIdentities": { identity.as_str(): {} } },
        "properties": { "storageServices": { "resourceId": storage, "userAssignedIdentity": identity } },
    });
    (bench, body)
}

#[test]
fn account_is_created_immediately_even_without_access() {
    let (mut bench, body) = scene();
    let created = bench.put(&account(), &body);
    assert_eq!(
        (created.status, created.header("Azure-AsyncOperation")),
        (201, None)
    );
    let shown = bench.get(&account()).json();
    assert_eq!(shown, created.json());
    let properties = &shown["properties"];
    assert_eq!(properties["provisioningState"], "Succeeded");
    assert_eq!(properties["accountName"], "vi-videos");
    assert_eq!(properties["publicNetworkAccess"], "Enabled");
    assert!(properties["accountId"].is_string());
    let again = bench.put(&account(), &body);
    assert_eq!((again.status, again.json()), (200, shown));
    let list = format!("{RG}/providers/Microsoft.VideoIndexer/accounts");
    assert_eq!(bench.get(&list).json()["value"][0]["name"], "vi-videos");
    assert_eq!(bench.delete(&account()).status, 200);
    assert_eq!(bench.delete(&account()).status, 204);
}

#[test]
fn system_assigned_identity_is_the_default_for_storage() {
    let (mut bench, mut body) = scene();
    body["identity"] = json!({ "type": "SystemAssigned" });
    assert_eq!(
        outcome(&bench.put(&account(), &body)).1,
        "IdentityNotAssigned"
    );
    let services = body["properties"]["storageServices"]
        .as_object_mut()
        .unwrap();
    services.remove("userAssignedIdentity");
    let created = bench.put(&account(), &body).json();
    assert!(created["identity"]["principalId"].is_string());
}

#[test]
fn invalid_accounts_are_rejected() {
    let (mut bench, good) = scene();
    let blobs = format!("{RG}/providers/Microsoft.Storage/storageAccounts/stblobs");
    let blob_account = json!({ "location": "westeurope", "kind": "BlobStorage", "sku": { "name": "Standard_LRS" }, "properties": { "accessTier": "Hot" } });
    bench.put(&blobs, &blob_account);
    bench.wait(30);
    let mut code = |pointer: &str, value: Value| {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        outcome(&bench.put(&account(), &body)).1
    };
    let storage = "/properties/storageServices/resourceId";
    assert_eq!(code("/location", Value::Null), "LocationRequired");
    assert_eq!(
        code(storage, json!(format!("{blobs}2"))),
        "StorageAccountNotFound"
    );
    assert_eq!(
        code(storage, json!(blobs)),
        "StorageAccountKindNotSupported"
    );
    let identity = "/properties/storageServices/userAssignedIdentity";
    assert_eq!(code(identity, Value::Null), "IdentityNotAssigned");
    assert_eq!(
        code("/location", json!("eastus")),
        "",
        "the storage account can be in another region"
    );
    let named = account().replace("vi-videos", "vi_videos");
    assert_eq!(outcome(&bench.put(&named, &good)).1, "InvalidResourceName");
}

#[test]
fn patch_keeps_other_properties() {
    let (mut bench, body) = scene();
    bench.put(&account(), &body);
    let changed = bench.patch(
        &account(),
        &json!({ "tags": { "team": "video" }, "properties": { "publicNetworkAccess": "Disabled" } }),
    );
    assert_eq!(changed.status, 200);
    let shown = bench.get(&account()).json();
    assert_eq!(shown["tags"]["team"], "video");
    assert_eq!(shown["properties"]["publicNetworkAccess"], "Disabled");
    let services = &shown["properties"]["storageServices"];
    assert_eq!(*services, body["properties"]["storageServices"]);
}
