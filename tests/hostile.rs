//! Text from a spec and from Azure that would act on a terminal: no command prints it as it is.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub
)]

use std::{fs, process::Command};

use serde_json::json;
use tempfile::TempDir;

/// Clears the screen, colours, turns the direction, rings, and hides: an escape, its form in one byte, bidirectional
/// controls, characters of no width, a tag.
const BAD: &str = "\u{1b}[2J\u{9b}31m\u{202e}\u{2066}\u{200b}\u{200d}\u{feff}\u{7}\u{7f}\u{e0041}";
const SUBSCRIPTION: &str = lazuli_sim::SUBSCRIPTION;

struct Place(TempDir);

impl Place {
    fn new(specs: &[(&str, String)]) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        for (name, text) in specs {
            // A YAML escape says what no YAML text may hold.
            let escaped: String = text.chars().map(escape).collect();
            fs::write(place.0.path().join(name), escaped).unwrap();
        }
        place
    }

    /// What a command prints, which must be harmless, and whether it succeeded.
    fn run(&self, words: &[&str]) -> (String, bool) {
        self.run_with(words, "")
    }

    /// The same, as it is read aloud.
    fn run_plain(&self, words: &[&str]) -> (String, bool) {
        self.run_with(words, "1")
    }

    fn run_with(&self, words: &[&str], plain: &str) -> (String, bool) {
        let output = Command::new(env!("CARGO_BIN_EXE_lazuli"))
            .args(words)
            .current_dir(self.0.path())
            .env_remove("LAZULI_CLOUD")
            .env_remove("RUST_LOG")
            .env("NO_COLOR", "1")
            .env("LAZULI_PLAIN", plain)
            .output()
            .unwrap();
        let printed = [output.stdout, output.stderr].concat();
        let printed = String::from_utf8(printed).expect("all output is UTF-8");
        assert_harmless(words, &printed);
        (printed, output.status.success())
    }

    /// Sends a request as somebody else would.
    fn by_hand(&self, method: &str, path: &str, body: &serde_json::Value) {
        let url = format!("/subscriptions/{SUBSCRIPTION}{path}");
        let (printed, succeeded) = self.run(&["sim", "request", method, &url, &body.to_string()]);
        assert!(succeeded, "{printed}");
    }
}

fn assert_harmless(words: &[&str], printed: &str) {
    let acts: Vec<char> = BAD.chars().filter(|c| !c.is_ascii_graphic()).collect();
    if let Some(at) = printed.find(|c: char| acts.contains(&c) || c.is_control() && c != '\n') {
        let from = printed.floor_char_boundary(at.saturating_sub(200));
        let to = printed.ceil_char_boundary(at + 20);
        panic!("{words:?} prints {:?}", &printed[from..to]);
    }
}

fn escape(character: char) -> String {
    match character {
        '\n' => "\n".to_owned(),
        acts if acts.is_control() || BAD.contains(acts) && !acts.is_ascii() => {
            format!("\\U{:08x}", u32::from(acts))
        }
        shown => shown.to_string(),
    }
}

fn spec(resources: &str) -> String {
    format!(
        "apiVersion: lazuli/v1\nstack: test\nlocation: westeurope\nresourceGroup: rg-test\nresources:\n\
         \x20 group: {{ kind: resourceGroup, name: rg-test, tags: {{ note: \"spec {BAD}\", \"key{BAD}\": x }} }}\n{resources}"
    )
}

#[test]
fn nothing_of_a_spec_acts_on_the_terminal() {
    let mistakes = [
        format!("  x: {{ kind: \"storage{BAD}\", name: x }}\n"),
        format!("  \"x{BAD}\": {{ kind: resourceGroup, name: x }}\n"),
        format!("  x: {{ kind: resourceGroup, name: \"x{BAD}\" }}\n"),
        format!(
            "  x: {{ kind: resourceGroup, name: x, \"colour{BAD}\": 1, location: \"west{BAD}\" }}\n"
        ),
        format!(
            "  x: {{ kind: resourceGroup, name: \"${{group.{BAD}}} ${{{BAD}}} ${{params.{BAD}}}\" }}\n"
        ),
        format!(
            "  x: {{ kind: resourceGroup, name: x, dependsOn: [\"{BAD}\"], forEach: [\"{BAD}\"] }}\n"
        ),
        format!("  x: {{ kind: resource, type: \"Micro.{BAD}/x@2020-01-01\", name: \"{BAD}\" }}\n"),
        format!(
            "  x: {{ kind: storageAccount, name: \"{BAD}\", sku: \"{BAD}\", containers: {{ \"{BAD}\": {{}} }} }}\n"
        ),
        format!(
            "  x: {{ kind: roleAssignment, principal: \"{BAD}\", scope: \"/{BAD}\", role: \"{BAD}\" }}\n"
        ),
    ];
    let mut specs: Vec<(&str, String)> = Vec::new();
    let names: Vec<String> = (0..mistakes.len()).map(|at| format!("{at}.yaml")).collect();
    for (name, mistake) in names.iter().zip(&mistakes) {
        specs.push((name, spec(mistake)));
    }
    let place = Place::new(&specs);
    for name in &names {
        let (printed, succeeded) = place.run(&["validate", name]);
        assert!(!succeeded, "{name}: {printed}");
        place.run(&["plan", name, "--cloud", "sim"]);
        assert!(!place.run_plain(&["validate", name]).1);
        place.run(&["validate", name, "--log-format", "json"]);
    }
    // As it is, not in YAML's escapes.
    let raw = place.0.path().join("raw.yaml");
    fs::write(&raw, format!("{}  # {BAD}\n  x: {BAD}\n", spec(""))).unwrap();
    assert!(!place.run(&["validate", "raw.yaml"]).1);
}

#[test]
fn nothing_of_azure_acts_on_the_terminal() {
    let entries = format!(
        "  id: {{ kind: userAssignedIdentity, name: id-test, tags: {{ note: \"{BAD}\" }} }}\n\
         \x20 access: {{ kind: roleAssignment, principal: \"${{id}}\", scope: \"${{group}}\", role: Reader, description: \"{BAD}\" }}\n\
         \x20 keep: {{ kind: managementLock, name: keep, scope: \"${{id}}\", level: CanNotDelete, notes: \"{BAD}\" }}\n"
    );
    let place = Place::new(&[("spec.yaml", spec(&entries))]);
    for format in ["text", "mermaid", "dot", "svg"] {
        assert!(place.run(&["graph", "spec.yaml", "--format", format]).1);
    }
    let applied = place.run(&["apply", "spec.yaml", "--cloud", "sim", "--yes", "-vv"]);
    assert!(applied.1, "{}", applied.0);

    let group = "/resourceGroups/rg-test";
    place.by_hand(
        "PATCH",
        &format!("{group}?api-version=2025-04-01"),
        &json!({ "tags": { "note": format!("Azure {BAD}"), "lazuli-stack": "test" } }),
    );
    let grant = "00000000-0000-0000-0000-0000000000aa";
    let role = format!(
        "/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"
    );
    place.by_hand(
        "PUT",
        &format!(
            "{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-test/providers/Microsoft.Authorization/roleAssignments/{grant}?api-version=2022-04-01"
        ),
        &json!({ "properties": {
            "roleDefinitionId": role, "principalId": lazuli_sim::USER_OBJECT_ID, "principalType": "User",
            "description": BAD,
        } }),
    );
    place.by_hand(
        "PUT",
        &format!("{group}/providers/Microsoft.Authorization/locks/held?api-version=2020-05-01"),
        &json!({ "properties": { "level": "ReadOnly", "notes": BAD } }),
    );
    let (plan, planned) = place.run(&["plan", "spec.yaml", "--cloud", "sim", "-vv"]);
    assert!(planned, "{plan}");
    // The two tags, what the grant says of itself, and the notes of the lock: told, as escapes.
    assert!(plan.matches("\\u{1b}[2J").count() >= 4, "{plan}");
    for form in ["json", "markdown", "html"] {
        let words = [
            "plan",
            "spec.yaml",
            "--cloud",
            "sim",
            "--show-unchanged",
            "--output",
            form,
        ];
        assert!(place.run(&words).1);
    }
    let (export, _) = place.run(&[
        "export",
        "--resource-group",
        "rg-test",
        "--cloud",
        "sim",
        "-vv",
    ]);
    assert!(export.matches("\\e[2J").count() >= 3, "{export}");
    place.run(&["apply", "spec.yaml", "--cloud", "sim", "--yes", "-vv"]);
    place.run(&["destroy", "spec.yaml", "--cloud", "sim", "--yes", "-vv"]);
    for run in [Place::run, Place::run_plain] {
        run(
            &place,
            &[
                "apply",
                "spec.yaml",
                "--cloud",
                "sim",
                "--yes",
                "--progress",
                "plain",
            ],
        );
        run(&place, &["destroy", "spec.yaml", "--cloud", "sim", "--yes"]);
    }
    let words = ["apply", "spec.yaml", "--cloud", "sim", "--yes", "-vv"];
    let words = [
        &words[..],
        &["--log-format", "json", "--trace", "trace.jsonl"],
    ]
    .concat();
    place.run(&words);
    let trace = fs::read_to_string(place.0.path().join("trace.jsonl")).unwrap();
    assert_harmless(&["the trace"], &trace);
    let lines: Vec<serde_json::Value> = trace
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(
        lines
            .iter()
            .any(|line| line.to_string().contains("\\u001b[2J")),
        "{trace}"
    );
}

#[test]
fn nothing_of_a_policy_acts_on_the_terminal() {
    let entries = "  id: { kind: userAssignedIdentity, name: id-test }\n";
    let place = Place::new(&[("spec.yaml", spec(entries))]);
    place.by_hand(
        "PUT",
        "/providers/Microsoft.Authorization/policyAssignments/north?api-version=2023-04-01",
        &json!({ "properties": {
            "policyDefinitionId": "/providers/Microsoft.Authorization/policyDefinitions/e56962a6-4747-49cd-b67b-bf8b01975c4c",
            "displayName": BAD, "nonComplianceMessages": [{ "message": BAD }],
            "parameters": { "listOfAllowedLocations": { "value": [BAD] } },
        } }),
    );
    let (plan, _) = place.run(&["plan", "spec.yaml", "--cloud", "sim", "-vv"]);
    let told = plan.split("! error: ").nth(1).unwrap();
    // The name of the assignment, what it says, and what it allows.
    assert!(told.matches("\\u{1b}[2J").count() >= 3, "{plan}");
}
