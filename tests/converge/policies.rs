//! Azure Policy writes tags of its own: they are left alone, ignored on demand, and what it keeps is told once.

use lazuli_core::plan::{converge, overruled, reminders};
use lazuli_engine::remember;
use lazuli_sim::Method;
use serde_json::json;

use crate::harness::{Azure, spec};

const GROUP: &str = "/subscriptions/00000000-0000-0000-0000-0000000a2c05/resourceGroups/rg-test";

/// Assigns "Add or replace a tag on resources".
async fn tags_are_replaced(azure: &Azure, name: &str, value: &str) {
    let group = json!({ "location": "westeurope" });
    azure
        .by_hand(
            Method::Put,
            &format!("{GROUP}?api-version=2025-04-01"),
            Some(group),
        )
        .await;
    let assignment = json!({ "properties": {
        "policyDefinitionId": "/providers/Microsoft.Authorization/policyDefinitions/5ffd78d9-436d-4b41-a421-5baa819e3008",
        "parameters": { "tagName": { "value": name }, "tagValue": { "value": value } },
    } });
    let url = format!(
        "{GROUP}/providers/Microsoft.Authorization/policyAssignments/tag?api-version=2023-04-01"
    );
    azure.by_hand(Method::Put, &url, Some(assignment)).await;
}

fn tagged(head: &str) -> String {
    let text =
        spec("  id: { kind: userAssignedIdentity, name: id-test, tags: { costCentre: \"7\" } }\n");
    text.replace("resources:\n", &format!("{head}resources:\n"))
}

#[tokio::test(start_paused = true)]
async fn a_tag_that_a_policy_adds_is_none_of_the_spec() {
    let azure = Azure::new().await;
    tags_are_replaced(&azure, "createdBy", "policy").await;
    azure.converge(&tagged("")).await;
    assert!(azure.plan(&tagged("")).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_ignored_tag_is_set_when_the_resource_is_made_and_never_compared() {
    let azure = Azure::new().await;
    tags_are_replaced(&azure, "costCentre", "42").await;
    for head in [
        "ignoreTags: [createdBy, \"cost*\"]\n",
        "ignoreTags: COSTCENTRE\n",
    ] {
        azure.converge(&tagged(head)).await;
        assert!(azure.plan(&tagged(head)).await.is_empty(), "{head}");
    }
    assert_eq!(azure.plan(&tagged("")).await.steps.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_azure_keeps_is_remembered_until_either_value_is_another() {
    let azure = Azure::new().await;
    tags_are_replaced(&azure, "costCentre", "42").await;
    let first = azure.converge(&tagged("")).await;
    let graph = azure.graph(&tagged("")).await;
    let live = azure.observe(&graph).await;
    let (again, _) = converge(&graph, &live);
    let written: Vec<_> = first.steps.iter().map(|step| step.key.clone()).collect();
    let kept = overruled(&again, &written);
    let told: Vec<_> = kept.iter().flat_map(|kept| &kept.changes).collect();
    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(told[0].path, "tags.costCentre");
    assert_eq!(
        overruled(&again, &[]),
        [],
        "what this run has not written can be drift"
    );

    let reminders = reminders(&graph, &live, &again, &kept);
    remember(&azure.client, &reminders).await.unwrap();
    let plan = azure.plan(&tagged("")).await;
    assert!(plan.is_empty(), "{:#?}", plan.steps);
    assert_eq!(plan.overruled, kept);

    let another = tagged("").replace("\"7\"", "\"8\"");
    assert_eq!(
        azure.plan(&another).await.steps.len(),
        1,
        "another value is wanted"
    );
    let id = format!(
        "{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-test/providers/\
         Microsoft.Resources/tags/default?api-version=2021-04-01"
    );
    let merge = json!({ "operation": "Merge", "properties": { "tags": { "costCentre": "44" } } });
    azure.by_hand(Method::Patch, &id, Some(merge)).await;
    assert_eq!(
        azure.plan(&tagged("")).await.steps.len(),
        1,
        "Azure keeps another value"
    );
}
