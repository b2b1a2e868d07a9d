//! Operations in progress: lazuli waits for them and does not overwrite their resources.

use std::{sync::Mutex, time::Duration};

use lazuli_arm::ErrorKind;
use lazuli_core::{arm::ArmId, plan::Action, reads};
use lazuli_engine::{Event, Observer, SilentObserver, observe_settled};
use lazuli_sim::{Fault, Faults, Method, Occurrence, SUBSCRIPTION, WorldOptions};
use serde_json::json;

use crate::harness::{Azure, spec};

const ACCOUNTS: &str = "\
\x20 one: { kind: storageAccount, name: stlazulione, sku: Standard_LRS }
\x20 two: { kind: storageAccount, name: stlazulitwo, sku: Standard_LRS }
";

/// Records the awaited resources.
#[derive(Default)]
struct WaitLog(Mutex<Vec<String>>);

impl WaitLog {
    fn record(&self, line: String) {
        let mut lines = self.0.lock().unwrap();
        if lines.last() != Some(&line) {
            lines.push(line);
        }
    }

    fn lines(self) -> Vec<String> {
        self.0.into_inner().unwrap()
    }
}

impl Observer for WaitLog {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::ResourceBusy { key, state, .. } => self.record(format!("{key} {state}")),
            Event::ResourceSettled { key, state, waited } => {
                assert!(*waited > Duration::ZERO);
                self.record(format!("{key} {}", state.unwrap_or("gone")));
            }
            _ => {}
        }
    }
}

fn group() -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-test")
}

fn account(name: &str) -> String {
    format!(
        "{}/providers/Microsoft.Storage/storageAccounts/{name}",
        group()
    )
}

/// Starts the creation of the account as another run would, without waiting for its end.
async fn start_account_creation(azure: &Azure, name: &str) {
    let body =
        json!({ "location": "westeurope", "kind": "StorageV2", "sku": { "name": "Standard_LRS" } });
    let url = format!("{}?api-version=2025-06-01", account(name));
    azure.send_directly(Method::Put, &url, Some(body)).await;
}

async fn state_of(azure: &Azure, name: &str) -> String {
    let url = format!("{}?api-version=2025-06-01", account(name));
    let body = azure.send_directly(Method::Get, &url, None).await;
    body["properties"]["provisioningState"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test(start_paused = true)]
async fn creation_by_another_run_is_awaited_and_not_overwritten() {
    let text = spec(ACCOUNTS);
    let azure = Azure::new().await;
    azure.converge(&spec("")).await;
    start_account_creation(&azure, "stlazulione").await;
    start_account_creation(&azure, "stlazuliforeign").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(state_of(&azure, "stlazulione").await, "Creating");
    azure.simulator.clear_log();

    let graph = azure.graph(&text).await;
    let waits = WaitLog::default();
    let live = observe_settled(&azure.client, &graph, &reads::list_reads(&graph), &waits)
        .await
        .unwrap();
    assert_eq!(
        waits.lines(),
        ["one Creating", "one ResolvingDns", "one Succeeded"]
    );
    let one = live.resource(&ArmId::parse(&account("stlazulione")).unwrap());
    assert_eq!(one.unwrap()["properties"]["provisioningState"], "Succeeded");
    assert!(azure.writes().is_empty());

    azure.converge(&text).await;
    assert!(azure.plan(&text).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn deletion_in_progress_is_awaited_before_the_creation() {
    let text = spec(ACCOUNTS);
    let azure = Azure::new().await;
    azure.converge(&text).await;
    let url = format!("{}?api-version=2020-06-01", group());
    azure.send_directly(Method::Delete, &url, None).await;

    let graph = azure.graph(&text).await;
    let waits = WaitLog::default();
    let live = observe_settled(&azure.client, &graph, &reads::list_reads(&graph), &waits)
        .await
        .unwrap();
    assert_eq!(waits.lines(), ["group Deleting", "group gone"]);
    for gone in [group(), account("stlazulione")] {
        assert_eq!(live.resource(&ArmId::parse(&gone).unwrap()), None, "{gone}");
    }
    let plan = azure.converge(&text).await;
    assert_eq!(plan.count(Action::Create), 3);
}

#[tokio::test(start_paused = true)]
async fn operation_that_does_not_complete_is_an_error() {
    let text = spec(ACCOUNTS);
    let azure = Azure::with_options(WorldOptions {
        storage_creation: 3 * 60 * 60 * 1000,
        ..WorldOptions::default()
    })
    .await;
    azure.converge(&spec("")).await;
    start_account_creation(&azure, "stlazulitwo").await;
    azure.simulator.clear_log();

    let graph = azure.graph(&text).await;
    let errors = observe_settled(
        &azure.client,
        &graph,
        &reads::list_reads(&graph),
        &SilentObserver,
    )
    .await
    .unwrap_err();
    let [error] = errors.as_slice() else {
        panic!("{errors:?}")
    };
    assert_eq!(error.error.kind, ErrorKind::Timeout);
    let shown = error.to_string();
    assert!(
        shown.contains("within 60 minutes: its state is still Creating"),
        "{shown}"
    );
    assert!(shown.contains("stlazulitwo"), "{shown}");
    assert!(
        error
            .error
            .hint()
            .unwrap()
            .contains("Run the command again")
    );
    assert!(azure.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn failed_resource_is_written_again_with_the_reason_in_the_plan() {
    let text = spec(ACCOUNTS);
    let azure = Azure::new().await;
    azure.simulator.set_faults(Faults::none().on(
        Some(Method::Put),
        "*/storageAccounts/stlazulione",
        Occurrence::First(1),
        Fault::FailOperation {
            code: "StorageDown".to_owned(),
            message: "It broke.".to_owned(),
        },
    ));
    let (_, report) = azure.apply(&text).await;
    assert_eq!(report.failures().count(), 1);
    assert_eq!(state_of(&azure, "stlazulione").await, "Failed");

    let plan = azure.converge(&text).await;
    let [step] = plan.steps.as_slice() else {
        panic!("{:?}", plan.steps)
    };
    assert_eq!(step.action, Action::Update);
    assert_eq!(step.reason, "its last write ended as Failed");
    assert!(step.changes.is_empty());
    assert_eq!(state_of(&azure, "stlazulione").await, "Succeeded");
    assert!(azure.plan(&text).await.is_empty());
}
