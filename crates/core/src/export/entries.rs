//! Writes the entries of an export, and the defaults at the top of the document.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value as Json, json};

use super::{
    candidates::{Candidate, CandidateMarker, canonical_group},
    names::{NameAllocator, preferred_name},
    note::Note,
    refs::References,
    scope::Scene,
    text::ExportDocument,
};
use crate::{
    arm::{ArmId, normal_location},
    body_path::BodyPath,
    declare::root_id,
    facts::{Facts, Place},
    lift::{EntryIndex, LiftSource, LiftedEntry},
    marker::{
        CHILDREN_TAG, MARKER_TAG, ON_REMOVE_TAG, OVERRIDES_TAG, RemovalPolicy, SECRETS_TAG,
        STACK_TAG, tag,
    },
    spec::API_VERSION,
    template::escape,
};

/// The tags that lazuli manages.
const OWN_TAGS: [&str; 6] = [
    CHILDREN_TAG,
    STACK_TAG,
    MARKER_TAG,
    ON_REMOVE_TAG,
    OVERRIDES_TAG,
    SECRETS_TAG,
];

/// Writes the document of the candidates.
pub(super) fn write_document(
    scope: &Scene<'_>,
    stack: &str,
    candidates: &[Candidate],
    notes: &mut Vec<Note>,
) -> ExportDocument {
    let (names, mut refs) = name_entries(scope, stack, candidates);
    let mut schemas: HashMap<&str, Json> = HashMap::new();
    let mut entries = Vec::new();
    for (at, (one, name)) in candidates.iter().zip(&names).enumerate() {
        let other = |marker: &&CandidateMarker| marker.stack != stack;
        let existing = one.marker.as_ref().filter(other);
        let mut writer = EntryWriter {
            scope,
            stack,
            name,
            one,
            schemas: &mut schemas,
            notes,
        };
        let Some((facts, lifted)) = writer.lift(&refs) else {
            writer.notes.push(Note::Unsupported(one.live_id.clone()));
            refs.forget(at);
            continue;
        };
        if let Some(marker) = existing {
            notes.push(Note::Existing {
                entry: name.clone(),
                stack: marker.stack.clone(),
            });
        } else if !one.secrets.is_empty() {
            notes.push(Note::Secrets {
                entry: name.clone(),
                paths: one.secrets.clone(),
            });
        }
        if existing.is_none() && tag(&one.body, SECRETS_TAG).is_some() {
            notes.push(Note::UnverifiableSecrets(name.clone()));
        }
        let props = lifted
            .props
            .iter()
            .filter(|(property, _)| existing.is_none() || facts.place.depends_on(property));
        let props: Vec<(String, Json)> = props
            .map(|(property, value)| (property.clone(), refs.write_value(at, value)))
            .collect();
        entries.push(EntryDraft {
            name: name.clone(),
            facts,
            arm_name: facts.name.is_some().then(|| escape(&lifted.name)),
            existing: existing.is_some(),
            location: location(one, facts, existing.is_some()),
            group: group(one, facts),
            tags: tags(one, facts, existing.is_some(), (at, &mut refs)),
            is_tracked: one.live_id.is_top_level() || facts.place != Place::Written,
            removal_policy: one
                .marker
                .as_ref()
                .map_or(RemovalPolicy::Delete, |marker| marker.removal_policy),
            props,
        });
        let omitted = refs.take_omitted();
        if !omitted.is_empty() {
            notes.push(Note::Inexpressible {
                entry: name.clone(),
                paths: omitted
                    .iter()
                    .map(|key| BodyPath::from_names([key.as_str()]))
                    .collect(),
            });
        }
    }
    assemble(scope, stack, entries, &refs)
}

/// Names the entries and collects the references between them.
fn name_entries(
    scope: &Scene<'_>,
    stack: &str,
    candidates: &[Candidate],
) -> (Vec<String>, References) {
    let mut names = NameAllocator::default();
    let mut refs = References::default();
    let is_only = scope.groups.len() == 1;
    // Names of grants contain those of their principal and scope, which precede them.
    let mut allocated = Vec::new();
    for (at, one) in candidates.iter().enumerate() {
        let name = {
            let entry_of = |id: &ArmId| refs.entry_of(id);
            let principal = |id: &str| refs.entry_of_principal(id);
            names.allocate(
                &preferred_name(one, stack, is_only, &entry_of, &principal),
                &one.arm_type.name,
            )
        };
        refs.push(&name, one.id.as_ref());
        // A grant has no outputs of its own.
        if one.id.is_some() {
            let known = scope
                .registry
                .of_type(&one.arm_type.name)
                .unwrap_or(one.kind);
            refs.add_outputs(at, known.facts().outputs, &one.body);
        }
        allocated.push(name);
    }
    for (at, one) in candidates.iter().enumerate() {
        if let Some(place) = &one.place {
            refs.add_parent(at, place);
        }
    }
    (allocated, refs)
}

struct EntryWriter<'a, 'w> {
    scope: &'a Scene<'a>,
    stack: &'a str,
    name: &'a str,
    one: &'a Candidate,
    schemas: &'w mut HashMap<&'static str, Json>,
    notes: &'w mut Vec<Note>,
}

impl EntryWriter<'_, '_> {
    /// The properties as the kind of the candidate writes them or, if it cannot express them, as `kind: resource`.
    fn lift(&mut self, refs: &References) -> Option<(&'static Facts, LiftedEntry)> {
        let own = self.one.kind;
        let any = self.scope.any_type().filter(|any| {
            own.facts().place == Place::ResourceGroup && any.facts().kind != own.facts().kind
        });
        [Some(own), any].into_iter().flatten().find_map(|kind| {
            let facts = kind.facts();
            let needs_location =
                facts.location && matches!(facts.place, Place::Subscription | Place::ResourceGroup);
            if needs_location
                && self
                    .one
                    .body
                    .get("location")
                    .and_then(Json::as_str)
                    .is_none()
            {
                return None;
            }
            let schema = self
                .schemas
                .entry(facts.kind)
                .or_insert_with(|| kind.schema().to_value());
            let rules = match facts.place {
                Place::Written => self.scope.registry.type_rules(&self.one.arm_type.name),
                _ => facts.rules,
            };
            let mut found = LiftSource {
                entry: self.name,
                stack: self.stack,
                id: self.one.id.as_ref().unwrap_or(&self.one.live_id),
                arm_type: &self.one.arm_type,
                body: &self.one.body,
                parts: &self.one.parts,
                rules,
                schema,
                known: refs,
                unsaid: Vec::new(),
                notes_unknown: false,
            };
            let lifted = kind.lift(&mut found)?;
            let unsaid = found.unsaid;
            if !self.keeps_id(facts, &lifted) {
                return None;
            }
            if facts.kind != own.facts().kind {
                self.notes.push(Note::Generic {
                    entry: self.name.to_owned(),
                    kind: own.facts().kind,
                });
            }
            if !unsaid.is_empty() {
                self.notes.push(Note::Inexpressible {
                    entry: self.name.to_owned(),
                    paths: unsaid,
                });
            }
            Some((facts, lifted))
        })
    }

    /// Whether the entry would get the id of the live resource. The id of a role that lazuli created follows from its name.
    fn keeps_id(&self, facts: &Facts, lifted: &LiftedEntry) -> bool {
        let live = &self.one.live_id;
        let own = facts.arm_type.as_ref().map(|own| own.name.as_ref());
        match (facts.place, own) {
            (Place::Root(_), Some(own)) => {
                let root = live.root();
                root.is_some_and(|root| root_id(&root, own, &lifted.name) == *live)
            }
            (Place::Scope, Some(own)) => {
                let scope = live.parent();
                scope.is_some_and(|scope| scope.provider_child(own, &lifted.name) == *live)
            }
            _ => true,
        }
    }
}

/// An entry before the defaults of the document are applied.
struct EntryDraft {
    name: String,
    facts: &'static Facts,
    arm_name: Option<String>,
    existing: bool,
    location: Option<String>,
    group: Option<ArmId>,
    /// `None` if the resource does not support tags.
    tags: Option<Map<String, Json>>,
    /// Whether the resource has a location and tags of its own.
    is_tracked: bool,
    removal_policy: RemovalPolicy,
    props: Vec<(String, Json)>,
}

fn location(one: &Candidate, facts: &Facts, existing: bool) -> Option<String> {
    let live = one.body.get("location").and_then(Json::as_str);
    live.filter(|_| facts.location && !existing)
        .filter(|live| !live.is_empty())
        .map(normal_location)
}

/// The resource group of an entry, if the kind has one.
fn group(one: &Candidate, facts: &Facts) -> Option<ArmId> {
    let is_in_one = match facts.place {
        Place::ResourceGroup => true,
        Place::Written => one.live_id.is_top_level() || one.place.is_none(),
        _ => false,
    };
    one.live_id.group().filter(|_| is_in_one)
}

/// The tags without those that lazuli manages; `None` if the resource does not support tags. Child resources support
/// tags if they have some.
fn tags(
    one: &Candidate,
    facts: &Facts,
    existing: bool,
    (at, refs): (usize, &mut References),
) -> Option<Map<String, Json>> {
    let live = one.body.get("tags").and_then(Json::as_object);
    let has_tags = match facts.place {
        Place::Written => {
            let is_tracked = one.live_id.is_top_level() && one.body["location"].is_string();
            is_tracked || live.is_some_and(|tags| !tags.is_empty())
        }
        _ => facts.tags,
    };
    if !has_tags || existing {
        return None;
    }
    let is_own = |name: &str| OWN_TAGS.iter().any(|own| own.eq_ignore_ascii_case(name));
    let mut tags = Map::new();
    for (name, value) in live.into_iter().flatten() {
        if let Some(value) = value.as_str().filter(|_| !is_own(name))
            && refs.check_key(name)
        {
            tags.insert(escape(name), refs.write_free_text(at, value));
        }
    }
    Some(tags)
}

/// Assembles the document. Values that most entries share become defaults at its top.
fn assemble(
    scope: &Scene<'_>,
    stack: &str,
    entries: Vec<EntryDraft>,
    refs: &References,
) -> ExportDocument {
    let locations = entries.iter().filter_map(|entry| entry.location.as_deref());
    let location = most_frequent(locations).map(str::to_owned);
    let group = scope.groups.first();
    let tagged: Vec<&Map<String, Json>> = entries
        .iter()
        .filter_map(|entry| entry.tags.as_ref())
        .collect();
    let shared = match tagged.as_slice() {
        [first, rest @ ..] if !rest.is_empty() => {
            let is_shared = |(name, value): &(&String, &Json)| {
                rest.iter().all(|tags| tags.get(*name) == Some(*value)) && is_literal(value)
            };
            let shared = first.iter().filter(is_shared);
            shared
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect()
        }
        _ => Map::new(),
    };
    let names: Vec<&str> = scope.groups.iter().map(ArmId::name).collect();
    let groups = match names.as_slice() {
        [one] => format!("the resource group {one}"),
        several => format!("the resource groups {}", several.join(", ")),
    };
    let mut head = vec![("apiVersion", json!(API_VERSION)), ("stack", json!(stack))];
    let subscription = group.and_then(ArmId::subscription_id);
    head.extend(subscription.map(|guid| ("subscription", json!(guid))));
    head.extend(
        location
            .as_ref()
            .map(|location| ("location", json!(location))),
    );
    head.extend(group.map(|group| ("resourceGroup", json!(canonical_group(scope, group).name()))));
    if !shared.is_empty() {
        head.push(("tags", Json::Object(shared.clone())));
    }
    let defaults = DocumentDefaults {
        location,
        group: group.cloned(),
        shared,
    };
    ExportDocument {
        comments: vec![
            "yaml-language-server: $schema=lazuli.schema.json".to_owned(),
            String::new(),
            format!("Exported from {groups}."),
            "`lazuli schema > lazuli.schema.json` writes the schema for editors.".to_owned(),
        ],
        head,
        resources: entries
            .into_iter()
            .map(|entry| (entry.name.clone(), defaults.write_entry(entry, refs)))
            .collect(),
    }
}

/// Whether a value contains no reference, which at the top of a document would make every entry depend on it.
fn is_literal(value: &Json) -> bool {
    let text = value.as_str().unwrap_or("");
    !text.replace("$${", "").contains("${")
}

/// The most frequent value; of several, the first.
fn most_frequent<'t>(values: impl Iterator<Item = &'t str>) -> Option<&'t str> {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (at, value) in values.enumerate() {
        let (count, _) = counts.entry(value).or_insert((0, usize::MAX - at));
        *count += 1;
    }
    let most = counts.into_iter().max_by_key(|(_, count)| *count)?;
    Some(most.0)
}

/// The defaults at the top of the document.
struct DocumentDefaults {
    location: Option<String>,
    group: Option<ArmId>,
    shared: Map<String, Json>,
}

impl DocumentDefaults {
    fn write_entry(&self, entry: EntryDraft, refs: &References) -> Json {
        let mut text = Map::new();
        let (placement, mut rest): (Vec<_>, Vec<_>) =
            entry.props.into_iter().partition(|(property, _)| {
                entry.facts.place == Place::Written && entry.facts.place.depends_on(property)
            });
        text.insert("kind".into(), json!(entry.facts.kind));
        let (before, after): (Vec<_>, Vec<_>) = placement
            .into_iter()
            .partition(|(property, _)| property == "type");
        text.extend(before);
        text.extend(entry.arm_name.map(|name| ("name".to_owned(), json!(name))));
        text.extend(after);
        if entry.existing {
            text.insert("existing".into(), json!(true));
        }
        let group = entry
            .group
            .filter(|group| Some(group) != self.group.as_ref());
        text.extend(group.map(|group| {
            let known = refs.entry_of(&group).map(|name| format!("${{{name}}}"));
            (
                "resourceGroup".to_owned(),
                json!(known.unwrap_or_else(|| group.to_string())),
            )
        }));
        let location = entry
            .location
            .filter(|own| Some(own) != self.location.as_ref());
        text.extend(location.map(|location| ("location".to_owned(), json!(location))));
        match entry.removal_policy {
            _ if entry.existing => {}
            RemovalPolicy::Delete => {}
            RemovalPolicy::Keep => drop(text.insert("onRemove".into(), json!("keep"))),
            RemovalPolicy::Protect => drop(text.insert("protect".into(), json!(true))),
        }
        if let Some(tags) = entry.tags {
            let own = tags.into_iter();
            let own = own.filter(|(name, value)| self.shared.get(name) != Some(value));
            let own: Map<String, Json> = own.collect();
            // A child resource gets an ownership marker only if its body contains `tags`.
            let has_marker = !own.is_empty() || entry.is_tracked;
            text.extend((!own.is_empty()).then(|| ("tags".to_owned(), Json::Object(own))));
            if !has_marker {
                for (_, body) in rest.iter_mut().filter(|(property, _)| property == "body") {
                    body["tags"] = json!({});
                }
            }
        }
        let is_empty = |value: &Json| value.as_object().is_some_and(Map::is_empty);
        rest.retain(|(property, value)| property != "body" || !is_empty(value));
        text.extend(rest);
        Json::Object(text)
    }
}
