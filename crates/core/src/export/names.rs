//! Unique names of entries, derived from the resources.

use std::collections::HashSet;

use super::candidates::Candidate;
use crate::{arm::ArmId, facts::Place, template::is_name};

/// Words that are reserved for expressions.
const RESERVED: [&str; 3] = ["params", "env", "each"];

/// Allocates unique names.
#[derive(Debug, Default)]
pub(super) struct NameAllocator(HashSet<String>);

impl NameAllocator {
    /// Allocates a name. Duplicates get the type as a suffix, then a number.
    pub(super) fn allocate(&mut self, preferred: &str, arm_type: &str) -> String {
        let preferred = to_entry_name(preferred);
        let last = arm_type.rsplit('/').next().unwrap_or(arm_type);
        let by_type = to_entry_name(&format!("{preferred}-{last}"));
        let numbered = (2..).map(|number| format!("{by_type}-{number}"));
        let mut names = [preferred, by_type.clone()].into_iter().chain(numbered);
        let free = names
            .find(|name| !RESERVED.contains(&name.as_str()) && self.0.insert(name.to_lowercase()));
        free.unwrap_or(by_type)
    }
}

/// Converts text to a valid entry name: a letter, then letters, digits, `-` and `_`.
fn to_entry_name(text: &str) -> String {
    let mut name = String::new();
    for character in text.chars() {
        match character {
            valid if valid.is_ascii_alphanumeric() || valid == '_' => name.push(valid),
            _ if name.is_empty() || name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    let name = name.trim_end_matches('-');
    match name.chars().next() {
        None => "entry".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("_{name}"),
        Some(_) => name.to_owned(),
    }
}

/// The preferred name of a candidate. `entry_of` returns the entry of an id, `principal` that of a principal.
pub(super) fn preferred_name(
    candidate: &Candidate,
    stack: &str,
    is_only_group: bool,
    entry_of: &dyn Fn(&ArmId) -> Option<String>,
    principal: &dyn Fn(&str) -> Option<String>,
) -> String {
    let own = candidate
        .marker
        .as_ref()
        .filter(|marker| marker.stack == stack);
    if let Some(entry) = own
        .and_then(|marker| marker.entry.as_deref())
        .filter(|it| is_name(it))
    {
        return entry.to_owned();
    }
    let text = |name: &str| candidate.body["properties"][name].as_str();
    match candidate.kind.facts().place {
        Place::Subscription if is_only_group => "group".to_owned(),
        Place::Nameless => {
            let id = text("principalId").unwrap_or("");
            let assignee = principal(id).unwrap_or_else(|| {
                let kind = text("principalType").unwrap_or("principal").to_lowercase();
                let (start, _) = id.split_once('-').unwrap_or((id, ""));
                format!("{kind}-{start}")
            });
            let place = candidate.place.as_ref();
            let place = place.map(|place| {
                entry_of(place).unwrap_or_else(|| match place.parent() {
                    None if place.subscription_id().is_some() => "subscription".to_owned(),
                    _ => place.name().to_owned(),
                })
            });
            match place {
                Some(place) => format!("access-{assignee}-to-{place}"),
                None => format!("access-{assignee}"),
            }
        }
        Place::Root(_) => text("roleName").unwrap_or("role").to_lowercase(),
        _ => {
            let id = &candidate.live_id;
            let suffix = id.as_str().rsplit_once("/providers/");
            let names = suffix.map(|(_, path)| path.split('/').skip(2).step_by(2));
            names.map_or_else(
                || id.name().to_owned(),
                |names| names.collect::<Vec<_>>().join("-"),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_valid_and_unique() {
        let mut names = NameAllocator::default();
        let mut allocate =
            |preferred: &str| names.allocate(preferred, "Microsoft.Network/routeTables");
        for (preferred, allocated) in [
            ("rt-a", "rt-a"),
            ("RT-A", "RT-A-routeTables"),
            ("rt-a", "rt-a-routeTables-2"),
            ("1.example", "_1-example"),
            ("(it's) odd_", "it-s-odd_"),
            ("東京", "entry"),
            ("--", "entry-routeTables"),
            ("each", "each-routeTables"),
            ("\u{1b}[2J", "_2J"),
        ] {
            let name = allocate(preferred);
            assert_eq!(name, allocated, "{preferred}");
            assert!(is_name(&name), "{name}");
        }
    }
}
