//! Types without special behavior, common headers, stale reads and determinism.

use serde_json::json;

use crate::http::{Method, Request};
use crate::sim_time::SimTime;
use crate::world::testing::{Bench, RG, outcome};
use crate::world::{SUBSCRIPTION, World, WorldOptions};

#[test]
fn other_types_are_stored_as_written() {
    let mut bench = Bench::with_group();
    let vault = format!("{RG}/providers/Microsoft.KeyVault/vaults/kv");
    let body =
        json!({ "location": "westeurope", "properties": { "enableRbacAuthorization": true } });
    let created = bench.put(&vault, &body);
    assert_eq!(created.status, 201);
    assert_eq!(created.json()["type"], "Microsoft.KeyVault/vaults");
    assert_eq!(
        created.json()["properties"],
        json!({
            "enableRbacAuthorization": true,
            "provisioningState": "Succeeded",
            "vaultUri": "https://kv.vault.azure.net/",
        })
    );
    assert_eq!(
        bench.put(&vault.replace("/kv", "/KV"), &body).json()["name"],
        "kv"
    );
    bench.patch(
        &vault,
        &json!({ "tags": { "a": "b" }, "properties": { "enableRbacAuthorization": null } }),
    );
    let shown = bench.get(&vault).json();
    assert_eq!(shown["tags"], json!({ "a": "b" }));
    assert!(shown["properties"].get("enableRbacAuthorization").is_none());
    let key = format!("{vault}/keys/k");
    assert_eq!(bench.put(&key, &json!({})).status, 201);
    let orphan = key.replace("/kv/", "/none/");
    assert_eq!(
        outcome(&bench.put(&orphan, &json!({}))),
        (404, "ParentResourceNotFound".into())
    );
    let setting = format!("{vault}/providers/Microsoft.Insights/diagnosticSettings/d");
    assert_eq!(bench.put(&setting, &json!({})).status, 201);
    assert_eq!(
        bench.get(&format!("{vault}/keys")).json()["value"][0]["name"],
        "k"
    );
    let all = bench.get(&format!("/subscriptions/{SUBSCRIPTION}/resources?$filter=resourceType%20eq%20'microsoft.keyvault/vaults'")).json();
    assert_eq!(all["value"].as_array().map(Vec::len), Some(1));
    assert!(all["value"][0].get("properties").is_none());
    assert_eq!(
        bench.get(&format!("{RG}/resources")).json()["value"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    assert_eq!(bench.delete(&vault).status, 200);
    assert_eq!(bench.delete(&vault).status, 204);
    assert_eq!(bench.get(&setting).status, 404);
    assert_eq!(
        outcome(&bench.get(&vault)),
        (404, "ResourceNotFound".into())
    );
}

#[test]
fn writes_to_a_missing_group_fail() {
    let mut bench = Bench::new();
    let id = format!("{RG}/providers/Microsoft.KeyVault/vaults/kv");
    assert_eq!(
        outcome(&bench.put(&id, &json!({ "location": "westeurope" }))),
        (404, "ResourceGroupNotFound".into())
    );
    assert_eq!(
        outcome(&bench.delete(&id)),
        (404, "ResourceGroupNotFound".into())
    );
}

#[test]
fn malformed_requests_are_client_errors() {
    let mut bench = Bench::with_group();
    for path in [
        "",
        "/",
        "//",
        "/subscriptions//x",
        "/providers",
        "/providers/",
        "/%zz",
        "/subscriptions/%2F/resourceGroups",
        &format!("{RG}/providers"),
        &format!("{RG}/what/is/this"),
    ] {
        for method in [
            Method::Get,
            Method::Head,
            Method::Put,
            Method::Patch,
            Method::Post,
            Method::Delete,
        ] {
            let mut request = bench.request(method, path);
            request.body = b"\xff{".to_vec();
            assert!(
                (200..500).contains(&bench.send(&request).status),
                "{method:?} {path}"
            );
        }
    }
    let vault = format!("{RG}/providers/Microsoft.KeyVault/vaults/kv");
    for body in [json!([]), json!("x"), json!(null)] {
        assert_eq!(
            outcome(&bench.put(&vault, &body)),
            (400, "InvalidRequestContent".into())
        );
    }
    for body in [
        json!({ "identity": 3 }),
        json!({ "properties": 3, "tags": 3 }),
    ] {
        assert!(bench.put(&vault, &body).status < 500);
    }
    let account = format!("{RG}/providers/Microsoft.Storage/storageAccounts/stodd");
    let odd = json!({ "location": "westeurope", "kind": "StorageV2", "sku": { "name": "Standard_LRS" }, "properties": 3, "identity": [1] });
    assert!(bench.put(&account, &odd).status < 500);
    assert!(bench.get(&account).status < 500);
    for (kind, name) in [
        ("Microsoft.Media/videoAnalyzers", "v"),
        ("Microsoft.Authorization/locks", "l"),
        (
            "Microsoft.Authorization/roleAssignments",
            "00000000-0000-0000-0002-000000000001",
        ),
        ("Microsoft.Authorization/policyAssignments", "p"),
        ("Microsoft.ManagedIdentity/userAssignedIdentities", "i"),
    ] {
        let id = format!("{RG}/providers/{kind}/{name}");
        for body in [
            json!({ "location": 3, "properties": [1], "identity": "x", "tags": "y" }),
            json!({ "location": "westeurope", "properties": "z", "identity": { "userAssignedIdentities": [1] } }),
        ] {
            assert!(bench.put(&id, &body).status < 500);
            assert!(bench.patch(&id, &body).status < 500);
        }
    }
}

#[test]
fn responses_have_the_headers_of_arm() {
    let mut bench = Bench::with_group();
    let request = bench
        .request(Method::Get, RG)
        .with_header("x-ms-correlation-request-id", "mine");
    let response = bench.send(&request);
    assert_eq!(response.header("Cache-Control"), Some("no-cache"));
    assert_eq!(response.header("x-ms-correlation-request-id"), Some("mine"));
    assert_eq!(
        response.header("Content-Type"),
        Some("application/json; charset=utf-8")
    );
    let second = bench.get(RG);
    assert_ne!(
        response.header("x-ms-request-id"),
        second.header("x-ms-request-id")
    );
    let without_version =
        Request::new(Method::Get, RG).with_bearer(&bench.world.token(bench.caller, bench.now));
    assert_eq!(
        outcome(&bench.send(&without_version)),
        (400, "MissingApiVersionParameter".into())
    );
}

#[test]
fn stale_read_returns_the_state_before_the_last_change() {
    let mut bench = Bench::new();
    let read = bench.request(Method::Get, RG);
    bench.put(RG, &json!({ "location": "westeurope" }));
    assert_eq!(bench.world.handle_stale(&read, bench.now).status, 404);
    assert_eq!(bench.send(&read).status, 200);
    bench.patch(RG, &json!({ "tags": { "a": "b" } }));
    assert!(
        bench
            .world
            .handle_stale(&read, bench.now)
            .json()
            .get("tags")
            .is_none()
    );
    assert_eq!(bench.send(&read).json()["tags"], json!({ "a": "b" }));
    let (identity, _) = bench.identity("id");
    let list = bench.request(
        Method::Get,
        &format!("{RG}/providers/Microsoft.ManagedIdentity/userAssignedIdentities"),
    );
    assert_eq!(
        bench.world.handle_stale(&list, bench.now).json()["value"],
        json!([])
    );
    bench.delete(&identity);
    assert_eq!(
        bench.world.handle_stale(&list, bench.now).json()["value"][0]["name"],
        "id"
    );
}

#[test]
fn equal_seeds_give_equal_worlds() {
    let run = |seed| {
        let mut bench = Bench::with_options(WorldOptions {
            seed,
            ..WorldOptions::default()
        });
        bench.put(RG, &json!({ "location": "westeurope" }));
        bench.identity("id");
        bench.storage("stsame");
        serde_json::to_string(&bench.world).unwrap()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
    let read: World = serde_json::from_str(&run(1)).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), run(1));
}

#[test]
fn reads_change_nothing_and_time_never_goes_back() {
    let mut bench = Bench::with_group();
    bench.storage("stread");
    let revision = bench.world.revision();
    bench.get(RG);
    bench.get(&format!("{RG}/resources"));
    bench.delete(&format!("{RG}/providers/Microsoft.KeyVault/vaults/none"));
    assert_eq!(bench.world.revision(), revision);
    bench.now = SimTime::EPOCH;
    let account = format!("{RG}/providers/Microsoft.Storage/storageAccounts/stread");
    assert_eq!(bench.get(&account).status, 200);
    assert_eq!(bench.world.latest(), SimTime::from_secs(30));
}

#[test]
fn stale_read_does_not_undo_a_due_deletion() {
    let mut bench = Bench::with_group();
    let read = bench.request(Method::Get, RG);
    bench.delete(RG);
    bench.wait(20);
    bench.world.handle_stale(&read, bench.now);
    assert_eq!(bench.get(RG).status, 404);
}

#[test]
fn responses_to_head_have_no_body() {
    let mut bench = Bench::new();
    let vault = format!("{RG}/providers/Microsoft.KeyVault/vaults/kv");
    let head = bench.request(Method::Head, &vault);
    let response = bench.send(&head);
    assert_eq!((response.status, response.body.len()), (404, 0));
}
