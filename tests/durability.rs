//! The simulated world in its file, against the real binary: killed in the middle, on a full disk, shared by two.

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

/// A directory with specs, and the world beside them.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn world(&self) -> PathBuf {
        self.0.path().join(".lazuli/sim.json")
    }

    /// A stack of so many identities in a group of its own, in a file of its own.
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
        self.at_home(Command::new(LAZULI), words)
    }

    /// The same in a shell that lets no file grow beyond so many blocks of 512 bytes; a writing that would is an error.
    fn with_small_disk(&self, blocks: u64, words: &[&str]) -> Command {
        let mut shell = Command::new("sh");
        shell.args([
            "-c",
            &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\""),
            LAZULI,
        ]);
        self.at_home(shell, words)
    }

    fn at_home(&self, mut command: Command, words: &[&str]) -> Command {
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

    /// Succeeds when there is nothing to do.
    fn assert_converged(&self, file: &str) {
        let plan = self
            .command(&["plan", file, "--cloud", "sim", "--detailed-exitcode"])
            .output()
            .unwrap();
        assert!(plan.status.success(), "{}", text(&plan));
    }

    /// The names of the identities in the world as another process sees it.
    fn identities(&self, stack: &str) -> BTreeSet<String> {
        let url = format!(
            "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-{stack}/providers/Microsoft.ManagedIdentity/userAssignedIdentities?api-version=2023-01-31"
        );
        let answer = self.command(&["sim", "request", "GET", &url]).output();
        let answer = text(&answer.unwrap());
        let (status, body) = answer.split_once('\n').unwrap();
        if status == "404" {
            return BTreeSet::new();
        }
        assert_eq!(status, "200", "{answer}");
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

/// Kills the process with no warning once `reached` holds, or finds that it has ended by itself.
fn kill_once(mut child: Child, mut reached: impl FnMut() -> bool) {
    while child.try_wait().unwrap().is_none() && !reached() {}
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Holds after the file has been replaced so many times, or, where `beside`, while its successor is being written.
fn replaced(world: &Path, times: usize, beside: bool) -> impl FnMut() -> bool + use<> {
    let (world, successor) = (world.to_owned(), world.with_extension("json.new"));
    let (mut last, mut seen) = (fs::read(&world).ok(), 0);
    move || {
        let now = fs::read(&world).ok();
        if now != last {
            (last, seen) = (now, seen + 1);
        }
        seen >= times && (!beside || fs::exists(&successor).unwrap())
    }
}

#[test]
fn whenever_it_is_killed_the_world_is_whole_and_keeps_what_was_there() {
    let place = Place::new();
    let file = place.write_stack("killed");
    let mut before = BTreeSet::new();
    for round in 0..KILLS {
        let mut apply = place.command(&["apply", &file, "--cloud", "sim", "--yes"]);
        let child = apply.stdout(Stdio::null()).stderr(Stdio::null());
        let reached = replaced(&place.world(), 1 + round / 2, round % 2 == 1);
        kill_once(child.spawn().unwrap(), reached);
        let after = place.identities("killed");
        assert!(after.is_superset(&before), "{before:?} {after:?}");
        before = after;
    }
    let last = place.apply(&file);
    assert!(last.status.success(), "{}", text(&last));
    assert_eq!(place.identities("killed").len(), IDENTITIES);
    place.assert_converged(&file);
}

#[test]
fn a_full_disk_leaves_the_old_world_and_is_told() {
    let place = Place::new();
    let (first, second) = (place.write_stack("first"), place.write_stack("second"));
    assert!(place.apply(&first).status.success());
    let before = fs::read(place.world()).unwrap();
    let room = before.len() as u64 / 1024;

    let words = ["apply", &second, "--cloud", "sim", "--yes"];
    let refused = place.with_small_disk(room, &words).output().unwrap();
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
    assert!(
        text(&refused).contains("cannot write"),
        "{}",
        text(&refused)
    );
    assert!(
        text(&refused).contains("sim.json.new"),
        "{}",
        text(&refused)
    );
    assert_eq!(fs::read(place.world()).unwrap(), before);
    place.assert_converged(&first);

    let later = place.apply(&second);
    assert!(later.status.success(), "{}", text(&later));
    for file in [first, second] {
        place.assert_converged(&file);
    }
}

#[test]
fn two_processes_at_once_lose_nothing_of_each_other() {
    let place = Place::new();
    let files = [place.write_stack("one"), place.write_stack("two")];
    let running: Vec<Child> = files
        .iter()
        .map(|file| {
            place
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
        assert_eq!(place.identities(stack).len(), IDENTITIES);
        place.assert_converged(file);
    }
}
