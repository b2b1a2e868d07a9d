//! The pages for people: links lead somewhere, specs are valid, and sessions print what the page shows.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub
)]

mod blocks;
mod drawing;
mod links;
mod sessions;
mod specs;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

const LAZULI: &str = env!("CARGO_BIN_EXE_lazuli");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A page, by its path from the root.
struct Page {
    path: PathBuf,
    text: String,
}

/// README.md, CHANGELOG.md and all below docs, in the order of their paths.
fn pages() -> Vec<Page> {
    let root = root();
    let mut paths = vec![PathBuf::from("README.md"), PathBuf::from("CHANGELOG.md")];
    let mut folders = vec![PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder)).unwrap() {
            let path = folder.join(entry.unwrap().file_name());
            if root.join(&path).is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                paths.push(path);
            }
        }
    }
    paths.sort();
    assert!(paths.len() > 20, "the walk finds the pages");
    let read = |path: PathBuf| {
        let text = fs::read_to_string(root.join(&path)).unwrap();
        Page { path, text }
    };
    paths.into_iter().map(read).collect()
}

/// Holds a file against what it should be; `LAZULI_UPDATE=1 cargo test --test pages` writes it anew.
fn assert_is(path: &Path, wanted: &str) {
    let full = root().join(path);
    if env::var_os("LAZULI_UPDATE").is_some() {
        fs::write(&full, wanted).unwrap();
    }
    let found = fs::read_to_string(&full).unwrap_or_default();
    if found != wanted {
        let differs = found.lines().zip(wanted.lines()).find(|(a, b)| a != b);
        panic!(
            "{} does not show what lazuli prints: LAZULI_UPDATE=1 cargo test --test pages\n\
             the first line that differs: {differs:#?}",
            path.display()
        );
    }
}
