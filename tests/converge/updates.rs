//! An update never undoes what others did after the plan: its content is merged again from a fresh read.

use lazuli_core::plan::{Action, Plan};
use lazuli_engine::{Failure, Report};
use lazuli_sim::{Fault, Faults, LogEntry, Method, Occurrence};
use serde_json::{Value as Json, json};

use crate::{
    harness::{Azure, spec},
    marked::{marked_tags, unbound_tags},
};

const GROUP: &str = "/subscriptions/00000000-0000-0000-0000-0000000a2c05/resourceGroups/rg-test";
const PLAN: &str = "providers/Microsoft.Web/serverfarms/plan-test";
const NET: &str = "providers/Microsoft.Network/virtualNetworks/net-test";
const IDENTITY: &str = "providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-test";

fn url(below: &str) -> String {
    let version = match below {
        IDENTITY => "2024-11-30",
        _ => "2024-01-01",
    };
    format!("{GROUP}/{below}?api-version={version}")
}

async fn get(azure: &Azure, below: &str) -> Json {
    azure.send_directly(Method::Get, &url(below), None).await
}

/// A change by others: the live body with another value at a pointer.
async fn change(azure: &Azure, below: &str, pointer: &str, value: Json) {
    let mut body = get(azure, below).await;
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap()[name] = value;
    for member in ["id", "name", "type", "etag"] {
        body.as_object_mut().unwrap().remove(member);
    }
    azure
        .send_directly(Method::Put, &url(below), Some(body))
        .await;
}

fn net(more: &str) -> String {
    spec(&format!(
        "  net: {{ kind: resource, type: Microsoft.Network/virtualNetworks@2024-01-01, name: net-test, \
         body: {{ tags: {{}}, properties: {{ addressSpace: {{ addressPrefixes: [10.0.0.0/16] }}{more} }} }} }}\n"
    ))
}

fn identity(more: &str) -> String {
    spec(&format!(
        "  id: {{ kind: userAssignedIdentity, name: id-test{more} }}\n"
    ))
}

/// The writes of a run: method and the last segment of the path.
fn writes(azure: &Azure) -> Vec<(Method, String)> {
    let last = |entry: &LogEntry| {
        let path = entry.url.split('?').next().unwrap();
        path.rsplit('/').next().unwrap().to_owned()
    };
    azure
        .writes()
        .iter()
        .map(|entry| (entry.method, last(entry)))
        .collect()
}

fn failures(plan: &Plan, report: &Report) -> Vec<String> {
    let failed = report.failures();
    failed
        .map(|(step, failure)| format!("{}: {failure}", plan[step].subject.key))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn ignored_property_that_changed_after_the_plan_stays() {
    let web = |more: &str| {
        spec(&format!(
            "  plan: {{ kind: resource, type: Microsoft.Web/serverfarms@2024-01-01, name: plan-test, ignore: [sku.capacity], \
             body: {{ sku: {{ name: S1, capacity: 1 }}, properties: {{ perSiteScaling: {more} }} }} }}\n"
        ))
    };
    let azure = Azure::new().await;
    let register = "/subscriptions/00000000-0000-0000-0000-0000000a2c05/providers/Microsoft.Web/register?api-version=2021-04-01";
    azure.send_directly(Method::Post, register, None).await;
    tokio::time::sleep(std::time::Duration::from_secs(600)).await;
    azure.converge(&web("false")).await;
    let plan = azure.plan(&web("true")).await;
    change(&azure, PLAN, "/sku/capacity", json!(5)).await;
    assert!(azure.execute(&plan).await.is_complete());
    let live = get(&azure, PLAN).await;
    assert_eq!(live["sku"]["capacity"], 5);
    assert_eq!(live["properties"]["perSiteScaling"], true);
}

#[tokio::test(start_paused = true)]
async fn subnet_of_another_team_that_was_added_after_the_plan_stays() {
    let azure = Azure::new().await;
    azure.converge(&net("")).await;
    let plan = azure.plan(&net(", enableDdosProtection: true")).await;
    let subnets = json!([{ "name": "theirs", "properties": { "addressPrefix": "10.0.1.0/24" } }]);
    change(&azure, NET, "/properties/subnets", subnets.clone()).await;
    azure.simulator.clear_log();
    assert!(azure.execute(&plan).await.is_complete());
    let requests = azure.simulator.log().len();
    assert_eq!(requests, 2, "one read and one write");
    let live = get(&azure, NET).await;
    assert_eq!(live["properties"]["subnets"], subnets);
    assert_eq!(live["properties"]["enableDdosProtection"], true);
}

#[tokio::test(start_paused = true)]
async fn named_property_that_changed_after_the_plan_fails_the_step() {
    let azure = Azure::new().await;
    azure.converge(&net("")).await;
    let plan = azure.plan(&net(", enableDdosProtection: true")).await;
    let wider = json!(["10.0.0.0/16", "10.1.0.0/16"]);
    let prefixes = "/properties/addressSpace/addressPrefixes";
    change(&azure, NET, prefixes, wider.clone()).await;
    azure.simulator.clear_log();
    let report = azure.execute(&plan).await;
    let message = "net: not changed: `addressSpace.addressPrefixes` was changed after the plan";
    assert_eq!(failures(&plan, &report), [message]);
    assert_eq!(writes(&azure), []);
    assert_eq!(get(&azure, NET).await.pointer(prefixes), Some(&wider));
}

#[tokio::test(start_paused = true)]
async fn change_to_the_wanted_value_is_no_conflict() {
    let azure = Azure::new().await;
    azure.converge(&net("")).await;
    let wanted = net(", enableDdosProtection: true");
    let plan = azure.plan(&wanted).await;
    change(&azure, NET, "/properties/enableDdosProtection", json!(true)).await;
    assert!(azure.execute(&plan).await.is_complete());
    assert!(azure.plan(&wanted).await.is_empty());
}

/// The resource changes between the read and the request: Azure checks the etag, and the update is merged again.
#[tokio::test(start_paused = true)]
async fn failed_precondition_merges_again() {
    let azure = Azure::new().await;
    azure.converge(&net("")).await;
    let plan = azure.plan(&net(", enableDdosProtection: true")).await;
    let failed = Fault::Status {
        status: 412,
        code: "PreconditionFailed".to_owned(),
        message: "The condition is not met.".to_owned(),
        retry_after: None,
    };
    let once = Faults::none().on(
        Method::Put,
        "*/net-test*",
        Occurrence::Nth(1),
        failed.clone(),
    );
    azure.simulator.set_faults(once);
    azure.simulator.clear_log();
    assert!(azure.execute(&plan).await.is_complete());
    assert_eq!(azure.simulator.log().len(), 4, "two reads and two writes");

    let always = Faults::none().on(Method::Put, "*/net-test*", Occurrence::Every, failed);
    azure.simulator.set_faults(always);
    let plan = azure.plan(&net(", enableDdosProtection: false")).await;
    let report = azure.execute(&plan).await;
    assert!(failures(&plan, &report)[0].contains("PreconditionFailed"));
}

#[tokio::test(start_paused = true)]
async fn adoption_sends_tags_alone() {
    let azure = Azure::new().await;
    azure.converge(&spec("")).await;
    let body = json!({ "location": "westeurope", "tags": { "owner": "ada" } });
    azure
        .send_directly(Method::Put, &url(IDENTITY), Some(body))
        .await;
    let plan = azure.plan(&identity("")).await;
    assert_eq!(plan.steps[0].action, Action::Adopt);
    azure.simulator.clear_log();
    assert!(azure.execute(&plan).await.is_complete());
    assert_eq!(writes(&azure), [(Method::Patch, "default".to_owned())]);
    let live = get(&azure, IDENTITY).await;
    assert_eq!(
        unbound_tags(&live),
        json!({ "owner": "ada", "lazuli-stack": "test" })
    );
}

#[tokio::test(start_paused = true)]
async fn change_of_tags_sends_tags_alone_and_keeps_those_of_others() {
    let azure = Azure::new().await;
    azure
        .converge(&identity(", tags: { team: a }, onRemove: keep"))
        .await;
    let wanted = identity(", tags: { team: b }");
    let plan = azure.plan(&wanted).await;
    change(&azure, IDENTITY, "/tags/by", json!("hand")).await;
    azure.simulator.clear_log();
    assert!(azure.execute(&plan).await.is_complete());
    let patch = || (Method::Patch, "default".to_owned());
    assert_eq!(writes(&azure), [patch(), patch()], "set, and remove");
    let live = get(&azure, IDENTITY).await;
    let expected = json!({ "team": "b", "lazuli-stack": "test", "by": "hand" });
    assert_eq!(unbound_tags(&live), expected);
    assert!(azure.plan(&wanted).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn resource_that_changed_its_owner_after_the_plan_is_not_updated() {
    for adopted in [false, true] {
        let azure = Azure::new().await;
        azure.converge(&spec("")).await;
        if adopted {
            let body = json!({ "location": "westeurope" });
            azure
                .send_directly(Method::Put, &url(IDENTITY), Some(body))
                .await;
        } else {
            azure.converge(&identity("")).await;
        }
        let plan = azure.plan(&identity(", tags: { team: a }")).await;
        let id = format!("{GROUP}/{IDENTITY}");
        change(&azure, IDENTITY, "/tags", marked_tags("other", &id)).await;
        azure.simulator.clear_log();
        let report = azure.execute(&plan).await;
        let message = format!("id: not changed: stack `other` owns {id}");
        assert_eq!(failures(&plan, &report), [message]);
        assert_eq!(writes(&azure), []);
    }
}

#[tokio::test(start_paused = true)]
async fn update_never_recreates_what_was_deleted_after_the_plan() {
    let azure = Azure::new().await;
    azure.converge(&net("")).await;
    let plan = azure.plan(&net(", enableDdosProtection: true")).await;
    azure.send_directly(Method::Delete, &url(NET), None).await;
    azure.simulator.clear_log();
    let report = azure.execute(&plan).await;
    let message = format!("net: not changed: {GROUP}/{NET} no longer exists");
    assert_eq!(failures(&plan, &report), [message]);
    assert_eq!(writes(&azure), []);
}

#[tokio::test(start_paused = true)]
async fn resource_that_was_created_after_the_plan_is_not_overwritten() {
    let azure = Azure::new().await;
    azure.converge(&spec("")).await;
    let plan = azure.plan(&net("")).await;
    let theirs = json!({ "location": "westeurope", "properties": { "addressSpace": { "addressPrefixes": ["192.168.0.0/16"] } } });
    azure
        .send_directly(Method::Put, &url(NET), Some(theirs))
        .await;
    azure.simulator.clear_log();
    let report = azure.execute(&plan).await;
    let (_, failure) = report.failures().next().unwrap();
    assert!(matches!(failure, Failure::Appeared(_)), "{failure}");
    assert_eq!(writes(&azure), []);
}

/// Nothing can be in a group that the same run creates.
#[tokio::test(start_paused = true)]
async fn creation_below_something_new_needs_no_read() {
    let azure = Azure::new().await;
    let plan = azure.plan(&identity("")).await;
    azure.simulator.clear_log();
    assert!(azure.execute(&plan).await.is_complete());
    let log = azure.simulator.log();
    let reads = log
        .iter()
        .filter(|entry| entry.method == Method::Get && entry.url.contains("id-test"));
    assert_eq!(reads.count(), 0);
}
