//! What Azure is still working on when it is asked: waited for, not written over.

use std::{sync::Mutex, time::Duration};

use lazuli_arm::ErrorKind;
use lazuli_core::{arm::ArmId, plan::Action, reads};
use lazuli_engine::{Event, Observer, Silent, observe_settled};
use lazuli_sim::{Fault, Faults, Method, Occurrence, SUBSCRIPTION, WorldOptions};
use serde_json::json;

use crate::harness::{Azure, spec};

const ACCOUNTS: &str = "\
\x20 one: { kind: storageAccount, name: stlazulione, sku: Standard_LRS }
\x20 two: { kind: storageAccount, name: stlazulitwo, sku: Standard_LRS }
";

/// Writes down what was waited for.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Told {
    fn say(&self, line: String) {
        let mut lines = self.0.lock().unwrap();
        if lines.last() != Some(&line) {
            lines.push(line);
        }
    }

    fn lines(self) -> Vec<String> {
        self.0.into_inner().unwrap()
    }
}

impl Observer for Told {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::ResourceBusy { key, state, .. } => self.say(format!("{key} {state}")),
            Event::ResourceSettled { key, state, waited } => {
                assert!(*waited > Duration::ZERO);
                self.say(format!("{key} {}", state.unwrap_or("gone")));
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

/// Another begins to make the account, and does not wait for its end.
async fn begin_account(azure: &Azure, name: &str) {
    let body =
        json!({ "location": "westeurope", "kind": "StorageV2", "sku": { "name": "Standard_LRS" } });
    let url = format!("{}?api-version=2025-06-01", account(name));
    azure.by_hand(Method::Put, &url, Some(body)).await;
}

async fn state_of(azure: &Azure, name: &str) -> String {
    let url = format!("{}?api-version=2025-06-01", account(name));
    let body = azure.by_hand(Method::Get, &url, None).await;
    body["properties"]["provisioningState"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test(start_paused = true)]
async fn what_another_run_makes_is_waited_for_and_not_written_over() {
    let text = spec(ACCOUNTS);
    let azure = Azure::new().await;
    azure.converge(&spec("")).await;
    begin_account(&azure, "stlazulione").await;
    begin_account(&azure, "stlazuliforeign").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(state_of(&azure, "stlazulione").await, "Creating");
    azure.simulator.clear_log();

    let graph = azure.graph(&text).await;
    let told = Told::default();
    let live = observe_settled(&azure.client, &graph, &reads::needed(&graph), &told)
        .await
        .unwrap();
    assert_eq!(
        told.lines(),
        ["one Creating", "one ResolvingDns", "one Succeeded"]
    );
    let one = live.resource(&ArmId::parse(&account("stlazulione")).unwrap());
    assert_eq!(one.unwrap()["properties"]["provisioningState"], "Succeeded");
    assert!(azure.writes().is_empty());

    azure.converge(&text).await;
    assert!(azure.plan(&text).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_being_deleted_is_waited_for_and_then_made() {
    let text = spec(ACCOUNTS);
    let azure = Azure::new().await;
    azure.converge(&text).await;
    let url = format!("{}?api-version=2020-06-01", group());
    azure.by_hand(Method::Delete, &url, None).await;

    let graph = azure.graph(&text).await;
    let told = Told::default();
    let live = observe_settled(&azure.client, &graph, &reads::needed(&graph), &told)
        .await
        .unwrap();
    assert_eq!(told.lines(), ["group Deleting", "group gone"]);
    for gone in [group(), account("stlazulione")] {
        assert_eq!(live.resource(&ArmId::parse(&gone).unwrap()), None, "{gone}");
    }
    let plan = azure.converge(&text).await;
    assert_eq!(plan.count(Action::Create), 3);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_come_to_rest_is_an_error_that_says_so() {
    let text = spec(ACCOUNTS);
    let azure = Azure::with(WorldOptions {
        storage_creation: 3 * 60 * 60 * 1000,
        ..WorldOptions::default()
    })
    .await;
    azure.converge(&spec("")).await;
    begin_account(&azure, "stlazulitwo").await;
    azure.simulator.clear_log();

    let graph = azure.graph(&text).await;
    let errors = observe_settled(&azure.client, &graph, &reads::needed(&graph), &Silent)
        .await
        .unwrap_err();
    let [error] = errors.as_slice() else {
        panic!("{errors:?}")
    };
    assert_eq!(error.error.kind, ErrorKind::Timeout);
    let shown = error.to_string();
    assert!(
        shown.contains("after 60 minutes: it is still Creating"),
        "{shown}"
    );
    assert!(shown.contains("stlazulitwo"), "{shown}");
    assert!(error.error.hint().unwrap().contains("Run again"));
    assert!(azure.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_failed_is_written_again_and_the_plan_says_why() {
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
