//! Propagation: denials that depend on a recently created grant are retried up to a limit; no other error is.

use std::{sync::Mutex, time::Duration};

use lazuli_core::plan::Plan;
use lazuli_reconcile::{Event, Observer, PropagationLimits, Reconciler, Report};
use lazuli_sim::{Fault, Faults, Method, Occurrence, WorldOptions};
use tokio::sync::watch;

use crate::harness::{Azure, spec};

/// An account whose identity needs roles on its storage.
fn cameras() -> String {
    spec(
        "  analyzer: { kind: userAssignedIdentity, name: id-test }\n\
         \x20 recordings: { kind: storageAccount, name: sttest, sku: Standard_LRS }\n\
         \x20 access: { kind: roleAssignment, principal: \"${analyzer}\", scope: \"${recordings}\", roles: [Storage Blob Data Contributor, Reader] }\n\
         \x20 cameras: { kind: videoAnalyzer, name: vatest, identity: \"${analyzer}\", storage: \"${recordings}\" }\n",
    )
}

/// A world in which everything but the account was created an hour ago.
async fn azure_with_hour_old_prerequisites() -> Azure {
    let azure = Azure::new().await;
    let text = cameras();
    let before: Vec<&str> = text
        .lines()
        .filter(|line| !line.contains("videoAnalyzer"))
        .collect();
    azure.converge(&before.join("\n")).await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    azure.simulator.clear_log();
    azure
}

fn denial(status: u16, code: &str) -> Fault {
    Fault::Status {
        status,
        code: code.into(),
        message: "The identity has no access to the storage account.".into(),
        retry_after: None,
    }
}

fn fail_requests(azure: &Azure, occurrence: Occurrence, fault: Fault) {
    let faults = Faults::none();
    azure
        .simulator
        .set_faults(faults.on(Method::Put, "*videoAnalyzers*", occurrence, fault));
}

/// Records every reported wait.
#[derive(Default)]
struct Waits(Mutex<Vec<(String, String, u64)>>);

impl Observer for Waits {
    fn event(&self, event: &Event<'_>) {
        if let Event::StepRetrying { step, reason, wait } = event {
            let key = step.subject.key.to_string();
            let wait = (key, (*reason).to_owned(), wait.as_secs());
            self.0.lock().unwrap().push(wait);
        }
    }
}

/// Executes a plan with these limits. Returns the report, the waits and the duration in milliseconds.
async fn execute_plan(
    azure: &Azure,
    plan: &Plan,
    bounds: PropagationLimits,
) -> (Report, Vec<(String, String, u64)>, u64) {
    let (_keep, stop) = watch::channel(false);
    let waits = Waits::default();
    let reconciler = Reconciler {
        observer: &waits,
        ..azure.reconciler()
    };
    let before = azure.simulator.now();
    let report = reconciler.execute(plan, bounds, stop).await;
    let took = azure.simulator.now().since(before);
    (report, waits.0.into_inner().unwrap(), took)
}

#[tokio::test(start_paused = true)]
async fn denial_during_propagation_is_retried_for_every_error_code() {
    let operation = Fault::FailOperation {
        code: "StorageAccessDenied".into(),
        message: "The identity has no access to the storage account.".into(),
    };
    for fault in [
        denial(403, "StorageAccessDenied"),
        denial(403, "Forbidden"),
        denial(400, "StorageAccessDenied"),
        operation,
    ] {
        let azure = Azure::new().await;
        fail_requests(&azure, Occurrence::First(3), fault.clone());
        let plan = azure.plan(&cameras()).await;
        let (report, waits, _) = execute_plan(&azure, &plan, PropagationLimits::default()).await;
        assert!(report.is_complete(), "{fault:?}");
        let reported: Vec<_> = waits
            .iter()
            .filter(|(step, ..)| step == "cameras")
            .collect();
        let pauses: Vec<u64> = reported.iter().map(|(.., pause)| *pause).collect();
        assert_eq!(pauses[..3], [1, 2, 4], "{fault:?}");
        assert!(reported.iter().all(|(_, why, _)| !why.is_empty()));
    }
}

#[tokio::test(start_paused = true)]
async fn propagation_limit_of_grants_is_configurable() {
    for seconds in [0, 30, 600] {
        let azure = Azure::new().await;
        fail_requests(
            &azure,
            Occurrence::Every,
            denial(403, "StorageAccessDenied"),
        );
        let plan = azure.plan(&cameras()).await;
        let bounds = PropagationLimits {
            grant: Duration::from_secs(seconds),
            ..PropagationLimits::default()
        };
        let (report, waits, took) = execute_plan(&azure, &plan, bounds).await;
        assert_eq!(report.failures().count(), 1);
        let waited: u64 = waits.iter().map(|(.., pause)| *pause).sum();
        assert!(waited <= seconds && waited + 20 >= seconds, "{waited}");
        // Creating the storage account takes 25 s.
        assert!(took <= (seconds + 60) * 1000, "{took}");
    }
}

#[tokio::test(start_paused = true)]
async fn other_errors_fail_immediately() {
    for (status, code) in [
        (400, "InvalidParameter"),
        (403, "RequestDisallowedByPolicy"),
    ] {
        let azure = Azure::new().await;
        fail_requests(&azure, Occurrence::Every, denial(status, code));
        let plan = azure.plan(&cameras()).await;
        let (report, waits, _) = execute_plan(&azure, &plan, PropagationLimits::default()).await;
        assert_eq!(report.failures().count(), 1);
        assert_eq!(waits, [], "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn denial_is_retried_only_while_a_grant_is_recent() {
    let azure = azure_with_hour_old_prerequisites().await;
    fail_requests(
        &azure,
        Occurrence::Every,
        denial(403, "StorageAccessDenied"),
    );
    let plan = azure.plan(&cameras()).await;
    let (report, waits, took) = execute_plan(&azure, &plan, PropagationLimits::default()).await;
    assert!(!report.is_complete());
    assert_eq!(waits, []);
    assert_eq!(
        azure.writes().len(),
        1,
        "the grants are an hour old: no second try"
    );
    assert!(took < 2_000);

    // The age limit is configurable.
    let bounds = PropagationLimits {
        grant: Duration::from_secs(3630),
        ..PropagationLimits::default()
    };
    let (_, waits, _) = execute_plan(&azure, &plan, bounds).await;
    assert!(!waits.is_empty());
}

/// An identity with a tag, and its role on the group.
fn reader(tag: &str) -> String {
    spec(&format!(
        "  app: {{ kind: userAssignedIdentity, name: id-test, tags: {{ team: {tag} }} }}\n\
         \x20 read: {{ kind: roleAssignment, principal: \"${{app}}\", scope: \"${{group}}\", role: Reader }}\n"
    ))
}

#[tokio::test(start_paused = true)]
async fn unknown_principal_fails_after_the_propagation_limit() {
    let azure = Azure::with_options(WorldOptions {
        typed_principal_replication: 3_600_000,
        ..WorldOptions::default()
    })
    .await;
    let plan = azure.plan(&reader("vision")).await;
    let (report, waits, took) = execute_plan(&azure, &plan, PropagationLimits::default()).await;
    assert_eq!(report.failures().count(), 1);
    assert!((150_000..=181_000).contains(&took), "{took}");
    let reported = |(step, why, _): &(String, String, u64)| {
        step == "read/Reader" && why == "PrincipalNotFound"
    };
    assert!(!waits.is_empty() && waits.iter().all(reported), "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn updated_principal_is_not_retried() {
    let azure = Azure::new().await;
    let identity = reader("vision");
    let identity: Vec<&str> = identity
        .lines()
        .filter(|line| !line.contains("roleAssignment"))
        .collect();
    azure.converge(&identity.join("\n")).await;
    let faults = Faults::none();
    azure.simulator.set_faults(faults.on(
        Method::Put,
        "*roleAssignments*",
        Occurrence::Every,
        denial(400, "PrincipalNotFound"),
    ));
    let plan = azure.plan(&reader("audio")).await;
    assert_eq!(plan.steps.len(), 2, "the identity is changed as well");
    let (report, waits, took) = execute_plan(&azure, &plan, PropagationLimits::default()).await;
    assert_eq!(report.failures().count(), 1);
    assert_eq!(waits, []);
    assert!(took < 10_000, "{took}");
}
