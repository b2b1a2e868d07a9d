//! User-assigned identities and federated credentials.

use serde_json::{Value, json};

use crate::world::SUBSCRIPTION;
use crate::world::testing::{Bench, RG, outcome};

fn credential(subject: &str) -> Value {
    json!({ "properties": { "issuer": "https://issuer", "subject": subject, "audiences": ["api://AzureADTokenExchange"] } })
}

#[test]
fn identity_id_has_the_spelling_of_the_provider() {
    let mut bench = Bench::with_group();
    let id = format!("{RG}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id");
    let created = bench.put(&id, &json!({ "location": "westeurope" }));
    let own = id.replace("resourceGroups", "resourcegroups");
    assert_eq!(
        (created.status, created.header("Location")),
        (201, Some(own.as_str()))
    );
    let body = created.json();
    assert_eq!(body["id"], own);
    assert_eq!(body["tags"], json!({}));
    for member in ["principalId", "clientId", "tenantId"] {
        assert!(body["properties"][member].is_string());
    }
    let again = bench.put(
        &id,
        &json!({ "location": "westeurope", "tags": { "a": "b" } }),
    );
    assert_eq!(again.status, 200);
    assert_eq!(again.json()["properties"], body["properties"]);
    assert_eq!(bench.get(&id).json()["tags"], json!({ "a": "b" }));
    let all = format!(
        "/subscriptions/{SUBSCRIPTION}/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
    );
    assert_eq!(bench.get(&all).json()["value"][0]["name"], "id");
    let moved = bench.put(&id, &json!({ "location": "eastus" }));
    assert_eq!(outcome(&moved), (409, "InvalidResourceLocation".into()));
    assert_eq!(bench.delete(&id).status, 200);
    let deleted = bench.get(&id);
    assert_eq!(outcome(&deleted), (404, "ResourceNotFound".into()));
    assert!(deleted.json()["error"]["message"].as_str().unwrap().starts_with(
        "The Resource 'Microsoft.ManagedIdentity/userAssignedIdentities/id' under resource group 'rg' was not found."
    ));
    assert_eq!(bench.delete(&id).status, 204);
    let other = bench.put(&id, &json!({ "location": "westeurope" })).json();
    assert_ne!(
        other["properties"]["principalId"],
        body["properties"]["principalId"]
    );
}

#[test]
fn federated_credentials_are_limited_and_unique() {
    let mut bench = Bench::with_group();
    let (identity, _) = bench.identity("id");
    let path = |n: usize| format!("{identity}/federatedIdentityCredentials/c{n}");
    let created = bench.put(&path(0), &credential("s0"));
    assert_eq!(created.status, 201);
    assert!(
        created
            .header("Location")
            .unwrap()
            .starts_with("/subscriptions/")
    );
    assert_eq!(bench.put(&path(0), &credential("s0")).status, 200);
    assert_eq!(outcome(&bench.put(&path(1), &credential("s0"))).0, 409);
    for n in 1..20 {
        assert_eq!(
            bench.put(&path(n), &credential(&format!("s{n}"))).status,
            201
        );
    }
    assert_eq!(bench.put(&path(20), &credential("s20")).status, 400);
    let list = bench
        .get(&format!("{identity}/federatedIdentityCredentials"))
        .json();
    assert_eq!(list["value"].as_array().map(Vec::len), Some(20));
    assert_eq!(bench.delete(&path(3)).status, 200);
    assert_eq!(outcome(&bench.get(&path(3))), (404, "NotFound".into()));
    bench.delete(&identity);
    assert_eq!(
        outcome(&bench.get(&path(0))),
        (404, "ParentResourceNotFound".into())
    );
}

#[test]
fn overlapping_writes_of_federated_credentials_fail() {
    let mut bench = Bench::with_group();
    let (identity, _) = bench.identity("id");
    let (other, _) = bench.identity("other");
    let mut write = |identity: &str, name: &str, at: u64| {
        let path = format!("{identity}/federatedIdentityCredentials/{name}");
        let mut request = bench
            .request(crate::Method::Put, &path)
            .with_json(&credential(name));
        request.duration = 2_000;
        bench.wait(at);
        outcome(&bench.send(&request))
    };
    assert_eq!(write(&identity, "a", 0).0, 201);
    let rejected = write(&identity, "b", 1);
    assert_eq!(
        rejected,
        (
            409,
            "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity".into()
        )
    );
    assert_eq!(write(&other, "b", 0).0, 201);
    assert_eq!(write(&identity, "b", 1).0, 201);
}
