//! Video Analyzer accounts and the access of their identities to storage.

use serde_json::{Value, json};

use crate::catalogue::{READER, STORAGE_BLOB_DATA_CONTRIBUTOR};
use crate::world::testing::{Bench, RG, outcome};

struct Scene {
    bench: Bench,
    identity: String,
    principal: String,
    storage: String,
}

impl Scene {
    fn new() -> Self {
        let mut bench = Bench::with_group();
        let (identity, principal) = bench.identity("id");
        let storage = bench.storage("stvideo");
        Self {
            bench,
            identity,
            principal,
            storage,
        }
    }

    fn with_access() -> Self {
        let mut scene = Self::new();
        scene.grant(STORAGE_BLOB_DATA_CONTRIBUTOR, 1);
        scene.grant(READER, 2);
        scene.bench.wait(20);
        scene
    }

    fn grant(&mut self, role: &str, number: u32) {
        let storage = self.storage.clone();
        assert_eq!(
            self.bench
                .grant(&storage, role, &self.principal, number)
                .status,
            201
        );
    }

    fn body(&self) -> Value {
        json!({
            "location": "westeurope",
            "identity": { "type": "UserAssigned", "userAssignedIdentities": { self.identity.as_str(): {} } },
            "properties": { "storageAccounts": [{ "id": self.storage, "identity": { "userAssignedIdentity": self.identity } }] },
        })
    }
}

fn analyzer() -> String {
    format!("{RG}/providers/Microsoft.Media/videoAnalyzers/va")
}

#[test]
fn account_creation_requires_both_roles_of_the_identity() {
    let mut scene = Scene::new();
    let denied = (403, "StorageAccessDenied".to_owned());
    let body = scene.body();
    assert_eq!(outcome(&scene.bench.put(&analyzer(), &body)), denied);
    scene.grant(STORAGE_BLOB_DATA_CONTRIBUTOR, 1);
    scene.bench.wait(60);
    assert_eq!(
        outcome(&scene.bench.put(&analyzer(), &body)),
        denied,
        "Reader is missing"
    );
    scene.grant(READER, 2);
    scene.bench.wait(19);
    assert_eq!(
        outcome(&scene.bench.put(&analyzer(), &body)),
        denied,
        "the role assignment has not propagated yet"
    );
    scene.bench.wait(1);
    let created = scene.bench.put(&analyzer(), &body);
    assert_eq!(
        (
            created.status,
            &created.json()["properties"]["provisioningState"]
        ),
        (201, &json!("Creating"))
    );
    let poll = created.header("Azure-AsyncOperation").unwrap().to_owned();
    assert_eq!(scene.bench.follow(&poll).json()["status"], "InProgress");
    scene.bench.wait(10);
    assert_eq!(scene.bench.follow(&poll).json()["status"], "Succeeded");
    let shown = scene.bench.get(&analyzer()).json();
    assert_eq!(shown["properties"]["provisioningState"], "Succeeded");
    assert_eq!(shown["properties"]["endpoints"][0]["type"], "ClientApi");
    assert_eq!(
        shown["identity"]["userAssignedIdentities"][&scene.identity]["principalId"],
        scene.principal
    );
    let again = scene.bench.put(&analyzer(), &body);
    assert_eq!(
        (again.status, &again.json()["properties"]),
        (200, &shown["properties"])
    );
    let list = format!(
        "/subscriptions/{}/providers/Microsoft.Media/videoAnalyzers",
        crate::SUBSCRIPTION
    );
    assert_eq!(scene.bench.get(&list).json()["value"][0]["name"], "va");
    assert_eq!(scene.bench.delete(&analyzer()).status, 200);
    assert_eq!(scene.bench.get(&analyzer()).status, 404);
}

#[test]
fn unsuitable_storage_accounts_are_rejected() {
    let mut scene = Scene::with_access();
    let good = scene.body();
    let identity = scene.identity.clone();
    let mut code = |change: &dyn Fn(&mut Value)| {
        let mut body = good.clone();
        change(&mut body);
        outcome(&scene.bench.put(&analyzer(), &body)).1
    };
    assert_eq!(
        code(
            &|body| body["properties"]["storageAccounts"][0]["id"] = json!(format!(
                "{RG}/providers/Microsoft.Storage/storageAccounts/stnone"
            ))
        ),
        "StorageAccountNotFound"
    );
    assert_eq!(
        code(&|body| body["location"] = json!("eastus")),
        "StorageAccountInAnotherRegion"
    );
    assert_eq!(
        code(&|body| body["properties"]["storageAccounts"] = json!([])),
        "InvalidStorageAccounts"
    );
    assert_eq!(
        code(&|body| body["identity"] = json!({ "type": "None" })),
        "IdentityNotAssigned"
    );
    let missing = identity.replace("/id", "/gone");
    assert_eq!(
        code(&|body| body["identity"]["userAssignedIdentities"] = json!({ missing.as_str(): {} })),
        "FailedIdentityOperation"
    );
    let premium = format!("{RG}/providers/Microsoft.Storage/storageAccounts/stpremium");
    scene.bench.put(&premium, &json!({ "location": "westeurope", "kind": "BlockBlobStorage", "sku": { "name": "Premium_LRS" } }));
    scene.bench.wait(30);
    let mut body = good.clone();
    body["properties"]["storageAccounts"][0]["id"] = json!(premium);
    assert_eq!(
        outcome(&scene.bench.put(&analyzer(), &body)).1,
        "StorageAccountKindNotSupported"
    );
    assert_eq!(scene.bench.put(&analyzer(), &good).status, 201);
}

#[test]
fn children_of_an_account_are_synchronous() {
    let mut scene = Scene::with_access();
    let module = format!("{}/edgeModules/m", analyzer());
    let early = scene.bench.put(&module, &json!({}));
    assert_eq!(outcome(&early), (404, "ParentResourceNotFound".into()));
    let body = scene.body();
    scene.bench.put(&analyzer(), &body);
    scene.bench.wait(10);
    let created = scene.bench.put(&module, &json!({ "properties": {} }));
    assert_eq!(
        (created.status, created.header("Azure-AsyncOperation")),
        (201, None)
    );
    let policy = format!("{}/accessPolicies/p", analyzer());
    assert_eq!(
        scene
            .bench
            .put(&policy, &json!({ "properties": { "role": "Reader" } }))
            .status,
        201
    );
    let modules = scene
        .bench
        .get(&format!("{}/edgeModules", analyzer()))
        .json();
    assert_eq!(modules["value"].as_array().map(Vec::len), Some(1));
    scene.bench.delete(&analyzer());
    assert_eq!(scene.bench.get(&policy).status, 404);
}
