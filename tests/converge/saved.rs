//! Saved plans: a plan is valid until the spec or Azure changes, and the change is reported.

use std::collections::BTreeSet;

use lazuli_core::{
    diagnostic::{Code, Diagnostic},
    document::PlanDocument,
    graph::{Graph, Names},
    plan::{Action, Consent, Plan},
    saved::{SavedOptions, SavedPlan},
    source::Sources,
};
use lazuli_sim::{Method, SUBSCRIPTION};
use serde_json::{Value as Json, json};

use crate::{
    harness::{Azure, PRUNE, spec},
    marked::marked_tags,
};

const ENTRIES: &str = "\
\x20 app: { kind: userAssignedIdentity, name: id-test }
\x20 data: { kind: storageAccount, name: sttest, sku: Standard_LRS, minimumTlsVersion: TLS1_2, containers: { video: {} } }
\x20 access: { kind: roleAssignment, principal: \"${app}\", scope: \"${data}\", roles: [Reader, Contributor] }
";

/// The difference from a plan of another spec, with unchanged live resources.
pub async fn find_difference_since(azure: &Azure, before: &str, text: &str) -> Option<Diagnostic> {
    let consent = Consent::default();
    let (_, saved, _) = save(azure, before, &consent).await;
    compare_saved(azure, &saved, text, &consent).await.1
}

/// The current plan, and its difference from the saved one.
async fn compare_saved(
    azure: &Azure,
    saved: &str,
    text: &str,
    consent: &Consent,
) -> (Plan, Option<Diagnostic>) {
    let (plan, now, graph) = save(azure, text, consent).await;
    let [saved, now] = [saved, now.as_str()].map(|file| SavedPlan::parse(file).unwrap());
    (plan, saved.first_difference(&now, &graph))
}

/// The current plan, or its difference from the saved one as message and note.
async fn find_difference(
    azure: &Azure,
    saved: &str,
    text: &str,
    consent: &Consent,
) -> Result<Plan, (String, String)> {
    match compare_saved(azure, saved, text, consent).await {
        (plan, None) => Ok(plan),
        (_, Some(found)) => {
            assert_eq!(found.code, Code::Stale);
            Err((found.message, found.note.unwrap_or_default()))
        }
    }
}

/// Saves a plan. Returns the plan, the text of the file and the graph.
async fn save(azure: &Azure, text: &str, consent: &Consent) -> (Plan, String, Graph) {
    let (plan, found) = azure.compare_with(text, consent).await;
    assert!(!found.has_errors(), "{found:#?}");
    let graph = azure.graph(text).await;
    let document = PlanDocument::new(&plan, &[], &[], &Sources::default());
    let saved = SavedPlan::new(SavedOptions::default(), &graph, &plan, document);
    (plan, saved.to_text().unwrap(), graph)
}

async fn assert_difference(
    azure: &Azure,
    saved: &str,
    text: &str,
    consent: &Consent,
    title: &str,
    note: &str,
) {
    let found = find_difference(azure, saved, text, consent).await;
    let expected = (title.to_owned(), note.to_owned());
    assert_eq!(found.map(|plan| plan.steps), Err(expected));
}

fn url(below: &str, version: &str) -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-test/providers/{below}?api-version={version}"
    )
}

fn account() -> String {
    url("Microsoft.Storage/storageAccounts/sttest", "2025-06-01")
}

fn identity(name: &str) -> String {
    let below = format!("Microsoft.ManagedIdentity/userAssignedIdentities/{name}");
    url(&below, "2024-11-30")
}

async fn patch(azure: &Azure, body: Json) {
    azure
        .send_directly(Method::Patch, &account(), Some(body))
        .await;
}

/// The names of the grants on the account.
async fn grants(azure: &Azure) -> Vec<String> {
    let below = "Microsoft.Storage/storageAccounts/sttest/providers/Microsoft.Authorization/roleAssignments";
    let found = azure
        .send_directly(Method::Get, &url(below, "2022-04-01"), None)
        .await;
    let ids = found["value"].as_array().unwrap().iter();
    let ids = ids.filter_map(|grant| grant["id"].as_str());
    ids.filter(|id| id.contains("sttest"))
        .map(str::to_owned)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn unchanged_plan_is_executed_and_saved_identically() {
    let azure = Azure::new().await;
    let text = spec(ENTRIES);
    let none = Consent::default();
    let (plan, saved, _) = save(&azure, &text, &none).await;
    assert_eq!(save(&azure, &text, &none).await.1, saved);
    let now = find_difference(&azure, &saved, &text, &none).await.unwrap();
    assert_eq!(now, plan);
    assert!(azure.execute(&now).await.is_complete());
    let (after, saved, _) = save(&azure, &text, &none).await;
    assert!(after.is_empty());
    assert!(
        find_difference(&azure, &saved, &text, &none)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test(start_paused = true)]
async fn change_in_the_spec_is_reported() {
    let azure = Azure::new().await;
    let none = Consent::default();
    azure.converge(&spec(ENTRIES)).await;
    let (_, saved, _) = save(&azure, &spec(ENTRIES), &none).await;
    let in_spec = "it was not set when the plan was made, and is now";
    for (from, to, title, note) in [
        (
            "TLS1_2",
            "TLS1_1",
            "`minimumTlsVersion` of `data` has changed in the spec",
            "it was TLS1_2 when the plan was made, and is now TLS1_1".to_owned(),
        ),
        (
            "name: id-test",
            "name: id-test, protect: true",
            "`protect` of `app` has changed in the spec",
            format!("{in_spec} true"),
        ),
        (
            "name: id-test",
            "name: id-test, tags: { a: b }",
            "`tags.a` of `app` has changed in the spec",
            format!("{in_spec} b"),
        ),
        (
            "name: sttest",
            "name: sttest, ignore: [sku]",
            "`ignore` of `data` has changed in the spec",
            format!("{in_spec} [\"sku\"]"),
        ),
        (
            "video: {}",
            "video: {}, audio: {}",
            "`data/containers/audio` is new in the spec",
            "it was not in the spec when the plan was made".to_owned(),
        ),
        (
            ", Contributor",
            "",
            "`access/Contributor` is no longer in the spec",
            String::new(),
        ),
    ] {
        let text = spec(&ENTRIES.replace(from, to));
        assert_difference(&azure, &saved, &text, &none, title, &note).await;
    }
    // Equivalent values are equal.
    let reordered: String = ENTRIES
        .lines()
        .rev()
        .map(|line| format!("{line}\n"))
        .collect();
    let text = spec(&reordered).replace("resources:", "# the same\nresources:");
    assert!(
        find_difference(&azure, &saved, &text, &none)
            .await
            .unwrap()
            .steps
            .is_empty()
    );
}

#[tokio::test(start_paused = true)]
async fn change_in_azure_is_reported() {
    let azure = Azure::new().await;
    let none = Consent::default();
    azure.converge(&spec(ENTRIES)).await;
    let text = spec(&ENTRIES.replace("Standard_LRS", "Standard_ZRS"));
    let (plan, saved, _) = save(&azure, &text, &none).await;
    assert_eq!(plan.count(Action::Update), 1);

    patch(
        &azure,
        json!({ "properties": { "minimumTlsVersion": "TLS1_0" } }),
    )
    .await;
    let title = "`minimumTlsVersion` of `data` has changed in Azure";
    let note = "it was TLS1_2 (as in the spec) when the plan was made, and is now TLS1_0";
    assert_difference(&azure, &saved, &text, &none, title, note).await;
    let healed = json!({ "properties": { "minimumTlsVersion": "TLS1_2" } });
    patch(&azure, healed).await;
    find_difference(&azure, &saved, &text, &none).await.unwrap();

    // Undeclared properties are part of the request.
    let live = azure.send_directly(Method::Get, &account(), None).await;
    let mut by_hand = live["tags"].clone();
    by_hand["by"] = json!("hand");
    patch(&azure, json!({ "tags": by_hand })).await;
    let title = "`tags.by` of `data` has changed in Azure";
    let note = "the request contains it, and it has changed since the plan was made";
    assert_difference(&azure, &saved, &text, &none, title, note).await;
    patch(&azure, json!({ "tags": { "lazuli-stack": "test" } })).await;

    patch(&azure, json!({ "sku": { "name": "Standard_GRS" } })).await;
    let title = "`sku.name` of `data` has changed in Azure";
    let note = "it was Standard_LRS when the plan was made, and is now Standard_GRS";
    assert_difference(&azure, &saved, &text, &none, title, note).await;
    patch(&azure, json!({ "sku": { "name": "Standard_ZRS" } })).await;
    let note =
        "it was Standard_LRS when the plan was made, and is now Standard_ZRS (as in the spec)";
    assert_difference(&azure, &saved, &text, &none, title, note).await;
}

#[tokio::test(start_paused = true)]
async fn created_and_deleted_resources_are_reported() {
    let azure = Azure::new().await;
    let none = Consent::default();
    let group = spec("");
    azure.converge(&group).await;
    let text = spec(ENTRIES);
    let (_, saved, _) = save(&azure, &text, &none).await;
    let body = json!({ "location": "westeurope", "tags": { "lazuli-stack": "test" } });
    azure
        .send_directly(Method::Put, &identity("id-test"), Some(body))
        .await;
    let title = "`app` has appeared in Azure";
    let note = "it did not exist when the plan was made";
    assert_difference(&azure, &saved, &text, &none, title, note).await;

    azure.converge(&text).await;
    let (_, saved, _) = save(&azure, &text, &none).await;
    let names = grants(&azure).await;
    assert_eq!(names.len(), 2);
    for name in names {
        let url = format!("{name}?api-version=2022-04-01");
        azure.send_directly(Method::Delete, &url, None).await;
    }
    let title = "`access/Reader` no longer exists in Azure";
    let note = "it existed when the plan was made";
    assert_difference(&azure, &saved, &text, &none, title, note).await;
    azure.converge(&text).await;
    azure.send_directly(Method::Delete, &account(), None).await;
    let title = "`data` no longer exists in Azure";
    assert_difference(&azure, &saved, &text, &none, title, note).await;
}

#[tokio::test(start_paused = true)]
async fn added_and_removed_orphans_are_reported() {
    let azure = Azure::new().await;
    azure.converge(&spec(ENTRIES)).await;
    let text = spec(ENTRIES.split_once("  access").unwrap().0);
    let (plan, saved, _) = save(&azure, &text, &PRUNE).await;
    let addresses: BTreeSet<_> = plan
        .steps
        .iter()
        .map(|step| step.subject.key.to_string())
        .collect();
    assert_eq!((plan.count(Action::Delete), addresses.len()), (2, 1));
    find_difference(&azure, &saved, &text, &PRUNE)
        .await
        .unwrap();

    // Without pruning, orphans do not affect the plan.
    let note = "when the plan was made: stack `test` owns it, and no entry of the spec declares it";
    let title = "`access` would no longer be deleted";
    assert_difference(&azure, &saved, &text, &Consent::default(), title, note).await;

    let gone = format!("{}?api-version=2022-04-01", grants(&azure).await[0]);
    azure.send_directly(Method::Delete, &gone, None).await;
    assert_difference(&azure, &saved, &text, &PRUNE, title, note).await;

    let (plan, saved, _) = save(&azure, &text, &PRUNE).await;
    assert_eq!(plan.count(Action::Delete), 1);
    let more = identity("id-more");
    let tags = marked_tags("test", more.split('?').next().unwrap());
    let body = json!({ "location": "westeurope", "tags": tags });
    azure.send_directly(Method::Put, &more, Some(body)).await;
    let title = "`id-more` would now be deleted, but not when the plan was made";
    let note = "id-more: stack `test` owns it, and no entry of the spec declares it";
    assert_difference(&azure, &saved, &text, &PRUNE, title, note).await;
}

#[tokio::test(start_paused = true)]
async fn resources_deleted_by_a_replacement_are_part_of_the_plan() {
    let azure = Azure::new().await;
    azure.converge(&spec(ENTRIES)).await;
    let consent = Consent {
        replace: Names(BTreeSet::from(["data".to_owned()])),
        ..Consent::default()
    };
    let text = spec(&ENTRIES.replace("name: sttest", "name: sttest, isHnsEnabled: true"));
    let (plan, saved, _) = save(&azure, &text, &consent).await;
    assert_eq!(plan.count(Action::Replace), 1);
    find_difference(&azure, &saved, &text, &consent)
        .await
        .unwrap();

    let below = "Microsoft.Storage/storageAccounts/sttest/providers/Microsoft.Authorization/roleAssignments/\
                 3f5f9b1e-58a1-4a4e-8a53-0d4ad7a3b001";
    let role = format!(
        "/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/b24988ac-6180-42a0-ab88-20f7382dd24c"
    );
    let body = json!({ "properties": {
        "roleDefinitionId": role, "principalType": "User", "principalId": "00000000-0000-0000-0000-00000000b0b1",
    }});
    azure
        .send_directly(Method::Put, &url(below, "2022-04-01"), Some(body))
        .await;
    let (title, note) = find_difference(&azure, &saved, &text, &consent)
        .await
        .unwrap_err();
    assert_eq!(title, "the live properties of `data` have changed in Azure");
    assert!(
        note.ends_with("deleted with it: 1 undeclared role assignment"),
        "{note}"
    );

    azure.send_directly(Method::Delete, &account(), None).await;
    let title = "`data` no longer exists in Azure";
    let note = "it existed when the plan was made";
    assert_difference(&azure, &saved, &text, &consent, title, note).await;
}
