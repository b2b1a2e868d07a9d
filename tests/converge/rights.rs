//! The custom roles of examples/least-privilege are enough for what they are for, with every other right taken away.

use std::{fs, path::Path};

use lazuli_core::{diagnostic::Diagnostics, source::Sources, yaml};
use lazuli_sim::{Caller, Method, SUBSCRIPTION};
use serde_json::{Value as Json, json};

use crate::harness::Azure;

fn example(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    fs::read_to_string(root.join(name).join("stack.yaml")).unwrap()
}

/// The actions of one of the example's roles.
fn actions(role: &str) -> Json {
    let mut sources = Sources::default();
    let id = sources.add("stack.yaml", example("least-privilege"));
    let documents = yaml::parse(&sources, id, &mut Diagnostics::default());
    let actions = documents[0]
        .pointer(&format!("/resources/{role}/actions"))
        .unwrap()
        .to_json();
    assert!(actions.as_array().unwrap().len() > 10);
    actions
}

/// A session of `caller`, whose only right is a custom role with these actions.
async fn with_only(azure: &Azure, caller: Caller, actions: Json) -> Azure {
    let subscription = format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization");
    let grants = format!(
        "{subscription}/roleAssignments?api-version=2022-04-01&$filter=principalId eq '{}'",
        caller.object_id()
    );
    let found = azure
        .by_hand(Method::Get, &grants.replace(' ', "%20"), None)
        .await;
    for grant in found["value"].as_array().unwrap() {
        let url = format!("{}?api-version=2022-04-01", grant["id"].as_str().unwrap());
        azure.by_hand(Method::Delete, &url, None).await;
    }
    let name = "7a7a7a7a-0000-4000-8000-000000000001";
    let scope = format!("/subscriptions/{SUBSCRIPTION}");
    let role = json!({ "properties": {
        "roleName": "Least", "type": "CustomRole", "assignableScopes": [scope],
        "permissions": [{ "actions": actions, "notActions": [] }],
    }});
    azure
        .by_hand(
            Method::Put,
            &format!("{subscription}/roleDefinitions/{name}?api-version=2022-04-01"),
            Some(role),
        )
        .await;
    let grant = json!({ "properties": {
        "principalId": caller.object_id(), "principalType": "ServicePrincipal",
        "roleDefinitionId": format!("{subscription}/roleDefinitions/{name}"),
    }});
    azure
        .by_hand(
            Method::Put,
            &format!("{subscription}/roleAssignments/{name}?api-version=2022-04-01"),
            Some(grant),
        )
        .await;
    azure.seen_by(caller).await
}

#[tokio::test(start_paused = true)]
async fn the_role_for_plan_can_plan_and_nothing_else() {
    let owner = Azure::new().await;
    let text = example("video-analyzer");
    owner.converge(&text).await;
    let planner = with_only(&owner, Caller::Reader, actions("may-plan")).await;
    assert!(planner.plan(&text).await.is_empty());
    let changed = text.replace("team: vision", "team: audio");
    let (_, report) = planner.apply(&changed).await;
    assert_eq!(report.done(), 0, "it may not write");
}

#[tokio::test(start_paused = true)]
async fn the_role_for_apply_can_apply_and_destroy() {
    let owner = Azure::new().await;
    let applier = with_only(&owner, Caller::Contributor, actions("may-apply")).await;
    for name in ["video-analyzer", "private-storage", "github-actions"] {
        let text = example(name);
        applier.converge(&text).await;
        assert!(applier.plan(&text).await.is_empty(), "{name}");
        let down = applier.teardown(&text).await;
        let report = applier.execute(&down).await;
        let failures: Vec<_> = report
            .failures()
            .map(|(_, failure)| failure.to_string())
            .collect();
        assert!(report.is_complete(), "{name}: {failures:?}");
    }
}
