//! A closed pipe (`lazuli plan stack.yaml | head -1`) is not a failure, and the command finishes its work. Other write
//! errors are failures.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub
)]

use std::{
    fs, io,
    path::Path,
    process::{Command, Output, Stdio},
};

const SPEC: &str = "apiVersion: lazuli/v1\nstack: pipes\nlocation: westeurope\nresources:\n  \
                    group: { kind: resourceGroup, name: rg-pipes }\n  \
                    app: { kind: userAssignedIdentity, name: id-pipes, resourceGroup: rg-pipes }\n";

/// Commands that write to standard output, in an order in which each has output.
const COMMANDS: &[&[&str]] = &[
    &["--help"],
    &["--version"],
    &["schema"],
    &["schema", "plan"],
    &["explain"],
    &["explain", "storageAccount"],
    &["roles"],
    &["completions", "bash"],
    &["completions", "zsh"],
    &["validate", "stack.yaml"],
    &["graph", "stack.yaml"],
    &["graph", "stack.yaml", "--format", "svg"],
    &["sim", "reset"],
    &["init", "more", "--yes"],
    &["doctor"],
    &["plan", "stack.yaml"],
    &["plan", "stack.yaml", "-vv"],
    &["plan", "stack.yaml", "--output", "json"],
    &["plan", "stack.yaml", "--output", "markdown"],
    &["plan", "stack.yaml", "--output", "html"],
    &["apply", "stack.yaml", "--yes"],
    &["show", "stack.yaml"],
    &["show", "stack.yaml", "--output", "json"],
    &[
        "sim",
        "request",
        "GET",
        "/subscriptions?api-version=2022-12-01",
    ],
    &["destroy", "stack.yaml", "--yes", "--output", "json"],
    &["destroy", "stack.yaml", "--yes"],
];

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("stack.yaml"), SPEC).unwrap();
    folder
}

fn lazuli(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lazuli"));
    for name in ["AZURE_SUBSCRIPTION_ID", "SSL_CERT_FILE", "RUST_LOG"] {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .current_dir(folder)
        .env("LAZULI_CLOUD", "sim")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A pipe without a reader.
fn closed_pipe() -> io::PipeWriter {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    writer
}

fn stderr_text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn closed_standard_output_is_not_a_failure() {
    let folder = folder();
    for arguments in COMMANDS {
        let output = lazuli(folder.path(), arguments)
            .stdout(closed_pipe())
            .output()
            .unwrap();
        let text = stderr_text(&output);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {text}");
        assert!(!text.contains("panicked"), "{arguments:?}: {text}");
    }
    let shown = lazuli(folder.path(), &["show", "stack.yaml"])
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&shown.stdout);
    assert!(
        shown.contains("owns no resources"),
        "destroy finished: {shown}"
    );
}

#[test]
fn closed_standard_error_is_not_a_failure() {
    let folder = folder();
    for arguments in COMMANDS {
        let output = lazuli(folder.path(), arguments)
            .stderr(closed_pipe())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    }
    fs::write(folder.path().join("stack.yaml"), "stack: [").unwrap();
    let failed = lazuli(folder.path(), &["plan", "stack.yaml"])
        .stderr(closed_pipe())
        .output()
        .unwrap();
    assert_eq!(failed.status.code(), Some(1), "an error instead of a panic");
}

#[cfg(target_os = "linux")]
#[test]
fn output_to_a_full_disk_is_an_error() {
    let folder = folder();
    for arguments in [
        &["plan", "stack.yaml"][..],
        &["plan", "stack.yaml", "--output", "json"],
        &["validate", "stack.yaml"],
        &["schema"],
    ] {
        let full = fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let output = lazuli(folder.path(), arguments)
            .stdout(full)
            .output()
            .unwrap();
        let text = stderr_text(&output);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {text}");
        assert!(
            text.contains("error: cannot write to standard output: "),
            "{text}"
        );
    }
}
