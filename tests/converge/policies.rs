//! Tags written by Azure Policy: they are not changed, can be ignored, and server overrides are reported once.

use lazuli_core::plan::{converge, overrides_after, reminders};
use lazuli_engine::remember;
use lazuli_reconcile::Intent;
use lazuli_sim::{Fault, Faults, Method, Occurrence};
use serde_json::json;

use crate::harness::{Azure, spec};

const GROUP: &str = "/subscriptions/00000000-0000-0000-0000-0000000a2c05/resourceGroups/rg-test";

/// Assigns "Add or replace a tag on resources".
async fn assign_tag_policy(azure: &Azure, name: &str, value: &str) {
    let group = json!({ "location": "westeurope" });
    azure
        .send_directly(
            Method::Put,
            &format!("{GROUP}?api-version=2025-04-01"),
            Some(group),
        )
        .await;
    let assignment = json!({ "properties": {
        "policyDefinitionId": "/providers/Microsoft.Authorization/policyDefinitions/5ffd78d9-436d-4b41-a421-5baa819e3008",
        "parameters": { "tagName": { "value": name }, "tagValue": { "value": value } },
    } });
    azure
        .send_directly(Method::Put, &tag_policy(), Some(assignment))
        .await;
}

fn tag_policy() -> String {
    format!(
        "{GROUP}/providers/Microsoft.Authorization/policyAssignments/tag?api-version=2023-04-01"
    )
}

fn stack_with_tag(head: &str) -> String {
    let text =
        spec("  id: { kind: userAssignedIdentity, name: id-test, tags: { costCentre: \"7\" } }\n");
    text.replace("resources:\n", &format!("{head}resources:\n"))
}

#[tokio::test(start_paused = true)]
async fn tag_added_by_a_policy_is_not_a_change() {
    let azure = Azure::new().await;
    assign_tag_policy(&azure, "createdBy", "policy").await;
    azure.converge(&stack_with_tag("")).await;
    assert!(azure.plan(&stack_with_tag("")).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn ignored_tag_is_set_at_creation_and_never_compared() {
    let azure = Azure::new().await;
    assign_tag_policy(&azure, "costCentre", "42").await;
    for head in [
        "ignoreTags: [createdBy, \"cost*\"]\n",
        "ignoreTags: COSTCENTRE\n",
    ] {
        azure.converge(&stack_with_tag(head)).await;
        assert!(azure.plan(&stack_with_tag(head)).await.is_empty(), "{head}");
    }
    assert_eq!(azure.plan(&stack_with_tag("")).await.steps.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn server_override_is_recorded_until_either_value_changes() {
    let azure = Azure::new().await;
    assign_tag_policy(&azure, "costCentre", "42").await;
    let first = azure.converge(&stack_with_tag("")).await;
    let graph = azure.graph(&stack_with_tag("")).await;
    let live = azure.observe(&graph).await;
    let (again, _) = converge(&graph, &live);
    let written: Vec<_> = first
        .steps
        .iter()
        .map(|step| step.subject.key.clone())
        .collect();
    let kept = overrides_after(&again, &written);
    let changes: Vec<_> = kept.iter().flat_map(|kept| &kept.changes).collect();
    assert_eq!(changes.len(), 1, "{changes:#?}");
    assert_eq!(changes[0].path, "tags.costCentre");
    assert_eq!(
        overrides_after(&again, &[]),
        [],
        "only values written by this run are server overrides; others are drift"
    );

    let reminders = reminders(&graph, &live, &again, &kept);
    remember(&azure.client, &reminders).await.unwrap();
    let plan = azure.plan(&stack_with_tag("")).await;
    assert!(plan.is_empty(), "{:#?}", plan.steps);
    assert_eq!(plan.remarks.server_overrides, kept);

    let another = stack_with_tag("").replace("\"7\"", "\"8\"");
    assert_eq!(
        azure.plan(&another).await.steps.len(),
        1,
        "the spec has another value"
    );
    let id = format!(
        "{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-test/providers/\
         Microsoft.Resources/tags/default?api-version=2021-04-01"
    );
    azure
        .send_directly(Method::Delete, &tag_policy(), None)
        .await;
    let merge = json!({ "operation": "Merge", "properties": { "tags": { "costCentre": "44" } } });
    azure.send_directly(Method::Patch, &id, Some(merge)).await;
    assert_eq!(
        azure.plan(&stack_with_tag("")).await.steps.len(),
        1,
        "Azure keeps another value"
    );
}

/// A list or a GET may lag behind, so that an identity that was just created seems to be missing.
#[tokio::test(start_paused = true)]
async fn property_that_needs_an_unread_resource_is_not_a_server_override() {
    let azure = Azure::new().await;
    let text = spec(
        "  id: { kind: userAssignedIdentity, name: id-test }\n\
         \x20 vault:\n    kind: resource\n    type: Microsoft.KeyVault/vaults@2024-11-01\n    name: kv-lazuli-test\n\
         \x20   body: { properties: { tenantId: \"${id.tenantId}\", sku: { family: A, name: standard } } }\n",
    );
    let reconciler = azure.reconciler();
    let stacks = azure.resolve(&text).await.unwrap();
    let plan = reconciler
        .plan(&stacks, &Intent::converge())
        .await
        .unwrap()
        .plan;
    assert!(azure.execute(&plan).await.is_complete());

    let stale = Faults::none().on(
        Method::Get,
        "*/id-test",
        Occurrence::Nth(1),
        Fault::StaleRead,
    );
    azure.simulator.set_faults(stale);
    azure.simulator.clear_log();
    let recheck = reconciler.recheck(&stacks, &plan).await;
    assert_eq!(recheck.overrides, []);
    let writes = azure.writes();
    assert!(writes.is_empty(), "{writes:#?}");
}
