//! Video Indexer accounts: the order of their dependencies, and changed storage.

use lazuli_core::plan::Action;
use lazuli_sim::Method;

use crate::harness::{Azure, spec};

const BY_AN_IDENTITY: &str = r#"  indexer: { kind: userAssignedIdentity, name: id-videos }
  recordings: { kind: storageAccount, name: stvideos, sku: Standard_LRS }
  videos: { kind: videoIndexer, name: vi-videos, identity: "${indexer}", storage: "${recordings}" }
  access: { kind: roleAssignment, principal: "${indexer}", scope: "${recordings}", role: Storage Blob Data Contributor }
"#;

/// Account and grant, in the order in which they were written.
async fn order_of(azure: &Azure, text: &str) -> Vec<&'static str> {
    azure.converge(text).await;
    let writes = azure.writes();
    let names = writes.iter().filter_map(|entry| {
        ["/roleAssignments/", "/Microsoft.VideoIndexer/"]
            .into_iter()
            .find(|name| entry.url.contains(name))
    });
    names.collect()
}

#[tokio::test(start_paused = true)]
async fn account_follows_the_roles_of_its_identity() {
    let azure = Azure::new().await;
    let order = order_of(&azure, &spec(BY_AN_IDENTITY)).await;
    assert_eq!(order, ["/roleAssignments/", "/Microsoft.VideoIndexer/"]);
}

#[tokio::test(start_paused = true)]
async fn roles_of_the_system_assigned_identity_follow_the_account() {
    let own = BY_AN_IDENTITY
        .replace(
            r#"identity: "${indexer}""#,
            "identity: { systemAssigned: true }",
        )
        .replace(r#"principal: "${indexer}""#, r#"principal: "${videos}""#);
    let text = spec(&own);
    let azure = Azure::new().await;
    let order = order_of(&azure, &text).await;
    assert_eq!(order, ["/Microsoft.VideoIndexer/", "/roleAssignments/"]);
    assert!(azure.plan(&text).await.is_empty());

    let down = azure.teardown(&text).await;
    assert!(azure.execute(&down).await.is_complete());
    assert!(azure.teardown(&text).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn storage_is_updated_in_place() {
    let more = r#"  archive: { kind: storageAccount, name: starchive, sku: Standard_LRS }
  more: { kind: roleAssignment, principal: "${indexer}", scope: "${archive}", role: Storage Blob Data Contributor }
"#;
    let text = spec(&format!("{BY_AN_IDENTITY}{more}"));
    let azure = Azure::new().await;
    azure.converge(&text).await;
    let url = "/subscriptions/00000000-0000-0000-0000-0000000a2c05/resourceGroups/rg-test/providers/\
               Microsoft.VideoIndexer/accounts/vi-videos?api-version=2025-04-01";
    let before = azure.send_directly(Method::Get, url, None).await;

    let moved = text.replace(r#"storage: "${recordings}""#, r#"storage: "${archive}""#);
    let plan = azure.converge(&moved).await;
    let [step] = plan.steps.as_slice() else {
        panic!("{:#?}", plan.steps)
    };
    let paths: Vec<_> = step.changes.iter().map(|change| &change.path).collect();
    assert_eq!(step.action, Action::Update);
    assert_eq!(paths, ["properties.storageServices.resourceId"]);
    let after = azure.send_directly(Method::Get, url, None).await;
    assert_eq!(
        after["properties"]["accountId"],
        before["properties"]["accountId"]
    );
    assert!(azure.plan(&moved).await.is_empty());
}
