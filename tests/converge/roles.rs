//! Custom roles of the spec and of the tenant.

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
        .map(|step| (step.action, step.subject.key.to_string()))
        .collect()
}

fn position(plan: &Plan, key: &str) -> usize {
    let found = plan
        .steps
        .iter()
        .position(|step| step.subject.key.to_string() == key);
    found.unwrap_or_else(|| panic!("{key}: {:?}", steps(plan)))
}

fn definition(guid: &str) -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{guid}?api-version=2022-04-01"
    )
}

/// Creates a role outside of lazuli, assignable at a scope.
async fn create_role(azure: &Azure, guid: &str, name: &str, at: &str) {
    let body = json!({ "properties": {
        "roleName": name,
        "type": "CustomRole",
        "permissions": [{ "actions": ["*/read"] }],
        "assignableScopes": [at],
    }});
    azure
        .send_directly(Method::Put, &definition(guid), Some(body))
        .await;
}

fn subscription() -> String {
    format!("/subscriptions/{SUBSCRIPTION}")
}

fn errors(found: &Diagnostics) -> Vec<(Code, String)> {
    found
        .iter()
        .map(|diagnostic| (diagnostic.code, diagnostic.message.clone()))
        .collect()
}

/// The live role of an entry of a plan.
async fn live_role(azure: &Azure, text: &str) -> (String, Json) {
    let graph = azure.graph(text).await;
    let node = graph
        .nodes()
        .find(|node| node.subject.kind == "roleDefinition");
    let url = format!("{}?api-version=2022-04-01", node.unwrap().id().unwrap());
    let body = azure.send_directly(Method::Get, &url, None).await;
    (url, body)
}

#[tokio::test(start_paused = true)]
async fn role_is_created_assigned_and_deleted_after_its_grants() {
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
async fn several_roles_are_read_individually() {
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
async fn changed_actions_are_planned_and_restored() {
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
        azure.send_directly(Method::Put, &url, Some(changed)).await;
        let plan = azure.converge(&text).await;
        assert_eq!(steps(&plan), [(Action::Update, "operator".into())]);
        let path = format!("properties.permissions[0].{list}");
        assert_eq!(plan.steps[0].changes[0].path, path.as_str());
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
    azure.send_directly(Method::Put, &url, Some(shuffled)).await;
    assert!(azure.plan(&text).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn role_of_the_tenant_is_resolved_by_name() {
    let azure = Azure::new().await;
    create_role(&azure, GUID, "Bob's Tagger", &subscription()).await;
    let text = stack("role: \"bob's tagger\"");
    let offline = check(&text);
    assert!(!offline.has_errors(), "{offline:#?}");

    // The group does not exist yet, so the role is looked up at its subscription.
    let plan = azure.converge(&text).await;
    let grant = &plan.steps[position(&plan, "access/bob's tagger")];
    let body = grant.call.body.to_display_json();
    let role = body["properties"]["roleDefinitionId"].as_str().unwrap();
    assert!(role.ends_with(GUID), "{role}");

    azure.simulator.clear_log();
    assert!(azure.plan(&text).await.is_empty());
    let log = azure.simulator.log();
    let requests = log
        .iter()
        .filter(|entry| entry.url.contains("roleDefinitions") && !entry.url.contains("CustomRole"));
    assert_eq!(requests.count(), 1, "the existing group lists its roles");
}

#[tokio::test(start_paused = true)]
async fn role_that_is_not_assignable_at_the_scope_is_not_resolved() {
    let azure = Azure::new().await;
    let elsewhere = format!("{}/resourceGroups/rg-other", subscription());
    create_role(&azure, GUID, "Watchkeeper", &elsewhere).await;
    let found = azure.check(&stack("role: Watchkeeper")).await;
    let message = "role `Watchkeeper` not found".to_owned();
    assert_eq!(errors(&found), [(Code::UnknownRole, message)]);
}

#[tokio::test(start_paused = true)]
async fn name_similar_to_a_built_in_role_is_an_error_unless_the_tenant_has_it() {
    let azure = Azure::new().await;
    let text = stack("role: Readers");
    let offline = check(&text);
    let found = azure.check(&text).await;
    for found in [offline, found] {
        assert!(found.has_errors());
        let help = found.iter().next().unwrap().help.clone();
        assert_eq!(help.as_deref(), Some("did you mean `Reader`?"));
    }
    create_role(&azure, GUID, "Readers", &subscription()).await;
    let found = azure.check(&text).await;
    assert!(found.is_empty(), "{found:#?}");
}

#[tokio::test(start_paused = true)]
async fn roles_with_the_same_name_are_all_listed() {
    // Role names are unique in a tenant, but concurrent writes can both succeed.
    let azure = Azure::with_options(WorldOptions {
        role_name_replication: 60_000,
        ..WorldOptions::default()
    })
    .await;
    let group = format!("{}/resourceGroups/rg-test", subscription());
    create_role(&azure, GUID, "Watchkeeper", &subscription()).await;
    create_role(&azure, TWIN, "watchkeeper", &group).await;
    azure
        .send_directly(
            Method::Put,
            &format!("{group}?api-version=2025-04-01"),
            Some(json!({ "location": "westeurope" })),
        )
        .await;
    let found = azure.check(&stack("role: Watchkeeper")).await;
    let message = "the name `Watchkeeper` matches 2 roles".to_owned();
    assert_eq!(errors(&found), [(Code::AmbiguousRole, message)]);
    let note = found.iter().next().unwrap().note.clone().unwrap();
    assert!(note.contains(GUID) && note.contains(TWIN), "{note}");
    azure.converge(&stack(&format!("role: {TWIN}"))).await;
}

/// The statuses of the requests that assign a role.
fn assignment_statuses(azure: &Azure) -> Vec<Option<u16>> {
    let writes = azure.writes().into_iter();
    writes
        .filter(|entry| entry.url.contains("/roleAssignments/"))
        .map(|entry| entry.status)
        .collect()
}

/// A world in which a new role takes this many milliseconds to propagate.
async fn azure_with_role_delay(delay: u64) -> Azure {
    Azure::with_options(WorldOptions {
        role_replication: delay,
        ..WorldOptions::default()
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn role_that_this_run_created_is_retried() {
    let azure = azure_with_role_delay(20_000).await;
    let text = with_operator("role: \"${operator}\"");
    azure.converge(&text).await;
    // Retries after 1, 2, 4, 8 and 16 seconds.
    let failures = [Some(400); 5];
    assert_eq!(assignment_statuses(&azure)[..5], failures);
    assert_eq!(assignment_statuses(&azure)[5..], [Some(201)]);
    assert!(azure.plan(&text).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn unknown_role_fails_after_the_propagation_limit() {
    let azure = azure_with_role_delay(3_600_000).await;
    let before = azure.simulator.now();
    let (_, report) = azure.apply(&with_operator("role: \"${operator}\"")).await;
    assert_eq!(report.failures().count(), 1);
    let took = azure.simulator.now().since(before);
    assert!((120_000..=190_000).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn role_that_this_run_did_not_create_fails_immediately() {
    let azure = azure_with_role_delay(3_600_000).await;
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
        assert_eq!(assignment_statuses(&azure), [Some(400)]);
        assert!(azure.simulator.now().since(before) < 2_000);
    }
}

#[tokio::test(start_paused = true)]
async fn plan_shows_the_name_of_a_role() {
    let azure = Azure::new().await;
    let text = with_operator("role: Reader");
    let plan = azure.converge(&text).await;
    assert_eq!(
        plan.steps[position(&plan, "operator")].subject.title,
        "Camera Operator"
    );
    let down = azure.teardown(&text).await;
    assert_eq!(
        down.steps[position(&down, "operator")].subject.title,
        "Camera Operator"
    );
}
