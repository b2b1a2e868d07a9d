//! The live resource that a kind writes an entry for, and the conversion of live values to the schema of the kind.

mod service;

use serde_json::{Map, Value as Json};

use crate::{
    arm::{ArmId, ArmType},
    body_path::BodyPath,
    diff::{is_empty, writable},
    facts::Rule,
    key::NodeKey,
    marker::TextMarker,
    shape::forms,
    spec::Address,
    value::{Object, Output, Unresolved, UnresolvedPart, Value},
};

/// The maximum depth of values; no schema of a kind is deeper.
const MAX_DEPTH: usize = 24;

/// Name and properties of an entry that a kind writes for a live resource.
#[derive(Debug, Clone, PartialEq)]
pub struct LiftedEntry {
    /// The name in Azure; not used for kinds without one.
    pub name: String,
    /// The properties.
    pub props: Object,
}

/// A live resource, or several that one entry declares.
pub struct LiftSource<'a> {
    /// The name of the entry.
    pub(crate) entry: &'a str,
    /// The stack of the entry.
    pub(crate) stack: &'a str,
    pub(crate) id: &'a ArmId,
    pub(crate) arm_type: &'a ArmType,
    /// The live body, without its secrets.
    pub(crate) body: &'a Json,
    /// The child resources; of a role assignment, the others of the same entry and the role definitions.
    pub(crate) parts: &'a [Json],
    pub(crate) rules: &'static [Rule],
    pub(crate) schema: &'a Json,
    pub(crate) known: &'a dyn EntryIndex,
    /// The paths in the entry of values that the kind cannot express.
    pub(crate) unsaid: Vec<BodyPath>,
    /// Whether to note members that the kind lacks: only where its rules list what the service fills in.
    pub(crate) notes_unknown: bool,
}

/// The other entries of the export.
pub(crate) trait EntryIndex {
    /// The entry of the resource with an id.
    fn entry_of(&self, id: &ArmId) -> Option<String>;
    /// The entry whose identity has an object id.
    fn entry_of_principal(&self, object_id: &str) -> Option<String>;
}

impl<'a> LiftSource<'a> {
    /// The id.
    pub fn id(&self) -> &'a ArmId {
        self.id
    }

    /// The type, with the api-version of the read.
    pub fn arm_type(&self) -> &'a ArmType {
        self.arm_type
    }

    /// The live body, without its secrets.
    pub fn body(&self) -> &'a Json {
        self.body
    }

    /// A value of the body, by its path: `properties.owners`.
    pub fn at(&self, path: &str) -> Option<&'a Json> {
        BodyPath::parse(path)
            .find(self.body)
            .filter(|value| !is_empty(value))
    }

    /// A text of the body, by its path.
    pub fn text(&self, path: &str) -> Option<&'a str> {
        self.at(path)?.as_str()
    }

    /// The child resources at a path of `Handler::PARTS`: one, or those of a list.
    pub fn parts(&self, path: &str) -> impl Iterator<Item = (&'a str, &'a Json)> + use<'a> {
        let is_list = path.split('/').count() % 2 == 1;
        let wanted = self.id.as_str().len() + 1;
        let path = path.to_owned();
        self.parts.iter().filter_map(move |body| {
            let id = body.get("id")?.as_str()?;
            let (own, name) = id.rsplit_once('/')?;
            let at = if is_list { own } else { id };
            let below = at.get(wanted..)?;
            below.eq_ignore_ascii_case(&path).then_some((name, body))
        })
    }

    /// The child resources of a type, by the last segment of the type.
    pub fn parts_of_type(&self, last: &str) -> impl Iterator<Item = &'a Json> {
        let last = format!("/{last}").to_lowercase();
        self.parts.iter().filter(move |body| {
            let id = body.get("id").and_then(Json::as_str).and_then(ArmId::parse);
            id.and_then(|id| id.arm_type())
                .is_some_and(|name| name.to_lowercase().ends_with(&last))
        })
    }

    /// An entry with these properties, under the name in Azure.
    pub fn to_entry(&self, props: Object) -> LiftedEntry {
        LiftedEntry {
            name: self.id.name().to_owned(),
            props,
        }
    }

    /// The properties of the kind that the live body has, below `properties` or next to it, except those in `except`
    /// (names of the kind or of Azure). They have the order of the schema. Other members of the body are noted, unless
    /// the rules of the kind say that they are not written.
    pub fn properties_except(&mut self, except: &[&str]) -> Object {
        let schema = self.schema;
        let names = schema["properties"].as_object();
        let mut props = Object::new();
        self.notes_unknown = true;
        let live = self.at("properties").and_then(Json::as_object);
        if let (Some(live), Some(names)) = (live, names) {
            self.note_unknown(&BodyPath::root(), live, &|name| {
                let own = names.keys().map(String::as_str);
                let mut known = own.chain(except.iter().copied());
                known.any(|known| known.eq_ignore_ascii_case(name))
            });
        }
        for name in names.into_iter().flatten().map(|(name, _)| name) {
            if except.contains(&name.as_str()) {
                continue;
            }
            let path = format!("properties.{name}");
            let Some(live) = self.at(&path).or_else(|| self.at(name)) else {
                continue;
            };
            if let Some(value) = self.shaped(name, live) {
                props.insert(name.clone(), value);
            }
        }
        self.notes_unknown = false;
        props
    }

    /// Notes the members that the kind lacks and that no service fills in.
    fn note_unknown(
        &mut self,
        path: &BodyPath,
        live: &Map<String, Json>,
        is_known: &dyn Fn(&str) -> bool,
    ) {
        if !self.notes_unknown {
            return;
        }
        for (name, value) in live {
            let inner = path.member(name);
            let in_body = BodyPath::from_names(["properties"]).join(&inner);
            let is_ruled = self.rules.iter().any(|rule| match rule {
                Rule::ReadOnly(ruled) | Rule::WriteOnly(ruled) => {
                    in_body.matches(ruled) || inner.matches(ruled)
                }
                _ => false,
            });
            if !is_known(name) && !is_ruled && !is_empty(value) && !service::fills(name) {
                self.unsaid.push(inner);
            }
        }
    }

    /// A live value in the form that a property accepts. Notes what the property cannot express.
    pub fn shaped(&mut self, property: &str, live: &Json) -> Option<Value> {
        let schema = &self.schema["properties"][property];
        self.shape(&BodyPath::from_names([property]), schema, live, MAX_DEPTH)
    }

    /// Notes that the entry cannot express a property.
    pub fn leave_out(&mut self, path: BodyPath) {
        self.unsaid.push(path);
    }

    /// The author's words in a text that can contain an ownership marker. `None` for words that belong to another entry
    /// or were edited in Azure.
    pub fn words(&self, member: &str) -> Option<&'a str> {
        let text = self.text(&format!("properties.{member}"))?;
        let Some(marker) = TextMarker::find(text) else {
            return Some(text);
        };
        let words = text
            .get(..TextMarker::remove_from(text).len())
            .filter(|words| !words.is_empty())?;
        let is_own = marker.stack == self.stack && marker.entry == self.entry;
        (is_own && marker.append_to(Some(words)) == text).then_some(words)
    }

    /// Whether a text has a marker of the stack for another entry name, or in another position than today.
    pub fn is_marked_otherwise(&self, member: &str) -> bool {
        let Some(text) = self.text(&format!("properties.{member}")) else {
            return false;
        };
        TextMarker::find(text).is_some_and(|marker| {
            let own = TextMarker {
                entry: self.entry.to_owned(),
                ..marker
            };
            own.stack == self.stack && own.append_to(self.words(member)) != text
        })
    }

    /// A reference to the entry whose identity has an object id.
    pub fn principal(&self, object_id: &str) -> Option<Value> {
        let entry = self.known.entry_of_principal(object_id)?;
        Some(self.reference_to(entry))
    }

    /// A reference to the entry of the resource with an id.
    pub fn reference(&self, id: &ArmId) -> Option<Value> {
        let entry = self.known.entry_of(id)?;
        Some(self.reference_to(entry))
    }

    fn reference_to(&self, entry: String) -> Value {
        Value::Unresolved(Unresolved(vec![UnresolvedPart::Output(Output {
            of: NodeKey {
                stack: self.stack.to_owned(),
                address: Address {
                    resource: entry.clone(),
                    instance: None,
                },
                part: None,
            },
            path: BodyPath::root(),
            written: entry,
        })]))
    }

    /// The whole body without members that the service fills in: `properties`, `sku`, `identity` and so on.
    pub fn writable(&self) -> Object {
        let left = writable(self.body, self.rules);
        match service::without(&left, self.id) {
            Json::Object(members) => members
                .into_iter()
                .map(|(key, value)| (key, Value::from(value)))
                .collect(),
            _ => Object::new(),
        }
    }

    fn shape(
        &mut self,
        path: &BodyPath,
        schema: &Json,
        live: &Json,
        depth: usize,
    ) -> Option<Value> {
        let forms = forms(self.schema, schema, MAX_DEPTH);
        let depth = depth.checked_sub(1)?;
        let before = self.unsaid.len();
        for form in forms {
            if let Some(value) = self.form(path, form, live, depth) {
                return Some(value);
            }
        }
        if self.unsaid.len() == before && !is_empty(live) {
            self.unsaid.push(path.clone());
        }
        None
    }

    fn form(&mut self, path: &BodyPath, form: &Json, live: &Json, depth: usize) -> Option<Value> {
        let words = form["enum"].as_array().into_iter().flatten();
        let words: Vec<&Json> = words.chain(form.get("const")).collect();
        if !words.is_empty() {
            let is_it = |word: &&&Json| match (word.as_str(), live.as_str()) {
                (Some(word), Some(live)) => word.eq_ignore_ascii_case(live),
                _ => **word == live,
            };
            return words
                .iter()
                .find(is_it)
                .map(|word| Value::from((**word).clone()));
        }
        match (type_of(form), live) {
            (Some("object"), Json::Object(members)) => self.object(path, form, members, depth),
            (Some("array"), Json::Array(items)) => {
                let inner = path.any_item();
                // Without one of its items, the list would differ.
                let items = items
                    .iter()
                    .map(|item| self.shape(&inner, &form["items"], item, depth));
                Some(Value::Array(items.collect::<Option<_>>()?))
            }
            (Some("string"), Json::String(_))
            | (Some("boolean"), Json::Bool(_))
            | (Some("number"), Json::Number(_)) => Some(Value::from(live.clone())),
            (Some("integer"), Json::Number(number)) => {
                let whole = number.as_i64().or_else(|| {
                    let number = number.as_f64().filter(|number| number.fract() == 0.0)?;
                    (number.abs() < 1e15).then_some(number as i64)
                })?;
                Some(Value::Number(whole.into()))
            }
            (None, _) => Some(Value::from(service::without(live, self.id))),
            _ => None,
        }
    }

    fn object(
        &mut self,
        path: &BodyPath,
        form: &Json,
        live: &Map<String, Json>,
        depth: usize,
    ) -> Option<Value> {
        let mut result = Object::new();
        if let (Some(known), None) = (
            form["properties"].as_object(),
            form["additionalProperties"].as_object(),
        ) {
            self.note_unknown(path, live, &|name| {
                known.keys().any(|known| known.eq_ignore_ascii_case(name))
            });
        }
        let required = form["required"].as_array();
        for (name, property) in form["properties"].as_object().into_iter().flatten() {
            let is_required = required.is_some_and(|names| names.iter().any(|one| one == name));
            let found = among(live, name);
            let found = found.filter(|value| is_required && !value.is_null() || !is_empty(value));
            let shaped =
                found.and_then(|found| self.shape(&path.member(name), property, found, depth));
            match shaped {
                Some(value) if is_required || !is_nothing(&value) => {
                    result.insert(name.clone(), value);
                }
                None if is_required => return None,
                _ => {}
            }
        }
        let others = &form["additionalProperties"];
        if others.is_object() || form["properties"].is_null() {
            let properties = form["properties"].as_object();
            let has_property = |name: &str| {
                let mut names = properties.into_iter().flatten();
                names.any(|(known, _)| known.eq_ignore_ascii_case(name))
            };
            for (name, value) in live.iter().filter(|(name, _)| !has_property(name)) {
                let inner = path.member(name);
                let value = match others.is_object() {
                    true => self.shape(&inner, others, value, depth),
                    false => Some(Value::from(value.clone())),
                };
                result.extend(value.map(|value| (name.clone(), value)));
            }
        }
        Some(Value::Object(result))
    }
}

fn type_of(form: &Json) -> Option<&str> {
    match &form["type"] {
        Json::Array(types) => types
            .iter()
            .filter_map(Json::as_str)
            .find(|name| *name != "null"),
        name => name.as_str(),
    }
}

/// The member with a name; case does not matter.
pub fn member<'j>(value: &'j Json, name: &str) -> Option<&'j Json> {
    among(value.as_object()?, name)
}

fn among<'j>(members: &'j Map<String, Json>, name: &str) -> Option<&'j Json> {
    members.get(name).or_else(|| {
        let same = |(key, _): &(&String, &Json)| key.eq_ignore_ascii_case(name);
        members.iter().find(same).map(|(_, value)| value)
    })
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}
