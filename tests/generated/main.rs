//! Generated files in the repository are up to date.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub
)]

mod codes;
mod commands;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use lazuli_core::{document::PlanDocument, inventory::document::ShowDocument, saved::SavedPlan};
use lazuli_engine::document::ReportDocument;
use lazuli_handlers::{REGISTRY, reference::Description};

/// The expected text of every generated file by its path from the root.
fn expected_files() -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    files.insert(
        PathBuf::from("schemas/lazuli.schema.json"),
        format!("{:#}\n", lazuli_handlers::schema(REGISTRY)),
    );
    files.insert(
        PathBuf::from("schemas/plan.schema.json"),
        format!("{:#}\n", PlanDocument::schema()),
    );
    files.insert(
        PathBuf::from("schemas/saved-plan.schema.json"),
        format!("{:#}\n", SavedPlan::schema()),
    );
    files.insert(
        PathBuf::from("schemas/report.schema.json"),
        format!("{:#}\n", ReportDocument::schema()),
    );
    files.insert(
        PathBuf::from("schemas/show.schema.json"),
        format!("{:#}\n", ShowDocument::schema()),
    );
    files.insert(PathBuf::from("docs/errors.md"), codes::lazuli_page());
    files.insert(PathBuf::from("docs/azure-codes.md"), codes::azure_page());
    files.insert(PathBuf::from("docs/commands.md"), commands::page());
    let mut index = String::from(
        "# Kinds\n\nOne page per kind, generated from the source code. The keys that all kinds share are described in \
         [Spec language](../spec.md). `lazuli explain KIND` prints the same text.\n\n\
         | kind | description | ARM type |\n|---|---|---|\n",
    );
    for (kind, mut page) in lazuli_handlers::reference(REGISTRY) {
        let examples = link_examples(kind);
        assert!(!examples.is_empty(), "no example uses {kind}");
        page += &format!("\nExamples: {}.\n", examples.join(", "));
        let of_kind = REGISTRY.get(kind).unwrap();
        let description = Description::from_kind(of_kind).text.replace('\n', " ");
        let first = description.split(". ").next().unwrap_or_default();
        let arm_type = of_kind.facts().arm_type.as_ref();
        let arm_type = arm_type.map_or("any".to_owned(), |known| format!("`{}`", known.name));
        index += &format!(
            "| [{kind}]({kind}.md) | {}. | {arm_type} |\n",
            first.trim_end_matches('.')
        );
        files.insert(PathBuf::from(format!("docs/kinds/{kind}.md")), page);
    }
    files.insert(PathBuf::from("docs/kinds/README.md"), index);
    files
}

/// Links to the examples that use the kind.
fn link_examples(kind: &str) -> Vec<String> {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut found = Vec::new();
    for example in fs::read_dir(examples).unwrap() {
        let example = example.unwrap();
        let Ok(spec) = fs::read_to_string(example.path().join("stack.yaml")) else {
            continue;
        };
        let words = spec.lines().map(|line| line.trim_start().trim_end());
        let of_kind = format!("kind: {kind}");
        let inline = format!("kind: {kind},");
        if words
            .clone()
            .any(|line| line == of_kind || line.contains(&inline))
        {
            let name = example.file_name().into_string().unwrap();
            found.push(format!("[{name}](../../examples/{name}/stack.yaml)"));
        }
    }
    found.sort();
    found
}

/// `LAZULI_UPDATE=1 cargo test --test generated` updates them.
#[test]
fn generated_files_are_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let update = std::env::var_os("LAZULI_UPDATE").is_some();
    let expected = expected_files();
    assert!(expected.len() > 6);
    for (path, text) in &expected {
        let full = root.join(path);
        if update {
            fs::create_dir_all(full.parent().unwrap()).unwrap();
            fs::write(&full, text).unwrap();
        }
        let found = fs::read_to_string(&full).unwrap_or_else(|_| String::new());
        assert!(
            found == *text,
            "{} is out of date: run LAZULI_UPDATE=1 cargo test --test generated",
            path.display()
        );
    }
    for entry in fs::read_dir(root.join("docs/kinds")).unwrap() {
        let path = Path::new("docs/kinds").join(entry.unwrap().file_name());
        assert!(
            expected.contains_key(&path),
            "no kind generates {}",
            path.display()
        );
    }
}
