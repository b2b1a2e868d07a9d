//! The allowed dependencies between crates, and rules for every source file.

use std::{collections::BTreeSet, fs};

use crate::{crates, files, root, sources};

/// The dependencies between crates in docs/architecture.md.
const ALLOWED: &[(&str, &[&str])] = &[
    ("core", &[]),
    ("handlers", &["core"]),
    ("arm", &["core"]),
    ("sim", &[]),
    ("engine", &["core", "arm"]),
    ("reconcile", &["core", "arm", "engine"]),
    (
        "cli",
        &["core", "handlers", "arm", "sim", "engine", "reconcile"],
    ),
];

#[test]
fn crates_use_only_allowed_crates() {
    let found: BTreeSet<String> = crates().into_iter().collect();
    let known: BTreeSet<String> = ALLOWED.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(found, known, "every crate is listed here");
    for (name, allowed) in ALLOWED {
        let manifest =
            fs::read_to_string(root().join("crates").join(name).join("Cargo.toml")).unwrap();
        for line in manifest.lines() {
            let Some(used) = line.strip_prefix("lazuli-") else {
                continue;
            };
            let used = used.split(['.', ' ', '=']).next().unwrap();
            assert!(allowed.contains(&used), "{name} must not use {used}");
        }
    }
}

#[test]
fn core_uses_no_clock_file_network_or_randomness() {
    for file in sources("crates/core/src")
        .into_iter()
        .chain(sources("crates/handlers/src"))
    {
        let text = fs::read_to_string(&file).unwrap();
        for forbidden in [
            "std::fs",
            "std::net",
            "std::env",
            "SystemTime",
            "Instant",
            "std::process",
            "std::io",
            "std::thread",
            "new_v4",
            "ring::rand",
            "tokio",
        ] {
            assert!(
                !text.contains(forbidden),
                "{} contains {forbidden}",
                file.display()
            );
        }
    }
}

#[test]
fn every_source_file_is_short_and_begins_with_a_description() {
    let files = ["crates", "tests"]
        .into_iter()
        .flat_map(sources)
        .collect::<Vec<_>>();
    assert!(files.len() > 50, "the sources are found");
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        assert!(
            text.starts_with("//! "),
            "{} does not begin with a description",
            file.display()
        );
        let lines = text.lines().count();
        assert!(lines <= 600, "{} has {lines} lines", file.display());
        let stem = file.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(
            !["utils", "util", "common", "helpers", "misc"].contains(&stem.as_str()),
            "{}",
            file.display()
        );
    }
}

/// `clippy::print_stdout` and `print_stderr` deny the macros, which panic on a closed pipe.
#[test]
fn standard_output_is_written_in_one_place() {
    for file in sources("crates/cli/src") {
        let is_terminal = file.ends_with("terminal.rs");
        let text = fs::read_to_string(&file).unwrap();
        assert!(
            is_terminal || !text.contains("stdout()"),
            "{} writes to standard output",
            file.display()
        );
    }
}

/// Each invariant in docs/architecture.md has a number and an existing test.
#[test]
fn every_invariant_names_an_existing_test() {
    let text = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        match cells.as_slice() {
            ["", number, _, guards, ""] => Some((number.parse::<usize>().ok()?, *guards)),
            _ => None,
        }
    });
    let rows: Vec<(usize, &str)> = rows.collect();
    assert!(rows.len() > 40, "the table is found");
    for ((number, guards), counted) in rows.into_iter().zip(1..) {
        assert_eq!(number, counted, "the invariants are numbered in order");
        let mut files: Vec<String> = Vec::new();
        for name in guards.split('`').skip(1).step_by(2) {
            if name.contains('/') {
                files = read_sources(name);
                assert!(
                    !files.is_empty(),
                    "invariant {number}: {name} does not exist"
                );
            } else {
                let start = format!("fn {name}(");
                assert!(
                    files.iter().any(|text| text.contains(&start)),
                    "invariant {number}: {name} does not exist"
                );
            }
        }
        assert!(!files.is_empty(), "invariant {number} has no guard");
    }
}

/// The texts of a file, or of the sources in a folder, by a path from the root or from `crates`.
fn read_sources(path: &str) -> Vec<String> {
    let places = [root().join(path), root().join("crates").join(path)];
    let found = places.into_iter().find(|place| place.exists());
    let guards = match found {
        Some(folder) if folder.is_dir() => files(&folder, &["rs"]),
        file => file.into_iter().collect(),
    };
    let texts = guards.iter().map(|file| fs::read_to_string(file).unwrap());
    texts.collect()
}
