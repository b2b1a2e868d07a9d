//! The binary as a child process, and its resource usage: wall time, CPU time, memory.

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

/// The resource usage of a process.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Usage {
    /// Seconds from its start to its end.
    pub wall: f64,
    /// Seconds of CPU time, user and system.
    pub cpu: f64,
    /// Peak memory in MiB.
    pub memory: f64,
}

impl Usage {
    pub fn from_resource_usage(usage: &ResourceUsage, wall: f64) -> Self {
        Self {
            wall,
            cpu: (usage.utime + usage.stime).as_secs_f64(),
            memory: usage.maxrss as f64 / 1024.0 / 1024.0,
        }
    }
}

/// Runs a command. Panics unless it succeeds and prints `expected`.
pub fn lazuli(
    arguments: &[&str],
    spec: &Path,
    variables: &HashMap<String, String>,
    expected: &str,
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
    let exit = child.wait4().unwrap();
    let wall = began.elapsed().as_secs_f64();
    let printed = std::fs::read_to_string(&output).unwrap();
    assert!(
        exit.status.success() && printed.contains(expected),
        "{arguments:?} does not print `{expected}`:\n{printed}"
    );
    Usage::from_resource_usage(&exit.rusage, wall)
}
