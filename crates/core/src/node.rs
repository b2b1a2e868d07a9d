//! The tree of a parsed spec: every value keeps its position in the file.

use serde_json::Number;

use crate::{secret::Secret, source::Span, template::Template};

/// A value and its position.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The position of the value; of a mapping or a sequence, where it begins.
    pub span: Span,
    /// The value.
    pub datum: Datum,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Datum {
    /// `~`, `null` or empty.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A number with all its digits.
    Number(Number),
    /// Text without expressions.
    String(String),
    /// Sensitive text.
    Secret(Secret),
    /// Text with references to resources. Before the values of a stack are filled in, also with references to parameters,
    /// variables and `each`.
    Template(Template),
    /// A list.
    Seq(Vec<Node>),
    /// A mapping, in the order of the file.
    Map(Vec<Entry>),
}

impl From<Template> for Datum {
    fn from(template: Template) -> Self {
        match template.literal() {
            Some(text) => Self::String(text.to_owned()),
            None => Self::Template(template),
        }
    }
}

/// A key of a mapping and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key; a key with expressions as written.
    pub key: String,
    /// The key with its expressions, as in [`Datum::Template`].
    pub key_template: Option<Template>,
    /// The position of the key.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

impl Node {
    /// The entry of a mapping.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value of a mapping's entry.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The entries of a mapping; none for any other value.
    pub fn entries(&self) -> &[Entry] {
        match &self.datum {
            Datum::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none for any other value.
    pub fn items(&self) -> &[Node] {
        match &self.datum {
            Datum::Seq(items) => items,
            _ => &[],
        }
    }

    /// The text of a string without expressions.
    pub fn as_str(&self) -> Option<&str> {
        match &self.datum {
            Datum::String(text) => Some(text),
            _ => None,
        }
    }

    /// The node that a JSON pointer (RFC 6901) leads to.
    pub fn pointer(&self, pointer: &str) -> Option<&Node> {
        pointer.split('/').skip(1).try_fold(self, |node, token| {
            let token = token.replace("~1", "/").replace("~0", "~");
            match &node.datum {
                Datum::Seq(items) => items.get(token.parse::<usize>().ok()?),
                _ => node.get(&token),
            }
        })
    }

    /// The name of its type in messages.
    pub fn type_name(&self) -> &'static str {
        match &self.datum {
            Datum::Null => "nothing",
            Datum::Bool(_) => "a boolean",
            Datum::Number(_) => "a number",
            Datum::String(_) | Datum::Secret(_) | Datum::Template(_) => "a string",
            Datum::Seq(_) => "a list",
            Datum::Map(_) => "a mapping",
        }
    }

    /// The value as plain JSON for checks, with secrets. References stay as written (`${name.property}`), and literal text
    /// that looks like a reference is escaped (`$${`).
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.datum {
            Datum::Null => Json::Null,
            Datum::Bool(value) => Json::Bool(*value),
            Datum::Number(value) => Json::Number(value.clone()),
            Datum::String(text) => Json::String(crate::template::escape(text)),
            Datum::Secret(secret) => Json::String(crate::template::escape(secret.expose())),
            Datum::Template(template) => Json::String(template.to_string()),
            Datum::Seq(items) => Json::Array(items.iter().map(Node::to_json).collect()),
            Datum::Map(entries) => Json::Object(
                entries
                    .iter()
                    .map(|entry| (entry.key.clone(), entry.value.to_json()))
                    .collect(),
            ),
        }
    }
}
