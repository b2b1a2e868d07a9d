//! The simulator's log, counted by method and type.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value as Json;

/// The number of requests of each type.
#[derive(Debug, Default, Serialize)]
pub struct Counts {
    pub total: usize,
    /// Requests rejected with status 429.
    pub throttled: usize,
    /// By method and type: `PUT roleAssignments`.
    pub by_type: BTreeMap<String, usize>,
}

impl FromIterator<String> for Counts {
    /// From lines of the log.
    fn from_iter<T: IntoIterator<Item = String>>(lines: T) -> Self {
        let mut counts = Self::default();
        for line in lines {
            let entry: Json = serde_json::from_str(&line).unwrap();
            counts.total += 1;
            counts.throttled += usize::from(entry["status"] == 429);
            let url = entry["url"].as_str().unwrap();
            let request_type = format!("{} {}", entry["method"].as_str().unwrap(), subject(url));
            *counts.by_type.entry(request_type).or_default() += 1;
        }
        counts
    }
}

/// The subject of a URL: its last resource type, and whether it requests a list.
fn subject(url: &str) -> String {
    let path = url.split('?').next().unwrap_or_default();
    let words: Vec<&str> = path.split('/').skip(1).collect();
    if words.first() != Some(&"subscriptions") && words.first() != Some(&"providers") {
        return "login and metadata".to_owned();
    }
    if ["asyncoperations", "operationStatuses", "operationresults"]
        .iter()
        .any(|word| words.contains(word))
    {
        return "operations".to_owned();
    }
    let after_namespace = words.iter().rposition(|word| *word == "providers");
    let typed = match after_namespace {
        Some(at) => words.get(at + 2..).unwrap_or_default(),
        None => words.get(2..).unwrap_or_default(),
    };
    match typed {
        [] => "providers and subscriptions".to_owned(),
        typed if typed.len().is_multiple_of(2) => typed[typed.len() - 2].to_owned(),
        typed => format!("{} (list)", typed[typed.len() - 1]),
    }
}
