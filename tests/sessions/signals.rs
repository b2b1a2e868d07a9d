//! Stopping a run with a first and a second Ctrl-C.

use std::{
    io::{BufRead, BufReader, Lines},
    path::Path,
    process::{Child, ChildStderr, Command, Stdio},
};

use crate::{LAZULI, Server, example};

fn signal(name: &str, process: &Child) {
    let kill = format!("kill -{name} {}", process.id());
    let sent = Command::new("sh").args(["-c", &kill]).status().unwrap();
    assert!(sent.success());
}

/// An apply with a step in flight that does not complete because the simulator is suspended.
struct SuspendedApply {
    served: Server,
    apply: Child,
    stderr: Lines<BufReader<ChildStderr>>,
}

impl SuspendedApply {
    fn start(folder: &Path, spec: &Path) -> Self {
        let options = ["--in-memory", "--max-delay", "0", "--latency", "100"];
        let served = Server::start_with(folder, &options);
        let mut apply = Command::new(LAZULI)
            .args(["apply", "--yes"])
            .arg(spec)
            .envs(&served.variables)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(apply.stderr.take().unwrap()).lines();
        let mut run = Self {
            served,
            apply,
            stderr,
        };
        run.wait_for("creating");
        signal("STOP", &run.served.process);
        signal("INT", &run.apply);
        run.wait_for("Stopping");
        run
    }

    fn wait_for(&mut self, word: &str) {
        let found = self.stderr.any(|line| line.unwrap().contains(word));
        assert!(found, "{word} is printed");
    }
}

#[test]
fn first_stop_finishes_steps_in_flight_and_fails() {
    let (folder, spec) = example("video-analyzer");
    let run = SuspendedApply::start(folder.path(), &spec);
    signal("CONT", &run.served.process);
    run.stderr.for_each(drop);
    let output = run.apply.wait_with_output().unwrap();
    let output_text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{output_text}");
    assert!(
        output_text.contains("Apply stopped:") && output_text.contains("not started"),
        "{output_text}"
    );
}

#[test]
fn second_stop_exits_immediately_and_fails() {
    let (folder, spec) = example("video-analyzer");
    let mut run = SuspendedApply::start(folder.path(), &spec);
    signal("INT", &run.apply);
    run.wait_for("Stopped immediately");
    assert_eq!(run.apply.wait().unwrap().code(), Some(1));
}
