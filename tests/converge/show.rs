//! What `show` finds: all that a stack owns and nothing else, in a number of requests that does not grow with it, and
//! without a write.

use lazuli_core::{
    inventory::{Holdings, Naming, Right, inventory, needed},
    live::Live,
    mark::Afterlife,
};
use lazuli_engine::{observe, observe_owned};
use lazuli_handlers::known_types;
use lazuli_sim::{Caller, Method, SUBSCRIPTION};
use serde_json::json;

use crate::harness::{Azure, spec};

const ENTRIES: &str = "\
\x20 app: { kind: userAssignedIdentity, name: id-test, onRemove: keep }
\x20 data: { kind: storageAccount, name: sttest, sku: Standard_LRS, protect: true, containers: { video: {} } }
\x20 operator: { kind: roleDefinition, name: Operator, actions: [\"*/read\"] }
\x20 access: { kind: roleAssignment, principal: \"${app}\", scope: \"${data}\", roles: [Reader, Operator] }
\x20 keep: { kind: managementLock, name: keep, scope: \"${data}\", level: CanNotDelete }
";

impl Azure {
    async fn owned(&self, text: &str) -> Holdings {
        let graph = self.graph(text).await;
        let found = self.reconciler().inventory(graph.homes(), Some(&graph)).await;
        found.expect("reads work").stacks.remove(0)
    }
}

fn lines(holdings: &Holdings) -> Vec<String> {
    let line = |item: &lazuli_core::inventory::Item| {
        let entry = match &item.naming {
            Naming::Entry(key) => key.to_string(),
            other => format!("{other:?}"),
        };
        format!("{entry} {} {}", item.what, item.name)
    };
    holdings.items.iter().map(line).collect()
}

#[tokio::test(start_paused = true)]
async fn everything_that_is_owned_is_shown_with_its_entry() {
    let azure = Azure::new().await;
    azure.converge(&spec(ENTRIES)).await;
    azure.simulator.clear_log();
    let (found, _) = azure.owned(&spec(ENTRIES)).await;
    assert_eq!(
        lines(&found),
        [
            "group resourceGroup rg-test",
            "app userAssignedIdentity id-test",
            "data storageAccount sttest",
            "keep managementLock keep",
            "access/Operator roleAssignment Operator",
            "access/Reader roleAssignment Reader",
            "operator roleDefinition Operator",
        ]
    );
    assert_eq!(found.items[1].afterlife, Afterlife::Keep);
    assert_eq!(found.items[2].afterlife, Afterlife::Protect);
    let Some(Right::Grant { principal_of, .. }) = &found.items[5].right else {
        panic!("{:?}", found.items[5]);
    };
    assert_eq!(principal_of.as_ref().unwrap().to_string(), "app");
    assert_eq!(azure.writes().len(), 0);
    let asked = azure.simulator.log().len();
    assert!(asked <= 10, "{asked}");
}

#[tokio::test(start_paused = true)]
async fn what_no_entry_names_any_more_is_an_orphan_also_where_the_spec_is_empty() {
    let azure = Azure::new().await;
    azure.converge(&spec(ENTRIES)).await;
    let empty = "apiVersion: lazuli/v1\nstack: test\nresources: {}\n";
    let (found, _) = azure.owned(empty).await;
    assert_eq!(found.items.len(), 7);
    assert!(found.items.iter().all(|item| item.naming == Naming::Orphan));
}

#[tokio::test(start_paused = true)]
async fn the_grant_of_a_renamed_entry_and_of_a_principal_made_anew_are_no_orphans() {
    let azure = Azure::new().await;
    azure.converge(&spec(ENTRIES)).await;
    let renamed = spec(&ENTRIES.replace("  access:", "  rights:"));
    let (found, _) = azure.owned(&renamed).await;
    assert!(lines(&found).contains(&"rights/Reader roleAssignment Reader".to_owned()));
    let identity = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-test/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-test?api-version=2024-11-30"
    );
    azure.by_hand(Method::Delete, &identity, None).await;
    let (found, _) = azure.owned(&spec(ENTRIES)).await;
    assert!(lines(&found).contains(&"access/Reader roleAssignment Reader".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn nothing_of_another_stack_and_nothing_unmarked_is_shown() {
    let azure = Azure::new().await;
    azure.converge(&spec("")).await;
    let url = |name: &str| {
        format!(
            "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-test/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}?api-version=2024-11-30"
        )
    };
    for (name, tags) in [
        ("doors", json!({ "lazuli-stack": "doors" })),
        ("by-hand", json!({})),
    ] {
        let body = json!({ "location": "westeurope", "tags": tags });
        azure.by_hand(Method::Put, &url(name), Some(body)).await;
    }
    let reader = azure.seen_by(Caller::Reader).await;
    let (found, _) = reader.owned(&spec("")).await;
    assert_eq!(lines(&found), ["group resourceGroup rg-test"]);
}
