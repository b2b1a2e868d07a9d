//! Storage accounts and their children.

use serde_json::{Value, json};

use crate::world::testing::{Bench, RG, outcome};
use crate::world::{OTHER_SUBSCRIPTION, SUBSCRIPTION};

fn body() -> Value {
    json!({ "location": "westeurope", "kind": "StorageV2", "sku": { "name": "Standard_LRS" }, "tags": null, "properties": { "accessTier": "Hot" } })
}

fn path(name: &str) -> String {
    format!("{RG}/providers/Microsoft.Storage/storageAccounts/{name}")
}

#[test]
fn account_creation_is_a_long_running_operation() {
    let mut bench = Bench::with_group();
    let id = path("stnew");
    let accepted = bench.put(&id, &body());
    assert_eq!((accepted.status, accepted.body.len()), (202, 0));
    assert_eq!(accepted.header("Retry-After"), Some("17"));
    assert_eq!(
        accepted.header("Content-Type"),
        Some("text/plain; charset=utf-8")
    );
    let poll = accepted.header("Location").unwrap().to_owned();
    assert!(poll.contains("/providers/Microsoft.Storage/locations/westeurope/asyncoperations/"));
    assert!(poll.contains("?monitor=true&api-version=2024-01-01"));
    let state = |bench: &mut Bench| {
        bench.get(&path("stnew")).json()["properties"]["provisioningState"].clone()
    };
    bench.wait(2);
    assert_eq!(state(&mut bench), "Creating");
    assert_eq!(bench.follow(&poll).status, 202);
    bench.wait(10);
    assert_eq!(state(&mut bench), "ResolvingDns");
    assert_eq!(
        outcome(&bench.post(&format!("{id}/listKeys"), &json!({}))),
        (409, "StorageAccountIsNotProvisioned".into())
    );
    assert_eq!(
        outcome(&bench.put(&id, &body())),
        (409, "StorageAccountOperationInProgress".into())
    );
    bench.wait(13);
    let done = bench.follow(&poll);
    assert_eq!(done.status, 200);
    assert_eq!(done.json(), bench.get(&id).json());
    assert_eq!(state(&mut bench), "Succeeded");
    let keys = bench.post(&format!("{id}/listKeys"), &json!({})).json();
    assert_eq!(keys["keys"][1]["keyName"], "key2");
}

#[test]
fn service_adds_default_values() {
    let mut bench = Bench::with_group();
    let id = bench.storage("stfull");
    let account = bench.get(&id).json();
    assert_eq!(
        account["sku"],
        json!({ "name": "Standard_LRS", "tier": "Standard" })
    );
    assert_eq!(account["tags"], json!({}));
    let properties = &account["properties"];
    assert_eq!(properties["minimumTlsVersion"], "TLS1_2");
    assert_eq!(
        properties["networkAcls"],
        json!({ "bypass": "AzureServices", "virtualNetworkRules": [], "ipRules": [], "defaultAction": "Allow", "ipv6Rules": [] })
    );
    assert_eq!(properties["encryption"]["keySource"], "Microsoft.Storage");
    assert_eq!(
        properties["primaryEndpoints"]["blob"],
        "https://stfull.blob.core.windows.net/"
    );
    assert_eq!(
        properties["keyCreationTime"]["key1"],
        "2026-01-01T00:00:00.0000000Z"
    );
    assert!(properties.get("isHnsEnabled").is_none());
    assert!(
        properties.get("allowCrossTenantDelegationSas").is_none(),
        "the property was added with 2025-06-01"
    );
}

#[test]
fn account_names_are_validated_and_globally_unique() {
    let mut bench = Bench::with_group();
    for bad in [
        "ab",
        "Upper",
        "with-dash",
        "averyveryverylongnamethatistoolong",
    ] {
        assert_eq!(
            outcome(&bench.put(&path(bad), &body())),
            (400, "AccountNameInvalid".into())
        );
    }
    assert_eq!(
        outcome(&bench.put(&path("stlazulitaken"), &body())),
        (409, "StorageAccountAlreadyTaken".into())
    );
    bench.storage("stmine");
    let second = format!("{RG}2");
    bench.put(&second, &json!({ "location": "westeurope" }));
    let in_second = format!("{second}/providers/Microsoft.Storage/storageAccounts/stmine");
    assert_eq!(
        outcome(&bench.put(&in_second, &body())),
        (409, "StorageAccountInAnotherResourceGroup".into())
    );
    let abroad = RG.replace(SUBSCRIPTION, OTHER_SUBSCRIPTION);
    bench.put(&abroad, &json!({ "location": "westeurope" }));
    let elsewhere = path("stmine").replace(SUBSCRIPTION, OTHER_SUBSCRIPTION);
    assert_eq!(
        outcome(&bench.put(&elsewhere, &body())),
        (409, "StorageAccountAlreadyTaken".into())
    );
    let ask =
        format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Storage/checkNameAvailability");
    let mut available = |name: &str| bench.post(&ask, &json!({ "name": name })).json();
    assert_eq!(available("stmine")["reason"], "AlreadyExists");
    assert_eq!(available("X")["reason"], "AccountNameInvalid");
    assert_eq!(available("stfree"), json!({ "nameAvailable": true }));
    bench.delete(&path("stmine"));
    assert_eq!(bench.put(&elsewhere, &body()).status, 202);
}

#[test]
fn update_is_immediate_and_keeps_other_properties() {
    let mut bench = Bench::with_group();
    let id = bench.storage("stold");
    let mut change = body();
    change["properties"] = json!({ "allowSharedKeyAccess": false });
    assert_eq!(bench.put(&id, &change).status, 200);
    let patched = bench.patch(
        &id,
        &json!({ "tags": { "a": "b" }, "properties": { "minimumTlsVersion": "TLS1_1" } }),
    );
    assert_eq!(patched.status, 200);
    let now = bench.get(&id).json();
    assert_eq!(now["properties"]["allowSharedKeyAccess"], false);
    assert_eq!(now["properties"]["minimumTlsVersion"], "TLS1_1");
    assert_eq!(now["tags"], json!({ "a": "b" }));
}

#[test]
fn immutable_properties_cannot_change() {
    let mut bench = Bench::with_group();
    let id = bench.storage("stfixed");
    let mut rejected = |member: &str, value: Value| {
        let mut change = body();
        change[member] = value;
        outcome(&bench.put(&id, &change))
    };
    assert_eq!(
        rejected("location", json!("eastus")),
        (409, "InvalidResourceLocation".into())
    );
    assert_eq!(
        rejected("kind", json!("BlobStorage")),
        (400, "AccountPropertyCannotBeUpdated".into())
    );
    let hns = json!({ "isHnsEnabled": false });
    assert_eq!(
        rejected("properties", hns),
        (400, "AccountPropertyCannotBeUpdated".into())
    );
    assert_eq!(
        rejected("sku", json!({ "name": "Premium_LRS" })),
        (400, "AccountPropertyCannotBeUpdated".into())
    );
    assert_eq!(rejected("sku", json!({ "name": "Standard_GRS" })).0, 200);
}

#[test]
fn invalid_values_are_rejected() {
    let mut bench = Bench::with_group();
    let mut rejected = |change: &dyn Fn(&mut Value)| {
        let mut body = body();
        change(&mut body);
        outcome(&bench.put(&path("stbad"), &body))
    };
    let invalid = (400, "InvalidValuesForRequestParameters".to_owned());
    assert_eq!(
        rejected(
            &|body| body["properties"]["keyPolicy"] = json!({ "keyExpirationPeriodInDays": -260 })
        ),
        invalid
    );
    assert_eq!(
        rejected(&|body| body["sku"]["name"] = json!("Standard_XXX")),
        invalid
    );
    assert_eq!(rejected(&|body| body["kind"] = json!(null)), invalid);
    assert_eq!(
        rejected(&|body| body["properties"]["minimumTlsVersion"] = json!("TLS9")),
        invalid
    );
    assert_eq!(
        rejected(&|body| body["location"] = json!("mars")).1,
        "LocationNotAvailableForResourceType"
    );
}

#[test]
fn identities_must_exist_and_customer_managed_keys_require_one() {
    let mut bench = Bench::with_group();
    let identity = format!("{RG}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id");
    let mut with = body();
    with["identity"] =
        json!({ "type": "UserAssigned", "userAssignedIdentities": { identity.as_str(): {} } });
    with["properties"]["encryption"] = json!({
        "keySource": "Microsoft.Keyvault",
        "keyvaultproperties": { "keyname": "k", "keyvaulturi": "https://kv.vault.azure.net" },
        "identity": { "userAssignedIdentity": identity },
    });
    let missing = bench.put(&path("stkey"), &with);
    assert_eq!(outcome(&missing), (400, "FailedIdentityOperation".into()));
    assert_eq!(missing.header("x-ms-failure-cause"), Some("gateway"));
    let (_, principal) = bench.identity("id");
    assert_eq!(bench.put(&path("stkey"), &with).status, 202);
    let account = bench.get(&path("stkey")).json();
    assert_eq!(
        account["identity"]["userAssignedIdentities"][&identity]["principalId"],
        principal
    );
    with["identity"] = json!({ "type": "None" });
    assert_eq!(
        outcome(&bench.put(&path("stkey2"), &with)),
        (400, "InvalidValuesForRequestParameters".into())
    );
}

#[test]
fn customer_managed_key_requires_effective_data_actions_of_the_identity() {
    const ENCRYPTION_USER: &str = "e147488a-f6f5-4113-8e2d-b22465e65bf6";
    const SECRETS_USER: &str = "4633458b-17de-408a-b874-0445c86b69e6";
    let mut bench = Bench::with_group();
    let vault = format!("{RG}/providers/Microsoft.KeyVault/vaults/kv");
    let rbac =
        json!({ "location": "westeurope", "properties": { "enableRbacAuthorization": true } });
    let created = bench.put(&vault, &rbac).json();
    assert_eq!(
        created["properties"]["vaultUri"],
        "https://kv.vault.azure.net/"
    );
    let (identity, principal) = bench.identity("reader");
    let mut encrypted = body();
    encrypted["identity"] = json!({ "type": "UserAssigned" });
    encrypted["identity"]["userAssignedIdentities"][&identity] = json!({});
    encrypted["properties"]["encryption"] = json!({
        "keySource": "Microsoft.Keyvault",
        "keyvaultproperties": { "keyname": "cmk", "keyvaulturi": "https://KV.vault.azure.net" },
        "identity": { "userAssignedIdentity": identity },
    });
    let denied = (403, "KeyVaultAuthenticationFailure".to_owned());
    assert_eq!(outcome(&bench.put(&path("stkey"), &encrypted)), denied);
    bench.grant(&vault, SECRETS_USER, &principal, 1);
    bench.wait(60);
    assert_eq!(outcome(&bench.put(&path("stkey"), &encrypted)), denied);
    let key = format!("{vault}/keys/cmk");
    bench.put(&key, &json!({ "properties": { "kty": "RSA" } }));
    bench.grant(&key, ENCRYPTION_USER, &principal, 2);
    assert_eq!(outcome(&bench.put(&path("stkey"), &encrypted)), denied);
    bench.wait(60);
    assert_eq!(bench.put(&path("stkey"), &encrypted).status, 202);

    // Vaults with access policies and vaults of others are not checked.
    let elsewhere = "https://other.vault.azure.net";
    encrypted["properties"]["encryption"]["keyvaultproperties"]["keyvaulturi"] = elsewhere.into();
    assert_eq!(bench.put(&path("stother"), &encrypted).status, 202);
}

#[test]
fn services_always_exist_and_return_only_their_name_when_written() {
    let mut bench = Bench::with_group();
    let id = bench.storage("stchild");
    let blob = format!("{id}/blobServices/default");
    let fresh = bench.get(&blob).json();
    assert_eq!(
        fresh["properties"]["deleteRetentionPolicy"],
        json!({ "allowPermanentDelete": false, "enabled": false })
    );
    assert_eq!(
        fresh["type"],
        "Microsoft.Storage/storageAccounts/blobServices"
    );
    let written = bench.put(
        &blob,
        &json!({ "properties": { "isVersioningEnabled": true } }),
    );
    assert_eq!(
        (written.status, written.json()),
        (200, json!({ "name": "default" }))
    );
    let after = bench.get(&blob).json();
    assert_eq!(after["properties"]["isVersioningEnabled"], true);
    assert_eq!(after["properties"]["cors"], json!({ "corsRules": [] }));
    assert_eq!(
        bench.get(&format!("{id}/fileServices/default")).json()["properties"]["shareDeleteRetentionPolicy"]
            ["days"],
        7
    );
    assert_eq!(
        bench.get(&format!("{id}/blobServices")).json()["value"][0]["id"],
        blob
    );
    let orphan = path("stnone") + "/blobServices/default";
    assert_eq!(
        outcome(&bench.get(&orphan)),
        (404, "ParentResourceNotFound".into())
    );
}

#[test]
fn containers_are_created_and_deleted_with_etags() {
    let mut bench = Bench::with_group();
    let id = bench.storage("stbox");
    let container = format!("{id}/blobServices/default/containers/box");
    let created = bench.put(
        &container,
        &json!({ "properties": { "metadata": { "a": "b" } } }),
    );
    assert_eq!(created.status, 201);
    assert!(created.json().get("properties").is_none());
    let shown = bench.get(&container);
    assert_eq!(shown.header("ETag"), created.header("ETag"));
    assert_eq!(shown.json()["properties"]["publicAccess"], "None");
    assert_eq!(shown.json()["properties"]["metadata"], json!({ "a": "b" }));
    let again = bench.put(&container, &json!({}));
    assert_eq!(again.status, 200);
    assert_eq!(again.json()["properties"]["hasLegalHold"], false);
    assert_ne!(again.header("ETag"), created.header("ETag"));
    let list = bench
        .get(&format!("{id}/blobServices/default/containers"))
        .json();
    assert_eq!(list["value"].as_array().map(Vec::len), Some(1));
    assert_eq!(bench.delete(&container).status, 200);
    assert_eq!(bench.delete(&container).status, 204);
    assert_eq!(
        outcome(&bench.get(&container)),
        (404, "ContainerNotFound".into())
    );
    assert_eq!(
        outcome(&bench.put(&container.replace("/box", "/A_b"), &json!({}))),
        (400, "InvalidResourceName".into())
    );
    let queue = format!("{id}/queueServices/default/queues/q01");
    assert_eq!(bench.put(&queue, &json!({})).status, 200);
    assert_eq!(bench.delete(&queue).status, 204);
}

#[test]
fn lifecycle_policy_returns_integers_as_floats() {
    let mut bench = Bench::with_group();
    let id = bench.storage("stlife") + "/managementPolicies/default";
    assert_eq!(
        outcome(&bench.get(&id)),
        (404, "ManagementPolicyNotFound".into())
    );
    let rule = json!({ "name": "r", "enabled": true, "type": "Lifecycle", "definition": {
        "actions": { "version": { "delete": { "daysAfterCreationGreaterThan": 30 } } },
        "filters": { "blobIndexMatch": null, "blobTypes": ["blockBlob"] } } });
    let created = bench.put(
        &id,
        &json!({ "properties": { "policy": { "rules": [rule] } } }),
    );
    assert_eq!(created.status, 200);
    let shown = bench.get(&id).json();
    assert_eq!(shown["name"], "DefaultManagementPolicy");
    assert!(
        shown
            .to_string()
            .contains("\"daysAfterCreationGreaterThan\":30.0")
    );
    assert!(!shown.to_string().contains("blobIndexMatch"));
    assert_eq!(bench.delete(&id).status, 200);
}

#[test]
fn fault_makes_an_operation_fail() {
    let mut bench = Bench::with_group();
    let accepted = bench.put(&path("stfail"), &body());
    let poll = accepted.header("Location").unwrap().to_owned();
    assert!(bench.world.fail_last_operation("Boom", "It broke."));
    assert_eq!(bench.follow(&poll).status, 202);
    bench.wait(25);
    assert_eq!(outcome(&bench.follow(&poll)), (409, "Boom".into()));
    assert_eq!(
        bench.get(&path("stfail")).json()["properties"]["provisioningState"],
        "Failed"
    );
    assert!(
        !bench
            .world
            .fail_last_operation("Boom", "Nothing was started.")
    );
}
