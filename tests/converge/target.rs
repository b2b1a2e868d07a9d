//! Targets: no other entry is changed, whatever its state, and grants of other entries count as declared.

use std::collections::BTreeSet;

use lazuli_core::{
    diagnostic::Diagnostics,
    graph::{Closure, Names, Selection},
    plan::{Action, Consent, Plan, inseparable},
};
use lazuli_reconcile::Intent;
use lazuli_sim::{Caller, Method, SUBSCRIPTION};
use serde_json::json;

use crate::harness::{Azure, spec};

const ENTRIES: &str = "\
\x20 app: { kind: userAssignedIdentity, name: id-app }
\x20 other: { kind: userAssignedIdentity, name: id-other }
\x20 data: { kind: storageAccount, name: sttest, sku: Standard_LRS, grants: authoritative, containers: { video: {} } }
\x20 access: { kind: roleAssignment, principal: \"${other}\", scope: \"${data}\", role: Reader }
\x20 keep: { kind: managementLock, name: keep, scope: \"${data}\", level: CanNotDelete }
";

fn names(targets: &[&str]) -> Names {
    Names(targets.iter().map(|&name| name.to_owned()).collect())
}

impl Azure {
    async fn plan_targets(
        &self,
        text: &str,
        targets: &[&str],
        replace: &[&str],
    ) -> (Plan, Diagnostics) {
        let intent = Intent::Converge {
            consent: Consent {
                replace: names(replace),
                ..Consent::default()
            },
            targets: names(targets),
        };
        self.compare_for(text, &intent).await
    }

    async fn plan_targets_to_destroy(&self, text: &str, targets: &[&str]) -> Plan {
        let targets = names(targets);
        self.difference(text, &Intent::Destroy { targets })
            .await
            .plan
    }
}

fn steps(plan: &Plan) -> Vec<String> {
    let step = |step: &lazuli_core::plan::Step| format!("{} {}", step.action, step.subject.key);
    plan.steps.iter().map(step).collect()
}

fn account(below: &str, version: &str) -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-test/providers/Microsoft.Storage/storageAccounts/sttest{below}?api-version={version}"
    )
}

#[tokio::test(start_paused = true)]
async fn applying_targets_and_then_the_rest_equals_applying_everything() {
    let azure = Azure::new().await;
    let (plan, _) = azure.plan_targets(&spec(ENTRIES), &["access"], &[]).await;
    let made: BTreeSet<String> = plan
        .steps
        .iter()
        .map(|step| step.subject.key.to_string())
        .collect();
    let expected = ["access/Reader", "data", "group", "other"];
    assert_eq!(
        made.iter().map(String::as_str).collect::<Vec<_>>(),
        expected
    );
    assert!(azure.execute(&plan).await.is_complete());
    let (again, _) = azure.plan_targets(&spec(ENTRIES), &["access"], &[]).await;
    assert!(again.is_empty(), "{:?}", steps(&again));
    azure.converge(&spec(ENTRIES)).await;
    assert!(azure.plan(&spec(ENTRIES)).await.is_empty());
    let (again, _) = azure.plan_targets(&spec(ENTRIES), &["access"], &[]).await;
    assert!(again.is_empty(), "{:?}", steps(&again));
}

#[tokio::test(start_paused = true)]
async fn drift_and_mistakes_of_excluded_entries_are_ignored() {
    let azure = Azure::new().await;
    azure.converge(&spec(ENTRIES)).await;
    let drift = json!({ "properties": { "minimumTlsVersion": "TLS1_0" } });
    azure
        .send_directly(Method::Patch, &account("", "2025-06-01"), Some(drift))
        .await;
    // An immutable property differs as well, which is an error in a plan without targets.
    let changed = spec(&ENTRIES.replace(
        "Standard_LRS,",
        "Standard_LRS, minimumTlsVersion: TLS1_2, isHnsEnabled: true,",
    ));
    assert!(azure.compare(&changed).await.1.has_errors());
    let (plan, found) = azure.plan_targets(&changed, &["app"], &[]).await;
    assert!(!found.has_errors() && plan.is_empty(), "{:?}", steps(&plan));
    assert!(
        azure
            .plan_targets(&changed, &["data"], &[])
            .await
            .1
            .has_errors()
    );
}

#[tokio::test(start_paused = true)]
async fn grants_of_excluded_entries_count_as_declared() {
    let azure = Azure::new().await;
    azure.converge(&spec(ENTRIES)).await;
    let undeclared = Caller::Reader.object_id();
    let role = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
    let url = account(
        "/providers/Microsoft.Authorization/roleAssignments/55555555-5555-4555-8555-555555555555",
        "2022-04-01",
    );
    let body = json!({ "properties": {
        "roleDefinitionId": format!("/providers/Microsoft.Authorization/roleDefinitions/{role}"),
        "principalId": undeclared, "principalType": "ServicePrincipal",
    }});
    azure.send_directly(Method::Put, &url, Some(body)).await;
    let (plan, _) = azure.plan_targets(&spec(ENTRIES), &["data"], &[]).await;
    assert_eq!(steps(&plan), [format!("delete data/grant of {undeclared}")]);
    let (plan, _) = azure.plan_targets(&spec(ENTRIES), &["app"], &[]).await;
    assert!(plan.is_empty(), "{:?}", steps(&plan));
}

#[tokio::test(start_paused = true)]
async fn replacement_that_would_delete_excluded_entries_is_rejected() {
    let azure = Azure::new().await;
    let entries = ENTRIES.replace("  keep:", "  # keep:");
    azure.converge(&spec(&entries)).await;
    let changed = spec(&entries.replace("Standard_LRS,", "Standard_LRS, isHnsEnabled: true,"));
    let (_, found) = azure.plan_targets(&changed, &["data"], &["data"]).await;
    let help = found
        .iter()
        .find_map(|diagnostic| diagnostic.help.clone())
        .unwrap_or_default();
    assert!(help.contains("--target access/Reader"), "{found:#?}");
    let (plan, found) = azure
        .plan_targets(&changed, &["data", "access"], &["data"])
        .await;
    assert!(!found.has_errors(), "{found:#?}");
    assert_eq!(plan.count(Action::Replace), 1);
}

#[tokio::test(start_paused = true)]
async fn targets_are_destroyed_with_their_dependents_only() {
    let azure = Azure::new().await;
    azure.converge(&spec(ENTRIES)).await;
    let down = azure
        .plan_targets_to_destroy(&spec(ENTRIES), &["data"])
        .await;
    assert_eq!(
        steps(&down),
        ["delete keep", "delete access/Reader", "delete data"]
    );
    assert!(azure.execute(&down).await.is_complete());
    assert!(
        azure
            .plan_targets_to_destroy(&spec(ENTRIES), &["data"])
            .await
            .is_empty()
    );
    let (plan, _) = azure
        .plan_targets(&spec(ENTRIES), &["app", "other"], &[])
        .await;
    assert!(plan.is_empty(), "{:?}", steps(&plan));
    let graph = azure.graph(&spec(ENTRIES)).await;
    for (target, mistakes) in [("data/containers/video", 1), ("data", 0)] {
        let part = Selection::new(&graph, &names(&[target]), Closure::Dependents);
        let found = inseparable(&graph, &names(&[target]), &part);
        assert_eq!(found.iter().count(), mistakes, "{target}: {found:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn child_resource_is_destroyed_without_its_parent() {
    let azure = Azure::new().await;
    let entries = "\
\x20 app: { kind: userAssignedIdentity, name: id-app }
\x20 nested:
\x20   kind: resource
\x20   type: Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2024-11-30
\x20   name: main
\x20   parent: \"${app}\"
\x20   body: { properties: { issuer: \"https://token.test\", subject: a, audiences: [b] } }
";
    azure.converge(&spec(entries)).await;
    let down = azure
        .plan_targets_to_destroy(&spec(entries), &["nested"])
        .await;
    assert_eq!(steps(&down), ["delete nested"]);
    assert!(azure.execute(&down).await.is_complete());
    let down = azure
        .plan_targets_to_destroy(&spec(entries), &["app"])
        .await;
    assert_eq!(steps(&down), ["delete app"]);
}
