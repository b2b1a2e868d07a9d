//! The entries of an export, and what is said once at the top of the document.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value as Json, json};

use super::{
    Note, Scene,
    candidates::{Candidate, canonical_group},
    names::{self, Names},
    refs::References,
    text::Document,
};
use crate::{
    arm::{ArmId, normal_location},
    declare::root_id,
    facts::{Facts, Place},
    lift::{EntryIndex, LiftSource, LiftedEntry},
    mark::{Afterlife, ON_REMOVE_TAG, OVERRULED_TAG, SECRETS_TAG, STACK_TAG, tag},
    spec::API_VERSION,
    template::escape,
};

/// The tags that lazuli writes by itself.
const OWN_TAGS: [&str; 4] = [STACK_TAG, ON_REMOVE_TAG, OVERRULED_TAG, SECRETS_TAG];

/// The document that says what was found.
pub(super) fn document(
    scene: &Scene<'_>,
    stack: &str,
    found: &[Candidate],
    notes: &mut Vec<Note>,
) -> Document {
    let (names, mut refs) = named(scene, stack, found);
    let mut schemas: HashMap<&str, Json> = HashMap::new();
    let mut entries = Vec::new();
    for (at, (one, name)) in found.iter().zip(&names).enumerate() {
        let existing = one.mark.as_ref().filter(|mark| mark.stack != stack);
        let mut writer = Writer {
            scene,
            stack,
            name,
            one,
            schemas: &mut schemas,
            notes,
        };
        let Some((facts, lifted)) = writer.lift(&refs) else {
            writer.notes.push(Note::NoWords(one.live_id.clone()));
            refs.forget(at);
            continue;
        };
        if let Some(mark) = existing {
            notes.push(Note::Existing {
                entry: name.clone(),
                stack: mark.stack.clone(),
            });
        } else if !one.secrets.is_empty() {
            notes.push(Note::Secrets {
                entry: name.clone(),
                paths: one.secrets.clone(),
            });
        }
        if existing.is_none() && tag(&one.body, SECRETS_TAG).is_some() {
            notes.push(Note::Withheld(name.clone()));
        }
        let props = lifted
            .props
            .iter()
            .filter(|(property, _)| existing.is_none() || facts.place.depends_on(property));
        let props: Vec<(String, Json)> = props
            .map(|(property, value)| (property.clone(), refs.written(at, value)))
            .collect();
        entries.push(Entry {
            name: name.clone(),
            facts,
            called: facts.name.is_some().then(|| escape(&lifted.name)),
            existing: existing.is_some(),
            location: location(one, facts, existing.is_some()),
            group: group(one, facts),
            tags: tags(one, facts, existing.is_some(), (at, &mut refs)),
            is_tracked: one.live_id.is_top_level() || facts.place != Place::Written,
            afterlife: one
                .mark
                .as_ref()
                .map_or(Afterlife::Delete, |mark| mark.afterlife),
            props,
        });
        let unsaid = refs.take_unsaid();
        if !unsaid.is_empty() {
            notes.push(Note::Unsaid {
                entry: name.clone(),
                paths: unsaid,
            });
        }
    }
    assemble(scene, stack, entries, &refs)
}

/// What each is called, and what refers to what.
fn named(scene: &Scene<'_>, stack: &str, found: &[Candidate]) -> (Vec<String>, References) {
    let mut names = Names::default();
    let mut refs = References::default();
    let is_only = scene.groups.len() == 1;
    // Grants are called after what they are for and on, and those stand before them.
    let mut given = Vec::new();
    for (at, one) in found.iter().enumerate() {
        let name = {
            let called = |id: &ArmId| refs.entry_of(id);
            let principal = |id: &str| refs.entry_of_principal(id);
            names.give(
                &names::wish(one, stack, is_only, &called, &principal),
                &one.arm_type.name,
            )
        };
        refs.push(&name, one.id.as_ref());
        // A grant has nothing that is not another's.
        if one.id.is_some() {
            let known = scene
                .registry
                .of_type(&one.arm_type.name)
                .unwrap_or(one.kind);
            refs.outputs(at, known.facts().outputs, &one.body);
        }
        given.push(name);
    }
    for (at, one) in found.iter().enumerate() {
        if let Some(place) = &one.place {
            refs.within(at, place);
        }
    }
    (given, refs)
}

struct Writer<'a, 'w> {
    scene: &'a Scene<'a>,
    stack: &'a str,
    name: &'a str,
    one: &'a Candidate,
    schemas: &'w mut HashMap<&'static str, Json>,
    notes: &'w mut Vec<Note>,
}

impl Writer<'_, '_> {
    /// The properties, by the kind; or, where that has no words for it, as a resource of any type.
    fn lift(&mut self, refs: &References) -> Option<(&'static Facts, LiftedEntry)> {
        let own = self.one.kind;
        let any = self.scene.any_type().filter(|any| {
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
                Place::Written => self.scene.registry.type_rules(&self.one.arm_type.name),
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
            if !self.is_itself(facts, &lifted) {
                return None;
            }
            if facts.kind != own.facts().kind {
                self.notes.push(Note::Plain {
                    entry: self.name.to_owned(),
                    kind: own.facts().kind,
                });
            }
            if !unsaid.is_empty() {
                self.notes.push(Note::Unsaid {
                    entry: self.name.to_owned(),
                    paths: unsaid,
                });
            }
            Some((facts, lifted))
        })
    }

    /// Whether the entry would have the id that the thing has. That of a role follows from its name, unless somebody
    /// else has made it.
    fn is_itself(&self, facts: &Facts, lifted: &LiftedEntry) -> bool {
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

/// An entry, with what the document may say for it.
struct Entry {
    name: String,
    facts: &'static Facts,
    called: Option<String>,
    existing: bool,
    location: Option<String>,
    group: Option<ArmId>,
    /// None where it takes no tags.
    tags: Option<Map<String, Json>>,
    /// Whether it has a place and tags of its own.
    is_tracked: bool,
    afterlife: Afterlife,
    props: Vec<(String, Json)>,
}

fn location(one: &Candidate, facts: &Facts, existing: bool) -> Option<String> {
    let live = one.body.get("location").and_then(Json::as_str);
    live.filter(|_| facts.location && !existing)
        .filter(|live| !live.is_empty())
        .map(normal_location)
}

/// The group that an entry has to name.
fn group(one: &Candidate, facts: &Facts) -> Option<ArmId> {
    let is_in_one = match facts.place {
        Place::ResourceGroup => true,
        Place::Written => one.live_id.is_top_level() || one.place.is_none(),
        _ => false,
    };
    one.live_id.group().filter(|_| is_in_one)
}

/// The tags of what takes tags, but for lazuli's own. What is nested in a resource takes them where it has some.
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
            && refs.is_sayable(name)
        {
            tags.insert(escape(name), refs.written_freely(at, value));
        }
    }
    Some(tags)
}

/// The document: what most entries have alike stands at its top.
fn assemble(scene: &Scene<'_>, stack: &str, entries: Vec<Entry>, refs: &References) -> Document {
    let locations = entries.iter().filter_map(|entry| entry.location.as_deref());
    let location = most(locations).map(str::to_owned);
    let group = scene.groups.first();
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
    let names: Vec<&str> = scene.groups.iter().map(ArmId::name).collect();
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
    head.extend(group.map(|group| ("resourceGroup", json!(canonical_group(scene, group).name()))));
    if !shared.is_empty() {
        head.push(("tags", Json::Object(shared.clone())));
    }
    let defaults = Defaults {
        location,
        group: group.cloned(),
        shared,
    };
    Document {
        comments: vec![
            "yaml-language-server: $schema=lazuli.schema.json".to_owned(),
            String::new(),
            format!("Exported from {groups}."),
            "`lazuli schema > lazuli.schema.json` writes the schema that editors look for."
                .to_owned(),
        ],
        head,
        resources: entries
            .into_iter()
            .map(|entry| (entry.name.clone(), defaults.entry(entry, refs)))
            .collect(),
    }
}

/// Whether a value refers to nothing: at the top of a document it would be waited for by everything.
fn is_literal(value: &Json) -> bool {
    let text = value.as_str().unwrap_or_default();
    !text.replace("$${", "").contains("${")
}

/// What is there most often; of those alike, what comes first.
fn most<'t>(values: impl Iterator<Item = &'t str>) -> Option<&'t str> {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (at, value) in values.enumerate() {
        let (count, _) = counts.entry(value).or_insert((0, usize::MAX - at));
        *count += 1;
    }
    let most = counts.into_iter().max_by_key(|(_, count)| *count)?;
    Some(most.0)
}

/// What the top of the document says.
struct Defaults {
    location: Option<String>,
    group: Option<ArmId>,
    shared: Map<String, Json>,
}

impl Defaults {
    fn entry(&self, entry: Entry, refs: &References) -> Json {
        let mut text = Map::new();
        let (told, mut rest): (Vec<_>, Vec<_>) =
            entry.props.into_iter().partition(|(property, _)| {
                entry.facts.place == Place::Written && entry.facts.place.depends_on(property)
            });
        text.insert("kind".into(), json!(entry.facts.kind));
        let (before, behind): (Vec<_>, Vec<_>) = told
            .into_iter()
            .partition(|(property, _)| property == "type");
        text.extend(before);
        text.extend(entry.called.map(|name| ("name".to_owned(), json!(name))));
        text.extend(behind);
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
        match entry.afterlife {
            _ if entry.existing => {}
            Afterlife::Delete => {}
            Afterlife::Keep => drop(text.insert("onRemove".into(), json!("keep"))),
            Afterlife::Protect => drop(text.insert("protect".into(), json!(true))),
        }
        if let Some(tags) = entry.tags {
            let own = tags.into_iter();
            let own = own.filter(|(name, value)| self.shared.get(name) != Some(value));
            let own: Map<String, Json> = own.collect();
            // What is nested in a resource carries a mark only where it says something of tags.
            let says_so = !own.is_empty() || entry.is_tracked;
            text.extend((!own.is_empty()).then(|| ("tags".to_owned(), Json::Object(own))));
            if !says_so {
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
