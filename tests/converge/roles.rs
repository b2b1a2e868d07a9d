//! Custom roles: those of the spec, and those that only the tenant knows.

use lazuli_core::{
    diagnostic::{Code, Diagnostics},
    plan::{Action, Plan},
};
use lazuli_sim::{Method, SUBSCRIPTION, WorldOptions};
use serde_json::{Value as Json, json};

use crate::harness::{Azure, check, spec};

const GUID: &str = "6d3f0c1a-0000-4000-8000-000000000001";
const TWIN: &str = "6d3f0c1a-0000-4000-8000-000000000002";

fn stack(access: &str) -> String {
    spec(&format!(
        "  app: {{ kind: userAssignedIdentity, name: id-test }}\n\
         \x20 access: {{ kind: roleAssignment, principal: \"${{app}}\", scope: \"${{group}}\", {access} }}\n"
    ))
}

fn with_operator(access: &str) -> String {
    let operator = "  operator:\n    kind: roleDefinition\n    name: Camera Operator\n\
        \x20   actions: [Microsoft.Media/videoAnalyzers/read, Microsoft.Media/videoAnalyzers/write]\n\
        \x20   assignableScopes: [\"${group}\"]\n";
    stack(access) + operator
}

fn steps(plan: &Plan) -> Vec<(Action, String)> {
    plan.steps
        .iter()
        .map(|step| (step.action, step.key.to_string()))
        .collect()
}

fn position(plan: &Plan, key: &str) -> usize {
    let found = plan
        .steps
        .iter()
        .position(|step| step.key.to_string() == key);
    found.unwrap_or_else(|| panic!("{key}: {:?}", steps(plan)))
}

fn definition(guid: &str) -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{guid}?api-version=2022-04-01"
    )
}

/// Makes a role behind lazuli's back, assignable at a scope.
async fn make_role(azure: &Azure, guid: &str, name: &str, at: &str) {
    let body = json!({ "properties": {
        "roleName": name,
        "type": "CustomRole",
        "permissions": [{ "actions": ["*/read"] }],
        "assignableScopes": [at],
    }});
    azure
        .by_hand(Method::Put, &definition(guid), Some(body))
        .await;
}

fn subscription() -> String {
    format!("/subscriptions/{SUBSCRIPTION}")
}

fn errors(found: &Diagnostics) -> Vec<(Code, String)> {
    found
        .iter()
        .map(|said| (said.code, said.message.clone()))
        .collect()
}

/// The live role that an entry of a plan stands for.
async fn live_role(azure: &Azure, text: &str) -> (String, Json) {
    let graph = azure.graph(text).await;
    let node = graph.nodes().find(|node| node.kind == "roleDefinition");
    let url = format!("{}?api-version=2022-04-01", node.unwrap().id().unwrap());
    let body = azure.by_hand(Method::Get, &url, None).await;
    (url, body)
}

#[tokio::test(start_paused = true)]
async fn a_role_is_made_granted_kept_and_deleted_after_its_grants() {
    for access in ["role: \"${operator}\"", "roles: [camera operator]"] {
        let azure = Azure::new().await;
        let text = with_operator(access);
        let plan = azure.converge(&text).await;
        let (role, grant) = ("operator", "access/Camera Operator");
        assert!(position(&plan, role) < position(&plan, grant));
        let granted = &plan.steps[position(&plan, grant)];
        assert!(
            granted
                .after
                .contains(&plan.steps[position(&plan, role)].id)
        );

        azure.simulator.clear_log();
        assert!(azure.plan(&text).await.is_empty());
        assert_eq!(azure.writes(), []);

        let down = azure.teardown(&text).await;
        assert!(position(&down, grant) < position(&down, role));
        assert!(position(&down, role) < position(&down, "group"));
        assert!(azure.execute(&down).await.is_complete());
        assert!(azure.teardown(&text).await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn several_roles_are_read_one_by_one() {
    let azure = Azure::new().await;
    let text = with_operator("role: Reader")
        + "  viewer: { kind: roleDefinition, name: Viewer, actions: [\"*/read\"], assignableScopes: [\"${group}\"] }\n";
    azure.converge(&text).await;
    azure.simulator.clear_log();
    assert!(azure.plan(&text).await.is_empty());
    let reads = azure.simulator.log();
    let of_roles = reads
        .iter()
        .filter(|entry| entry.url.contains("/roleDefinitions/"));
    assert_eq!(of_roles.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn actions_changed_by_hand_are_named_and_healed() {
    let azure = Azure::new().await;
    let text = with_operator("role: \"${operator}\"");
    azure.converge(&text).await;
    let (url, wanted) = live_role(&azure, &text).await;
    for (list, actions) in [
        ("actions", json!(["Microsoft.Media/*"])),
        ("dataActions", json!(["*/read"])),
    ] {
        let mut changed = wanted.clone();
        changed["properties"]["permissions"][0][list] = actions;
        azure.by_hand(Method::Put, &url, Some(changed)).await;
        let plan = azure.converge(&text).await;
        assert_eq!(steps(&plan), [(Action::Update, "operator".into())]);
        let path = format!("properties.permissions[0].{list}");
        assert_eq!(plan.steps[0].changes[0].path, path);
        let (_, healed) = live_role(&azure, &text).await;
        assert_eq!(
            healed["properties"]["permissions"],
            wanted["properties"]["permissions"]
        );
    }
    let mut shuffled = wanted.clone();
    shuffled["properties"]["permissions"][0]["actions"] = json!([
        "microsoft.media/videoanalyzers/WRITE",
        "microsoft.media/videoanalyzers/read"
    ]);
    azure.by_hand(Method::Put, &url, Some(shuffled)).await;
    assert!(azure.plan(&text).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_role_of_the_tenant_is_found_by_its_name() {
    let azure = Azure::new().await;
    make_role(&azure, GUID, "Bob's Tagger", &subscription()).await;
    let text = stack("role: \"bob's tagger\"");
    let offline = check(&text);
    assert!(!offline.has_errors(), "{offline:#?}");

    // The group is not there yet: its subscription answers.
    let plan = azure.converge(&text).await;
    let grant = &plan.steps[position(&plan, "access/bob's tagger")];
    let body = grant.call.body.to_display_json();
    let role = body["properties"]["roleDefinitionId"].as_str().unwrap();
    assert!(role.ends_with(GUID), "{role}");

    azure.simulator.clear_log();
    assert!(azure.plan(&text).await.is_empty());
    let asked = azure.simulator.log();
    let asked = asked
        .iter()
        .filter(|entry| entry.url.contains("roleDefinitions") && !entry.url.contains("CustomRole"));
    assert_eq!(asked.count(), 1, "the group is there now, and knows");
}

#[tokio::test(start_paused = true)]
async fn a_role_that_is_assignable_only_elsewhere_is_not_found() {
    let azure = Azure::new().await;
    let elsewhere = format!("{}/resourceGroups/rg-other", subscription());
    make_role(&azure, GUID, "Watchkeeper", &elsewhere).await;
    let found = azure.check(&stack("role: Watchkeeper")).await;
    let message = "there is no role `Watchkeeper`".to_owned();
    assert_eq!(errors(&found), [(Code::UnknownRole, message)]);
}

#[tokio::test(start_paused = true)]
async fn a_name_near_a_built_in_one_is_a_slip_unless_the_tenant_has_it() {
    let azure = Azure::new().await;
    let text = stack("role: Readers");
    let offline = check(&text);
    let found = azure.check(&text).await;
    for found in [offline, found] {
        assert!(found.has_errors());
        let help = found.iter().next().unwrap().help.clone();
        assert_eq!(help.as_deref(), Some("did you mean `Reader`?"));
    }
    make_role(&azure, GUID, "Readers", &subscription()).await;
    let found = azure.check(&text).await;
    assert!(found.is_empty(), "{found:#?}");
}

#[tokio::test(start_paused = true)]
async fn two_roles_of_one_name_are_both_listed() {
    // Names are taken once in a tenant, but two writes at once both pass.
    let azure = Azure::with(WorldOptions {
        role_name_replication: 60_000,
        ..WorldOptions::default()
    })
    .await;
    let group = format!("{}/resourceGroups/rg-test", subscription());
    make_role(&azure, GUID, "Watchkeeper", &subscription()).await;
    make_role(&azure, TWIN, "watchkeeper", &group).await;
    azure
        .by_hand(
            Method::Put,
            &format!("{group}?api-version=2025-04-01"),
            Some(json!({ "location": "westeurope" })),
        )
        .await;
    let found = azure.check(&stack("role: Watchkeeper")).await;
    let message = "there are 2 roles of the name `Watchkeeper`".to_owned();
    assert_eq!(errors(&found), [(Code::AmbiguousRole, message)]);
    let note = found.iter().next().unwrap().note.clone().unwrap();
    assert!(note.contains(GUID) && note.contains(TWIN), "{note}");
    azure.converge(&stack(&format!("role: {TWIN}"))).await;
}

/// The answers to attempts to give a role.
fn attempts(azure: &Azure) -> Vec<Option<u16>> {
    let writes = azure.writes().into_iter();
    writes
        .filter(|entry| entry.url.contains("/roleAssignments/"))
        .map(|entry| entry.status)
        .collect()
}

/// A world in which a new role is known everywhere only after so many milliseconds.
async fn slow_with_roles(delay: u64) -> Azure {
    Azure::with(WorldOptions {
        role_replication: delay,
        ..WorldOptions::default()
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_role_that_this_run_made_is_waited_for() {
    let azure = slow_with_roles(20_000).await;
    let text = with_operator("role: \"${operator}\"");
    azure.converge(&text).await;
    // Waits of 1, 2, 4, 8 and 16 seconds.
    let refused = [Some(400); 5];
    assert_eq!(attempts(&azure)[..5], refused);
    assert_eq!(attempts(&azure)[5..], [Some(201)]);
    assert!(azure.plan(&text).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_role_that_stays_unknown_is_given_up_after_its_bound() {
    let azure = slow_with_roles(3_600_000).await;
    let before = azure.simulator.now();
    let (_, report) = azure.apply(&with_operator("role: \"${operator}\"")).await;
    assert_eq!(report.failures().count(), 1);
    let took = azure.simulator.now().since(before);
    assert!((120_000..=190_000).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn a_role_that_this_run_did_not_make_fails_at_once() {
    let azure = slow_with_roles(3_600_000).await;
    let whole = with_operator("role: Reader");
    let without_grant = whole
        .lines()
        .filter(|line| !line.contains("roleAssignment"));
    let without_grant: Vec<&str> = without_grant.collect();
    azure.converge(&without_grant.join("\n")).await;
    for access in ["role: \"${operator}\"", &format!("role: {GUID}")] {
        azure.simulator.clear_log();
        let before = azure.simulator.now();
        let (_, report) = azure.apply(&with_operator(access)).await;
        assert_eq!(report.failures().count(), 1);
        assert_eq!(attempts(&azure), [Some(400)]);
        assert!(azure.simulator.now().since(before) < 2_000);
    }
}

#[tokio::test(start_paused = true)]
async fn a_person_reads_the_name_of_a_role() {
    let azure = Azure::new().await;
    let text = with_operator("role: Reader");
    let plan = azure.converge(&text).await;
    assert_eq!(
        plan.steps[position(&plan, "operator")].subject,
        "Camera Operator"
    );
    let down = azure.teardown(&text).await;
    assert_eq!(
        down.steps[position(&down, "operator")].subject,
        "Camera Operator"
    );
}
