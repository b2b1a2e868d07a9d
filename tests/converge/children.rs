//! Resources that cannot have an ownership marker are recorded in the marker of the resource around them, and are orphans
//! once no entry declares them.

use lazuli_core::plan::{Action, Plan};
use lazuli_sim::Method;
use serde_json::{Value as Json, json};

use crate::harness::{Azure, spec};

const SERVER: &str = "/subscriptions/00000000-0000-0000-0000-0000000a2c05/resourceGroups/rg-test/providers/\
     Microsoft.Sql/servers/sql-test";

const SERVER_ENTRY: &str = "  server: { kind: resource, type: Microsoft.Sql/servers@2023-08-01, name: sql-test, \
     body: { tags: {}, properties: { version: '12.0' } } }\n";

fn rule(entry: &str) -> String {
    format!(
        "  {entry}: {{ kind: resource, type: Microsoft.Sql/servers/firewallRules@2023-08-01, name: {entry}, \
         parent: \"${{server}}\", body: {{ properties: {{ startIpAddress: 0.0.0.0, endIpAddress: 255.255.255.255 }} }} }}\n"
    )
}

fn stack(entries: &[String]) -> String {
    spec(&format!("{SERVER_ENTRY}{}", entries.concat()))
}

/// A subscription that is registered to use SQL.
async fn azure_with_sql() -> Azure {
    let azure = Azure::new().await;
    let url = "/subscriptions/00000000-0000-0000-0000-0000000a2c05/providers/Microsoft.Sql/register?api-version=2021-04-01";
    azure.send_directly(Method::Post, url, None).await;
    tokio::time::sleep(std::time::Duration::from_secs(600)).await;
    azure
}

async fn get(azure: &Azure, id: &str) -> Json {
    let url = format!("{id}?api-version=2023-08-01");
    azure.send_directly(Method::Get, &url, None).await
}

fn orphans(plan: &Plan) -> Vec<&str> {
    plan.remarks.orphans.iter().map(|it| &*it.title).collect()
}

#[tokio::test(start_paused = true)]
async fn removed_firewall_rule_is_an_orphan_and_pruned() {
    let azure = azure_with_sql().await;
    let both = stack(&[rule("office"), rule("anyone")]);
    azure.converge(&both).await;
    assert!(azure.plan(&both).await.is_empty());
    let one = stack(&[rule("office")]);
    let plan = azure.plan(&one).await;
    assert!(plan.is_empty(), "{:#?}", plan.steps);
    assert_eq!(orphans(&plan), ["anyone on sql-test"]);

    // A rule that no marker records is not touched.
    let by_hand = format!("{SERVER}/firewallRules/by-hand");
    let url = format!("{by_hand}?api-version=2023-08-01");
    let body =
        json!({ "properties": { "startIpAddress": "10.0.0.1", "endIpAddress": "10.0.0.1" } });
    azure.send_directly(Method::Put, &url, Some(body)).await;
    let plan = azure.plan_to_prune(&one).await;
    let steps: Vec<_> = plan
        .steps
        .iter()
        .map(|step| (step.action, &*step.subject.title))
        .collect();
    let expected = [
        (Action::Delete, "anyone on sql-test"),
        (Action::Update, "sql-test"),
    ];
    assert_eq!(steps, expected);
    assert!(azure.execute(&plan).await.is_complete());
    assert_eq!(get(&azure, &by_hand).await["name"], "by-hand");
    let plan = azure.plan_to_prune(&one).await;
    assert!(plan.is_empty() && plan.remarks.kept.is_empty(), "{plan:#?}");
    azure.simulator.clear_log();
    azure.plan(&one).await;
    let log = azure.simulator.log();
    assert!(
        !log.iter()
            .any(|entry| entry.url.contains("/firewallRules?")),
        "nothing is left to look for: {log:#?}"
    );
}

#[tokio::test(start_paused = true)]
async fn last_removed_child_leaves_no_record() {
    let azure = azure_with_sql().await;
    azure.converge(&stack(&[rule("office")])).await;
    assert!(get(&azure, SERVER).await["tags"]["lazuli-children"].is_string());
    let plan = azure.plan_to_prune(&stack(&[])).await;
    assert_eq!(plan.steps.len(), 2);
    assert!(azure.execute(&plan).await.is_complete());
    assert_eq!(
        get(&azure, SERVER).await["tags"]["lazuli-children"],
        Json::Null
    );
    assert!(azure.plan_to_prune(&stack(&[])).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn record_of_a_child_that_was_deleted_by_hand_is_removed() {
    let azure = azure_with_sql().await;
    azure
        .converge(&stack(&[rule("office"), rule("anyone")]))
        .await;
    let url = format!("{SERVER}/firewallRules/anyone?api-version=2023-08-01");
    azure.send_directly(Method::Delete, &url, None).await;
    let one = stack(&[rule("office")]);
    let plan = azure.converge(&one).await;
    assert_eq!((plan.steps.len(), orphans(&plan)), (1, vec![]));
    assert!(azure.plan(&one).await.is_empty());
}

/// A change of the server must not lose the record of a rule that is still there.
#[tokio::test(start_paused = true)]
async fn update_of_the_holder_keeps_the_records_of_orphans() {
    let azure = azure_with_sql().await;
    azure
        .converge(&stack(&[rule("office"), rule("anyone")]))
        .await;
    let changed = stack(&[rule("office")]).replace("tags: {}", "tags: { team: a }");
    assert_eq!(azure.converge(&changed).await.steps.len(), 1);
    let plan = azure.plan(&changed).await;
    assert_eq!(orphans(&plan), ["anyone on sql-test"]);
}

#[tokio::test(start_paused = true)]
async fn recorded_child_is_kept_if_the_server_belongs_to_another_stack_now() {
    let azure = azure_with_sql().await;
    azure.converge(&stack(&[rule("anyone")])).await;
    let plan = azure.plan_to_prune(&stack(&[])).await;
    let url = format!("{SERVER}/providers/Microsoft.Resources/tags/default?api-version=2021-04-01");
    let tags = crate::marked::marked_tags("other", SERVER);
    let body = json!({ "operation": "Merge", "properties": { "tags": tags } });
    azure.send_directly(Method::Patch, &url, Some(body)).await;
    let report = azure.execute(&plan).await;
    assert_eq!(report.failures().count(), 1);
    assert_eq!(
        get(&azure, &format!("{SERVER}/firewallRules/anyone")).await["name"],
        "anyone"
    );
}

#[tokio::test(start_paused = true)]
async fn diagnostic_setting_on_a_resource_is_recorded() {
    let setting = "  logs: { kind: resource, type: Microsoft.Insights/diagnosticSettings@2021-05-01-preview, name: logs, \
         scope: \"${server}\", body: { properties: { logs: [] } } }\n"
        .to_owned();
    let azure = azure_with_sql().await;
    let with = stack(&[setting]);
    azure.converge(&with).await;
    assert!(azure.plan(&with).await.is_empty());
    let plan = azure.plan_to_prune(&stack(&[])).await;
    assert_eq!(plan.count(Action::Delete), 1, "{:#?}", plan.steps);
    assert!(azure.execute(&plan).await.is_complete());
    assert!(azure.plan_to_prune(&stack(&[])).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn plan_names_the_children_that_no_marker_has_room_for() {
    let rules: Vec<String> = (0..23).map(|at| rule(&format!("rule-{at}"))).collect();
    let azure = azure_with_sql().await;
    let text = stack(&rules);
    azure.converge(&text).await;
    let plan = azure.plan(&text).await;
    assert!(plan.is_empty());
    assert_eq!(plan.remarks.unrecorded.len(), 2);
}
