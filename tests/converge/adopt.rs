//! Adoption: unmarked resources are adopted with their differences, those of other stacks are rejected.

use lazuli_core::{diagnostic::Code, plan::Action};
use lazuli_sim::{Method, SUBSCRIPTION};
use serde_json::{Value as Json, json};

use crate::{
    harness::{Azure, spec},
    marked::{marked_tags, unbound_tags},
};

const ACCOUNT: &str = "  recordings: { kind: storageAccount, name: sttest, sku: Standard_LRS, allowSharedKeyAccess: false }\n";

fn group() -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-test")
}

fn account() -> String {
    let group = group();
    format!("{group}/providers/Microsoft.Storage/storageAccounts/sttest?api-version=2025-06-01")
}

/// Creates the resource group and an account with these tags and properties, as in the portal.
async fn create_outside_of_lazuli(azure: &Azure, tags: Json, properties: Json) {
    let body = json!({ "location": "westeurope", "tags": marked_tags("test", &group()) });
    let url = format!("{}?api-version=2025-04-01", group());
    azure.send_directly(Method::Put, &url, Some(body)).await;
    let body = json!({
        "location": "westeurope", "kind": "StorageV2", "sku": { "name": "Standard_LRS" },
        "tags": tags, "properties": properties,
    });
    azure
        .send_directly(Method::Put, &account(), Some(body))
        .await;
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
}

#[tokio::test(start_paused = true)]
async fn unmarked_resource_is_adopted_with_its_differences() {
    let azure = Azure::new().await;
    create_outside_of_lazuli(
        &azure,
        json!({ "owner": "ada" }),
        json!({ "accessTier": "Cool" }),
    )
    .await;
    azure.simulator.clear_log();
    let plan = azure.converge(&spec(ACCOUNT)).await;
    let [step] = plan.steps.as_slice() else {
        panic!("{:#?}", plan.steps);
    };
    assert_eq!(step.action, Action::Adopt);
    assert_eq!(
        step.reason,
        "it exists and no stack owns it, 3 properties differ"
    );
    let changes: Vec<_> = step.changes.iter().map(|change| &change.path).collect();
    assert_eq!(
        changes,
        [
            "tags.lazuli-stack",
            "tags.lazuli-marker",
            "properties.allowSharedKeyAccess"
        ]
    );
    assert_eq!(azure.writes().len(), 1);
    let found = azure.send_directly(Method::Get, &account(), None).await;
    assert_eq!(
        unbound_tags(&found),
        json!({ "owner": "ada", "lazuli-stack": "test" })
    );
    assert_eq!(
        found["properties"]["accessTier"], "Cool",
        "not named, not touched"
    );
    assert!(azure.plan(&spec(ACCOUNT)).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn resource_of_another_stack_is_an_error_that_names_the_owner() {
    let azure = Azure::new().await;
    create_outside_of_lazuli(&azure, json!({ "LAZULI-STACK": "doors" }), json!({})).await;
    let (plan, found) = azure.compare(&spec(ACCOUNT)).await;
    let [diagnostic] = found.iter().collect::<Vec<_>>()[..] else {
        panic!("{found:?}");
    };
    assert_eq!(diagnostic.code, Code::ForeignOwner);
    assert_eq!(diagnostic.message, "`recordings` is owned by stack `doors`");
    assert!(plan.is_empty());
}

#[tokio::test(start_paused = true)]
async fn role_and_lock_of_another_stack_are_not_overwritten() {
    let azure = Azure::new().await;
    let text = spec(
        "  operator: { kind: roleDefinition, name: Operator, actions: [\"*/read\"] }\n\
         \x20 keep: { kind: managementLock, name: keep, scope: \"${group}\", level: CanNotDelete, notes: Ask us }\n",
    );
    azure.converge(&text).await;
    let other = text
        .replace("stack: test", "stack: doors")
        .replace("name: rg-test }", "name: rg-test, existing: true }");
    let (plan, found) = azure.compare(&other).await;
    let reported: Vec<_> = found
        .iter()
        .map(|diagnostic| (diagnostic.code, &*diagnostic.message))
        .collect();
    assert_eq!(
        reported,
        [
            (Code::ForeignOwner, "`operator` is owned by stack `test`"),
            (Code::ForeignOwner, "`keep` is owned by stack `test`"),
        ]
    );
    assert!(plan.is_empty(), "{:#?}", plan.steps);
}

#[tokio::test(start_paused = true)]
async fn immutable_difference_is_an_error_and_prevents_adoption() {
    let azure = Azure::new().await;
    create_outside_of_lazuli(&azure, json!({}), json!({ "isHnsEnabled": true })).await;
    let wanted = ACCOUNT.replace("sku:", "isHnsEnabled: false, sku:");
    let (plan, found) = azure.compare(&spec(&wanted)).await;
    let reported: Vec<_> = found.iter().map(|diagnostic| diagnostic.code).collect();
    assert_eq!(reported, [Code::Immutable]);
    assert!(plan.is_empty());
}
