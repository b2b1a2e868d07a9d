//! The binary as a child process, and what it took: wall, processor, memory.

use std::{
    collections::HashMap,
    fs::File,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use serde::Serialize;
use wait4::{ResourceUsage, Wait4};

pub const LAZULI: &str = env!("CARGO_BIN_EXE_lazuli");

/// What a process took.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Usage {
    /// Seconds from its start to its end.
    pub wall: f64,
    /// Seconds of processor time, user and system.
    pub cpu: f64,
    /// The most memory that it had at once, in MiB.
    pub memory: f64,
}

impl Usage {
    pub fn of(usage: &ResourceUsage, wall: f64) -> Self {
        Self {
            wall,
            cpu: (usage.utime + usage.stime).as_secs_f64(),
            memory: usage.maxrss as f64 / 1024.0 / 1024.0,
        }
    }
}

/// Runs a command that must succeed and print that.
pub fn lazuli(
    arguments: &[&str],
    spec: &Path,
    variables: &HashMap<String, String>,
    prints: &str,
) -> Usage {
    let output = spec.with_file_name("output.txt");
    let file = File::create(&output).unwrap();
    let began = Instant::now();
    let child = Command::new(LAZULI)
        .args(arguments)
        .arg(spec)
        .envs(variables)
        .stdin(Stdio::null())
        .stdout(file.try_clone().unwrap())
        .stderr(file)
        .spawn()
        .unwrap();
    let ended = child.wait4().unwrap();
    let wall = began.elapsed().as_secs_f64();
    let said = std::fs::read_to_string(&output).unwrap();
    assert!(
        ended.status.success() && said.contains(prints),
        "{arguments:?} does not say `{prints}`:\n{said}"
    );
    Usage::of(&ended.rusage, wall)
}
