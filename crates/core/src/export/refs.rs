//! References between entries: replaces ids and outputs by references, without creating cycles.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value as Json};

use crate::{
    arm::ArmId,
    body_path::BodyPath,
    declare::Placement,
    diff::holds_free_text,
    facts::OutputDoc,
    lift::EntryIndex,
    template::escape,
    text::is_shown,
    value::{UnresolvedPart, Value},
};

/// The names, ids and outputs of entries, and the dependencies between them.
#[derive(Debug, Default)]
pub(super) struct References {
    names: Vec<String>,
    by_id: HashMap<ArmId, usize>,
    principals: HashMap<String, usize>,
    outputs: HashMap<String, Option<(usize, String)>>,
    /// The dependencies of each entry.
    dependencies: Vec<BTreeSet<usize>>,
    /// The keys that were omitted.
    omitted: Vec<String>,
}

/// The output that identifies a principal in role assignments.
const PRINCIPAL: &str = "principalId";
/// The output that is the same for everything in a tenant.
const TENANT: &str = "tenantId";

impl References {
    /// Adds an entry with its name and id.
    pub(super) fn push(&mut self, name: &str, id: Option<&ArmId>) {
        let at = self.names.len();
        self.names.push(name.to_owned());
        self.dependencies.push(BTreeSet::new());
        if let Some(id) = id {
            self.by_id.insert(id.clone(), at);
        }
    }

    /// Removes the id and outputs of an entry, so that nothing refers to it.
    pub(super) fn forget(&mut self, at: usize) {
        self.by_id.retain(|_, entry| *entry != at);
        self.principals.retain(|_, entry| *entry != at);
        self.outputs
            .retain(|_, output| output.as_ref().is_none_or(|(of, _)| *of != at));
    }

    /// Adds the outputs of an entry. A value that two entries share refers to neither.
    pub(super) fn add_outputs(&mut self, at: usize, outputs: &'static [OutputDoc], body: &Json) {
        let Some(entry) = self.names.get(at).cloned() else {
            return;
        };
        let is_shared = |name: &str| Placement::FIXED.contains(&name) || name == TENANT;
        for output in outputs.iter().filter(|output| !is_shared(output.name)) {
            let Some(live) = BodyPath::parse(output.path).find(body) else {
                continue;
            };
            if let (PRINCIPAL, Some(id)) = (output.name, live.as_str()) {
                self.principals.insert(id.to_lowercase(), at);
            }
            self.add_leaves(at, &format!("{entry}.{}", output.name), live);
        }
    }

    fn add_leaves(&mut self, at: usize, written: &str, live: &Json) {
        match live {
            Json::String(text) if is_identifying(text) => {
                let output = self.outputs.entry(text.clone());
                output
                    .and_modify(|known| *known = None)
                    .or_insert_with(|| Some((at, written.to_owned())));
            }
            Json::Object(members) => {
                for (key, value) in members.iter().filter(|(key, _)| is_path_segment(key)) {
                    self.add_leaves(at, &format!("{written}.{key}"), value);
                }
            }
            _ => {}
        }
    }

    /// Adds the dependency of an entry on its parent or scope.
    pub(super) fn add_parent(&mut self, at: usize, place: &ArmId) {
        let own = self.names.get(at).cloned();
        if let Some((outer, _)) = self.nearest(place.as_str(), &|outer| {
            self.names.get(outer) != own.as_ref()
        }) && let Some(dependencies) = self.dependencies.get_mut(at)
        {
            dependencies.insert(outer);
        }
    }

    /// Converts a value of an entry for a spec. Ids of other entries become references.
    pub(super) fn write_value(&mut self, at: usize, value: &Value) -> Json {
        self.value(at, value, false)
    }

    /// Like [`References::write_value`] for free text, where only exact ids become references.
    pub(super) fn write_free_text(&mut self, at: usize, text: &str) -> Json {
        Json::String(self.text(at, text, true))
    }

    /// Takes the keys that were omitted since the last call because they contain invisible characters.
    pub(super) fn take_omitted(&mut self) -> Vec<String> {
        std::mem::take(&mut self.omitted)
    }

    /// Whether a key is valid in a spec. An invalid key is recorded as omitted.
    pub(super) fn check_key(&mut self, key: &str) -> bool {
        let is_valid = key.chars().all(is_shown);
        if !is_valid {
            self.omitted.push(key.to_owned());
        }
        is_valid
    }

    fn value(&mut self, at: usize, value: &Value, freely: bool) -> Json {
        match value {
            Value::Null | Value::Secret(_) => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Number(number) => Json::Number(number.clone()),
            Value::String(text) => Json::String(self.text(at, text, freely)),
            Value::Unresolved(unresolved) => {
                let part = |part: &UnresolvedPart| match part {
                    UnresolvedPart::Text(text) => escape(text),
                    UnresolvedPart::Secret(_) => String::new(),
                    UnresolvedPart::Output(output) => format!("${{{}}}", output.written),
                };
                Json::String(unresolved.0.iter().map(part).collect())
            }
            Value::Array(items) => items
                .iter()
                .map(|item| self.value(at, item, freely))
                .collect(),
            Value::Object(members) => {
                let mut written = Map::new();
                for (key, value) in members {
                    if !self.check_key(key) {
                        continue;
                    }
                    let value = self.value(at, value, freely || holds_free_text(key));
                    written.insert(self.key(at, key), value);
                }
                Json::Object(written)
            }
        }
    }

    /// Keys must be known before apply, so only ids in them become references.
    fn key(&mut self, at: usize, key: &str) -> String {
        match ArmId::resembles_id(key) {
            true => self.text(at, key, false),
            false => escape(key),
        }
    }

    fn text(&mut self, at: usize, text: &str, freely: bool) -> String {
        let written = match ArmId::resembles_id(text) {
            true => self.id(at, text, freely),
            false => self.output(at, text),
        };
        written.unwrap_or_else(|| escape(text))
    }

    /// Converts an id to a reference to the nearest entry: `${recordings}/blobServices/default`.
    fn id(&mut self, at: usize, text: &str, freely: bool) -> Option<String> {
        ArmId::parse(text)?;
        let (outer, length) = self.nearest(text, &|outer| !self.creates_cycle(at, outer))?;
        let (head, rest) = text.split_at_checked(length)?;
        let is_exact = || self.by_id.iter().any(|(id, _)| id.as_str() == head);
        if freely && !is_exact() {
            return None;
        }
        self.dependencies.get_mut(at)?.insert(outer);
        let name = self.names.get(outer)?;
        Some(format!("${{{name}}}{}", escape(rest)))
    }

    fn output(&mut self, at: usize, text: &str) -> Option<String> {
        let (of, written) = self.outputs.get(text)?.clone()?;
        if self.creates_cycle(at, of) {
            return None;
        }
        self.dependencies.get_mut(at)?.insert(of);
        Some(format!("${{{written}}}"))
    }

    /// The innermost accepted entry whose resource is or contains this id, and the length of its id.
    fn nearest(&self, id: &str, accepts: &dyn Fn(usize) -> bool) -> Option<(usize, usize)> {
        let mut length = id.len();
        while length > 0 {
            let head = ArmId::parse(id.get(..length)?)?;
            if let Some(outer) = self.by_id.get(&head).filter(|outer| accepts(**outer)) {
                return Some((*outer, length));
            }
            length = id.get(..length)?.rfind('/')?;
        }
        None
    }

    fn creates_cycle(&self, at: usize, other: usize) -> bool {
        let mut seen = BTreeSet::new();
        let mut open = vec![other];
        while let Some(next) = open.pop() {
            if next == at {
                return true;
            }
            if seen.insert(next) {
                open.extend(self.dependencies.get(next).into_iter().flatten());
            }
        }
        false
    }
}

impl EntryIndex for References {
    fn entry_of(&self, id: &ArmId) -> Option<String> {
        self.names.get(*self.by_id.get(id)?).cloned()
    }

    fn entry_of_principal(&self, object_id: &str) -> Option<String> {
        let at = self.principals.get(&object_id.to_lowercase())?;
        self.names.get(*at).cloned()
    }
}

/// Whether a value identifies a resource: a GUID or a URL, but not a word such as `Succeeded`.
fn is_identifying(text: &str) -> bool {
    uuid::Uuid::try_parse(text).is_ok() || text.starts_with("https://")
}

/// Whether a key is valid in the path of a reference.
fn is_path_segment(key: &str) -> bool {
    let is_valid = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    !key.is_empty() && key.chars().all(is_valid)
}
