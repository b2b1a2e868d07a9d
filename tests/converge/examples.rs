//! Every example: the first apply creates it, the second plan is empty and writes nothing, destroy removes everything.

use std::{fs, path::Path};

use lazuli_core::plan::Action;
use lazuli_sim::{Method, SUBSCRIPTION};

use crate::harness::Azure;

pub fn example(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    fs::read_to_string(root.join(name).join("stack.yaml")).unwrap()
}

/// The names of all examples, as listed in the folder.
pub fn names() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut names: Vec<String> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test(start_paused = true)]
async fn every_example_applies_plans_empty_and_is_destroyed() {
    assert!(names().len() >= 5);
    for name in names() {
        let text = example(&name);
        let azure = Azure::new().await;
        let plan = azure.converge(&text).await;
        assert_eq!(plan.count(Action::Create), plan.steps.len(), "{name}");
        azure.simulator.clear_log();
        let second = azure.plan(&text).await;
        assert!(second.is_empty(), "{name}: {:#?}", second.steps);
        assert_eq!(azure.writes().len(), 0, "{name}");

        let down = azure.teardown(&text).await;
        assert_eq!(down.remarks.kept, [], "{name}");
        let report = azure.execute(&down).await;
        let failures: Vec<_> = report
            .failures()
            .map(|(_, failure)| failure.to_string())
            .collect();
        assert!(report.is_complete(), "{name}: {failures:#?}");
        for what in [
            "resources?api-version=2021-04-01",
            "resourceGroups?api-version=2021-04-01",
        ] {
            let left = azure
                .send_directly(
                    Method::Get,
                    &format!("/subscriptions/{SUBSCRIPTION}/{what}"),
                    None,
                )
                .await;
            assert_eq!(
                left["value"],
                serde_json::json!([]),
                "{name} leaves nothing"
            );
        }
    }
}
