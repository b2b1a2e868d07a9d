//! Permissions: the custom roles of examples/least-privilege and the identities of examples/gitops are sufficient without
//! any other permission.

use std::{fs, path::Path};

use lazuli_core::{diagnostic::Diagnostics, preflight::Finding, reads, source::Sources, yaml};
use lazuli_engine::{observe, preflight};
use lazuli_handlers::REGISTRY;
use lazuli_sim::{Caller, Method, SUBSCRIPTION};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::harness::{Azure, spec};

const AUTHORIZATION: &str = "providers/Microsoft.Authorization";

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

/// The role assignments of a principal anywhere in the subscription.
async fn grants_of(azure: &Azure, principal: &str) -> Vec<Json> {
    let list = format!(
        "/subscriptions/{SUBSCRIPTION}/{AUTHORIZATION}/roleAssignments?api-version=2022-04-01&$filter=principalId%20eq%20'{principal}'"
    );
    let found = azure.send_directly(Method::Get, &list, None).await;
    found["value"].as_array().unwrap().clone()
}

async fn remove_all_permissions(azure: &Azure, caller: Caller) {
    for grant in grants_of(azure, caller.object_id()).await {
        let url = format!("{}?api-version=2022-04-01", grant["id"].as_str().unwrap());
        azure.send_directly(Method::Delete, &url, None).await;
    }
}

/// A session of `caller` with only the permissions of an identity.
async fn with_permissions_of(azure: &Azure, caller: Caller, identity: &str) -> Azure {
    remove_all_permissions(azure, caller).await;
    let url = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-gitops/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{identity}?api-version=2024-11-30"
    );
    let found = azure.send_directly(Method::Get, &url, None).await;
    let principal = found["properties"]["principalId"].as_str().unwrap();
    let grants = grants_of(azure, principal).await;
    assert!(!grants.is_empty(), "{identity} may do something");
    for grant in grants {
        let given = &grant["properties"];
        let scope = given["scope"].as_str().unwrap();
        let name = Uuid::new_v5(
            &Uuid::NAMESPACE_OID,
            grant["id"].as_str().unwrap().as_bytes(),
        );
        let body = json!({ "properties": {
            "principalId": caller.object_id(), "principalType": "ServicePrincipal",
            "roleDefinitionId": given["roleDefinitionId"],
            "condition": given["condition"], "conditionVersion": given["conditionVersion"],
        }});
        let url = format!("{scope}/{AUTHORIZATION}/roleAssignments/{name}?api-version=2022-04-01");
        azure.send_directly(Method::Put, &url, Some(body)).await;
    }
    azure.as_caller(caller).await
}

/// A session of `caller` with only a custom role with these actions.
async fn with_actions(azure: &Azure, caller: Caller, actions: Json) -> Azure {
    remove_all_permissions(azure, caller).await;
    let scope = format!("/subscriptions/{SUBSCRIPTION}");
    allow(azure, caller, &scope, actions, caller.object_id()).await;
    azure.as_caller(caller).await
}

/// Assigns a custom role with these actions at a scope. Role and grant have the same name.
async fn allow(azure: &Azure, caller: Caller, scope: &str, actions: Json, name: &str) {
    let role = json!({ "properties": {
        "roleName": name, "type": "CustomRole", "assignableScopes": [scope],
        "permissions": [{ "actions": actions, "notActions": [] }],
    }});
    let grant = json!({ "properties": {
        "principalId": caller.object_id(), "principalType": "ServicePrincipal",
        "roleDefinitionId": format!("{scope}/{AUTHORIZATION}/roleDefinitions/{name}"),
    }});
    for (kind, body) in [("roleDefinitions", role), ("roleAssignments", grant)] {
        let url = format!("{scope}/{AUTHORIZATION}/{kind}/{name}?api-version=2022-04-01");
        azure.send_directly(Method::Put, &url, Some(body)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn role_for_plan_can_only_plan() {
    let owner = Azure::new().await;
    let text = example("video-analyzer");
    owner.converge(&text).await;
    owner.converge(&example("video-indexer")).await;
    let planner = with_actions(&owner, Caller::Reader, actions("may-plan")).await;
    assert!(planner.plan(&text).await.is_empty());
    assert!(planner.plan(&example("video-indexer")).await.is_empty());
    let changed = text.replace("team: vision", "team: audio");
    let assignment = format!(
        "/subscriptions/{SUBSCRIPTION}/{AUTHORIZATION}/policyAssignments/here?api-version=2023-04-01"
    );
    let here = json!({ "properties": {
        "policyDefinitionId": "/providers/Microsoft.Authorization/policyDefinitions/e56962a6-4747-49cd-b67b-bf8b01975c4c",
        "parameters": { "listOfAllowedLocations": { "value": ["northeurope"] } },
    } });
    owner
        .send_directly(Method::Put, &assignment, Some(here))
        .await;
    let found = preflight(&planner.client, &planner.plan(&changed).await, REGISTRY).await;
    let is_disallowed = |finding: &Finding| matches!(finding, Finding::Disallowed { .. });
    assert!(found.iter().any(is_disallowed), "{found:#?}");
    let is_unknown = |finding: &Finding| matches!(finding, Finding::Unknown { .. });
    assert!(!found.iter().any(is_unknown), "{found:#?}");
    let (_, report) = planner.apply(&changed).await;
    assert_eq!(report.done(), 0, "it may not write");
}

#[tokio::test(start_paused = true)]
async fn role_for_apply_can_apply_and_destroy() {
    let owner = Azure::new().await;
    let applier = with_actions(&owner, Caller::Contributor, actions("may-apply")).await;
    for name in [
        "video-analyzer",
        "video-indexer",
        "private-storage",
        "github-actions",
    ] {
        let text = example(name);
        let plan = applier.plan(&text).await;
        assert_eq!(
            preflight(&applier.client, &plan, REGISTRY).await,
            [],
            "{name}"
        );
        applier.converge(&text).await;
        assert!(applier.plan(&text).await.is_empty(), "{name}");
        let down = applier.teardown(&text).await;
        assert_eq!(
            preflight(&applier.client, &down, REGISTRY).await,
            [],
            "{name}"
        );
        let report = applier.execute(&down).await;
        let failures: Vec<_> = report
            .failures()
            .map(|(_, failure)| failure.to_string())
            .collect();
        assert!(report.is_complete(), "{name}: {failures:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn identities_for_pipelines_can_only_plan_and_apply() {
    let owner = Azure::new().await;
    owner.converge(&example("gitops")).await;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let shop = fs::read_to_string(root.join("gitops/stacks/shop.yaml")).unwrap();
    let planner = with_permissions_of(&owner, Caller::Reader, "id-lazuli-plan").await;
    let applier = with_permissions_of(&owner, Caller::Contributor, "id-lazuli-apply").await;

    assert_eq!(planner.plan(&shop).await.steps.len(), 4);
    let (_, report) = planner.apply(&shop).await;
    assert_eq!(report.done(), 0, "who plans may not write");
    applier.converge(&shop).await;
    assert!(planner.plan(&shop).await.is_empty());
    applier
        .converge(
            &shop
                .replace("TLS1_2", "TLS1_3")
                .replace("Contributor", "Reader"),
        )
        .await;

    let elsewhere = shop
        .replace("stack: shop", "stack: elsewhere")
        .replace("rg-shop", "rg-gitops")
        .replace("stshoporders", "stelsewhere");
    let (_, report) = applier.apply(&elsewhere).await;
    assert_eq!(report.done(), 0, "who applies may write in one group");
}

/// A role and a grant at a management group need these permissions there, but no permission to read the group itself.
#[tokio::test(start_paused = true)]
async fn grants_at_a_management_group_need_permissions_on_grants_and_roles_there() {
    let owner = Azure::new().await;
    let platform = "/providers/Microsoft.Management/managementGroups/platform";
    let url = format!("{platform}?api-version=2020-05-01");
    owner
        .send_directly(Method::Put, &url, Some(json!({})))
        .await;
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    let text = spec(&format!(
        "  app: {{ kind: userAssignedIdentity, name: id-test }}\n\
         \x20 auditor: {{ kind: roleDefinition, name: Auditor, actions: [\"*/read\"], assignableScopes: [\"{platform}\"] }}\n\
         \x20 audits: {{ kind: roleAssignment, principal: \"${{app}}\", scope: \"{platform}\", roles: [Auditor, Reader] }}\n"
    ));
    let actions_there = |verbs: &[&str]| {
        let kinds = ["roleAssignments", "roleDefinitions"].iter();
        let all = kinds.flat_map(|kind| {
            verbs
                .iter()
                .map(move |verb| format!("Microsoft.Authorization/{kind}/{verb}"))
        });
        Json::from(all.collect::<Vec<_>>())
    };
    let applier = with_actions(&owner, Caller::Contributor, actions("may-apply")).await;
    let name = Caller::Contributor.client_id();
    let all = actions_there(&["read", "write", "delete"]);
    allow(&owner, Caller::Contributor, platform, all, name).await;
    applier.converge(&text).await;

    let planner = with_actions(&owner, Caller::Reader, actions("may-plan")).await;
    let graph = planner.graph(&text).await;
    let reads = reads::list_reads(&graph);
    assert!(observe(&planner.client, &graph, &reads).await.is_err());
    let name = Caller::Reader.client_id();
    allow(
        &owner,
        Caller::Reader,
        platform,
        actions_there(&["read"]),
        name,
    )
    .await;
    assert!(planner.plan(&text).await.is_empty());

    let down = applier.teardown(&text).await;
    assert!(applier.execute(&down).await.is_complete());
    assert!(applier.teardown(&text).await.is_empty());
}
