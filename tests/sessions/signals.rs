//! A run that is asked to stop, by a first and by a second Ctrl-C.

use std::{
    io::{BufRead, BufReader, Lines},
    path::Path,
    process::{Child, ChildStderr, Command, Stdio},
};

use crate::{LAZULI, Served, example};

fn signal(name: &str, process: &Child) {
    let kill = format!("kill -{name} {}", process.id());
    let sent = Command::new("sh").args(["-c", &kill]).status().unwrap();
    assert!(sent.success());
}

/// An apply with a step in flight that does not come to an end, because the simulator stands still.
struct Held {
    served: Served,
    apply: Child,
    said: Lines<BufReader<ChildStderr>>,
}

impl Held {
    fn beside(folder: &Path, spec: &Path) -> Self {
        let calm = ["--in-memory", "--max-delay", "0", "--latency", "100"];
        let served = Served::with(folder, &calm);
        let mut apply = Command::new(LAZULI)
            .args(["apply", "--yes"])
            .arg(spec)
            .envs(&served.variables)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(apply.stderr.take().unwrap()).lines();
        let mut held = Self {
            served,
            apply,
            said,
        };
        held.wait_for("creating");
        signal("STOP", &held.served.process);
        signal("INT", &held.apply);
        held.wait_for("Stopping");
        held
    }

    fn wait_for(&mut self, word: &str) {
        let found = self.said.any(|line| line.unwrap().contains(word));
        assert!(found, "it says {word}");
    }
}

#[test]
fn a_first_stop_finishes_what_is_in_flight_and_is_no_success() {
    let (folder, spec) = example("video-analyzer");
    let held = Held::beside(folder.path(), &spec);
    signal("CONT", &held.served.process);
    held.said.for_each(drop);
    let output = held.apply.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains("Apply stopped:") && told.contains("not started"),
        "{told}"
    );
}

#[test]
fn a_second_stop_waits_for_nothing_and_is_no_success() {
    let (folder, spec) = example("video-analyzer");
    let mut held = Held::beside(folder.path(), &spec);
    signal("INT", &held.apply);
    held.wait_for("Stopped at once");
    assert_eq!(held.apply.wait().unwrap().code(), Some(1));
}
