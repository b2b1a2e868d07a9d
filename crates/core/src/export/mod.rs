//! Exports live resources as a spec. Pure: the same live state gives the same document.
//!
//! Kinds write their own entries ([`Handler::lift`](crate::kind::Handler::lift)). This module decides which resources
//! become entries, names the entries, adds the references between them, and moves shared values to the top.

mod candidates;
mod entries;
mod names;
mod note;
mod refs;
mod scope;
mod text;

pub mod reads;

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::{
    arm::ArmId,
    body_path::BodyPath,
    diff::Change,
    facts::Place,
    marker::{CHILDREN_TAG, MARKER_TAG, STACK_TAG, TextMarker},
    plan::{Action, Step},
    spec::is_stack_name,
    value::Value,
};
use candidates::{Candidate, CandidateMarker};
pub use note::Note;
pub use scope::Scene;

/// An exported spec.
#[derive(Debug, Clone, PartialEq)]
pub struct Export {
    /// The name of the stack.
    pub stack: String,
    /// The number of entries.
    pub entries: usize,
    /// The text of the document.
    pub text: String,
    /// Differences from the live resources.
    pub notes: Vec<Note>,
}

/// The stack that owns the resources: the owner of the first group, or else the stack with the most ownership markers.
pub fn owner(scope: &Scene<'_>) -> Option<String> {
    let first = scope.groups.first();
    let mut weights: BTreeMap<String, (bool, usize)> = BTreeMap::new();
    let markers = candidates::collect_markers(scope).into_iter();
    for (id, stack) in markers.filter(|(_, stack)| is_stack_name(stack)) {
        let (owns_first, count) = weights.entry(stack).or_insert((false, 0));
        *owns_first |= Some(&id) == first;
        *count += 1;
    }
    let heaviest = weights.into_iter().max_by_key(|(_, weight)| *weight)?;
    Some(heaviest.0)
}

/// A stack name derived from the name of a resource group, for resources that no stack owns.
pub fn stack_from_group(group: &ArmId) -> String {
    let to_valid = |character: char| match character.to_ascii_lowercase() {
        valid @ ('a'..='z' | '0'..='9') => valid,
        _ => '-',
    };
    let name = group.name();
    let prefix = name
        .get(..3)
        .filter(|start| start.eq_ignore_ascii_case("rg-"));
    let name = name.get(prefix.map_or(0, str::len)..).unwrap_or(name);
    let stack: String = name.chars().map(to_valid).take(63).collect();
    match stack.trim_matches('-') {
        "" => "exported".to_owned(),
        stack => stack.to_owned(),
    }
}

/// Exports live resources as one stack. Resources that another stack owns get `existing: true`.
pub fn export(scope: &Scene<'_>, stack: &str) -> Export {
    let mut notes = Vec::new();
    let mut candidates = candidates::find_in_groups(scope, &mut notes);
    candidates.extend(candidates::find_roles(scope, stack));
    candidates.extend(candidates::find_grants(scope, stack));
    candidates.retain(|candidate| is_exported(candidate, stack, &mut notes));
    candidates.sort_by_cached_key(|candidate| sort_key(candidate, scope));
    let document = entries::write_document(scope, stack, &candidates, &mut notes);
    notes.sort();
    notes.dedup();
    Export {
        stack: stack.to_owned(),
        entries: document.resources.len(),
        text: document.to_text(),
        notes,
    }
}

/// Whether a step only adds the ownership marker of the stack to a resource that no stack owns, or upgrades an older one.
pub fn only_adds_markers(step: &Step) -> bool {
    let is_marker = |change: &Change| {
        let after = change.after.as_ref().and_then(Value::as_str).unwrap_or("");
        let before = change.before.as_ref().and_then(Json::as_str).unwrap_or("");
        let tags = [STACK_TAG, MARKER_TAG, CHILDREN_TAG];
        let mut tags = tags.iter().map(|tag| BodyPath::from_names(["tags", tag]));
        tags.any(|tag| change.path == tag)
            || TextMarker::find(after).is_some()
                && TextMarker::remove_from(after) == TextMarker::remove_from(before)
    };
    matches!(step.action, Action::Adopt | Action::Update) && step.changes.iter().all(is_marker)
}

/// Whether a candidate is exported. Resources of other stacks are, with `existing: true`; their grants and locks are not.
fn is_exported(candidate: &Candidate, stack: &str, notes: &mut Vec<Note>) -> bool {
    let other = |marker: &&CandidateMarker| marker.stack != stack;
    let Some(marker) = candidate.marker.as_ref().filter(other) else {
        return true;
    };
    let is_resource = matches!(
        candidate.kind.facts().place,
        Place::Subscription | Place::ResourceGroup | Place::Written
    );
    if !is_resource {
        notes.push(Note::Foreign {
            id: candidate.live_id.clone(),
            stack: marker.stack.clone(),
        });
    }
    is_resource
}

/// The order of entries: groups as on the command line, their resources by kind and name, roles, grants and locks.
fn sort_key(candidate: &Candidate, scope: &Scene<'_>) -> (u8, usize, String) {
    let facts = candidate.kind.facts();
    let rank = match facts.place {
        Place::Subscription => 0,
        Place::ResourceGroup => 1,
        Place::Written => 2,
        Place::Root(_) => 3,
        Place::Nameless => 4,
        Place::Scope => 5,
    };
    // Every group and every kind has a position.
    let position = match facts.place {
        Place::Subscription => scope.groups.iter().position(|id| *id == candidate.live_id),
        _ => scope.registry.names().position(|name| name == facts.kind),
    };
    let place = candidate
        .id
        .as_ref()
        .or(candidate.place.as_ref())
        .unwrap_or(&candidate.live_id);
    (
        rank,
        position.unwrap_or(usize::MAX),
        format!("{place} {}", candidate.live_id).to_lowercase(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stack_name_is_derived_from_the_group() {
        for (group, stack) in [
            ("rg-cameras", "cameras"),
            ("RG-Cameras.West (2)", "cameras-west--2"),
            ("cameras", "cameras"),
            ("rg-", "exported"),
            ("東京", "exported"),
            (&"x".repeat(90), &"x".repeat(63)),
        ] {
            let name = stack_from_group(&ArmId::resource_group("s", group));
            assert_eq!(name, stack, "{group}");
            assert!(is_stack_name(&name));
        }
    }
}
