//! A spec of what is live: the way back from Azure to text. Pure, like the way there: what was read gives the document.
//!
//! A kind writes its own entries ([`Handler::lift`](crate::kind::Handler::lift)); here is decided what becomes an entry,
//! what it is called, what it refers to, and what is said once for all.

mod candidates;
mod entries;
mod names;
mod refs;
mod text;

pub mod reads;

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::{
    arm::ArmId,
    diff::Change,
    facts::Place,
    kind::{Kind, Registry},
    live::Live,
    mark::{STACK_TAG, TextMark},
    plan::{Action, Step},
    spec::is_stack_name,
    value::Value,
};
use candidates::Candidate;

pub(crate) const GRANT: &str = "Microsoft.Authorization/roleAssignments";
pub(crate) const ROLE: &str = "Microsoft.Authorization/roleDefinitions";
pub(crate) const LOCK: &str = "Microsoft.Authorization/locks";

/// What is exported: resource groups of one subscription, and what was read of them.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The groups.
    pub groups: &'a [ArmId],
    /// What was read by [`reads`].
    pub live: &'a Live,
    /// The kinds.
    pub registry: Registry,
}

/// A spec of what is live.
#[derive(Debug, Clone, PartialEq)]
pub struct Export {
    /// The stack.
    pub stack: String,
    /// How many entries there are.
    pub entries: usize,
    /// The document.
    pub text: String,
    /// What is not in it, or not as it is in Azure.
    pub notes: Vec<Note>,
}

/// What an author should know of an export.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    /// A resource is left out: it could not be read.
    Unread(ArmId),
    /// A resource is left out: nobody says in which version its type is spoken to.
    NoVersion(ArmId),
    /// Something is left out: no kind has words for it.
    NoWords(ArmId),
    /// A resource is written in ARM's own words, because its kind has none for it, and without what belongs to it.
    Plain {
        /// The entry.
        entry: String,
        /// The kind.
        kind: &'static str,
    },
    /// A resource is only looked up: another stack owns it.
    Existing {
        /// The entry.
        entry: String,
        /// The other stack.
        stack: String,
    },
    /// A grant or lock is left out: another stack owns it.
    Foreign {
        /// Its id.
        id: ArmId,
        /// The other stack.
        stack: String,
    },
    /// Values are left out because they are secrets, by the paths in Azure's body.
    Secrets {
        /// The entry.
        entry: String,
        /// The paths.
        paths: Vec<String>,
    },
    /// There are secrets that Azure does not answer, and that its tag remembers.
    Withheld(String),
    /// Values are left out because the kind cannot say them, by the paths in the entry.
    Unsaid {
        /// The entry.
        entry: String,
        /// The paths.
        paths: Vec<String>,
    },
}

impl Scene<'_> {
    fn covers(&self, id: &ArmId) -> bool {
        self.groups.iter().any(|group| group.covers(id))
    }

    /// The kind whose entries say their own type.
    fn any_type(&self) -> Option<&'static dyn Kind> {
        let mut kinds = self.registry.kinds.iter().copied();
        kinds.find(|kind| kind.facts().place == Place::Written)
    }
}

/// The stack that what is in the groups belongs to: that of the first group's own mark, or else that of the most marks.
pub fn owner(scene: &Scene<'_>) -> Option<String> {
    let first = scene.groups.first();
    let mut marks: BTreeMap<String, (bool, usize)> = BTreeMap::new();
    let marked = candidates::marks(scene).into_iter();
    for (id, stack) in marked.filter(|(_, stack)| is_stack_name(stack)) {
        let (is_of_first, count) = marks.entry(stack).or_default();
        *is_of_first |= Some(&id) == first;
        *count += 1;
    }
    let most = marks.into_iter().max_by_key(|(_, weight)| *weight)?;
    Some(most.0)
}

/// A stack called after a resource group, for what nobody owns.
pub fn stack_of(group: &ArmId) -> String {
    let kept = |character: char| match character.to_ascii_lowercase() {
        kept @ ('a'..='z' | '0'..='9') => kept,
        _ => '-',
    };
    let name = group.name();
    let bare = name
        .get(..3)
        .filter(|start| start.eq_ignore_ascii_case("rg-"));
    let name = name.get(bare.map_or(0, str::len)..).unwrap_or(name);
    let stack: String = name.chars().map(kept).take(63).collect();
    match stack.trim_matches('-') {
        "" => "exported".to_owned(),
        stack => stack.to_owned(),
    }
}

/// The spec of what is live, as one stack. What another stack owns is only looked up.
pub fn export(scene: &Scene<'_>, stack: &str) -> Export {
    let mut notes = Vec::new();
    let mut found = candidates::in_groups(scene, &mut notes);
    found.extend(candidates::roles(scene, stack));
    found.extend(candidates::grants(scene, stack));
    found.retain(|one| is_kept(one, stack, &mut notes));
    found.sort_by_cached_key(|one| order(one, scene));
    let document = entries::document(scene, stack, &found, &mut notes);
    notes.sort();
    notes.dedup();
    Export {
        stack: stack.to_owned(),
        entries: document.resources.len(),
        text: document.text(),
        notes,
    }
}

/// Whether a step of the plan of an export only puts the mark of the stack on what nobody owns.
pub fn only_marks(step: &Step) -> bool {
    let is_mark = |change: &Change| {
        let after = change
            .after
            .as_ref()
            .and_then(Value::as_str)
            .unwrap_or_default();
        let before = change
            .before
            .as_ref()
            .and_then(Json::as_str)
            .unwrap_or_default();
        change.path == format!("tags.{STACK_TAG}")
            || TextMark::find(after).is_some() && TextMark::taken_off(after) == before
    };
    step.action == Action::Adopt && step.changes.iter().all(is_mark)
}

/// Of what another stack owns, resources can be looked up; the rest is its own business.
fn is_kept(one: &Candidate, stack: &str, notes: &mut Vec<Note>) -> bool {
    let Some(mark) = one.mark.as_ref().filter(|mark| mark.stack != stack) else {
        return true;
    };
    let is_resource = matches!(
        one.kind.facts().place,
        Place::Subscription | Place::ResourceGroup | Place::Written
    );
    if !is_resource {
        notes.push(Note::Foreign {
            id: one.live_id.clone(),
            stack: mark.stack.clone(),
        });
    }
    is_resource
}

/// Groups first, as they were named; then what is in them by kind and name, then roles, grants and locks.
fn order(one: &Candidate, scene: &Scene<'_>) -> (u8, usize, String) {
    let facts = one.kind.facts();
    let rank = match facts.place {
        Place::Subscription => 0,
        Place::ResourceGroup => 1,
        Place::Written => 2,
        Place::Root(_) => 3,
        Place::Nameless => 4,
        Place::Scope => 5,
    };
    let among = match facts.place {
        Place::Subscription => scene.groups.iter().position(|id| *id == one.live_id),
        _ => scene.registry.names().position(|name| name == facts.kind),
    };
    let place = one
        .id
        .as_ref()
        .or(one.place.as_ref())
        .unwrap_or(&one.live_id);
    (
        rank,
        among.unwrap_or_default(),
        format!("{place} {}", one.live_id).to_lowercase(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_called_after_the_group() {
        for (group, stack) in [
            ("rg-cameras", "cameras"),
            ("RG-Cameras.West (2)", "cameras-west--2"),
            ("cameras", "cameras"),
            ("rg-", "exported"),
            ("東京", "exported"),
            (&"x".repeat(90), &"x".repeat(63)),
        ] {
            let name = stack_of(&ArmId::resource_group("s", group));
            assert_eq!(name, stack, "{group}");
            assert!(is_stack_name(&name));
        }
    }
}
