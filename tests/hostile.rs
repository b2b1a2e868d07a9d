//! Text from specs and from Azure that could control a terminal: every command escapes it.

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

/// Clears the screen, sets colors, changes the direction, rings the bell, and hides text: an escape, its one-byte form,
/// bidirectional controls, zero-width characters, a tag.
const CONTROLS: &str =
    "\u{1b}[2J\u{9b}31m\u{202e}\u{2066}\u{200b}\u{200d}\u{feff}\u{7}\u{7f}\u{e0041}";
const SUBSCRIPTION: &str = lazuli_sim::SUBSCRIPTION;

struct Workspace(TempDir);

impl Workspace {
    fn new(specs: &[(&str, String)]) -> Self {
        let workspace = Self(tempfile::tempdir().unwrap());
        for (name, text) in specs {
            // A YAML escape stands for a character that YAML text must not contain.
            let escaped: String = text.chars().map(escape).collect();
            fs::write(workspace.0.path().join(name), escaped).unwrap();
        }
        workspace
    }

    /// Returns the output of a command, which must be harmless, and whether it succeeded.
    fn run(&self, words: &[&str]) -> (String, bool) {
        self.run_with(words, "")
    }

    /// As [`Workspace::run`], with plain output for screen readers.
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

    /// Changes the simulator without lazuli's stack.
    fn send_request(&self, method: &str, path: &str, body: &serde_json::Value) {
        let url = format!("/subscriptions/{SUBSCRIPTION}{path}");
        let (printed, succeeded) = self.run(&["sim", "request", method, &url, &body.to_string()]);
        assert!(succeeded, "{printed}");
    }
}

fn assert_harmless(words: &[&str], printed: &str) {
    let controls: Vec<char> = CONTROLS.chars().filter(|c| !c.is_ascii_graphic()).collect();
    if let Some(at) = printed.find(|c: char| controls.contains(&c) || c.is_control() && c != '\n') {
        let from = printed.floor_char_boundary(at.saturating_sub(200));
        let to = printed.ceil_char_boundary(at + 20);
        panic!("{words:?} prints {:?}", &printed[from..to]);
    }
}

fn escape(character: char) -> String {
    match character {
        '\n' => "\n".to_owned(),
        control if control.is_control() || CONTROLS.contains(control) && !control.is_ascii() => {
            format!("\\U{:08x}", u32::from(control))
        }
        shown => shown.to_string(),
    }
}

fn spec(resources: &str) -> String {
    format!(
        "apiVersion: lazuli/v1\nstack: test\nlocation: westeurope\nresourceGroup: rg-test\nresources:\n\
         \x20 group: {{ kind: resourceGroup, name: rg-test, tags: {{ note: \"spec {CONTROLS}\", \"key{CONTROLS}\": x }} }}\n{resources}"
    )
}

#[test]
fn text_of_a_spec_cannot_control_the_terminal() {
    let mistakes = [
        format!("  x: {{ kind: \"storage{CONTROLS}\", name: x }}\n"),
        format!("  \"x{CONTROLS}\": {{ kind: resourceGroup, name: x }}\n"),
        format!("  x: {{ kind: resourceGroup, name: \"x{CONTROLS}\" }}\n"),
        format!(
            "  x: {{ kind: resourceGroup, name: x, \"colour{CONTROLS}\": 1, location: \"west{CONTROLS}\" }}\n"
        ),
        format!(
            "  x: {{ kind: resourceGroup, name: \"${{group.{CONTROLS}}} ${{{CONTROLS}}} ${{params.{CONTROLS}}}\" }}\n"
        ),
        format!(
            "  x: {{ kind: resourceGroup, name: x, dependsOn: [\"{CONTROLS}\"], forEach: [\"{CONTROLS}\"] }}\n"
        ),
        format!(
            "  x: {{ kind: resource, type: \"Micro.{CONTROLS}/x@2020-01-01\", name: \"{CONTROLS}\" }}\n"
        ),
        format!(
            "  x: {{ kind: storageAccount, name: \"{CONTROLS}\", sku: \"{CONTROLS}\", containers: {{ \"{CONTROLS}\": {{}} }} }}\n"
        ),
        format!(
            "  x: {{ kind: roleAssignment, principal: \"{CONTROLS}\", scope: \"/{CONTROLS}\", role: \"{CONTROLS}\" }}\n"
        ),
    ];
    let mut specs: Vec<(&str, String)> = Vec::new();
    let names: Vec<String> = (0..mistakes.len()).map(|at| format!("{at}.yaml")).collect();
    for (name, mistake) in names.iter().zip(&mistakes) {
        specs.push((name, spec(mistake)));
    }
    let workspace = Workspace::new(&specs);
    for name in &names {
        let (printed, succeeded) = workspace.run(&["validate", name]);
        assert!(!succeeded, "{name}: {printed}");
        workspace.run(&["plan", name, "--cloud", "sim"]);
        assert!(!workspace.run_plain(&["validate", name]).1);
        workspace.run(&["validate", name, "--log-format", "json"]);
    }
    // The characters themselves instead of YAML escapes.
    let raw = workspace.0.path().join("raw.yaml");
    fs::write(
        &raw,
        format!("{}  # {CONTROLS}\n  x: {CONTROLS}\n", spec("")),
    )
    .unwrap();
    assert!(!workspace.run(&["validate", "raw.yaml"]).1);
}

#[test]
fn text_of_azure_cannot_control_the_terminal() {
    let entries = format!(
        "  id: {{ kind: userAssignedIdentity, name: id-test, tags: {{ note: \"{CONTROLS}\" }} }}\n\
         \x20 access: {{ kind: roleAssignment, principal: \"${{id}}\", scope: \"${{group}}\", role: Reader, description: \"{CONTROLS}\" }}\n\
         \x20 keep: {{ kind: managementLock, name: keep, scope: \"${{id}}\", level: CanNotDelete, notes: \"{CONTROLS}\" }}\n"
    );
    let workspace = Workspace::new(&[("spec.yaml", spec(&entries))]);
    for format in ["text", "mermaid", "dot", "svg"] {
        assert!(workspace.run(&["graph", "spec.yaml", "--format", format]).1);
    }
    let applied = workspace.run(&["apply", "spec.yaml", "--cloud", "sim", "--yes", "-vv"]);
    assert!(applied.1, "{}", applied.0);

    let group = "/resourceGroups/rg-test";
    workspace.send_request(
        "PATCH",
        &format!("{group}?api-version=2025-04-01"),
        &json!({ "tags": { "note": format!("Azure {CONTROLS}"), "lazuli-stack": "test" } }),
    );
    let assignment = "00000000-0000-0000-0000-0000000000aa";
    let role = format!(
        "/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"
    );
    workspace.send_request(
        "PUT",
        &format!(
            "{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-test/providers/Microsoft.Authorization/roleAssignments/{assignment}?api-version=2022-04-01"
        ),
        &json!({ "properties": {
            "roleDefinitionId": role, "principalId": lazuli_sim::USER_OBJECT_ID, "principalType": "User",
            "description": CONTROLS,
        } }),
    );
    workspace.send_request(
        "PUT",
        &format!("{group}/providers/Microsoft.Authorization/locks/held?api-version=2020-05-01"),
        &json!({ "properties": { "level": "ReadOnly", "notes": CONTROLS } }),
    );
    let (plan, planned) = workspace.run(&["plan", "spec.yaml", "--cloud", "sim", "-vv"]);
    assert!(planned, "{plan}");
    // The two tags, the description of the role assignment, and the notes of the lock are printed, escaped.
    assert!(plan.matches("\\u{1b}[2J").count() >= 4, "{plan}");
    for format in ["json", "markdown", "html"] {
        let words = [
            "plan",
            "spec.yaml",
            "--cloud",
            "sim",
            "--show-unchanged",
            "--output",
            format,
        ];
        assert!(workspace.run(&words).1);
    }
    let (export, _) = workspace.run(&[
        "export",
        "--resource-group",
        "rg-test",
        "--cloud",
        "sim",
        "-vv",
    ]);
    assert!(export.matches("\\e[2J").count() >= 3, "{export}");
    workspace.run(&["apply", "spec.yaml", "--cloud", "sim", "--yes", "-vv"]);
    workspace.run(&["destroy", "spec.yaml", "--cloud", "sim", "--yes", "-vv"]);
    for run in [Workspace::run, Workspace::run_plain] {
        run(
            &workspace,
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
        run(
            &workspace,
            &["destroy", "spec.yaml", "--cloud", "sim", "--yes"],
        );
    }
    let words = ["apply", "spec.yaml", "--cloud", "sim", "--yes", "-vv"];
    let words = [
        &words[..],
        &["--log-format", "json", "--trace", "trace.jsonl"],
    ]
    .concat();
    workspace.run(&words);
    let trace = fs::read_to_string(workspace.0.path().join("trace.jsonl")).unwrap();
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
fn text_of_a_policy_cannot_control_the_terminal() {
    let entries = "  id: { kind: userAssignedIdentity, name: id-test }\n";
    let workspace = Workspace::new(&[("spec.yaml", spec(entries))]);
    workspace.send_request(
        "PUT",
        "/providers/Microsoft.Authorization/policyAssignments/north?api-version=2023-04-01",
        &json!({ "properties": {
            "policyDefinitionId": "/providers/Microsoft.Authorization/policyDefinitions/e56962a6-4747-49cd-b67b-bf8b01975c4c",
            "displayName": CONTROLS, "nonComplianceMessages": [{ "message": CONTROLS }],
            "parameters": { "listOfAllowedLocations": { "value": [CONTROLS] } },
        } }),
    );
    let (plan, _) = workspace.run(&["plan", "spec.yaml", "--cloud", "sim", "-vv"]);
    let finding = plan.split("! error: ").nth(1).unwrap();
    // The name of the policy assignment, its message, and the locations it allows.
    assert!(finding.matches("\\u{1b}[2J").count() >= 3, "{plan}");
}
