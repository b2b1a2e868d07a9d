//! Wanted values: JSON in which a value can be a secret or an unresolved output of another resource.

use std::fmt;

use indexmap::IndexMap;
use serde_json::{Number, Value as Json};

use crate::{body_path::BodyPath, key::NodeKey, secret::Secret};

/// A wanted value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Not specified.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text.
    String(String),
    /// Sensitive text.
    Secret(Secret),
    /// Known after another resource is created.
    Unresolved(Unresolved),
    /// A list.
    Array(Vec<Value>),
    /// A mapping.
    Object(Object),
}

/// The members of a mapping, in the order of the spec.
pub type Object = IndexMap<String, Value>;

/// An unresolved output: exactly one output, or text with outputs in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Unresolved(pub Vec<UnresolvedPart>);

/// A piece of a [`Unresolved`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum UnresolvedPart {
    /// Known text.
    Text(String),
    /// Known sensitive text; it makes the whole value sensitive.
    Secret(Secret),
    /// The missing output.
    Output(Output),
}

/// A property of a live resource.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Output {
    /// The node of the resource.
    pub of: NodeKey,
    /// The path in ARM's body, including `properties`.
    pub path: BodyPath,
    /// The reference in the spec: `analyzer.principalId`.
    pub written: String,
}

impl Output {
    /// The property in a live body.
    pub fn find<'a>(&self, body: &'a Json) -> Option<&'a Json> {
        self.path.find(body)
    }
}

impl Unresolved {
    /// Fills in the outputs that `find` returns. The result is a plain value if no output is missing.
    pub(crate) fn fill(&self, find: &dyn Fn(&Output) -> Option<Json>) -> Value {
        if let [UnresolvedPart::Output(output)] = self.0.as_slice() {
            return find(output).map_or_else(|| Value::Unresolved(self.clone()), Value::from);
        }
        let mut parts: Vec<UnresolvedPart> = Vec::new();
        for part in &self.0 {
            let part = match part {
                UnresolvedPart::Output(output) => match find(output) {
                    Some(Json::String(text)) => UnresolvedPart::Text(text),
                    Some(other) => UnresolvedPart::Text(other.to_string()),
                    None => part.clone(),
                },
                UnresolvedPart::Text(_) | UnresolvedPart::Secret(_) => part.clone(),
            };
            match (parts.last_mut(), part) {
                (Some(UnresolvedPart::Text(before)), UnresolvedPart::Text(text)) => {
                    before.push_str(&text)
                }
                (_, part) => parts.push(part),
            }
        }
        match parts.as_slice() {
            [UnresolvedPart::Text(text)] => Value::String(text.clone()),
            [] => Value::String(String::new()),
            parts if self.outputs().all(|output| find(output).is_some()) => Value::Secret(
                Secret::new(parts.iter().map(UnresolvedPart::text).collect::<String>()),
            ),
            _ => Value::Unresolved(Unresolved(parts)),
        }
    }

    /// The missing outputs.
    pub fn outputs(&self) -> impl Iterator<Item = &Output> {
        self.0.iter().filter_map(|part| match part {
            UnresolvedPart::Output(output) => Some(output),
            UnresolvedPart::Text(_) | UnresolvedPart::Secret(_) => None,
        })
    }

    fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.0.iter().filter_map(|part| match part {
            UnresolvedPart::Secret(secret) => Some(secret),
            UnresolvedPart::Text(_) | UnresolvedPart::Output(_) => None,
        })
    }
}

impl UnresolvedPart {
    fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Secret(secret) => secret.expose(),
            Self::Output(_) => "",
        }
    }
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            UnresolvedPart::Text(text) => f.write_str(text),
            UnresolvedPart::Secret(secret) => secret.fmt(f),
            UnresolvedPart::Output(output) => write!(f, "${{{}}}", output.written),
        })
    }
}

impl Value {
    /// Text.
    pub fn string(text: impl Into<String>) -> Self {
        Self::String(text.into())
    }

    /// A mapping.
    pub fn object<K: Into<String>>(members: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::Object(
            members
                .into_iter()
                .map(|(key, value)| (key.into(), value))
                .collect(),
        )
    }

    /// The member of a mapping.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Self::Object(members) => members.get(key),
            _ => None,
        }
    }

    /// The text of a known string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value with the outputs that `find` returns.
    pub fn fill(&self, find: &dyn Fn(&Output) -> Option<Json>) -> Value {
        match self {
            Self::Unresolved(hole) => hole.fill(find),
            Self::Array(items) => Self::Array(items.iter().map(|item| item.fill(find)).collect()),
            Self::Object(members) => Self::Object(
                members
                    .iter()
                    .map(|(key, value)| (key.clone(), value.fill(find)))
                    .collect(),
            ),
            known => known.clone(),
        }
    }

    /// The value without null members: `null` in a spec means "not specified" (ARM facts 1.1).
    pub fn without_nulls(self) -> Value {
        match self {
            Self::Array(items) => {
                Self::Array(items.into_iter().map(Value::without_nulls).collect())
            }
            Self::Object(members) => Self::Object(
                members
                    .into_iter()
                    .filter(|(_, value)| *value != Self::Null)
                    .map(|(key, value)| (key, value.without_nulls()))
                    .collect(),
            ),
            other => other,
        }
    }

    /// All missing outputs.
    pub fn outputs(&self) -> Vec<&Output> {
        match self {
            Self::Unresolved(hole) => hole.outputs().collect(),
            Self::Array(items) => items.iter().flat_map(Value::outputs).collect(),
            Self::Object(members) => members.values().flat_map(Value::outputs).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether it contains a secret.
    pub fn has_secrets(&self) -> bool {
        !self.secrets().is_empty()
    }

    /// All secrets, including those in unresolved outputs.
    pub fn secrets(&self) -> Vec<&Secret> {
        match self {
            Self::Secret(secret) => vec![secret],
            Self::Unresolved(hole) => hole.secrets().collect(),
            Self::Array(items) => items.iter().flat_map(Value::secrets).collect(),
            Self::Object(members) => members.values().flat_map(Value::secrets).collect(),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => Vec::new(),
        }
    }

    /// The value as JSON for a request, with secrets.
    ///
    /// # Errors
    /// The first missing output.
    pub fn to_json(&self) -> Result<Json, &Output> {
        Ok(match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Number(value) => Json::Number(value.clone()),
            Self::String(text) => Json::String(text.clone()),
            Self::Secret(secret) => Json::String(secret.expose().to_owned()),
            Self::Unresolved(hole) => match hole.outputs().next() {
                Some(output) => return Err(output),
                None => Json::String(hole.to_string()),
            },
            Self::Array(items) => {
                Json::Array(items.iter().map(Value::to_json).collect::<Result<_, _>>()?)
            }
            Self::Object(members) => Json::Object(
                members
                    .iter()
                    .map(|(key, value)| Ok((key.clone(), value.to_json()?)))
                    .collect::<Result<_, _>>()?,
            ),
        })
    }

    /// The value as JSON for display: outputs as references, `${name.property}`, and secrets masked.
    pub fn to_display_json(&self) -> Json {
        match self {
            Self::Unresolved(hole) => Json::String(hole.to_string()),
            Self::Secret(secret) => Json::String(secret.to_string()),
            Self::Array(items) => Json::Array(items.iter().map(Value::to_display_json).collect()),
            Self::Object(members) => Json::Object(
                members
                    .iter()
                    .map(|(key, value)| (key.clone(), value.to_display_json()))
                    .collect(),
            ),
            known => known.to_json().unwrap_or(Json::Null),
        }
    }
}

impl From<Json> for Value {
    fn from(json: Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(value),
            Json::Number(value) => Self::Number(value),
            Json::String(text) => Self::String(text),
            Json::Array(items) => Self::Array(items.into_iter().map(Value::from).collect()),
            Json::Object(members) => Self::Object(
                members
                    .into_iter()
                    .map(|(key, value)| (key, Value::from(value)))
                    .collect(),
            ),
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}
