//! Files of saved plans: only a file that lazuli wrote is accepted, and well-formed files are compared within bounds.

use std::sync::LazyLock;

use lazuli_core::{graph::Graph, saved::SavedPlan};
use serde_json::Value as Json;

use crate::driver::Target;

#[test]
fn only_the_written_plan_file_is_accepted() {
    Target {
        name: "plan-files",
        seeds: &[],
        words: &[
            "{",
            "}",
            "[[[[[[[[",
            "]",
            ",",
            ":",
            " ",
            "\n",
            "null",
            "true",
            "false",
            "-1",
            "1e999",
            "\"\"",
            "\"format\": \"lazuli/saved-plan/v1\",",
            "\"format\": \"lazuli/saved-plan/v2\",",
            "\"lazuli\": \"0.0.1\",",
            "\"digest\": \"sha256:\",",
            "\"prune\": true,",
            "\"paths\": [\"/\"],",
            "\"more\": 1,",
            "\"steps\": [],",
            "\"sent\": [],",
            "\"dependsOn\": [9],",
            "\"before\": null,",
            "\\u0000",
            "\\ud800",
            "\u{feff}",
            "\u{202e}",
        ],
        cases: 128,
        check,
    }
    .run();
}

/// Placeholders in the corpus for values that change with each version, so that mutations of its files stay valid.
const VERSION: &str = "[VERSION]";
const DIGEST: &str = "[DIGEST]";

static WRITTEN: LazyLock<SavedPlan> = LazyLock::new(|| {
    let corpus = include_str!("corpus/plan-files/whole.json");
    let plan: SavedPlan =
        serde_json::from_str(&corpus.replace(VERSION, env!("CARGO_PKG_VERSION"))).unwrap();
    SavedPlan::parse(&plan.to_text().unwrap()).unwrap()
});

fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes)
        .replace(VERSION, env!("CARGO_PKG_VERSION"))
        .replace(DIGEST, &WRITTEN.digest);
    if let Ok(accepted) = SavedPlan::parse(&text) {
        assert_eq!(accepted, *WRITTEN, "an edited plan is accepted");
        let read: Json = serde_json::from_str(&text).unwrap();
        let written: Json = serde_json::from_str(&WRITTEN.to_text().unwrap()).unwrap();
        assert_eq!(read, written);
    }
    let Ok(edited) = serde_json::from_str::<SavedPlan>(&text) else {
        return;
    };
    let graph = Graph::default();
    let differences = [
        edited.first_difference(&WRITTEN, &graph),
        WRITTEN.first_difference(&edited, &graph),
    ];
    for found in differences.into_iter().flatten() {
        let length = found.message.len() + found.note.map_or(0, |note| note.len());
        assert!(
            length <= text.len() + 1_000,
            "{length} bytes in the message"
        );
    }
}

#[test]
fn complete_plan_file_is_accepted() {
    let corpus = include_str!("corpus/plan-files/whole.json");
    let text = corpus
        .replace(VERSION, env!("CARGO_PKG_VERSION"))
        .replace(DIGEST, &WRITTEN.digest);
    assert_eq!(SavedPlan::parse(&text).as_ref(), Ok(&*WRITTEN));
}
