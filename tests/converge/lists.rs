//! Lists of all types show changes late, as in Azure: apply, plan and destroy work nevertheless.

use std::time::Duration;

use lazuli_core::plan::Action;
use lazuli_sim::{Fault, Faults, Method, OTHER_SUBSCRIPTION, Occurrence, WorldOptions};

use crate::harness::{Azure, spec};

#[tokio::test(start_paused = true)]
async fn late_lists_neither_change_a_second_plan_nor_stop_destroy() {
    let text = spec(
        "  id: { kind: userAssignedIdentity, name: id-test }\n  net: { kind: resource, type: Microsoft.Network/virtualNetworks@2024-01-01, name: net, body: { properties: {} } }\n",
    );
    for seed in 0..5 {
        let azure = Azure::with_options(WorldOptions {
            seed,
            list_lag: 120_000,
            ..WorldOptions::default()
        })
        .await;
        // The second run meets resources of the first one that are deleted and still listed.
        for _ in 0..2 {
            azure.converge(&text).await;
            assert!(azure.plan(&text).await.is_empty(), "seed {seed}");
            let plan = azure.teardown(&text).await;
            assert_eq!(plan.steps.iter().count(), 3, "seed {seed}");
            assert!(azure.execute(&plan).await.is_complete(), "seed {seed}");
            let again = azure.plan(&text).await;
            let creates = again
                .steps
                .iter()
                .filter(|step| step.action == Action::Create);
            assert_eq!(creates.count(), 3, "seed {seed}");
        }
    }
}

/// The last entry of a subscription is removed: nothing in the spec names the subscription any more.
#[tokio::test(start_paused = true)]
async fn orphan_in_a_subscription_that_the_spec_no_longer_names_is_found() {
    let elsewhere = format!(
        "  far: {{ kind: resourceGroup, name: rg-far, subscription: {OTHER_SUBSCRIPTION} }}\n\
         \x20 id: {{ kind: userAssignedIdentity, name: id-far, resourceGroup: \"${{far}}\" }}\n"
    );
    let azure = Azure::new().await;
    azure.converge(&spec(&elsewhere)).await;
    azure.simulator.clear_log();
    let plan = azure.plan(&spec("")).await;
    let found: Vec<&str> = plan.remarks.orphans.iter().map(|it| &*it.title).collect();
    assert_eq!(found, ["rg-far", "id-far"]);
    assert_eq!(plan.remarks.unsearched, None);
    let log = azure.simulator.log();
    let queries = log
        .iter()
        .filter(|entry| entry.url.contains("ResourceGraph"));
    assert_eq!(queries.count(), 1);

    let plan = azure.plan_to_prune(&spec("")).await;
    assert_eq!(plan.count(Action::Delete), 2);
    assert_eq!(plan.remarks.mass_deletions[0].unnamed_groups, ["rg-far"]);
    assert!(azure.execute(&plan).await.is_complete());
    assert_eq!(azure.plan(&spec("")).await.remarks.orphans, []);
}

#[tokio::test(start_paused = true)]
async fn failed_search_of_other_subscriptions_is_a_note() {
    let azure = Azure::new().await;
    azure.converge(&spec("")).await;
    let denied = Faults::none().on(
        Method::Post,
        "*/Microsoft.ResourceGraph/*",
        Occurrence::Every,
        Fault::Status {
            status: 403,
            code: "AuthorizationFailed".to_owned(),
            message: "The client does not have authorization.".to_owned(),
            retry_after: None,
        },
    );
    azure.simulator.set_faults(denied);
    let plan = azure.plan(&spec("")).await;
    assert!(plan.is_empty());
    assert_eq!(
        plan.remarks.unsearched.as_deref(),
        Some("AuthorizationFailed")
    );
}

/// A list of a type can lack a resource too: the plan shows what a GET returns.
#[tokio::test(start_paused = true)]
async fn absence_in_a_list_is_confirmed() {
    let entry = |name: &str, more: &str| {
        format!("  {name}: {{ kind: userAssignedIdentity, name: {name}{more} }}\n")
    };
    let many: String = ["a-1", "a-2", "a-3"].map(|name| entry(name, "")).concat();
    let azure = Azure::new().await;
    azure.converge(&spec(&many)).await;
    let empty = Faults::none().on(
        Method::Get,
        "*/userAssignedIdentities?*",
        Occurrence::Every,
        Fault::EmptyList,
    );
    azure.simulator.set_faults(empty);
    assert!(azure.plan(&spec(&many)).await.is_empty());
    azure.simulator.clear_log();
    let fresh = spec(&many).replace("rg-test", "rg-new");
    assert_eq!(azure.plan(&fresh).await.count(Action::Create), 4);
    let log = azure.simulator.log();
    let confirmed = log.iter().filter(|entry| entry.url.contains("/rg-new/"));
    assert_eq!(
        confirmed.count(),
        1,
        "only the list: the group is created too"
    );
}

#[tokio::test(start_paused = true)]
async fn deleted_resource_that_a_list_still_shows_is_no_orphan() {
    let entry = "  id: { kind: userAssignedIdentity, name: id-test }\n";
    let subscription = "/subscriptions/00000000-0000-0000-0000-0000000a2c05";
    let mut late = 0;
    for seed in 0..5 {
        let azure = Azure::with_options(WorldOptions {
            seed,
            list_lag: 120_000,
            ..WorldOptions::default()
        })
        .await;
        azure.converge(&spec(entry)).await;
        tokio::time::sleep(Duration::from_secs(300)).await;
        let url = format!(
            "{subscription}/resourceGroups/rg-test/providers/Microsoft.ManagedIdentity/\
             userAssignedIdentities/id-test?api-version=2024-11-30"
        );
        azure.send_directly(Method::Delete, &url, None).await;
        let list = format!("{subscription}/resources?api-version=2025-04-01");
        let listed = azure.send_directly(Method::Get, &list, None).await;
        late += usize::from(!listed["value"].as_array().unwrap().is_empty());
        let plan = azure.plan_to_prune(&spec("")).await;
        assert!(plan.is_empty() && plan.remarks.kept.is_empty(), "{plan:#?}");
    }
    assert!(late > 0, "a list shows it");
}
