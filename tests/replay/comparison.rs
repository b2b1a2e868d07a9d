//! A second plan is empty: written bodies are compared with the response to the next read.

use std::collections::BTreeMap;

use lazuli_core::{
    diff::{Change, diff},
    facts::TypeFacts,
    value::Value,
};

use lazuli_handlers::REGISTRY;

use crate::{
    pair_plan,
    pairs::{self, Pair},
    recordings,
};

/// Recordings that were edited afterwards, so that a response does not match its request (ARM facts 1.6): the type and the
/// edited property.
pub const ARTEFACTS: &[(&str, &str)] = &[
    (
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        "location",
    ),
    (
        "Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments",
        "properties.roleDefinitionId",
    ),
    (
        "Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments",
        "properties.scope",
    ),
];

#[test]
fn written_bodies_read_back_unchanged() {
    let Some(recordings) = recordings::load_all() else {
        return;
    };
    let pairs = pairs::from_recordings(&recordings);
    let mut empty = 0;
    let mut empty_in_general = 0;
    let mut artefacts = 0;
    let mut misses: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in &pairs {
        let wanted = Value::from(pair.written.clone());
        if diff(&wanted, pair.read, &[], &[]).is_empty() {
            empty_in_general += 1;
        }
        let changes = match pair_plan::changes(pair) {
            Ok(changes) => changes,
            Err(why) => {
                let place = format!("{} cannot be planned", pair.arm_type);
                misses.entry(place).or_default().push(why);
                continue;
            }
        };
        if changes.is_empty() {
            empty += 1;
        } else if changes.iter().all(|change| is_artefact(pair, change)) {
            artefacts += 1;
        }
        for change in changes.iter().filter(|change| !is_artefact(pair, change)) {
            misses
                .entry(format!("{} {}", pair.arm_type, change.path))
                .or_default()
                .push(format!("{} ({})", show(change), pair.recording));
        }
    }
    let all = pairs.len();
    let rate = |count: usize| 100.0 * count as f64 / all as f64;
    println!("pairs: {all}");
    println!(
        "empty by the general rules alone: {empty_in_general} ({:.1} %)",
        rate(empty_in_general)
    );
    println!(
        "empty with the exceptions of types: {empty} ({:.1} %)",
        rate(empty)
    );
    println!("edited by hand, so not empty: {artefacts}");
    println!("not explained: {}", all - empty - artefacts);
    for (place, changes) in &misses {
        println!("  {:3} {place}: {}", changes.len(), changes[0]);
    }
    assert!(!pairs.is_empty(), "the recordings hold no pair");
    assert!(
        rate(empty) >= 98.0,
        "{:.1} % of pairs are empty",
        rate(empty)
    );
    assert!(misses.is_empty(), "unexplained differences");
}

/// The page for users lists the exceptions of types, all of them and no others.
#[test]
fn page_lists_every_exception() {
    let page = include_str!("../../docs/comparison.md");
    let listed = page
        .lines()
        .filter(|line| line.starts_with("| `Microsoft."));
    let begins = |row: &TypeFacts| format!("| `{}` | ", row.name);
    let ends = |row: &TypeFacts| format!(" | {} |", row.why);
    let mut rows = REGISTRY.types.iter();
    for line in listed {
        let row = rows
            .next()
            .unwrap_or_else(|| panic!("missing row for {line}"));
        assert!(
            line.starts_with(&begins(row)) && line.ends_with(&ends(row)),
            "{line}"
        );
    }
    assert!(rows.next().is_none(), "{rows:?} are not on the page");
}

fn is_artefact(pair: &Pair<'_>, change: &Change) -> bool {
    ARTEFACTS.iter().any(|(arm_type, path)| {
        arm_type.eq_ignore_ascii_case(&pair.arm_type) && change.path.matches(path)
    })
}

fn show(change: &Change) -> String {
    let short = |text: String| text.chars().take(120).collect::<String>();
    let before = change.before.as_ref().map(ToString::to_string);
    let after = change
        .after
        .as_ref()
        .map(|after| after.to_display_json().to_string());
    format!(
        "{} is {}",
        short(after.unwrap_or_else(|| "nothing".to_owned())),
        short(before.unwrap_or_else(|| "nothing".to_owned()))
    )
}
