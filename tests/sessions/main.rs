//! Sessions of the real binary: scripted ones in the `.trycmd` files of this folder, which contain commands and their
//! output, and those that need a second process.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub
)]

mod gitops;
mod output;
#[cfg(unix)]
mod signals;

use std::{
    collections::HashMap,
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

const LAZULI: &str = env!("CARGO_BIN_EXE_lazuli");

/// `TRYCMD=overwrite cargo test --test sessions` records the current output.
#[test]
fn scripted_sessions_print_the_recorded_output() {
    let cases = trycmd::TestCases::new();
    cases
        .insert_var("[VERSION]", env!("CARGO_PKG_VERSION"))
        .unwrap();
    cases
        .register_bin("lazuli", Path::new(LAZULI))
        .env("NO_COLOR", "1")
        .env("COLUMNS", "80")
        .env("LANG", "C.UTF-8")
        .env("LC_ALL", "C.UTF-8")
        .env("AZURE_SUBSCRIPTION_ID", "")
        .env("SSL_CERT_FILE", "")
        .case("../../tests/sessions/*.trycmd");
}

/// A temporary folder with a copy of an example.
fn example(name: &str) -> (tempfile::TempDir, PathBuf) {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    copy_example(&examples.join(name))
}

fn copy_example(from: &Path) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("stack.yaml");
    fs::copy(from.join("stack.yaml"), &to).unwrap();
    (folder, to)
}

fn lazuli(variables: &HashMap<String, String>, arguments: &[&str]) -> Output {
    let mut command = Command::new(LAZULI);
    for name in ["AZURE_SUBSCRIPTION_ID", "SSL_CERT_FILE", "LAZULI_CLOUD"] {
        command.env_remove(name);
    }
    command.args(arguments).envs(variables).output().unwrap()
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// `lazuli sim serve` on a free port, stopped when dropped.
struct Server {
    process: Child,
    /// The environment variables that it prints.
    variables: HashMap<String, String>,
}

impl Server {
    fn start(folder: &Path) -> Self {
        Self::start_with(folder, &[])
    }

    fn start_with(folder: &Path, arguments: &[&str]) -> Self {
        let mut process = Command::new(LAZULI)
            .args(["sim", "serve", "--port", "0"])
            .args(arguments)
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut variables = HashMap::new();
        for line in lines.map_while(Result::ok) {
            for pair in line.strip_prefix("export ").unwrap_or_default().split(' ') {
                if let Some((name, value)) = pair.split_once('=') {
                    variables.insert(name.to_owned(), value.to_owned());
                }
            }
            if variables.contains_key("AZURE_SUBSCRIPTION_ID") {
                break;
            }
        }
        Self { process, variables }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn edited_and_outdated_plan_files_are_rejected() {
    let (folder, spec) = example("github-actions");
    let place = |name: &str| folder.path().join(name).display().to_string();
    let (plan, edited) = (place("plan.json"), place("edited.json"));
    let variables = [("LAZULI_CLOUD", "sim"), ("GITHUB_ORGANIZATION", "acme")];
    let variables = variables
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let run = |arguments: &[&str]| lazuli(&variables, arguments);
    let planned = run(&["plan", spec.to_str().unwrap(), "--out", &plan]);
    assert_eq!(planned.status.code(), Some(0), "{}", text(&planned));

    let written = fs::read_to_string(&plan).unwrap();
    fs::write(&edited, written.replacen("westeurope", "northeurope", 1)).unwrap();
    let failed = run(&["apply", &edited, "--yes"]);
    assert_eq!(failed.status.code(), Some(1));
    let why = "cannot be applied: it was edited or is incomplete";
    let output = text(&failed)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(output.contains(why), "{output}");

    let before = fs::read_to_string(&spec).unwrap();
    fs::write(&spec, before.replacen("westeurope", "northeurope", 1)).unwrap();
    let failed = run(&["apply", &plan, "--yes"]);
    assert_eq!(failed.status.code(), Some(1));
    let output = text(&failed)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(output.contains("has changed in the spec"), "{output}");
    let note = "it was westeurope when the plan was made, and is now northeurope";
    assert!(
        output.contains("`location` of `") && output.contains(note),
        "{output}"
    );

    fs::write(&spec, before).unwrap();
    let done = run(&["apply", &plan, "--yes"]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done));
}

#[test]
fn apply_works_over_https_with_a_client_secret() {
    let (folder, spec) = example("github-actions");
    let spec = spec.to_str().unwrap();
    let served = Server::start(folder.path());
    let run = |arguments: &[&str]| lazuli(&served.variables, arguments);

    let first = run(&["apply", spec, "--yes"]);
    assert_eq!(first.status.code(), Some(0), "{}", text(&first));
    assert!(
        text(&first).contains("Applied: 9 created"),
        "{}",
        text(&first)
    );
    let second = run(&["plan", spec, "--detailed-exitcode"]);
    assert_eq!(second.status.code(), Some(0), "{}", text(&second));

    let mut wrong = served.variables.clone();
    wrong.insert("AZURE_CLIENT_SECRET".into(), "a-wrong-one".into());
    let failed = lazuli(&wrong, &["plan", spec, "--auth", "environment"]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(text(&failed).contains("AADSTS7000215"), "{}", text(&failed));
    assert!(
        !text(&failed).contains("a-wrong-one"),
        "secrets are not printed"
    );

    wrong.insert(
        "AZURE_TENANT_ID".into(),
        "11111111-1111-4111-8111-111111111111".into(),
    );
    let failed = lazuli(&wrong, &["plan", spec, "--auth", "environment"]);
    assert!(text(&failed).contains("AADSTS90002"), "{}", text(&failed));

    let mut untrusted = served.variables.clone();
    untrusted.remove("SSL_CERT_FILE");
    let failed = lazuli(&untrusted, &["plan", spec]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(text(&failed).contains("--ca-file"), "{}", text(&failed));
}

#[test]
fn simulator_runs_in_memory_and_logs_every_request() {
    let (folder, spec) = example("video-analyzer");
    let spec = spec.to_str().unwrap();
    let log = folder.path().join("requests.jsonl");
    let served = Server::start_with(
        folder.path(),
        &[
            "--in-memory",
            "--max-delay",
            "0",
            "--latency",
            "1",
            "--throttle",
            "--log",
            log.to_str().unwrap(),
        ],
    );
    let applied = lazuli(&served.variables, &["apply", spec, "--yes"]);
    assert_eq!(applied.status.code(), Some(0), "{}", text(&applied));
    assert!(!folder.path().join(".lazuli/sim.json").exists());

    let created: Vec<String> = fs::read_to_string(&log)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|entry| entry["method"] == "PUT" && entry["status"] == 201)
        .map(|entry| entry["url"].as_str().unwrap().to_owned())
        .collect();
    let grants = created.iter().filter(|url| url.contains("roleAssign"));
    assert_eq!(grants.count(), 2, "{created:#?}");
}

#[test]
fn missing_login_suggests_az_login() {
    let (folder, spec) = example("github-actions");
    let served = Server::start(folder.path());
    let mut variables = served.variables.clone();
    variables.retain(|name, _| !name.starts_with("AZURE_CLIENT"));
    variables.insert("PATH".into(), String::new());
    let failed = lazuli(
        &variables,
        &["plan", spec.to_str().unwrap(), "--auth", "azure-cli"],
    );
    assert_eq!(failed.status.code(), Some(1));
    assert!(text(&failed).contains("az login"), "{}", text(&failed));
}

#[test]
fn spec_is_read_from_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(LAZULI)
        .args(["apply", "-", "--cloud", "sim", "--yes"])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let spec = "apiVersion: lazuli/v1\nstack: piped\nlocation: westeurope\nresources:\n  g: { kind: resourceGroup, name: rg-piped }\n";
    child
        .stdin
        .take()
        .unwrap()
        .write_all(spec.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(folder.path().join(".lazuli/sim.json").is_file());
}

#[test]
fn initialized_specs_apply_and_plan_empty() {
    let folder = tempfile::tempdir().unwrap();
    for kind in ["storageAccount", "videoIndexer", "resource"] {
        let place = folder.path().join(kind);
        let place = place.to_str().unwrap();
        let run = |arguments: &[&str]| lazuli(&HashMap::new(), arguments);
        let written = run(&["init", place, "--kind", kind, "--yes"]);
        assert_eq!(written.status.code(), Some(0), "{}", text(&written));
        let mut files: Vec<_> = fs::read_dir(place)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        assert_eq!(files, [".gitignore", "stack.yaml"]);
        let valid = run(&["validate", place]);
        assert!(
            text(&valid).starts_with("Valid: 1 stack"),
            "{}",
            text(&valid)
        );
        let applied = run(&["apply", place, "--cloud", "sim", "--yes"]);
        assert_eq!(applied.status.code(), Some(0), "{}", text(&applied));
        let again = run(&["plan", place, "--cloud", "sim", "--detailed-exitcode"]);
        assert_eq!(again.status.code(), Some(0), "{}", text(&again));
    }
}

#[test]
fn init_does_not_overwrite_files() {
    let folder = tempfile::tempdir().unwrap();
    let spec = folder.path().join("stack.yaml");
    let ignored = folder.path().join(".gitignore");
    fs::write(&ignored, "target/\n").unwrap();
    let place = folder.path().to_str().unwrap();
    let init = |more: &[&str]| {
        let arguments = [&["init", place, "--yes"], more].concat();
        lazuli(&HashMap::new(), &arguments)
    };
    let failed = init(&["--resource-group", "rg."]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(text(&failed).contains("LZ0016"), "{}", text(&failed));
    assert!(!spec.exists());

    let written = init(&["--stack", "first"]);
    assert!(
        text(&written).contains("add .lazuli/"),
        "{}",
        text(&written)
    );
    assert_eq!(fs::read_to_string(&ignored).unwrap(), "target/\n");
    fs::write(&spec, "mine").unwrap();
    let failed = init(&[]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(
        text(&failed).contains("already exists"),
        "{}",
        text(&failed)
    );
    assert_eq!(fs::read_to_string(&spec).unwrap(), "mine");
}

/// Asserts that XML without comments is well formed.
fn assert_well_formed(text: &str) {
    let mut open = Vec::new();
    for tag in text.split('<').skip(1) {
        let (tag, words) = tag.split_once('>').expect("every tag ends");
        let is_text = words.split('&').skip(1).all(|rest| rest.contains(';'));
        assert!(is_text, "{words}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(tag.split(' ').next().unwrap());
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn every_example_renders_as_svg() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    for example in fs::read_dir(examples).unwrap() {
        let (_folder, spec) = copy_example(&example.unwrap().path());
        let spec = spec.to_str().unwrap();
        let drawn = lazuli(&HashMap::new(), &["graph", spec, "--format", "svg"]);
        assert_eq!(drawn.status.code(), Some(0), "{}", text(&drawn));
        let drawing = String::from_utf8(drawn.stdout).unwrap();
        assert!(drawing.starts_with("<svg ") && drawing.ends_with("</svg>\n"));
        assert_well_formed(&drawing);
    }
}

#[test]
fn manual_has_a_page_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man");
    let written = lazuli(&HashMap::new(), &["man", pages.to_str().unwrap()]);
    assert_eq!(written.status.code(), Some(0), "{}", text(&written));
    for name in ["lazuli", "lazuli-plan", "lazuli-sim-request"] {
        let page = fs::read_to_string(pages.join(format!("{name}.1"))).unwrap();
        assert!(
            page.contains(".SH NAME") && page.contains("lazuli"),
            "{name}"
        );
    }
}

#[test]
fn doctor_compares_clocks_over_https() {
    let folder = tempfile::tempdir().unwrap();
    let served = Server::start(folder.path());
    let well = lazuli(&served.variables, &["doctor"]);
    assert_eq!(well.status.code(), Some(0), "{}", text(&well));
    assert!(text(&well).contains("ok    clock "), "{}", text(&well));
    let mut wrong = served.variables.clone();
    wrong.insert("AZURE_CLIENT_SECRET".into(), "a-wrong-one".into());
    let failed = lazuli(&wrong, &["doctor", "--auth", "environment"]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(
        text(&failed).starts_with("fail  login "),
        "{}",
        text(&failed)
    );
    assert!(!text(&failed).contains("a-wrong-one"));
}

#[test]
fn completions_exist_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = lazuli(&HashMap::new(), &["completions", shell]);
        assert_eq!(output.status.code(), Some(0));
        assert!(text(&output).contains("validate"), "{shell}");
    }
}
