//! Killed runs and expired tokens: a rerun waits for operations in progress without repeating them, and a token is
//! renewed during the run.

use std::time::Duration;

use lazuli_core::plan::Plan;
use lazuli_sim::{Fault, Faults, LogEntry, Method, Occurrence, WorldOptions};

use crate::harness::{Azure, spec};

const MINUTE: u64 = 60 * 1_000;

const LONG: &str = "\
\x20 id: { kind: userAssignedIdentity, name: id-test }
\x20 media: { kind: storageAccount, name: stlazulimedia, sku: Standard_LRS, containers: { cam: {} } }
\x20 access:
\x20   kind: roleAssignment
\x20   principal: ${id}
\x20   scope: ${media}
\x20   roles: [Storage Blob Data Contributor, Reader]
\x20 analyzer: { kind: videoAnalyzer, name: valazuli, identity: \"${id}\", storage: \"${media}\" }
";

fn matches_request(entry: &LogEntry, method: Method, name: &str) -> bool {
    let path = entry.url.split('?').next().unwrap_or_default();
    entry.method == method && path.ends_with(name)
}

/// Executes the plan and kills the run some time after Azure accepted the write of `name`.
async fn kill_after(azure: &Azure, plan: &Plan, method: Method, name: &str, later: Duration) {
    let accepted = async {
        let is_accepted = |entry: &LogEntry| {
            matches_request(entry, method, name) && entry.status.is_some_and(|status| status < 300)
        };
        while !azure.simulator.log().iter().any(is_accepted) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(later).await;
    };
    tokio::select! {
        report = azure.execute(plan) => panic!("it ended before it was killed: {report:?}"),
        () = accepted => {}
    }
}

/// Asserts that a rerun of a killed apply does not repeat the accepted write, and that the next plan is empty.
async fn assert_resumed(azure: &Azure, text: &str, name: &str) {
    azure.simulator.clear_log();
    azure.converge(text).await;
    let again: Vec<_> = azure
        .writes()
        .into_iter()
        .filter(|entry| {
            matches_request(entry, Method::Put, name) || matches_request(entry, Method::Patch, name)
        })
        .collect();
    assert!(again.is_empty(), "{again:#?}");
    assert!(azure.plan(text).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn creation_of_a_killed_run_is_awaited_and_not_repeated() {
    let text = spec(LONG);
    for name in ["/stlazulimedia", "/valazuli"] {
        for seconds in [0, 1, 9] {
            let azure = Azure::new().await;
            let plan = azure.plan(&text).await;
            let later = Duration::from_secs(seconds);
            kill_after(&azure, &plan, Method::Put, name, later).await;
            assert_resumed(&azure, &text, name).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn write_without_a_response_is_not_repeated() {
    let text = spec(LONG);
    let azure = Azure::new().await;
    let plan = azure.plan(&text).await;
    // The run is killed while it waits for the response to a request that Azure has accepted.
    let late = Fault::Delay(MINUTE);
    azure.simulator.set_faults(Faults::none().on(
        Method::Put,
        "*/storageAccounts/stlazulimedia",
        Occurrence::First(1),
        late,
    ));
    kill_after(&azure, &plan, Method::Put, "/stlazulimedia", Duration::ZERO).await;
    azure.simulator.set_faults(Faults::none());
    assert_resumed(&azure, &text, "/stlazulimedia").await;
}

#[tokio::test(start_paused = true)]
async fn deletion_of_a_killed_run_is_awaited() {
    let text = spec(LONG);
    let azure = Azure::new().await;
    azure.converge(&text).await;
    let plan = azure.teardown(&text).await;
    kill_after(
        &azure,
        &plan,
        Method::Delete,
        "/rg-test",
        Duration::from_secs(3),
    )
    .await;
    azure.simulator.clear_log();
    assert!(azure.teardown(&text).await.is_empty());
    assert!(azure.writes().is_empty());
}

/// A run of 90 minutes: two accounts that take 45 minutes each, one after the other.
async fn azure_for_a_run_of_90_minutes() -> (Azure, String) {
    let azure = Azure::with_options(WorldOptions {
        storage_creation: 45 * MINUTE,
        ..WorldOptions::default()
    })
    .await;
    let text = spec(
        "  one: { kind: storageAccount, name: stlazulione, sku: Standard_LRS }\n\
         \x20 two: { kind: storageAccount, name: stlazulitwo, sku: Standard_LRS, dependsOn: [one] }\n",
    );
    (azure, text)
}

fn count_logins(azure: &Azure) -> usize {
    let log = azure.simulator.log();
    let is_login = |entry: &&LogEntry| entry.url.contains("/oauth2/");
    log.iter().filter(is_login).count()
}

fn count_denials(azure: &Azure) -> usize {
    let log = azure.simulator.log();
    log.iter().filter(|entry| entry.status == Some(401)).count()
}

#[tokio::test(start_paused = true)]
async fn long_run_renews_its_token_before_it_expires() {
    let (azure, text) = azure_for_a_run_of_90_minutes().await;
    let began = azure.simulator.now();
    let plan = azure.plan(&text).await;
    azure.simulator.clear_log();
    let report = azure.execute(&plan).await;
    assert!(report.is_complete(), "{report:?}");
    assert!(azure.simulator.now().since(began) >= 90 * MINUTE);
    assert_eq!((count_logins(&azure), count_denials(&azure)), (1, 0));
    assert!(azure.plan(&text).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn token_that_expires_early_is_renewed() {
    let (azure, text) = azure_for_a_run_of_90_minutes().await;
    let plan = azure.plan(&text).await;
    azure.simulator.clear_log();
    azure.simulator.set_faults(
        Faults::none()
            .on(
                Method::Put,
                "*/storageAccounts/*",
                Occurrence::First(1),
                Fault::Unauthorized,
            )
            .on(
                Method::Get,
                "*/storageAccounts/*",
                Occurrence::Nth(3),
                Fault::Unauthorized,
            )
            .on(
                Method::Get,
                "*operation*",
                Occurrence::Nth(3),
                Fault::Unauthorized,
            ),
    );
    let report = azure.execute(&plan).await;
    assert!(report.is_complete(), "{report:?}");
    assert!(count_denials(&azure) >= 2);
    assert_eq!(
        count_logins(&azure),
        count_denials(&azure) + 1,
        "one for each refusal, one in time"
    );
    assert!(azure.plan(&text).await.is_empty());
}
