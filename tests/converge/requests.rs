//! The number of requests of a plan and of an apply: resources are read by lists, without duplicate requests.

use lazuli_arm::ignore_waits;
use lazuli_sim::{Caller, Fault, Faults, Method, SUBSCRIPTION, WorldOptions};
use serde_json::json;

use crate::harness::Azure;

/// The types of the resources of a unit, including resource groups, plus grants, locks and marked resources.
const TYPES: usize = 7;

/// Units over resource groups: an identity, a storage account, two grants and a video account each.
fn units(count: usize, groups: usize) -> String {
    let mut text =
        "apiVersion: lazuli/v1\nstack: many\nlocation: westeurope\nresources:\n".to_owned();
    for group in 0..groups {
        text += &format!("  g{group}: {{ kind: resourceGroup, name: rg-{group} }}\n");
    }
    for unit in 0..count {
        let at = format!("resourceGroup: rg-{}", unit % groups);
        text += &format!(
            "  id{unit}: {{ kind: userAssignedIdentity, name: id-{unit}, {at} }}\n\
             \x20 st{unit}: {{ kind: storageAccount, name: stmany{unit}, {at}, sku: Standard_LRS }}\n\
             \x20 may{unit}:\n\
             \x20   kind: roleAssignment\n\
             \x20   principal: ${{id{unit}}}\n\
             \x20   scope: ${{st{unit}}}\n\
             \x20   roles: [Storage Blob Data Contributor, Reader]\n\
             \x20 va{unit}:\n\
             \x20   kind: videoAnalyzer\n\
             \x20   name: vamany{unit}\n\
             \x20   {at}\n\
             \x20   identity: ${{id{unit}}}\n\
             \x20   storage: ${{st{unit}}}\n"
        );
    }
    text
}

/// Requests to ARM since the log was cleared.
fn requests(azure: &Azure) -> Vec<String> {
    let line = |entry: &lazuli_sim::LogEntry| format!("{:?} {}", entry.method, entry.url);
    let log = azure.simulator.log();
    let of_arm = log.iter().filter(|entry| entry.url.contains("api-version"));
    of_arm.map(line).collect()
}

#[tokio::test(start_paused = true)]
async fn empty_plan_takes_one_list_per_type() {
    let azure = Azure::new().await;
    let text = units(12, 4);
    azure.converge(&text).await;
    azure.simulator.clear_log();
    assert!(azure.plan(&text).await.is_empty());
    let sent = requests(&azure);
    assert!(sent.len() <= 12, "{}: {sent:#?}", sent.len());
    let more = text.replace("stack: many", "stack: more");
    let more = more
        .replace("rg-", "rgm-")
        .replace("many", "more")
        .replace("id-", "idm-");
    azure.converge(&more).await;
    azure.simulator.clear_log();
    assert!(
        azure.plan(&text).await.is_empty(),
        "other resources in the lists are not changed"
    );
    assert_eq!(requests(&azure).len(), sent.len());
}

#[tokio::test(start_paused = true)]
async fn pages_of_a_list_are_combined() {
    let options = WorldOptions {
        page_size: 5,
        ..WorldOptions::default()
    };
    let azure = Azure::with_options(options).await;
    let text = units(12, 4);
    azure.converge(&text).await;
    azure.simulator.clear_log();
    assert!(azure.plan(&text).await.is_empty());
    let sent = requests(&azure);
    assert!(
        sent.len() <= 12 + TYPES * 3 + 12 * 2 / 5,
        "{}: {sent:#?}",
        sent.len()
    );
}

#[tokio::test(start_paused = true)]
async fn few_resources_are_read_individually() {
    let azure = Azure::new().await;
    let text = units(2, 2);
    azure.converge(&text).await;
    azure.simulator.clear_log();
    assert!(azure.plan(&text).await.is_empty());
    let whole =
        format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Storage/storageAccounts?");
    let sent = requests(&azure);
    assert!(sent.iter().all(|line| !line.contains(&whole)), "{sent:#?}");
}

#[tokio::test(start_paused = true)]
async fn denied_list_is_requested_once_and_groups_are_read_instead() {
    let azure = Azure::new().await;
    let (units_, groups) = (12, 3);
    let text = units(units_, groups);
    azure.converge(&text).await;
    let reader = confine_to_groups(&azure, groups).await;
    azure.simulator.clear_log();
    assert!(reader.plan(&text).await.is_empty());
    let log = azure.simulator.log();
    let denied = log.iter().filter(|entry| entry.status == Some(403)).count();
    let sent = requests(&azure);
    assert!(denied <= 12, "{denied} of {sent:#?}");
    assert!(
        sent.len() <= TYPES * groups + 12,
        "{}: {sent:#?}",
        sent.len()
    );
}

/// A session of the reader with permissions in the resource groups only.
async fn confine_to_groups(azure: &Azure, groups: usize) -> Azure {
    let list = format!(
        "/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01"
    );
    let found = azure.send_directly(Method::Get, &list, None).await;
    let own = found["value"].as_array().unwrap().iter();
    let own = own.filter(|grant| grant["properties"]["principalId"] == Caller::Reader.object_id());
    for grant in own {
        let url = format!("{}?api-version=2022-04-01", grant["id"].as_str().unwrap());
        azure.send_directly(Method::Delete, &url, None).await;
        for group in 0..groups {
            let here = url.replace(
                "/providers/Microsoft.Auth",
                &format!("/resourceGroups/rg-{group}/providers/Microsoft.Auth"),
            );
            let body = json!({ "properties": {
                "roleDefinitionId": grant["properties"]["roleDefinitionId"],
                "principalId": Caller::Reader.object_id(), "principalType": "ServicePrincipal",
            }});
            azure.send_directly(Method::Put, &here, Some(body)).await;
        }
    }
    azure.as_caller(Caller::Reader).await
}

#[tokio::test(start_paused = true)]
async fn one_changed_property_takes_one_write() {
    let azure = Azure::new().await;
    let text = units(3, 1);
    azure.converge(&text).await;
    azure.simulator.clear_log();
    assert!(azure.apply(&text).await.0.is_empty());
    assert_eq!(azure.writes().len(), 0, "nothing to do");
    let changed = text.replacen("sku: Standard_LRS", "sku: Standard_GRS", 1);
    azure.simulator.clear_log();
    azure.converge(&changed).await;
    assert_eq!(azure.writes().len(), 1, "{:#?}", azure.writes());
}

#[tokio::test(start_paused = true)]
async fn response_of_a_write_is_not_read_again() {
    let azure = Azure::new().await;
    azure.simulator.clear_log();
    let plan = azure.plan(&units(1, 1)).await;
    azure.simulator.clear_log();
    assert!(azure.execute(&plan).await.is_complete());
    let sent = requests(&azure);
    let identity_read = |line: &&String| line.starts_with("Get") && line.contains("/id-0?");
    assert_eq!(sent.iter().find(identity_read), None, "{sent:#?}");
}

#[tokio::test(start_paused = true)]
async fn resources_under_creation_are_polled_by_one_list_per_group() {
    let azure = Azure::new().await;
    let plan = azure.plan(&units(12, 2)).await;
    azure.simulator.clear_log();
    assert!(azure.execute(&plan).await.is_complete());
    let sent = requests(&azure);
    let looks = |word: &str| {
        let looks = |line: &&String| line.starts_with("Get") && line.contains(word);
        sent.iter().filter(looks).count()
    };
    assert_eq!(looks("Microsoft.Storage/locations"), 0, "{sent:#?}");
    // An account takes 25 seconds and is polled every 17: twice, in each of two groups. All accounts are
    // created at once.
    assert_eq!(looks("/storageAccounts?"), 4, "{sent:#?}");
}

#[tokio::test(start_paused = true)]
async fn throttling_delays_a_run_and_does_not_fail_it() {
    let options = WorldOptions {
        throttling: true,
        ..WorldOptions::default()
    };
    let azure = Azure::with_options(options).await;
    let text = units(60, 3);
    azure.converge(&text).await;
    let throttled = |entry: &&lazuli_sim::LogEntry| entry.status == Some(429);
    let count = azure.simulator.log().iter().filter(throttled).count();
    assert_eq!(count, 0, "the client slows down before the bucket is empty");
    let again = azure.simulator.log().len();
    assert!(azure.plan(&text).await.is_empty(), "{again}");
}

#[tokio::test(start_paused = true)]
async fn burst_of_429_is_retried() {
    let azure = Azure::new().await;
    let burst = (5..45).fold(Faults::none(), |faults, at| {
        faults.at(at, Fault::status(429, Some(20)))
    });
    azure.simulator.set_faults(burst);
    azure.converge(&units(4, 2)).await;
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-0");
    let found = azure.client.get(&group, "2025-04-01", &ignore_waits).await;
    assert!(found.unwrap().is_some());
}
