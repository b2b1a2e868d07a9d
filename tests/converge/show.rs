//! The inventory of `show`: exactly the resources that a stack owns, with a constant number of reads and no write.

use lazuli_core::{
    inventory::{ExtensionResource, Holdings, SpecMatch},
    marker::RemovalPolicy,
};
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
    async fn holdings(&self, text: &str) -> Holdings {
        let graph = self.graph(text).await;
        let found = self
            .reconciler()
            .inventory(graph.stack_scopes(), Some(&graph))
            .await;
        found.expect("reads work").stacks.remove(0)
    }
}

fn lines(holdings: &Holdings) -> Vec<String> {
    let line = |item: &lazuli_core::inventory::Item| {
        let entry = match &item.spec_match {
            SpecMatch::Entry(key) => key.to_string(),
            other => format!("{other:?}"),
        };
        format!("{entry} {} {}", item.kind, item.name)
    };
    holdings.items.iter().map(line).collect()
}

#[tokio::test(start_paused = true)]
async fn owned_resources_are_shown_with_their_entries() {
    let azure = Azure::new().await;
    azure.converge(&spec(ENTRIES)).await;
    azure.simulator.clear_log();
    let found = azure.holdings(&spec(ENTRIES)).await;
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
    assert_eq!(found.items[1].removal_policy, RemovalPolicy::Keep);
    assert_eq!(found.items[2].removal_policy, RemovalPolicy::Protect);
    let Some(ExtensionResource::Grant {
        principal_entry, ..
    }) = &found.items[5].extension
    else {
        panic!("{:?}", found.items[5]);
    };
    assert_eq!(principal_entry.as_ref().unwrap().to_string(), "app");
    assert_eq!(azure.writes().len(), 0);
    let requests = azure.simulator.log().len();
    assert!(requests <= 10, "{requests}");
}

#[tokio::test(start_paused = true)]
async fn resources_without_an_entry_are_orphans_even_if_the_spec_is_empty() {
    let azure = Azure::new().await;
    azure.converge(&spec(ENTRIES)).await;
    let empty = "apiVersion: lazuli/v1\nstack: test\nresources: {}\n";
    let found = azure.holdings(empty).await;
    assert_eq!(found.items.len(), 7);
    assert!(
        found
            .items
            .iter()
            .all(|item| item.spec_match == SpecMatch::Orphan)
    );
}

#[tokio::test(start_paused = true)]
async fn grants_of_renamed_entries_and_recreated_principals_are_not_orphans() {
    let azure = Azure::new().await;
    azure.converge(&spec(ENTRIES)).await;
    let renamed = spec(&ENTRIES.replace("  access:", "  rights:"));
    let found = azure.holdings(&renamed).await;
    assert!(lines(&found).contains(&"rights/Reader roleAssignment Reader".to_owned()));
    let identity = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-test/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-test?api-version=2024-11-30"
    );
    azure.send_directly(Method::Delete, &identity, None).await;
    let found = azure.holdings(&spec(ENTRIES)).await;
    assert!(lines(&found).contains(&"access/Reader roleAssignment Reader".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn unmarked_resources_and_those_of_other_stacks_are_not_shown() {
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
        azure
            .send_directly(Method::Put, &url(name), Some(body))
            .await;
    }
    let reader = azure.as_caller(Caller::Reader).await;
    let found = reader.holdings(&spec("")).await;
    assert_eq!(lines(&found), ["group resourceGroup rg-test"]);
}
