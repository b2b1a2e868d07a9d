//! JSON documents of the binary conform to their schemas, are complete and contain no secrets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Value as Json, json};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A folder with a spec and the simulated Azure.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(spec: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("stack.yaml", spec);
        folder
    }

    fn from_example(name: &str) -> Self {
        let spec = root().join("examples").join(name).join("stack.yaml");
        Self::new(&fs::read_to_string(spec).unwrap())
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    fn lazuli(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_lazuli"))
            .args(arguments)
            .env("LAZULI_CLOUD", "sim")
            .env("GITHUB_ORGANIZATION", "acme")
            .current_dir(self.0.path())
            .output()
            .unwrap()
    }

    /// The document on standard output, which must conform to the schema.
    fn json(&self, arguments: &[&str], schema: &str) -> Json {
        let output = self.lazuli(arguments);
        let document = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {output:?}"));
        assert_valid(&document, schema);
        document
    }

    fn plan(&self, more: &[&str]) -> Json {
        self.json(
            &[&["plan", "stack.yaml", "--output", "json"], more].concat(),
            "plan",
        )
    }

    fn apply_saved(&self, more: &[&str]) -> Json {
        let arguments = ["apply", "plan.json", "--output", "json", "--yes"];
        self.json(&[&arguments, more].concat(), "report")
    }

    /// The plan that was saved with `--out plan.json`.
    fn saved(&self) -> Json {
        let text = fs::read_to_string(self.0.path().join("plan.json")).unwrap();
        let document = serde_json::from_str(&text).unwrap();
        assert_valid(&document, "saved-plan");
        document
    }

    fn run(&self, command: &str, more: &[&str]) -> Json {
        let arguments = [&[command, "stack.yaml", "--output", "json", "--yes"], more].concat();
        self.json(&arguments, "report")
    }
}

/// Validates against the schema, and against one without additional members: every member must be described.
fn assert_valid(document: &Json, schema: &str) {
    let path = root().join("schemas").join(format!("{schema}.schema.json"));
    let mut schema: Json = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    disallow_other_members(&mut schema);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let found: Vec<String> = validator
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(found.is_empty(), "{found:#?}\n{document:#}");
}

fn disallow_other_members(schema: &mut Json) {
    match schema {
        Json::Object(members) => {
            if members.contains_key("properties") {
                members.insert("unevaluatedProperties".into(), json!(false));
            }
            for (key, inner) in members {
                match inner {
                    // A composed schema is closed as a whole, not in each of its parts.
                    Json::Array(parts) if key == "oneOf" => {
                        let parts = parts.iter_mut().filter_map(Json::as_object_mut);
                        parts
                            .flat_map(|part| part.values_mut())
                            .for_each(disallow_other_members);
                    }
                    _ => disallow_other_members(inner),
                }
            }
        }
        Json::Array(items) => items.iter_mut().for_each(disallow_other_members),
        _ => {}
    }
}

#[test]
fn output_of_every_example_conforms_to_its_schema() {
    for entry in fs::read_dir(root().join("examples")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let folder = Folder::from_example(&name);
        let plan = folder.plan(&["--out", "plan.json"]);
        let saved = folder.saved();
        assert_eq!(saved["plan"], plan, "{name}");
        let steps = plan["steps"].as_array().unwrap();
        assert!(!steps.is_empty(), "{name}");
        assert_eq!(plan["summary"]["create"], steps.len(), "{name}");

        let report = folder.apply_saved(&[]);
        assert_eq!(
            report["plan"], plan,
            "{name}: the executed plan is the shown plan"
        );
        assert_eq!(report["result"], "complete", "{name}");
        assert_eq!(report["summary"]["done"], steps.len(), "{name}");

        let owned = folder.json(&["show", "stack.yaml", "--output", "json"], "show");
        let owned = owned["stacks"][0]["resources"].as_array().unwrap();
        assert!(!owned.is_empty(), "{name}");
        for one in owned {
            assert_eq!(one["orphan"], false, "{name}: {one:#}");
            assert!(one["address"].is_string(), "{name}: {one:#}");
        }

        let second = folder.run("apply", &[]);
        assert_eq!(second["steps"], json!([]), "{name}");
        assert_eq!(
            second["plan"]["summary"]["unchanged"],
            steps.len(),
            "{name}"
        );

        let down = folder.run("destroy", &[]);
        assert_eq!(down["result"], "complete", "{name}");
        assert_eq!(folder.run("destroy", &[])["steps"], json!([]), "{name}");
    }
}

const HEAD: &str = "apiVersion: lazuli/v1\nstack: test\nlocation: westeurope\nresourceGroup: rg\nresources:\n  \
                    group: { kind: resourceGroup, name: rg }\n";

#[test]
fn change_has_both_values() {
    let account = "  account: { kind: storageAccount, name: stdocs, sku: Standard_LRS }\n";
    let folder = Folder::new(&(HEAD.to_owned() + account));
    folder.run("apply", &[]);
    let changed = account
        .replace("LRS", "ZRS")
        .replace("account:", "# moved\n  account:");
    folder.write("stack.yaml", &(HEAD.to_owned() + &changed));
    let plan = folder.plan(&["--detailed-exitcode"]);
    let step = &plan["steps"][0];
    assert_eq!(step["action"], "update");
    assert_eq!(step["address"], "account");
    assert_eq!(step["stack"], "test");
    assert_eq!(step["place"], json!({ "file": "stack.yaml", "line": 8 }));
    assert_eq!(
        step["changes"],
        json!([{
            "path": "sku.name",
            "before": "Standard_LRS",
            "after": "Standard_ZRS",
            "unknown": false,
            "secret": false,
            "immutable": false,
        }])
    );
}

#[test]
fn selection_is_part_of_the_plan() {
    let app = "  app: { kind: userAssignedIdentity, name: id-docs }\n";
    let folder = Folder::new(&(HEAD.to_owned() + app));
    assert_eq!(folder.plan(&[]).get("selection"), None);
    let part = &folder.plan(&["--target", "group"])["selection"];
    let expected = json!({ "targets": ["group"], "others": 0, "leftOut": 1 });
    assert_eq!(*part, expected);
    folder.run("apply", &[]);
    let down = folder.run("destroy", &["--target", "app"]);
    assert_eq!(down["plan"]["selection"]["targets"], json!(["app"]));
    assert_eq!(down["summary"]["done"], 1);
}

#[test]
fn failure_has_its_cause_and_blocked_steps() {
    // In the simulator, another tenant has this name.
    let taken = "  account: { kind: storageAccount, name: stlazulitaken, sku: Standard_LRS, containers: { video: {} } }\n";
    let folder = Folder::new(&(HEAD.to_owned() + taken));
    let refused = folder.run("apply", &[]);
    assert_eq!(refused["result"], "rejected");
    assert_eq!(refused["summary"]["notStarted"], 3);
    let finding = &refused["plan"]["findings"][0];
    assert_eq!(finding["finding"], "nameRefused");
    assert_eq!(finding["certain"], true);
    assert_eq!(refused["plan"], folder.plan(&[]));

    let arguments = [
        "apply",
        "stack.yaml",
        "--output",
        "json",
        "--yes",
        "--skip-preflight",
    ];
    let report = folder.json(&arguments, "report");
    assert_eq!(report["result"], "incomplete");
    assert_eq!(report["summary"]["failed"], 1);
    let steps = report["steps"].as_array().unwrap();
    let failed = steps
        .iter()
        .find(|step| step["outcome"] == "failed")
        .unwrap();
    assert_eq!(failed["error"]["code"], "StorageAccountAlreadyTaken");
    assert_eq!(failed["error"]["status"], 409);
    assert_eq!(failed["error"]["place"]["line"], 7);
    let blocked = steps
        .iter()
        .find(|step| step["outcome"] == "blocked")
        .unwrap();
    assert_eq!(blocked["blockedBy"], failed["id"]);
    assert_eq!(folder.lazuli(&arguments).status.code(), Some(1));
}

#[test]
fn policy_denial_has_its_conditions_and_steps() {
    let app = "  app: { kind: userAssignedIdentity, name: id-docs }\n";
    let folder = Folder::new(&(HEAD.to_owned() + app));
    let subscription = "/subscriptions/00000000-0000-0000-0000-0000000a2c05";
    let url = format!(
        "{subscription}/providers/Microsoft.Authorization/policyAssignments/north?api-version=2023-04-01"
    );
    let body = json!({ "properties": {
        "policyDefinitionId": "/providers/Microsoft.Authorization/policyDefinitions/e56962a6-4747-49cd-b67b-bf8b01975c4c",
        "parameters": { "listOfAllowedLocations": { "value": ["northeurope"] } },
    } });
    let made = folder.lazuli(&["sim", "request", "PUT", &url, &body.to_string()]);
    assert!(made.status.success(), "{made:?}");
    let refused = folder.run("apply", &[]);
    assert_eq!(refused["result"], "rejected");
    let finding = &refused["plan"]["findings"][0];
    assert_eq!(finding["finding"], "disallowed");
    assert_eq!(finding["certain"], true);
    assert_eq!(finding["assignedAs"], "north");
    assert_eq!(finding["definedAs"], "Allowed locations");
    assert_eq!(finding["steps"], json!([1]));
    let condition = json!({
        "path": "location", "value": "westeurope", "operator": "notIn", "target": ["northeurope"],
    });
    assert_eq!(finding["because"], json!([condition]));
}

#[test]
fn mistakes_leave_standard_output_empty() {
    let folder =
        Folder::new("apiVersion: lazuli/v1\nstack: test\nresources: { a: { kind: nothing } }\n");
    let output = folder.lazuli(&["plan", "stack.yaml", "--output", "json"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    assert!(String::from_utf8(output.stderr).unwrap().contains("LZ0008"));
}

const SECRETS: &str = "apiVersion: lazuli/v1\nstack: test\nlocation: westeurope\nresourceGroup: rg\nparameters:\n  \
                       token: { secret: true }\nresources:\n  group: { kind: resourceGroup, name: rg }\n  vm:\n    \
                       kind: resource\n    type: Microsoft.Compute/virtualMachines@2024-11-01\n    name: vm\n    body:\n      \
                       properties:\n        osProfile: { adminPassword: hunter2-pass }\n        \
                       url: \"https://example.test/${params.token}\"\n        \
                       list: [{ name: a, value: \"${params.token}\" }]\n";

#[test]
fn no_output_contains_a_secret() {
    let folder = Folder::new(SECRETS);
    let secret = ["--param", "token=tk-hidden-1"];
    let again = ["--param", "token=tk-hidden-2"];
    let answers = [
        folder.plan(&secret),
        folder.run("apply", &secret),
        folder.plan(&again),
        folder.run("apply", &again),
        folder.run("destroy", &again),
    ];
    let output_of = |command: &[&str], secret: &[&str], form| {
        let words = [command, &["stack.yaml", "--output", form], secret].concat();
        let output = folder.lazuli(&words);
        assert_eq!(output.status.code(), Some(0), "{words:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let mut texts: Vec<String> = answers.iter().map(ToString::to_string).collect();
    for form in ["text", "markdown", "html"] {
        texts.push(output_of(&["plan"], &secret, form));
    }
    texts.push(output_of(&["apply", "--yes"], &secret, "markdown"));
    for form in ["text", "markdown", "html"] {
        let changed = output_of(&["plan"], &again, form);
        assert!(changed.contains("(secret)"), "{changed}");
        texts.push(changed);
    }
    for text in &texts {
        assert!(
            !text.contains("hunter2") && !text.contains("tk-hidden"),
            "{text}"
        );
    }
    let changed = &answers[2]["steps"][0]["changes"];
    assert!(changed.as_array().unwrap().len() > 1, "{changed:#}");
    for change in changed.as_array().unwrap() {
        assert_eq!(change["secret"], true, "{change:#}");
    }
}

#[test]
fn plan_file_has_no_secret_and_needs_it_again_to_be_applied() {
    // The second one is not declared to be a secret, and becomes one where it is used.
    let spec = SECRETS
        .replace(
            "resources:",
            "  password: { default: none }\n  name: { default: vm }\nresources:",
        )
        .replace("hunter2-pass", "\"${params.password}\"")
        .replace("name: vm\n", "name: \"${params.name}\"\n");
    let folder = Folder::new(&spec);
    let secrets = |token| ["--param", "password=hunter2-pass", "--param", token];
    let (first, second) = (secrets("token=tk-hidden-1"), secrets("token=tk-hidden-2"));
    let out = ["--param", "name=vm-docs", "--out", "plan.json"];
    let saved = |secrets: &[&str]| {
        folder.plan(&[secrets, &out].concat());
        let saved = folder.saved();
        assert_eq!(
            saved["options"]["secretParams"],
            json!(["password", "token"])
        );
        let kept = json!([{ "name": "name", "value": "vm-docs" }]);
        assert_eq!(saved["options"]["params"], kept);
        saved.to_string()
    };
    let output_of = |more: &[&str]| {
        let output = folder.lazuli(&[&["apply", "plan.json", "--yes"], more].concat());
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty());
        String::from_utf8(output.stderr).unwrap()
    };
    let mut texts = vec![saved(&first)];
    assert!(output_of(&[]).contains("--param password=..."));
    let report = folder.apply_saved(&first);
    assert_eq!(report["result"], "complete");
    texts.push(report.to_string());

    texts.push(saved(&second));
    let another = output_of(&first);
    assert!(another.contains("LZ0029"), "{another}");
    texts.push(another);
    texts.push(folder.apply_saved(&second).to_string());
    for text in &texts {
        assert!(
            !text.contains("hunter2") && !text.contains("tk-hidden"),
            "{text}"
        );
    }
}

#[test]
fn plan_file_contains_the_options_of_the_plan() {
    let app = "  app: { kind: userAssignedIdentity, name: id-app }\n";
    let old = "  old: { kind: userAssignedIdentity, name: id-old }\n";
    let folder = Folder::new(&format!("{HEAD}{app}{old}"));
    folder.run("apply", &[]);
    let moved = app.replace("id-app", "id-app, location: northeurope");
    folder.write("stack.yaml", &format!("{HEAD}{moved}"));
    folder.plan(&["--prune", "--allow-replace", "app", "--out", "plan.json"]);
    let report = folder.apply_saved(&["--yes-delete", "test"]);
    assert_eq!(report["result"], "complete");
    let summary = &report["plan"]["summary"];
    assert_eq!(
        (&summary["replace"], &summary["delete"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(folder.plan(&["--prune"])["steps"], json!([]));
}
