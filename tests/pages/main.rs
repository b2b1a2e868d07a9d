//! The documentation: links resolve, specs are valid, and sessions print the output that a page shows.

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

/// README.md, CHANGELOG.md and all pages in docs, sorted by path.
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
    assert!(paths.len() > 20, "pages are found");
    let read = |path: PathBuf| {
        let text = fs::read_to_string(root.join(&path)).unwrap();
        Page { path, text }
    };
    paths.into_iter().map(read).collect()
}

/// Compares a file with the expected text. `LAZULI_UPDATE=1 cargo test --test pages` updates it.
fn assert_up_to_date(path: &Path, expected: &str) {
    let full = root().join(path);
    if env::var_os("LAZULI_UPDATE").is_some() {
        fs::write(&full, expected).unwrap();
    }
    let found = fs::read_to_string(&full).unwrap_or_else(|_| String::new());
    if found != expected {
        let differs = found.lines().zip(expected.lines()).find(|(a, b)| a != b);
        panic!(
            "{} is out of date: run LAZULI_UPDATE=1 cargo test --test pages\n\
             first difference: {differs:#?}",
            path.display()
        );
    }
}
