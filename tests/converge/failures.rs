//! Failed requests and broken connections: independent steps are applied, and a rerun completes the plan.

use lazuli_arm::ErrorKind;
use lazuli_core::plan::Plan;
use lazuli_engine::{Failure, Outcome, Report};
use lazuli_sim::{Caller, Fault, Faults, Method, SUBSCRIPTION, WorldOptions};
use serde_json::json;
use tokio::sync::watch;

use crate::harness::{Azure, spec};

fn two_accounts() -> String {
    spec(
        "  good: { kind: storageAccount, name: stgood, sku: Standard_LRS }\n\
         \x20 bad: { kind: storageAccount, name: stlazulitaken, sku: Standard_LRS, containers: { cam: {} } }\n\
         \x20 id: { kind: userAssignedIdentity, name: id-test }\n",
    )
}

/// The result of each step: `done`, `failed CODE`, `blocked by NAME`, `not started`.
fn results(plan: &Plan, report: &Report) -> Vec<(String, String)> {
    plan.steps
        .iter()
        .zip(&report.outcomes)
        .map(|(step, outcome)| {
            let result = match outcome {
                Outcome::Done { .. } => "done".to_owned(),
                Outcome::Failed(Failure::Arm(error)) => {
                    format!("failed {}", error.code.clone().unwrap_or_default())
                }
                Outcome::Failed(other) => format!("failed {other}"),
                Outcome::Blocked(by) => format!("blocked by {}", plan.steps[by.0].subject.key),
                Outcome::NotStarted => "not started".to_owned(),
            };
            (step.subject.key.to_string(), result)
        })
        .collect()
}

fn result_of<'a>(results: &'a [(String, String)], key: &str) -> &'a str {
    &results.iter().find(|(name, _)| name == key).unwrap().1
}

fn only_error(report: &Report) -> ErrorKind {
    let failures: Vec<_> = report.failures().collect();
    assert_eq!(failures.len(), 1, "{failures:#?}");
    match failures[0].1 {
        Failure::Arm(error) => error.kind.clone(),
        other => panic!("{other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn unavailable_name_stops_only_its_dependents() {
    let azure = Azure::new().await;
    let (plan, report) = azure.apply(&two_accounts()).await;
    let results = results(&plan, &report);
    assert_eq!(
        result_of(&results, "bad"),
        "failed StorageAccountAlreadyTaken"
    );
    assert_eq!(result_of(&results, "bad/containers/cam"), "blocked by bad");
    assert_eq!(result_of(&results, "good"), "done");
    assert_eq!(result_of(&results, "id"), "done");
    assert_eq!(only_error(&report), ErrorKind::NameTaken);

    let fixed = two_accounts().replace("stlazulitaken", "stlazulifree");
    let second = azure.converge(&fixed).await;
    let names: Vec<_> = second
        .steps
        .iter()
        .map(|step| step.subject.key.to_string())
        .collect();
    assert_eq!(
        names,
        ["bad", "bad/containers/cam"],
        "what is done stays done"
    );
}

#[tokio::test(start_paused = true)]
async fn missing_permission_is_reported_with_action_scope_and_object_id() {
    let azure = Azure::with_options(WorldOptions {
        caller: Caller::Reader,
        ..WorldOptions::default()
    })
    .await;
    let (_, report) = azure.apply(&spec("")).await;
    let ErrorKind::Forbidden {
        action,
        scope,
        object_id,
    } = only_error(&report)
    else {
        panic!("not forbidden")
    };
    assert_eq!(
        action.as_deref(),
        Some("Microsoft.Resources/subscriptions/resourceGroups/write")
    );
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-test");
    assert!(scope.unwrap().eq_ignore_ascii_case(&group));
    assert_eq!(object_id.as_deref(), Some(Caller::Reader.object_id()));
}

#[tokio::test(start_paused = true)]
async fn caller_without_permission_to_grant_fails_immediately() {
    let azure = Azure::with_options(WorldOptions {
        caller: Caller::Contributor,
        ..WorldOptions::default()
    })
    .await;
    let text = spec(
        "  id: { kind: userAssignedIdentity, name: id-test }\n\
         \x20 access: { kind: roleAssignment, principal: \"${id}\", scope: \"${group}\", role: Reader }\n",
    );
    let (plan, report) = azure.apply(&text).await;
    assert_eq!(
        result_of(&results(&plan, &report), "access/Reader"),
        "failed AuthorizationFailed"
    );
    let tries = azure
        .writes()
        .iter()
        .filter(|entry| entry.url.contains("roleAssignments"))
        .count();
    assert_eq!(tries, 1);
}

#[tokio::test(start_paused = true)]
async fn policy_denial_names_the_policy() {
    let azure = Azure::new().await;
    let scope = format!("/subscriptions/{SUBSCRIPTION}");
    let assignment = format!(
        "{scope}/providers/Microsoft.Authorization/policyAssignments/only-north?api-version=2022-06-01"
    );
    let body = json!({ "properties": {
        "displayName": "Only northern regions",
        "policyDefinitionId": "/providers/Microsoft.Authorization/policyDefinitions/e56962a6-4747-49cd-b67b-bf8b01975c4c",
        "parameters": { "listOfAllowedLocations": { "value": ["northeurope"] } },
    }});
    azure
        .send_directly(Method::Put, &assignment, Some(body))
        .await;
    let (_, report) = azure
        .apply(&spec(
            "  data: { kind: storageAccount, name: stdenied, sku: Standard_LRS }\n",
        ))
        .await;
    let ErrorKind::PolicyDenied { policies } = only_error(&report) else {
        panic!("{:?}", only_error(&report))
    };
    assert!(policies.iter().any(|policy| policy.contains("Only northern regions") || policy.contains("only-north")), "{policies:?}");
}

#[tokio::test(start_paused = true)]
async fn locked_scope_fails_and_the_rest_is_applied() {
    let azure = Azure::new().await;
    let text = two_accounts().replace("stlazulitaken", "stlocked");
    azure.converge(&text).await;
    let account = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-test/providers/Microsoft.Storage/storageAccounts/stlocked"
    );
    let lock = format!(
        "{account}/providers/Microsoft.Authorization/locks/hands-off?api-version=2020-05-01"
    );
    azure
        .send_directly(
            Method::Put,
            &lock,
            Some(json!({ "properties": { "level": "CanNotDelete" } })),
        )
        .await;
    let down = azure.teardown(&text).await;
    let report = azure.execute(&down).await;
    assert_eq!(only_error(&report), ErrorKind::Locked);
    let results = results(&down, &report);
    assert_eq!(result_of(&results, "good"), "done");
    assert_eq!(result_of(&results, "group"), "blocked by bad");
    azure.send_directly(Method::Delete, &lock, None).await;
    let rest = azure.teardown(&text).await;
    assert!(azure.execute(&rest).await.is_complete());
}

#[tokio::test(start_paused = true)]
async fn broken_connection_fails_only_its_branch_and_a_rerun_completes() {
    let azure = Azure::new().await;
    azure.converge(&spec("")).await;
    let text = two_accounts().replace("stlazulitaken", "stflaky");
    let plan = azure.plan(&text).await;
    azure.simulator.set_faults(Faults::none().on(
        Some(Method::Put),
        "*stflaky*",
        lazuli_sim::Occurrence::Every,
        Fault::ConnectionRefused,
    ));
    let report = azure.execute(&plan).await;
    assert_eq!(only_error(&report), ErrorKind::Network);
    assert_eq!(result_of(&results(&plan, &report), "good"), "done");
    azure.simulator.set_faults(Faults::none());
    let second = azure.converge(&text).await;
    assert_eq!(second.steps.first().unwrap().subject.key.to_string(), "bad");
    assert!(azure.plan(&text).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn throttling_and_transient_errors_are_retried() {
    let azure = Azure::new().await;
    let faults =
        [429, 503, 500]
            .into_iter()
            .enumerate()
            .fold(Faults::none(), |faults, (nth, status)| {
                let nth = u64::try_from(nth).unwrap();
                faults.on(
                    Some(Method::Put),
                    "*stgood*",
                    lazuli_sim::Occurrence::Nth(nth),
                    Fault::status(status, (status == 429).then_some(7)),
                )
            });
    azure.simulator.set_faults(faults);
    azure
        .converge(&two_accounts().replace("stlazulitaken", "stother"))
        .await;
}

#[tokio::test(start_paused = true)]
async fn stop_finishes_steps_in_flight_and_starts_no_others() {
    let azure = Azure::new().await;
    azure.converge(&spec("")).await;
    let text = two_accounts().replace("stlazulitaken", "stlater");
    let plan = azure.plan(&text).await;
    let (send, stop) = watch::channel(false);
    let run = azure.execute_until(&plan, stop);
    let ask = async {
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        send.send(true).unwrap();
        std::future::pending::<()>().await;
    };
    let report = tokio::select! { report = run => report, () = ask => unreachable!() };
    assert!(report.stopped);
    let results = results(&plan, &report);
    assert_eq!(result_of(&results, "good"), "done", "in flight");
    assert_eq!(result_of(&results, "bad/containers/cam"), "not started");
    let second = azure.converge(&text).await;
    assert_eq!(second.steps.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn rerun_completes_a_run_that_was_killed_at_any_time() {
    let text = two_accounts().replace("stlazulitaken", "stkilled");
    for seconds in [0, 1, 3, 10, 20, 30, 40] {
        let azure = Azure::new().await;
        let plan = azure.plan(&text).await;
        let run = azure.execute(&plan);
        // Dropping the future is equivalent to a kill: no further request is sent, no step completes.
        let _ = tokio::time::timeout(std::time::Duration::from_secs(seconds), run).await;
        azure.converge(&text).await;
        assert!(
            azure.plan(&text).await.is_empty(),
            "killed after {seconds} s"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn account_is_created_after_its_grants_have_propagated() {
    let azure = Azure::new().await;
    let text = spec(
        "  analyzer: { kind: userAssignedIdentity, name: id-test }\n\
         \x20 recordings: { kind: storageAccount, name: sttest, sku: Standard_LRS }\n\
         \x20 access: { kind: roleAssignment, principal: \"${analyzer}\", scope: \"${recordings}\", roles: [Storage Blob Data Contributor, Reader] }\n\
         \x20 cameras: { kind: videoAnalyzer, name: vatest, identity: \"${analyzer}\", storage: \"${recordings}\" }\n",
    );
    let plan = azure.converge(&text).await;
    let account = plan
        .steps
        .iter()
        .find(|step| step.subject.key.to_string() == "cameras")
        .unwrap();
    let waits: Vec<_> = account
        .after
        .iter()
        .map(|step| plan.steps[step.0].subject.key.to_string())
        .collect();
    for needed in [
        "analyzer",
        "recordings",
        "access/Storage Blob Data Contributor",
        "access/Reader",
    ] {
        assert!(waits.contains(&needed.to_owned()), "{waits:?}");
    }
    let failures = azure
        .simulator
        .log()
        .iter()
        .filter(|entry| entry.status == Some(403))
        .count();
    assert!(
        failures > 0,
        "the simulator denies requests until a grant has propagated"
    );
}

#[tokio::test(start_paused = true)]
async fn missing_subscription_is_an_error() {
    let azure = Azure::new().await;
    let elsewhere = spec("").replace(
        "stack: test",
        "stack: test\nsubscription: 22222222-2222-4222-8222-222222222222",
    );
    let graph = crate::harness::graph(&elsewhere);
    let errors = lazuli_engine::observe(
        &azure.client,
        &graph,
        &lazuli_core::reads::list_reads(&graph),
    )
    .await
    .unwrap_err();
    assert_eq!(
        errors[0].error.code.as_deref(),
        Some("SubscriptionNotFound")
    );
}
