//! Writes an exported document as YAML that parses back to the same values.

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value as Json;
use serde_saphyr::{DoubleQuoted, LitStr, ser_options};

use crate::text::is_shown;

/// An exported document.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ExportDocument {
    /// The comment lines at the top.
    pub(super) comments: Vec<String>,
    /// The keys before `resources`.
    pub(super) head: Vec<(&'static str, Json)>,
    /// The entries.
    pub(super) resources: Vec<(String, Json)>,
}

impl ExportDocument {
    /// Writes the text. Invisible characters of values are escaped in double quotes; keys contain none.
    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        for comment in &self.comments {
            let visible: String = comment.chars().filter(|c| is_shown(*c)).collect();
            text.push_str(format!("# {visible}").trim_end());
            text.push('\n');
        }
        for (key, value) in &self.head {
            text.push_str(&to_yaml(key, value));
        }
        if self.resources.is_empty() {
            return text + "resources: {}\n";
        }
        text.push_str("resources:\n");
        for (at, (name, entry)) in self.resources.iter().enumerate() {
            if at > 0 {
                text.push('\n');
            }
            for line in to_yaml(name, entry).lines() {
                if !line.is_empty() {
                    text.push_str("  ");
                }
                text.push_str(line);
                text.push('\n');
            }
        }
        text
    }
}

/// Writes `key: value`.
fn to_yaml(key: &str, value: &Json) -> String {
    let options = ser_options! {
        compact_list_indent: false,
        prefer_block_scalars: false,
    };
    let entry = KeyValue(key, value);
    // Serializing JSON into a string cannot fail.
    let text = serde_saphyr::to_string_with_options(&entry, options).unwrap_or_default();
    escape_invisible(&text)
}

struct KeyValue<'j>(&'j str, &'j Json);

impl Serialize for KeyValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.0, &YamlValue(self.1))?;
        map.end()
    }
}

struct YamlValue<'j>(&'j Json);

impl Serialize for YamlValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Json::String(text) if is_block(text) => LitStr(text).serialize(serializer),
            Json::String(text) => YamlText(text).serialize(serializer),
            Json::Array(items) => serializer.collect_seq(items.iter().map(YamlValue)),
            Json::Object(members) => {
                let members = members.iter();
                serializer.collect_map(members.map(|(key, value)| (key, YamlValue(value))))
            }
            other => other.serialize(serializer),
        }
    }
}

/// Whether text is written as a block scalar: it has several visible lines and does not end with an empty line, which
/// would change the value.
fn is_block(text: &str) -> bool {
    let mut lines = text.strip_suffix('\n').unwrap_or(text).split('\n');
    let is_line = |line: &str| line.chars().all(is_shown) && !line.ends_with(char::is_whitespace);
    let ends_empty = text.ends_with("\n\n");
    text.contains('\n')
        && !ends_empty
        && !text.starts_with(char::is_whitespace)
        && lines.all(is_line)
}

/// A string, in double quotes if it contains characters that must be escaped.
struct YamlText<'t>(&'t str);

impl Serialize for YamlText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.chars().all(is_shown) {
            true => self.0.serialize(serializer),
            false => DoubleQuoted(self.0).serialize(serializer),
        }
    }
}

/// Escapes invisible characters, which occur in double quotes only.
fn escape_invisible(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match u32::from(character) {
            _ if character == '\n' || is_shown(character) => escaped.push(character),
            code @ ..=0xffff => escaped.push_str(&format!("\\u{code:04X}")),
            code => escaped.push_str(&format!("\\U{code:08X}")),
        }
    }
    escaped
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
