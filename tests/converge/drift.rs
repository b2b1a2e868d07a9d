//! Drift: the plan contains each property that was changed outside of lazuli, and apply restores exactly those.

use lazuli_core::plan::{Action, Plan};
use lazuli_sim::{Method, SUBSCRIPTION};
use serde_json::json;

use crate::{
    harness::{Azure, spec},
    marked::unbound_tags,
};

fn stack() -> String {
    spec(
        "  analyzer: { kind: userAssignedIdentity, name: id-test }\n\
         \x20 recordings: { kind: storageAccount, name: sttest, sku: Standard_LRS, minimumTlsVersion: TLS1_2, tags: { team: vision } }\n\
         \x20 access: { kind: roleAssignment, principal: \"${analyzer}\", scope: \"${recordings}\", roles: [Storage Blob Data Contributor, Reader] }\n\
         \x20 cameras: { kind: videoAnalyzer, name: vatest, identity: \"${analyzer}\", storage: \"${recordings}\" }\n",
    )
}

fn account() -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-test/providers/Microsoft.Storage/storageAccounts/sttest"
    )
}

fn changes(
    plan: &Plan,
) -> Vec<(
    String,
    String,
    Option<serde_json::Value>,
    Option<serde_json::Value>,
)> {
    plan.steps
        .iter()
        .flat_map(|step| {
            step.changes.iter().map(|change| {
                let after = change.after.as_ref().map(|value| value.to_display_json());
                (
                    step.subject.key.to_string(),
                    change.path.to_string(),
                    change.before.clone(),
                    after,
                )
            })
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn changed_properties_are_planned_and_restored() {
    let azure = Azure::new().await;
    azure.converge(&stack()).await;
    let url = format!("{}?api-version=2025-06-01", account());
    let mut tags = azure.send_directly(Method::Get, &url, None).await["tags"].take();
    tags["team"] = json!("audio");
    tags["costcentre"] = json!("7");
    let patch = json!({ "tags": tags, "properties": { "minimumTlsVersion": "TLS1_0" } });
    azure.send_directly(Method::Patch, &url, Some(patch)).await;
    let grants = format!(
        "{}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01&$filter=atScope()",
        account()
    );
    let found = azure.send_directly(Method::Get, &grants, None).await;
    let reader = found["value"]
        .as_array()
        .unwrap()
        .iter()
        .find(|grant| {
            grant["properties"]["roleDefinitionId"]
                .as_str()
                .unwrap()
                .ends_with("acdd72a7-3385-48ef-bd42-f606fba81ae7")
                && grant["properties"]["scope"]
                    .as_str()
                    .unwrap()
                    .ends_with("sttest")
        })
        .unwrap();
    let id = reader["id"].as_str().unwrap();
    azure
        .send_directly(
            Method::Delete,
            &format!("{id}?api-version=2022-04-01"),
            None,
        )
        .await;

    let plan = azure.plan(&stack()).await;
    let storage: Vec<_> = changes(&plan)
        .into_iter()
        .filter(|change| change.0 == "recordings")
        .collect();
    assert_eq!(
        storage,
        [
            (
                "recordings".into(),
                "tags.team".into(),
                Some(json!("audio")),
                Some(json!("vision"))
            ),
            (
                "recordings".into(),
                "properties.minimumTlsVersion".into(),
                Some(json!("TLS1_0")),
                Some(json!("TLS1_2"))
            ),
        ]
    );
    let steps: Vec<_> = plan
        .steps
        .iter()
        .map(|step| (step.action, step.subject.key.to_string()))
        .collect();
    assert_eq!(
        steps,
        [
            (Action::Update, "recordings".into()),
            (Action::Create, "access/Reader".into())
        ]
    );

    azure.simulator.clear_log();
    assert!(azure.execute(&plan).await.is_complete());
    assert_eq!(azure.writes().len(), 2, "{:#?}", azure.writes());
    let healed = azure.send_directly(Method::Get, &url, None).await;
    assert_eq!(
        unbound_tags(&healed),
        json!({ "team": "vision", "lazuli-stack": "test", "costcentre": "7" })
    );
    assert!(azure.plan(&stack()).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn foreign_tag_and_undeclared_property_are_not_changed() {
    let azure = Azure::new().await;
    azure.converge(&stack()).await;
    let url = format!("{}?api-version=2025-06-01", account());
    let mut tags = azure.send_directly(Method::Get, &url, None).await["tags"].take();
    tags["policy"] = json!("x");
    let patch = json!({ "tags": tags, "properties": { "allowBlobPublicAccess": true } });
    azure.send_directly(Method::Patch, &url, Some(patch)).await;
    assert!(azure.plan(&stack()).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn existing_grant_with_another_name_is_accepted() {
    let azure = Azure::new().await;
    azure
        .converge(&spec(
            "  analyzer: { kind: userAssignedIdentity, name: id-test }\n",
        ))
        .await;
    let identity = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-test/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-test"
    );
    let found = azure
        .send_directly(
            Method::Get,
            &format!("{identity}?api-version=2024-11-30"),
            None,
        )
        .await;
    let principal = found["properties"]["principalId"].as_str().unwrap();
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-test");
    let grant = format!(
        "{group}/providers/Microsoft.Authorization/roleAssignments/5b1e6b0e-1111-4222-8333-123456789abc?api-version=2022-04-01"
    );
    let body = json!({ "properties": {
        "principalId": principal, "principalType": "ServicePrincipal",
        "roleDefinitionId": format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"),
    }});
    azure.send_directly(Method::Put, &grant, Some(body)).await;
    let text = spec(
        "  analyzer: { kind: userAssignedIdentity, name: id-test }\n\
         \x20 access: { kind: roleAssignment, principal: \"${analyzer}\", scope: \"${group}\", role: Reader }\n",
    );
    assert!(azure.plan(&text).await.is_empty());
    let down = azure.teardown(&text).await;
    let kept: Vec<_> = down
        .remarks
        .kept
        .iter()
        .map(|kept| kept.key.to_string())
        .collect();
    assert_eq!(
        kept,
        ["access/Reader"],
        "what lazuli did not make it does not take away"
    );
}
