//! A resource stays while anything is in or on it that does not go itself, of any owner.

use lazuli_core::{
    graph::Names,
    plan::{Consent, OrphanPolicy, Plan},
};
use lazuli_engine::{Failure, Report};
use lazuli_sim::{Fault, Faults, Method, Occurrence};
use serde_json::{Value as Json, json};

use crate::{
    harness::{Azure, spec},
    marked::marked_tags,
};

const SUBSCRIPTION: &str = "/subscriptions/00000000-0000-0000-0000-0000000a2c05";
const GROUP: &str = "/subscriptions/00000000-0000-0000-0000-0000000a2c05/resourceGroups/rg-test";
const SERVER: &str = "providers/Microsoft.Sql/servers/sql-test";
const ACCOUNT: &str = "providers/Microsoft.Storage/storageAccounts/sttest";

/// A subscription that is registered to use SQL.
async fn azure_with_sql() -> Azure {
    let azure = Azure::new().await;
    let url = format!("{SUBSCRIPTION}/providers/Microsoft.Sql/register?api-version=2021-04-01");
    azure.send_directly(Method::Post, &url, None).await;
    tokio::time::sleep(std::time::Duration::from_secs(600)).await;
    azure
}

fn server(location: &str) -> String {
    format!(
        "  server: {{ kind: resource, type: Microsoft.Sql/servers@2023-08-01, name: sql-test, location: {location}, \
         body: {{ tags: {{}}, properties: {{ version: '12.0' }} }} }}\n"
    )
}

fn account(more: &str) -> String {
    spec(&format!(
        "  store: {{ kind: storageAccount, name: sttest, sku: Standard_LRS{more} }}\n"
    ))
}

async fn put(azure: &Azure, below: &str, version: &str, body: Json) {
    let url = format!("{GROUP}/{below}?api-version={version}");
    azure.send_directly(Method::Put, &url, Some(body)).await;
}

/// A database of another stack, with these further tags.
async fn create_database(azure: &Azure, more: Json) {
    let below = format!("{SERVER}/databases/orders");
    let mut tags = marked_tags("data", &format!("{GROUP}/{below}"));
    tags.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let body = json!({ "location": "westeurope", "tags": tags, "sku": { "name": "S0" } });
    put(azure, &below, "2023-08-01", body).await;
}

fn kept(plan: &Plan) -> Vec<String> {
    let kept = plan.remarks.kept.iter();
    kept.map(|kept| format!("{}: {}", kept.key, kept.why))
        .collect()
}

fn failures(plan: &Plan, report: &Report) -> Vec<String> {
    let failed = report.failures();
    failed
        .map(|(step, failure)| {
            assert!(matches!(failure, Failure::NotEmpty { .. }), "{failure}");
            format!("{}: {failure}", plan[step].subject.key)
        })
        .collect()
}

fn deletions(azure: &Azure) -> usize {
    let log = azure.simulator.log();
    log.iter()
        .filter(|entry| entry.method == Method::Delete)
        .count()
}

const STAYS: &str = "it contains resources that stay: orders (stack `data`)";

#[tokio::test(start_paused = true)]
async fn destroy_keeps_a_server_with_a_database_of_another_stack() {
    let text = spec(&server("westeurope"));
    for more in [json!({}), json!({ "lazuli-on-remove": "protect" })] {
        let azure = azure_with_sql().await;
        azure.converge(&text).await;
        create_database(&azure, more).await;
        let plan = azure.teardown(&text).await;
        assert_eq!(plan.steps.len(), 0);
        let server = format!("server: {STAYS}");
        let group = "group: `server` needs it and stays".to_owned();
        assert_eq!(kept(&plan), [server, group]);
    }
}

/// Azure makes the database `master` itself.
#[tokio::test(start_paused = true)]
async fn destroy_deletes_a_server_with_its_own_databases() {
    let database = "  db: { kind: resource, type: Microsoft.Sql/servers/databases@2023-08-01, name: own, parent: \"${server}\", \
         body: { sku: { name: S0 } } }\n";
    let text = spec(&format!("{}{database}", server("westeurope")));
    let azure = azure_with_sql().await;
    azure.converge(&text).await;
    let plan = azure.teardown(&text).await;
    assert_eq!(kept(&plan), [""; 0]);
    assert!(azure.execute(&plan).await.is_complete());
    assert!(azure.teardown(&text).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn prune_keeps_a_server_with_a_database_of_another_stack() {
    let azure = azure_with_sql().await;
    azure.converge(&spec(&server("westeurope"))).await;
    create_database(&azure, json!({})).await;
    let plan = azure.plan_to_prune(&spec("")).await;
    assert_eq!(plan.steps.len(), 0);
    assert_eq!(kept(&plan), [format!("sql-test: {STAYS}")]);
}

#[tokio::test(start_paused = true)]
async fn replacement_of_a_server_with_undeclared_databases_is_rejected_with_the_list() {
    let azure = azure_with_sql().await;
    azure.converge(&spec(&server("westeurope"))).await;
    create_database(&azure, json!({})).await;
    let consent = Consent {
        orphans: OrphanPolicy::List,
        replace: Names(["server".to_owned()].into()),
    };
    let moved = spec(&server("northeurope"));
    let (plan, found) = azure.compare_with(&moved, &consent).await;
    assert_eq!(plan.steps.len(), 0);
    let help = found.iter().next().unwrap().help.clone().unwrap();
    let expected =
        "it contains undeclared resources, which are never deleted: orders (stack `data`)";
    assert_eq!(help, expected);
}

#[tokio::test(start_paused = true)]
async fn server_stays_if_a_database_appears_after_the_plan() {
    for replaces in [false, true] {
        let azure = azure_with_sql().await;
        let text = spec(&server("westeurope"));
        azure.converge(&text).await;
        let plan = match replaces {
            false => azure.teardown(&text).await,
            true => {
                let consent = Consent {
                    orphans: OrphanPolicy::List,
                    replace: Names(["server".to_owned()].into()),
                };
                let moved = spec(&server("northeurope"));
                azure.compare_with(&moved, &consent).await.0
            }
        };
        create_database(&azure, json!({})).await;
        azure.simulator.clear_log();
        let report = azure.execute(&plan).await;
        let message = format!(
            "server: not deleted: {GROUP}/{SERVER} contains what the plan does not delete: orders (stack `data`)"
        );
        assert_eq!(failures(&plan, &report), [message]);
        assert_eq!(deletions(&azure), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn group_stays_if_an_account_appears_after_the_plan() {
    let azure = Azure::new().await;
    azure.converge(&spec("")).await;
    let plan = azure.teardown(&spec("")).await;
    assert_eq!(plan.steps.len(), 1);
    let body =
        json!({ "location": "westeurope", "kind": "StorageV2", "sku": { "name": "Standard_LRS" } });
    put(&azure, ACCOUNT, "2025-06-01", body).await;
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    let report = azure.execute(&plan).await;
    let message =
        format!("group: not deleted: {GROUP} contains what the plan does not delete: sttest");
    assert_eq!(failures(&plan, &report), [message]);
    assert_eq!(deletions(&azure), 0);
}

#[tokio::test(start_paused = true)]
async fn undeclared_container_keeps_its_account_and_one_of_azure_does_not() {
    let azure = Azure::new().await;
    azure
        .converge(&account(", containers: { video: {} }"))
        .await;
    let container = |name: &str| format!("{ACCOUNT}/blobServices/default/containers/{name}");
    put(
        &azure,
        &container("insights-logs-audit"),
        "2025-06-01",
        json!({}),
    )
    .await;
    let plan = azure.teardown(&account("")).await;
    assert_eq!(kept(&plan), [""; 0], "the stack made it");
    let prune = azure.plan_to_prune(&spec("")).await;
    assert_eq!(kept(&prune), [""; 0]);
    put(&azure, &container("theirs"), "2025-06-01", json!({})).await;
    let theirs = "it contains resources that stay: theirs";
    let now = azure.teardown(&account("")).await;
    assert_eq!(kept(&now)[0], format!("store: {theirs}"));
    let now = azure.plan_to_prune(&spec("")).await;
    assert_eq!(kept(&now), [format!("sttest: {theirs}")]);
    let report = azure.execute(&plan).await;
    assert_eq!(failures(&plan, &report).len(), 1);
    assert_eq!(deletions(&azure), 0);
}

#[tokio::test(start_paused = true)]
async fn role_assignment_of_another_stack_keeps_what_it_is_on() {
    let azure = Azure::new().await;
    azure.converge(&spec("")).await;
    let assignment =
        "providers/Microsoft.Authorization/roleAssignments/7d0c1f0e-0000-4000-8000-0000000000bb";
    let body = |description: &str| {
        json!({ "properties": {
            "principalId": lazuli_sim::USER_OBJECT_ID, "principalType": "User", "description": description,
            "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7",
        } })
    };
    put(&azure, assignment, "2022-04-01", body("by hand")).await;
    let plan = azure.teardown(&spec("")).await;
    assert_eq!(plan.steps.len(), 1, "one by hand goes with the group");
    put(
        &azure,
        assignment,
        "2022-04-01",
        body("Reads (lazuli-stack: other; access)"),
    )
    .await;
    let report = azure.execute(&plan).await;
    assert!(failures(&plan, &report)[0].ends_with("0000000000bb (stack `other`)"));
    let plan = azure.teardown(&spec("")).await;
    assert_eq!((plan.steps.len(), kept(&plan).len()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn protected_child_keeps_its_parent() {
    let rule = "  rule: { kind: resource, type: Microsoft.Sql/servers/firewallRules@2023-08-01, name: office, protect: true, \
         parent: \"${server}\", body: { properties: { startIpAddress: 10.0.0.1, endIpAddress: 10.0.0.1 } } }\n";
    let text = spec(&format!("{}{rule}", server("westeurope")));
    let azure = azure_with_sql().await;
    azure.converge(&text).await;
    let plan = azure.teardown(&text).await;
    assert_eq!(
        (plan.steps.len(), kept(&plan).len()),
        (0, 3),
        "{:#?}",
        kept(&plan)
    );
}

#[tokio::test(start_paused = true)]
async fn unreadable_contents_keep_their_parent() {
    let azure = Azure::new().await;
    azure.converge(&account("")).await;
    let denied = Fault::Status {
        status: 403,
        code: "AuthorizationFailed".to_owned(),
        message: "The client does not have authorization.".to_owned(),
        retry_after: None,
    };
    let faults = Faults::none().on(Method::Get, "*/default/shares*", Occurrence::Every, denied);
    azure.simulator.set_faults(faults);
    let plan = azure.teardown(&account("")).await;
    let why = "store: its contents are unknown: AuthorizationFailed";
    assert_eq!((plan.steps.len(), &*kept(&plan)[0]), (0, why));
}
