//! GitOps: the command lines and versions in the documentation and in examples/gitops are valid, and a plan works with an
//! identity that only reads.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{Server, lazuli, text};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The files of pipelines and their documentation.
fn files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = [
        "action.yml",
        ".pre-commit-hooks.yaml",
        "docs/gitops.md",
        "docs/exit-codes.md",
        "docs/json.md",
        "docs/plan-files.md",
        "examples/gitops/stack.yaml",
    ]
    .map(|file| root().join(file))
    .into();
    for folder in ["github", "azure-pipelines", "stacks"] {
        let folder = root().join("examples/gitops").join(folder);
        let found = fs::read_dir(folder).unwrap();
        files.extend(found.map(|entry| entry.unwrap().path()));
    }
    files
}

/// The arguments of each command line of lazuli in a file: in a fence, a script, an action, or in backticks.
fn command_lines(file: &Path) -> Vec<Vec<String>> {
    let whole = fs::read_to_string(file).unwrap().replace("\\\n", " ");
    let is_prose = file.extension().is_some_and(|ending| ending == "md");
    let mut found: Vec<&str> = Vec::new();
    let mut is_code = !is_prose;
    for line in whole.lines() {
        if is_prose && line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if is_code {
            let line = line.trim_start_matches(['#', '$', '-', ' ']);
            let line = ["bash: ", "run: ", "exec "]
                .iter()
                .find_map(|before| line.strip_prefix(before))
                .unwrap_or(line);
            found.extend(line.strip_prefix("entry: lazuli "));
            found.extend(line.strip_prefix("command: "));
            found.extend(line.strip_prefix("lazuli "));
        }
        found.extend(
            line.split('`')
                .skip(1)
                .step_by(2)
                .filter_map(|it| it.strip_prefix("lazuli ")),
        );
    }
    let words = |line: &str| {
        let end = line.find(['|', '>', ')', ';', '#']).unwrap_or(line.len());
        let words = line[..end].split_whitespace();
        words.map(str::to_owned).collect()
    };
    found.into_iter().map(words).collect()
}

/// Checks options against the help of each command. `.ci/gitops.py` runs the command lines with their values.
#[test]
fn documented_command_lines_are_valid() {
    let mut checked = 0;
    for file in files() {
        for words in command_lines(&file) {
            let place = format!("{}: lazuli {}", file.display(), words.join(" "));
            let command: Vec<&str> = match words[0].as_str() {
                "sim" => vec!["sim", &words[1], "--help"],
                command => vec![command, "--help"],
            };
            let help = lazuli(&Default::default(), &command);
            assert!(help.status.success(), "{place}");
            let help = text(&help);
            let known: Vec<&str> = help
                .split_whitespace()
                .map(|it| it.trim_end_matches(','))
                .collect();
            for option in words
                .iter()
                .filter(|word| word.starts_with('-') && word.len() > 1)
            {
                assert!(known.contains(&option.as_str()), "{place}: no {option}");
            }
            checked += 1;
        }
    }
    assert!(checked > 20, "{checked} command lines were found");
}

#[test]
fn documented_versions_are_current() {
    let version = env!("CARGO_PKG_VERSION");
    let mut checked = 0;
    for file in files() {
        let written = fs::read_to_string(&file).unwrap();
        for (before, after) in [
            "lazuli-azure/lazuli@v",
            "lazuli-azure/lazuli:",
            "rev: v",
            "default: ",
        ]
        .iter()
        .flat_map(|start| {
            written
                .match_indices(start)
                .map(|(at, _)| written.split_at(at + start.len()))
        }) {
            let named: String = after
                .chars()
                .take_while(|one| one.is_ascii_digit() || *one == '.')
                .collect();
            if named.matches('.').count() == 2 {
                let line = before.lines().count();
                assert_eq!(named, version, "{}:{line}", file.display());
                checked += 1;
            }
        }
    }
    assert!(checked > 5, "{checked} versions were found");
}

#[test]
fn skip_permissions_omits_the_permissions_that_apply_needs() {
    let folder = tempfile::tempdir().unwrap();
    let spec = root().join("examples/shared-identity/stack.yaml");
    let served = Server::start(folder.path());
    let mut variables = served.variables.clone();
    let reader = "00000000-0000-0000-0000-0000000c0003";
    variables.insert("AZURE_CLIENT_ID".into(), reader.into());
    let plan = |more: &[&str]| {
        let planned = lazuli(
            &variables,
            &[&["plan", spec.to_str().unwrap()], more].concat(),
        );
        assert_eq!(planned.status.code(), Some(0), "{}", text(&planned));
        let output = text(&planned);
        output.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(plan(&[]).contains("lacks permissions"));
    let output = plan(&["--skip-permissions"]);
    assert!(
        output.contains("to create") && !output.contains("lacks permissions"),
        "{output}"
    );
    let document = plan(&["--skip-permissions", "--output", "json"]);
    assert!(
        !document.contains("missingPermissions") && !document.contains("lacks permissions"),
        "{document}"
    );
    let document = plan(&["--output", "json"]);
    assert!(document.contains("missingPermissions"), "{document}");
}
