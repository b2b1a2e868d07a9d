//! The file of the simulator under the real binary: killed at any moment, on a full disk, shared by two processes.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub
)]

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value as Json;
use tempfile::TempDir;

const LAZULI: &str = env!("CARGO_BIN_EXE_lazuli");
const SUBSCRIPTION: &str = lazuli_sim::SUBSCRIPTION;
const IDENTITIES: usize = 12;
const KILLS: usize = 12;

/// A directory with specs and the file of the simulator.
struct Workspace(TempDir);

impl Workspace {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn world(&self) -> PathBuf {
        self.0.path().join(".lazuli/sim.json")
    }

    /// Writes a stack of [`IDENTITIES`] identities in their own resource group to its own file. Returns the file name.
    fn write_stack(&self, name: &str) -> String {
        let mut text = format!(
            "apiVersion: lazuli/v1\nstack: {name}\nlocation: westeurope\nresourceGroup: rg-{name}\nresources:\n\
             \x20 group: {{ kind: resourceGroup, name: rg-{name} }}\n"
        );
        for number in 0..IDENTITIES {
            writeln!(
                text,
                "  id{number}: {{ kind: userAssignedIdentity, name: id-{name}-{number} }}"
            )
            .unwrap();
        }
        let file = format!("{name}.yaml");
        fs::write(self.0.path().join(&file), text).unwrap();
        file
    }

    fn command(&self, words: &[&str]) -> Command {
        self.in_workspace(Command::new(LAZULI), words)
    }

    /// As [`Workspace::command`], in a shell that limits files to this number of blocks of 512 bytes: larger writes fail.
    fn with_small_disk(&self, blocks: u64, words: &[&str]) -> Command {
        let mut shell = Command::new("sh");
        shell.args([
            "-c",
            &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\""),
            LAZULI,
        ]);
        self.in_workspace(shell, words)
    }

    fn in_workspace(&self, mut command: Command, words: &[&str]) -> Command {
        command
            .args(words)
            .current_dir(self.0.path())
            .env_remove("LAZULI_CLOUD")
            .env_remove("RUST_LOG")
            .stdin(Stdio::null());
        command
    }

    fn apply(&self, file: &str) -> Output {
        self.command(&["apply", file, "--cloud", "sim", "--yes"])
            .output()
            .unwrap()
    }

    /// Asserts that the plan is empty.
    fn assert_converged(&self, file: &str) {
        let plan = self
            .command(&["plan", file, "--cloud", "sim", "--detailed-exitcode"])
            .output()
            .unwrap();
        assert!(plan.status.success(), "{}", text(&plan));
    }

    /// The names of the identities in the simulator, read by another process.
    fn identities(&self, stack: &str) -> BTreeSet<String> {
        let url = format!(
            "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-{stack}/providers/Microsoft.ManagedIdentity/userAssignedIdentities?api-version=2023-01-31"
        );
        let output = self.command(&["sim", "request", "GET", &url]).output();
        let response = text(&output.unwrap());
        let (status, body) = response.split_once('\n').unwrap();
        if status == "404" {
            return BTreeSet::new();
        }
        assert_eq!(status, "200", "{response}");
        let body: Json = serde_json::from_str(body).unwrap();
        let names = body["value"].as_array().unwrap().iter();
        names
            .map(|identity| identity["name"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Kills the process when `reached` returns true, unless it exits first.
fn kill_when(mut child: Child, mut reached: impl FnMut() -> bool) {
    while child.try_wait().unwrap().is_none() && !reached() {}
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A condition: the file was replaced this many times and, with `while_writing`, its successor is being written.
fn is_replaced(world: &Path, times: usize, while_writing: bool) -> impl FnMut() -> bool + use<> {
    let (world, successor) = (world.to_owned(), world.with_extension("json.new"));
    let (mut last, mut count) = (fs::read(&world).ok(), 0);
    move || {
        let now = fs::read(&world).ok();
        if now != last {
            (last, count) = (now, count + 1);
        }
        count >= times && (!while_writing || fs::exists(&successor).unwrap())
    }
}

#[test]
fn kill_at_any_moment_leaves_a_complete_file_and_loses_no_resource() {
    let workspace = Workspace::new();
    let file = workspace.write_stack("killed");
    let mut before = BTreeSet::new();
    for round in 0..KILLS {
        let mut apply = workspace.command(&["apply", &file, "--cloud", "sim", "--yes"]);
        let child = apply.stdout(Stdio::null()).stderr(Stdio::null());
        let reached = is_replaced(&workspace.world(), 1 + round / 2, round % 2 == 1);
        kill_when(child.spawn().unwrap(), reached);
        let after = workspace.identities("killed");
        assert!(after.is_superset(&before), "{before:?} {after:?}");
        before = after;
    }
    let last = workspace.apply(&file);
    assert!(last.status.success(), "{}", text(&last));
    assert_eq!(workspace.identities("killed").len(), IDENTITIES);
    workspace.assert_converged(&file);
}

#[test]
fn full_disk_keeps_the_old_file_and_is_reported() {
    let workspace = Workspace::new();
    let (first, second) = (
        workspace.write_stack("first"),
        workspace.write_stack("second"),
    );
    assert!(workspace.apply(&first).status.success());
    let before = fs::read(workspace.world()).unwrap();
    let blocks = before.len() as u64 / 1024;

    let words = ["apply", &second, "--cloud", "sim", "--yes"];
    let failed = workspace.with_small_disk(blocks, &words).output().unwrap();
    assert_eq!(failed.status.code(), Some(1), "{}", text(&failed));
    assert!(text(&failed).contains("cannot write"), "{}", text(&failed));
    assert!(text(&failed).contains("sim.json.new"), "{}", text(&failed));
    assert_eq!(fs::read(workspace.world()).unwrap(), before);
    workspace.assert_converged(&first);

    let later = workspace.apply(&second);
    assert!(later.status.success(), "{}", text(&later));
    for file in [first, second] {
        workspace.assert_converged(&file);
    }
}

#[test]
fn concurrent_processes_keep_each_others_resources() {
    let workspace = Workspace::new();
    let files = [workspace.write_stack("one"), workspace.write_stack("two")];
    let running: Vec<Child> = files
        .iter()
        .map(|file| {
            workspace
                .command(&["apply", file, "--cloud", "sim", "--yes"])
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in running {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
    }
    for (file, stack) in files.iter().zip(["one", "two"]) {
        assert_eq!(workspace.identities(stack).len(), IDENTITIES);
        workspace.assert_converged(file);
    }
}
