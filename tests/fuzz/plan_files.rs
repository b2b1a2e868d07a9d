//! Files of saved plans: none but what lazuli wrote is taken, and nothing that is well-formed does harm.

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

/// In the corpus, what changes with each version is left open, so that mutations of its files get as far as they can.
const VERSION: &str = "[VERSION]";
const DIGEST: &str = "[DIGEST]";

static WHOLE: LazyLock<SavedPlan> = LazyLock::new(|| {
    let corpus = include_str!("corpus/plan-files/whole.json");
    let plan: SavedPlan =
        serde_json::from_str(&corpus.replace(VERSION, env!("CARGO_PKG_VERSION"))).unwrap();
    SavedPlan::parse(&plan.to_text().unwrap()).unwrap()
});

fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes)
        .replace(VERSION, env!("CARGO_PKG_VERSION"))
        .replace(DIGEST, &WHOLE.digest);
    if let Ok(taken) = SavedPlan::parse(&text) {
        assert_eq!(taken, *WHOLE, "an edited plan is taken");
        let read: Json = serde_json::from_str(&text).unwrap();
        let whole: Json = serde_json::from_str(&WHOLE.to_text().unwrap()).unwrap();
        assert_eq!(read, whole);
    }
    let Ok(edited) = serde_json::from_str::<SavedPlan>(&text) else {
        return;
    };
    let graph = Graph::default();
    let moved = [
        edited.first_difference(&WHOLE, &graph),
        WHOLE.first_difference(&edited, &graph),
    ];
    for found in moved.into_iter().flatten() {
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
        .replace(DIGEST, &WHOLE.digest);
    assert_eq!(SavedPlan::parse(&text).as_ref(), Ok(&*WHOLE));
}
