//! The requests of a swept phase are those of the binary.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use lazuli_sim::{Pace, Simulator, TokioClock, WorldOptions};
use serde_json::{Value as Json, json};

use super::{EXAMPLE, Phase, Stage, load_spec, run_paused, stage, swept_text};

const LAZULI: &str = env!("CARGO_BIN_EXE_lazuli");

/// The number of requests by method and path, without what differs between runs.
type Requests = BTreeMap<String, usize>;

#[test]
fn swept_phase_sends_the_requests_of_the_binary() {
    let folder = tempfile::tempdir().unwrap();
    let spec = folder.path().join("stack.yaml");
    fs::write(&spec, swept_text(EXAMPLE)).unwrap();
    for (url, body) in stage::role_and_policy() {
        run(
            folder.path(),
            &["sim", "request", "PUT", &url, &body.to_string()],
        );
    }
    let cameras = stage::group_url("rg-cameras");
    let (id, _) = cameras.split_once('?').unwrap();
    let undeclared = stage::undeclared_grant(id);
    let group = json!({ "location": "westeurope" });
    for (url, body) in [(cameras.clone(), group), undeclared] {
        run(
            folder.path(),
            &["sim", "request", "PUT", &url, &body.to_string()],
        );
    }
    let world = folder.path().join(".lazuli/sim.json");
    let copy = folder.path().join("copy.json");
    fs::copy(&world, &copy).unwrap();

    let log = folder.path().join("requests.jsonl");
    let server = Server::start(folder.path(), &log);
    let applied = Command::new(LAZULI)
        .args(["apply", "stack.yaml", "--yes"])
        .current_dir(folder.path())
        .envs(server.variables.clone())
        .output()
        .unwrap();
    drop(server);
    assert!(applied.status.success(), "{applied:?}");
    let log = fs::read_to_string(&log).unwrap();
    let lines = log
        .lines()
        .map(|line| serde_json::from_str::<Json>(line).unwrap());
    let shipped = count(lines.map(|line| {
        let text = |member: &str| line[member].as_str().unwrap().to_owned();
        (text("method"), text("url"))
    }));

    let swept = run_paused(async {
        let pace = Pace {
            throttling: false,
            longest_delay: Some(0),
        };
        let simulator = Simulator::open(&copy, WorldOptions::default(), |latest| {
            Box::new(TokioClock::starting_at(latest))
        });
        let simulator = simulator.unwrap().with_pace(pace);
        let stage = Stage::from_simulator(simulator).await;
        stage.reset_requests();
        assert!(
            stage
                .run(&load_spec(&swept_text(EXAMPLE)), Phase::Converge)
                .await
                .is_ok()
        );
        let log = stage.log().into_iter();
        count(log.map(|entry| (entry.method.as_str().to_owned(), entry.url)))
    });
    for what in ["/graph/", "/roleDefinitions?", "/tags/default"] {
        let has = |requests: &Requests| requests.keys().any(|line| line.contains(what));
        assert!(has(&swept), "no request of {what} is swept: {swept:#?}");
    }
    assert_eq!(shipped, swept);
}

/// Discovery of endpoints precedes the client that a stage begins with, and is left out.
fn count(requests: impl Iterator<Item = (String, String)>) -> Requests {
    let guid = regex::Regex::new("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").unwrap();
    let mut counted = Requests::new();
    for (method, url) in requests {
        if !url.starts_with("/metadata/") {
            let url = guid.replace_all(&url, "GUID");
            *counted.entry(format!("{method} {url}")).or_default() += 1;
        }
    }
    counted
}

fn run(folder: &Path, arguments: &[&str]) {
    let output = Command::new(LAZULI)
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// `lazuli sim serve` with a log of its requests, stopped when dropped.
struct Server {
    process: Child,
    variables: Vec<(String, String)>,
}

impl Server {
    fn start(folder: &Path, log: &Path) -> Self {
        let mut process = Command::new(LAZULI)
            .args(["sim", "serve", "--port", "0", "--max-delay", "0", "--log"])
            .args([log, folder])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut variables = Vec::new();
        for line in BufReader::new(process.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let pairs = line
                .strip_prefix("export ")
                .into_iter()
                .flat_map(|pairs| pairs.split(' '));
            variables.extend(pairs.filter_map(|pair| {
                let (name, value) = pair.split_once('=')?;
                Some((name.to_owned(), value.to_owned()))
            }));
            if line.contains("AZURE_SUBSCRIPTION_ID") {
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
