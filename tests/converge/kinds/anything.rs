//! Resources of any type: the owner of those without a marker, and what remains after the destruction of a stack.

use lazuli_core::plan::Action;
use lazuli_sim::Method;
use serde_json::json;

use super::SPECS;
use crate::harness::{Azure, spec};

const VAULT: &str = "/subscriptions/00000000-0000-0000-0000-0000000a2c05/resourceGroups/rg-test/providers/\
                     Microsoft.KeyVault/vaults/kv-theirs";
const SETTING: &str =
    "providers/Microsoft.Insights/diagnosticSettings/log?api-version=2021-05-01-preview";

#[tokio::test(start_paused = true)]
async fn stack_of_any_types_is_destroyed_completely() {
    let (_, text) = SPECS.iter().find(|(name, _)| *name == "anything").unwrap();
    let azure = Azure::new().await;
    azure.converge(text).await;
    let down = azure.teardown(text).await;
    let deleted: Vec<_> = down
        .steps
        .iter()
        .map(|step| step.subject.key.to_string())
        .collect();
    let at = |key: &str| deleted.iter().position(|other| other == key);
    assert!(
        at("log") < at("vault"),
        "an extension is deleted separately: {deleted:?}"
    );
    assert_eq!(
        at("settings"),
        None,
        "a nested resource is deleted with its parent: {deleted:?}"
    );
    assert!(down.remarks.kept.is_empty(), "{:?}", down.remarks.kept);
    assert!(azure.execute(&down).await.is_complete());
    assert!(azure.teardown(text).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn child_without_tags_stays_with_its_foreign_parent() {
    let text = spec(&format!(
        "  theirs: {{ kind: resource, existing: true, type: Microsoft.KeyVault/vaults@2024-11-01, name: kv-theirs }}\n  \
         log:\n    kind: resource\n    type: Microsoft.Insights/diagnosticSettings@2021-05-01-preview\n    \
         name: log\n    scope: {VAULT}\n    body: {{ properties: {{ logs: [] }} }}\n"
    ));
    let azure = Azure::new().await;
    let group = VAULT.split("/providers").next().unwrap();
    let place = json!({ "location": "westeurope" });
    azure
        .send_directly(
            Method::Put,
            &format!("{group}?api-version=2025-04-01"),
            Some(place.clone()),
        )
        .await;
    azure
        .send_directly(
            Method::Put,
            &format!("{VAULT}?api-version=2024-11-01"),
            Some(place),
        )
        .await;
    let plan = azure.converge(&text).await;
    assert_eq!(plan.count(Action::Create), 1, "{:#?}", plan.steps);
    let down = azure.teardown(&text).await;
    assert!(
        down.steps
            .iter()
            .all(|step| step.subject.key.to_string() != "log")
    );
    let why = down
        .remarks
        .kept
        .iter()
        .find(|kept| kept.key.to_string() == "log");
    assert_eq!(
        why.unwrap().why,
        "its type has no ownership marker, and the resource that contains it is not owned by stack `test`"
    );
    azure
        .send_directly(Method::Get, &format!("{VAULT}/{SETTING}"), None)
        .await;
}
