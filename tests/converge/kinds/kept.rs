//! Live values that the spec does not name survive an update, for every kind.

use lazuli_sim::Method;
use serde_json::{Value as Json, json};

use super::SPECS;
use crate::{
    harness::{Azure, spec},
    marked::unbound_tags,
};

const IN_GROUP: &str =
    "/subscriptions/00000000-0000-0000-0000-0000000a2c05/resourceGroups/rg-video";

/// A stack of every kind that can have tags, and its resources.
fn tagged() -> (String, [String; 5]) {
    let (_, text) = SPECS.iter().find(|(name, _)| *name == "video").unwrap();
    let text = text.replace("resources:\n", "tags: { team: vision }\nresources:\n");
    let text = text.replace("    tags: { team: vision }\n", "");
    let within = |path: &str| format!("{IN_GROUP}/providers/{path}");
    let urls = [
        format!("{IN_GROUP}?api-version=2025-04-01"),
        within(
            "Microsoft.ManagedIdentity/userAssignedIdentities/id-analyzer?api-version=2024-11-30",
        ),
        within("Microsoft.Storage/storageAccounts/strecordings?api-version=2025-06-01"),
        within("Microsoft.Media/videoAnalyzers/vacameras?api-version=2021-11-01-preview"),
        within("Microsoft.VideoIndexer/accounts/vi-videos?api-version=2025-04-01"),
    ];
    (text, urls)
}

#[tokio::test(start_paused = true)]
async fn foreign_tag_survives_an_update() {
    let azure = Azure::new().await;
    let (text, urls) = tagged();
    azure.converge(&text).await;
    for url in &urls {
        let mut tags = azure.send_directly(Method::Get, url, None).await["tags"].clone();
        tags["costcentre"] = json!("7");
        azure
            .send_directly(Method::Patch, url, Some(json!({ "tags": tags })))
            .await;
    }
    let changed = text.replace("team: vision", "team: audio");
    assert!(azure.converge(&changed).await.steps.len() >= urls.len());
    for url in &urls {
        let live = azure.send_directly(Method::Get, url, None).await;
        let wanted = json!({ "team": "audio", "lazuli-stack": "video", "costcentre": "7" });
        assert_eq!(unbound_tags(&live), wanted, "{url}");
    }
}

#[tokio::test(start_paused = true)]
async fn null_is_not_sent() {
    let text = spec(
        r#"  id: { kind: userAssignedIdentity, name: id-test, isolationScope: ~, federatedCredentials: ~ }
  data:
    kind: storageAccount
    name: sttest
    sku: Standard_LRS
    minimumTlsVersion: ~
    identity:
    networkAcls: { defaultAction: Allow, bypass: ~, ipRules: ~ }
    blobService: { isVersioningEnabled: true, changeFeed: ~ }
    containers: { video: { publicAccess: ~ } }
    lifecycleRules: ~
  access: { kind: roleAssignment, principal: "${id}", scope: "${data}", role: Reader, condition: ~, description: ~ }
  keep: { kind: managementLock, name: keep, scope: "${data}", level: CanNotDelete, notes: ~, owners: ~ }
"#,
    );
    let azure = Azure::new().await;
    let plan = azure.converge(&text).await;
    for step in &plan.steps {
        let body = step.call.body.to_display_json();
        assert!(!has_null(&body), "{}: {body}", step.subject.key);
    }
    assert!(azure.plan(&text).await.is_empty());

    let url = format!(
        "{}/providers/Microsoft.Storage/storageAccounts/sttest?api-version=2025-06-01",
        IN_GROUP.replace("rg-video", "rg-test")
    );
    let patch = json!({ "properties": { "minimumTlsVersion": "TLS1_3", "networkAcls": { "bypass": "None" } } });
    azure.send_directly(Method::Patch, &url, Some(patch)).await;
    assert!(azure.plan(&text).await.is_empty());
    let plan = azure.converge(&text.replace("Allow", "Deny")).await;
    assert!(!has_null(&plan.steps[0].call.body.to_display_json()));
    let live = azure.send_directly(Method::Get, &url, None).await;
    assert_eq!(live["properties"]["minimumTlsVersion"], "TLS1_3");
    assert_eq!(live["properties"]["networkAcls"]["bypass"], "None");
}

fn has_null(body: &Json) -> bool {
    match body {
        Json::Null => true,
        Json::Array(items) => items.iter().any(has_null),
        Json::Object(members) => members.values().any(has_null),
        _ => false,
    }
}

#[tokio::test(start_paused = true)]
async fn condition_survives_a_changed_description() {
    let text = spec(
        r#"  id: { kind: userAssignedIdentity, name: id-test }
  access: { kind: roleAssignment, principal: "${id}", scope: "${group}", role: Storage Blob Data Reader, description: Watches }
"#,
    );
    let azure = Azure::new().await;
    azure.converge(&text).await;
    let grants = format!(
        "{}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01&$filter=atScope()",
        IN_GROUP.replace("rg-video", "rg-test")
    );
    let watches = |found: Json| {
        let grants = found["value"].as_array().unwrap().clone();
        let is_ours = |grant: &Json| {
            grant["properties"]["description"]
                .as_str()
                .is_some_and(|text| text.starts_with("Watches"))
        };
        grants.into_iter().find(is_ours).unwrap()
    };
    let mut grant = watches(azure.send_directly(Method::Get, &grants, None).await);
    let condition = "@Resource[Microsoft.Storage/storageAccounts:name] StringEquals 'sttest'";
    grant["properties"]["condition"] = json!(condition);
    grant["properties"]["conditionVersion"] = json!("2.0");
    let url = format!("{}?api-version=2022-04-01", grant["id"].as_str().unwrap());
    azure
        .send_directly(
            Method::Put,
            &url,
            Some(json!({ "properties": grant["properties"] })),
        )
        .await;
    assert!(azure.plan(&text).await.is_empty());

    let plan = azure
        .converge(&text.replace("Watches", "Watches at night"))
        .await;
    assert_eq!(plan.steps[0].changes.len(), 1);
    let live = watches(azure.send_directly(Method::Get, &grants, None).await);
    let description = live["properties"]["description"].as_str().unwrap();
    assert!(
        description.starts_with("Watches at night ("),
        "{description}"
    );
    assert_eq!(live["properties"]["condition"], condition);
    assert_eq!(live["properties"]["conditionVersion"], "2.0");
}

#[tokio::test(start_paused = true)]
async fn disabled_lifecycle_rule_stays_disabled() {
    let text = spec(
        r#"  data:
    kind: storageAccount
    name: sttest
    sku: Standard_LRS
    lifecycleRules:
      old: { definition: { actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: 30 } } } } }
      new: { definition: { actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: 60 } } } } }
"#,
    );
    let azure = Azure::new().await;
    azure.converge(&text).await;
    let group = IN_GROUP.replace("rg-video", "rg-test");
    let url = format!(
        "{group}/providers/Microsoft.Storage/storageAccounts/sttest/managementPolicies/default?api-version=2025-06-01"
    );
    let mut policy = azure.send_directly(Method::Get, &url, None).await;
    policy["properties"]["policy"]["rules"][0]["enabled"] = json!(false);
    azure
        .send_directly(
            Method::Put,
            &url,
            Some(json!({ "properties": policy["properties"] })),
        )
        .await;

    azure.converge(&text.replace("60", "90")).await;
    let live = azure.send_directly(Method::Get, &url, None).await;
    let rules = &live["properties"]["policy"]["rules"];
    assert_eq!(
        (&rules[0]["name"], &rules[0]["enabled"]),
        (&json!("old"), &json!(false))
    );
}
