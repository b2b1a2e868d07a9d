//! References instead of ids: which entry stands for what, and which reference would go round in a circle.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value as Json};

use crate::{
    arm::ArmId,
    declare::Placed,
    diff::holds_free_text,
    facts::OutputDoc,
    lift::{EntryIndex, member},
    template::escape,
    text::is_shown,
    value::{HolePart, Value},
};

/// What the entries are called and stand for, and which refers to which.
#[derive(Debug, Default)]
pub(super) struct References {
    names: Vec<String>,
    by_id: HashMap<ArmId, usize>,
    principals: HashMap<String, usize>,
    outputs: HashMap<String, Option<(usize, String)>>,
    /// What each entry waits for.
    needs: Vec<BTreeSet<usize>>,
    /// The keys that were left out.
    unsaid: Vec<String>,
}

/// The output by which an identity gets roles.
const PRINCIPAL: &str = "principalId";
/// The output that everything in a tenant has alike.
const TENANT: &str = "tenantId";

impl References {
    /// Takes in the next entry: its name, and the id that it stands for.
    pub(super) fn push(&mut self, name: &str, id: Option<&ArmId>) {
        let at = self.names.len();
        self.names.push(name.to_owned());
        self.needs.push(BTreeSet::new());
        if let Some(id) = id {
            self.by_id.insert(id.clone(), at);
        }
    }

    /// Takes back that an entry stands for anything.
    pub(super) fn forget(&mut self, at: usize) {
        self.by_id.retain(|_, entry| *entry != at);
        self.principals.retain(|_, entry| *entry != at);
        self.outputs
            .retain(|_, output| output.as_ref().is_none_or(|(of, _)| *of != at));
    }

    /// Takes in what others can refer to of an entry beside its id. What two entries have alike names neither.
    pub(super) fn outputs(&mut self, at: usize, outputs: &'static [OutputDoc], body: &Json) {
        let entry = self.names.get(at).cloned().unwrap_or_default();
        let is_shared = |name: &str| Placed::FIXED.contains(&name) || name == TENANT;
        for output in outputs.iter().filter(|output| !is_shared(output.name)) {
            let Some(live) = output.path.split('.').try_fold(body, member) else {
                continue;
            };
            if let (PRINCIPAL, Some(id)) = (output.name, live.as_str()) {
                self.principals.insert(id.to_lowercase(), at);
            }
            self.leaves(at, &format!("{entry}.{}", output.name), live);
        }
    }

    fn leaves(&mut self, at: usize, written: &str, live: &Json) {
        match live {
            Json::String(text) if is_telling(text) => {
                let found = self.outputs.entry(text.clone());
                found
                    .and_modify(|known| *known = None)
                    .or_insert_with(|| Some((at, written.to_owned())));
            }
            Json::Object(members) => {
                for (key, value) in members.iter().filter(|(key, _)| is_path(key)) {
                    self.leaves(at, &format!("{written}.{key}"), value);
                }
            }
            _ => {}
        }
    }

    /// Takes in that an entry is in or on what has this id.
    pub(super) fn within(&mut self, at: usize, place: &ArmId) {
        let own = self.names.get(at).cloned();
        if let Some((outer, _)) = self.nearest(place.as_str(), &|outer| {
            self.names.get(outer) != own.as_ref()
        }) && let Some(needs) = self.needs.get_mut(at)
        {
            needs.insert(outer);
        }
    }

    /// A value of an entry as it is written in a spec: ids of what other entries stand for are references to them.
    pub(super) fn written(&mut self, at: usize, value: &Value) -> Json {
        self.value(at, value, false)
    }

    /// As [`References::written`], for texts in somebody's own words: only what a reference says to the letter is one.
    pub(super) fn written_freely(&mut self, at: usize, text: &str) -> Json {
        Json::String(self.text(at, text, true))
    }

    /// The keys that were left out since the last time, because they do not show themselves.
    pub(super) fn take_unsaid(&mut self) -> Vec<String> {
        std::mem::take(&mut self.unsaid)
    }

    /// Whether a key can stand in a spec. One that cannot is left out.
    pub(super) fn is_sayable(&mut self, key: &str) -> bool {
        let is_sayable = key.chars().all(is_shown);
        if !is_sayable {
            self.unsaid.push(key.to_owned());
        }
        is_sayable
    }

    fn value(&mut self, at: usize, value: &Value, freely: bool) -> Json {
        match value {
            Value::Null | Value::Secret(_) => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Number(number) => Json::Number(number.clone()),
            Value::String(text) => Json::String(self.text(at, text, freely)),
            Value::Hole(hole) => {
                let part = |part: &HolePart| match part {
                    HolePart::Text(text) => escape(text),
                    HolePart::Secret(_) => String::new(),
                    HolePart::Output(output) => format!("${{{}}}", output.written),
                };
                Json::String(hole.0.iter().map(part).collect())
            }
            Value::Array(items) => items
                .iter()
                .map(|item| self.value(at, item, freely))
                .collect(),
            Value::Object(members) => {
                let mut written = Map::new();
                for (key, value) in members {
                    if !self.is_sayable(key) {
                        continue;
                    }
                    let value = self.value(at, value, freely || holds_free_text(key));
                    written.insert(self.key(at, key), value);
                }
                Json::Object(written)
            }
        }
    }

    /// A key must be known before the run, and so refers to ids alone.
    fn key(&mut self, at: usize, key: &str) -> String {
        match ArmId::looks_like(key) {
            true => self.text(at, key, false),
            false => escape(key),
        }
    }

    fn text(&mut self, at: usize, text: &str, freely: bool) -> String {
        let written = match ArmId::looks_like(text) {
            true => self.id(at, text, freely),
            false => self.output(at, text),
        };
        written.unwrap_or_else(|| escape(text))
    }

    /// `${recordings}/blobServices/default`, by the nearest that can be referred to.
    fn id(&mut self, at: usize, text: &str, freely: bool) -> Option<String> {
        ArmId::parse(text)?;
        let (outer, length) =
            self.nearest(text, &|outer| !self.would_wait_for_itself(at, outer))?;
        let (head, rest) = text.split_at_checked(length)?;
        let canonical = || self.by_id.iter().any(|(id, _)| id.as_str() == head);
        if freely && !canonical() {
            return None;
        }
        self.needs.get_mut(at)?.insert(outer);
        let name = self.names.get(outer)?;
        Some(format!("${{{name}}}{}", escape(rest)))
    }

    fn output(&mut self, at: usize, text: &str) -> Option<String> {
        let (of, written) = self.outputs.get(text)?.clone()?;
        if self.would_wait_for_itself(at, of) {
            return None;
        }
        self.needs.get_mut(at)?.insert(of);
        Some(format!("${{{written}}}"))
    }

    /// The innermost entry that an id is, or is below, and as much of the id as that one says.
    fn nearest(&self, id: &str, takes: &dyn Fn(usize) -> bool) -> Option<(usize, usize)> {
        let mut length = id.len();
        while length > 0 {
            let head = ArmId::parse(id.get(..length)?)?;
            if let Some(outer) = self.by_id.get(&head).filter(|outer| takes(**outer)) {
                return Some((*outer, length));
            }
            length = id.get(..length)?.rfind('/')?;
        }
        None
    }

    fn would_wait_for_itself(&self, at: usize, other: usize) -> bool {
        let mut seen = BTreeSet::new();
        let mut open = vec![other];
        while let Some(next) = open.pop() {
            if next == at {
                return true;
            }
            if seen.insert(next) {
                open.extend(self.needs.get(next).into_iter().flatten());
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

/// Whether a value is nobody else's: a GUID or a URL, and no word such as `Succeeded`.
fn is_telling(text: &str) -> bool {
    uuid::Uuid::try_parse(text).is_ok() || text.starts_with("https://")
}

/// Whether a reference can name a member.
fn is_path(key: &str) -> bool {
    let is_of_path = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    !key.is_empty() && key.chars().all(is_of_path)
}
