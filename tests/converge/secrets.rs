//! Secrets: sent, tracked by a tag, never returned by Azure and never printed.

use lazuli_core::{plan::Action, value::Value};
use lazuli_sim::Method;

use crate::harness::{Azure, spec};

const VM: &str = "/subscriptions/00000000-0000-0000-0000-0000000a2c05/resourceGroups/rg-test/providers/\
                  Microsoft.Compute/virtualMachines/vm?api-version=2024-11-01";

fn machine(password: &str, size: &str) -> String {
    spec(&format!(
        "  vm:\n    kind: resource\n    type: Microsoft.Compute/virtualMachines@2024-11-01\n    name: vm\n    body:\n      \
         properties: {{ size: {size}, osProfile: {{ adminUsername: ops, adminPassword: {password} }} }}\n"
    ))
}

/// The body of the only step.
fn sent_body(plan: &lazuli_core::plan::Plan) -> serde_json::Value {
    let step = plan
        .steps
        .iter()
        .find(|step| step.subject.key.to_string() == "vm");
    step.unwrap().call.body.to_json().unwrap()
}

#[tokio::test(start_paused = true)]
async fn secret_is_sent_once_until_it_changes() {
    let azure = Azure::new().await;
    let first = azure.converge(&machine("hunter2", "small")).await;
    assert_eq!(
        sent_body(&first)["properties"]["osProfile"]["adminPassword"],
        "hunter2"
    );
    let live = azure.send_directly(Method::Get, VM, None).await;
    assert!(!live.to_string().contains("hunter2"));
    assert!(live["tags"]["lazuli-secrets"].is_string());
    assert!(azure.plan(&machine("hunter2", "small")).await.is_empty());

    let changed = azure.plan(&machine("hunter3", "small")).await;
    let [step] = changed.steps.as_slice() else {
        panic!("{:#?}", changed.steps);
    };
    assert_eq!(step.action, Action::Update);
    let [change] = step.changes.as_slice() else {
        panic!("{:#?}", step.changes);
    };
    assert_eq!(change.path, "properties.osProfile.adminPassword");
    assert!(matches!(&change.after, Some(Value::Secret(secret)) if secret.expose() == "hunter3"));
    assert!(
        !format!("{changed:?}").contains("hunter3"),
        "plans do not contain secrets"
    );
    assert!(azure.execute(&changed).await.is_complete());
    assert!(azure.plan(&machine("hunter3", "small")).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn update_of_another_property_sends_the_secret() {
    let azure = Azure::new().await;
    azure.converge(&machine("hunter2", "small")).await;
    let plan = azure.converge(&machine("hunter2", "large")).await;
    assert_eq!(
        sent_body(&plan)["properties"]["osProfile"]["adminPassword"],
        "hunter2"
    );
    assert_eq!(
        plan.steps[0].changes.len(),
        1,
        "{:#?}",
        plan.steps[0].changes
    );
    assert!(azure.plan(&machine("hunter2", "large")).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn missing_tag_sends_the_secret_again() {
    let azure = Azure::new().await;
    let text = machine("hunter2", "small");
    azure.converge(&text).await;
    let (id, _) = VM.split_once('?').unwrap();
    let tags = format!("{id}/providers/Microsoft.Resources/tags/default?api-version=2021-04-01");
    let only_owner = serde_json::json!({ "properties": { "tags": { "lazuli-stack": "test" } } });
    azure
        .send_directly(Method::Put, &tags, Some(only_owner))
        .await;
    assert_eq!(azure.converge(&text).await.steps.len(), 1);
    assert!(azure.plan(&text).await.is_empty());
}
