//! Orphans: listed, pruned in an order that Azure accepts, released or kept as the spec declares; nothing else is deleted.

use lazuli_core::plan::{Action, Plan};
use lazuli_sim::{Caller, Method, SUBSCRIPTION};
use serde_json::json;

use crate::harness::{Azure, spec};

/// A stack with one resource of every kind that can have an ownership marker, in two groups.
const ALL: &str = "\
\x20 old: { kind: resourceGroup, name: rg-old }
\x20 app: { kind: userAssignedIdentity, name: id-test, resourceGroup: rg-old, dependsOn: old }
\x20 data: { kind: storageAccount, name: sttest, sku: Standard_LRS, resourceGroup: \"${old}\", containers: { video: {} } }
\x20 operator: { kind: roleDefinition, name: Operator, actions: [\"*/read\"] }
\x20 access: { kind: roleAssignment, principal: \"${app}\", scope: \"${data}\", roles: [Reader, Operator] }
\x20 keep: { kind: managementLock, name: keep, scope: \"${data}\", level: CanNotDelete }
";

fn steps(plan: &Plan) -> Vec<(Action, String)> {
    plan.steps
        .iter()
        .map(|step| (step.action, step.subject.title.clone()))
        .collect()
}

fn path(below: &str, version: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{below}?api-version={version}")
}

async fn execute_successfully(azure: &Azure, plan: &Plan) {
    let report = azure.execute(plan).await;
    let failures: Vec<_> = report.failures().map(|(_, why)| why.to_string()).collect();
    assert!(report.is_complete(), "{failures:#?}");
}

#[tokio::test(start_paused = true)]
async fn orphans_are_listed_and_pruned_in_an_order_that_azure_accepts() {
    let azure = Azure::new().await;
    azure.converge(&spec(ALL)).await;
    assert_eq!(azure.plan(&spec(ALL)).await.remarks.orphans, []);

    azure.simulator.clear_log();
    let plan = azure.plan(&spec("")).await;
    assert!(plan.is_empty());
    let listed: Vec<_> = plan
        .remarks
        .orphans
        .iter()
        .map(|orphan| format!("{} {}", orphan.what, orphan.title))
        .collect();
    let expected = [
        "roleDefinition Operator",
        "resourceGroup rg-old",
        "userAssignedIdentity id-test",
        "storageAccount sttest",
        "managementLock keep on sttest",
    ];
    for what in expected {
        assert!(listed.iter().any(|one| one == what), "{what}: {listed:#?}");
    }
    assert_eq!(listed.len(), 7, "{listed:#?}");
    let requests = azure.simulator.log().len();

    let plan = azure.plan_to_prune(&spec("")).await;
    assert_eq!(plan.count(Action::Delete), 7);
    execute_successfully(&azure, &plan).await;
    let after = azure.plan_to_prune(&spec("")).await;
    assert!(
        after.is_empty() && after.remarks.kept.is_empty(),
        "{after:#?}"
    );
    let groups = azure
        .send_directly(
            Method::Get,
            &format!("/subscriptions/{SUBSCRIPTION}/resourcegroups?api-version=2025-04-01"),
            None,
        )
        .await;
    assert_eq!(
        groups["value"].as_array().unwrap().len(),
        1,
        "the group of the spec stays"
    );
    assert!(requests < 20, "{requests}");
}

#[tokio::test(start_paused = true)]
async fn plan_reads_each_orphan_once() {
    let azure = Azure::new().await;
    let requests = async |count: usize| {
        let entries: String = (0..count)
            .map(|at| format!("  app{at}: {{ kind: userAssignedIdentity, name: id-{at} }}\n"))
            .collect();
        azure.converge(&spec(&entries)).await;
        azure.simulator.clear_log();
        assert_eq!(azure.plan(&spec("")).await.remarks.orphans.len(), count);
        azure.simulator.log().len()
    };
    assert_eq!(requests(2).await + 7, requests(9).await);
}

#[tokio::test(start_paused = true)]
async fn unmarked_resources_and_those_of_other_stacks_are_not_pruned() {
    let azure = Azure::new().await;
    azure.converge(&spec(ALL)).await;
    let identity = |name: &str| {
        path(
            &format!("rg-old/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"),
            "2024-11-30",
        )
    };
    let body = json!({ "location": "westeurope" });
    azure
        .send_directly(Method::Put, &identity("by-hand"), Some(body))
        .await;
    let body = json!({ "location": "westeurope", "tags": { "lazuli-stack": "doors" } });
    azure
        .send_directly(Method::Put, &identity("doors"), Some(body))
        .await;

    let plan = azure.plan_to_prune(&spec("")).await;
    let kept: Vec<_> = plan
        .remarks
        .kept
        .iter()
        .map(|kept| format!("{}: {}", kept.key, kept.why))
        .collect();
    assert_eq!(
        kept,
        ["rg-old: it contains resources that stay: by-hand, doors (stack `doors`)"]
    );
    execute_successfully(&azure, &plan).await;
    for name in ["by-hand", "doors"] {
        azure
            .send_directly(Method::Get, &identity(name), None)
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn kept_orphans_are_released_and_protected_orphans_stay() {
    let azure = Azure::new().await;
    let entries = "\
\x20 app: { kind: userAssignedIdentity, name: id-test }
\x20 kept: { kind: userAssignedIdentity, name: id-kept, onRemove: keep, tags: { owner: ada } }
\x20 precious: { kind: userAssignedIdentity, name: id-precious, protect: true }
\x20 read: { kind: roleAssignment, principal: \"${app}\", scope: \"${group}\", role: Reader, description: For Ada, onRemove: keep }
\x20 lock: { kind: managementLock, name: keep, scope: \"${app}\", level: CanNotDelete, onRemove: keep }
";
    azure.converge(&spec(entries)).await;
    assert!(azure.plan(&spec(entries)).await.is_empty());
    let app = "  app: { kind: userAssignedIdentity, name: id-test }\n";
    let plan = azure.plan_to_prune(&spec(app)).await;
    let mut planned = steps(&plan);
    planned.sort();
    let expected = [
        (Action::Release, "Reader on rg-test".to_owned()),
        (Action::Release, "id-kept".into()),
        (Action::Release, "keep on id-test".into()),
    ];
    assert_eq!(planned.len(), 3, "{planned:?}");
    assert_eq!(planned[1..], expected[1..]);
    assert_eq!(plan.remarks.kept.len(), 1, "{:?}", plan.remarks.kept);
    assert!(
        plan.remarks.kept[0].why.contains("it was protected"),
        "{:?}",
        plan.remarks.kept
    );
    execute_successfully(&azure, &plan).await;

    let kept = path(
        "rg-test/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-kept",
        "2024-11-30",
    );
    let kept = azure.send_directly(Method::Get, &kept, None).await;
    assert_eq!(kept["tags"], json!({ "owner": "ada" }));
    let grants = path(
        "rg-test/providers/Microsoft.Authorization/roleAssignments",
        "2022-04-01",
    );
    let grants = azure.send_directly(Method::Get, &grants, None).await;
    assert!(
        grants["value"]
            .as_array()
            .unwrap()
            .iter()
            .any(|grant| grant["properties"]["description"] == "For Ada")
    );
    let after = azure.plan_to_prune(&spec(app)).await;
    assert!(after.is_empty(), "{:#?}", after.steps);
    assert_eq!(after.remarks.kept.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn removal_policy_follows_the_spec() {
    let azure = Azure::new().await;
    let entries = "\
\x20 app: { kind: userAssignedIdentity, name: id-test }
\x20 read: { kind: roleAssignment, principal: \"${app}\", scope: \"${group}\", role: Reader }
";
    azure.converge(&spec(entries)).await;
    let protected = entries.replace(" }\n", ", protect: true }\n");
    for (text, count) in [(&protected, 2), (&entries.to_owned(), 2)] {
        let plan = azure.converge(&spec(text)).await;
        assert_eq!(plan.count(Action::Update), count, "{:#?}", plan.steps);
        assert!(azure.plan(&spec(text)).await.is_empty());
    }
    let plan = azure.plan_to_prune(&spec("")).await;
    assert_eq!(plan.count(Action::Delete), 2, "{:#?}", plan.remarks.kept);
}

#[tokio::test(start_paused = true)]
async fn empty_spec_is_a_mass_deletion_and_a_small_change_is_not() {
    let azure = Azure::new().await;
    azure.converge(&spec(ALL)).await;
    let empty = "apiVersion: lazuli/v1\nstack: test\nresources: {}\n";
    let plan = azure.plan_to_prune(empty).await;
    let deletion = &plan.remarks.mass_deletions[0];
    assert_eq!(
        (deletion.stack.as_str(), deletion.going, deletion.owned),
        ("test", 8, 8)
    );
    let without_lock: String = ALL
        .lines()
        .filter(|line| !line.contains("keep:"))
        .map(|line| format!("{line}\n"))
        .collect();
    let plan = azure.plan_to_prune(&spec(&without_lock)).await;
    assert_eq!(steps(&plan), [(Action::Delete, "keep on sttest".into())]);
    assert_eq!(plan.remarks.mass_deletions, []);
}

#[tokio::test(start_paused = true)]
async fn unknown_type_is_deleted_with_an_api_version_of_its_provider() {
    let azure = Azure::new().await;
    let entries = "  vault: { kind: resource, type: Microsoft.KeyVault/vaults@2024-11-01, name: kv-test, body: { properties: {} } }\n";
    azure.converge(&spec(entries)).await;
    let plan = azure.plan_to_prune(&spec("")).await;
    assert_eq!(
        steps(&plan),
        [(Action::Delete, "kv-test".into())],
        "{:?}",
        plan.remarks.kept
    );
    execute_successfully(&azure, &plan).await;
    assert!(azure.plan_to_prune(&spec("")).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn unreadable_subscription_is_reported_and_the_groups_of_the_spec_are_read() {
    let azure = Azure::new().await;
    azure
        .converge(&spec(
            "  app: { kind: userAssignedIdentity, name: id-test }\n",
        ))
        .await;
    let list = format!(
        "/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01"
    );
    let found = azure.send_directly(Method::Get, &list, None).await;
    let mine = |grant: &&serde_json::Value| {
        grant["properties"]["principalId"] == Caller::Reader.object_id()
    };
    for grant in found["value"].as_array().unwrap().iter().filter(mine) {
        let url = format!("{}?api-version=2022-04-01", grant["id"].as_str().unwrap());
        azure.send_directly(Method::Delete, &url, None).await;
        let here = url.replace(
            "/providers/Microsoft.Auth",
            "/resourceGroups/rg-test/providers/Microsoft.Auth",
        );
        let body = json!({ "properties": {
            "roleDefinitionId": grant["properties"]["roleDefinitionId"],
            "principalId": grant["properties"]["principalId"], "principalType": "ServicePrincipal",
        }});
        azure.send_directly(Method::Put, &here, Some(body)).await;
    }
    let reader = azure.as_caller(Caller::Reader).await;
    let plan = reader.plan(&spec("")).await;
    let listed: Vec<_> = plan
        .remarks
        .orphans
        .iter()
        .map(|orphan| &*orphan.title)
        .collect();
    assert_eq!(listed, ["id-test"]);
    assert_eq!(plan.remarks.unreadable.len(), 1);
    assert_eq!(plan.remarks.unreadable[0].why, "AuthorizationFailed");
}
