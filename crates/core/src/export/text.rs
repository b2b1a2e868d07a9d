//! An exported document as text: YAML that reads back as what was written, whatever the values are.

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value as Json;
use serde_saphyr::{DoubleQuoted, LitStr, ser_options};

use crate::text::is_shown;

/// What stands before everything else.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Document {
    /// Comments, a line each.
    pub(super) comments: Vec<String>,
    /// The keys before `resources`.
    pub(super) head: Vec<(&'static str, Json)>,
    /// The entries.
    pub(super) resources: Vec<(String, Json)>,
}

impl Document {
    /// The text. Only what shows itself is in it; all else stands as escapes in quotes. Keys show themselves.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for comment in &self.comments {
            let shown: String = comment.chars().filter(|c| is_shown(*c)).collect();
            text.push_str(format!("# {shown}").trim_end());
            text.push('\n');
        }
        for (key, value) in &self.head {
            text.push_str(&yaml(key, value));
        }
        if self.resources.is_empty() {
            return text + "resources: {}\n";
        }
        text.push_str("resources:\n");
        for (at, (name, entry)) in self.resources.iter().enumerate() {
            if at > 0 {
                text.push('\n');
            }
            for line in yaml(name, entry).lines() {
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

/// `key: value`, in lines of its own.
fn yaml(key: &str, value: &Json) -> String {
    let options = ser_options! {
        compact_list_indent: false,
        prefer_block_scalars: false,
    };
    let whole = Entry(key, value);
    // Neither JSON nor a string that is written to can fail.
    let text = serde_saphyr::to_string_with_options(&whole, options).unwrap_or_default();
    escaped(&text)
}

struct Entry<'j>(&'j str, &'j Json);

impl Serialize for Entry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.0, &Plain(self.1))?;
        map.end()
    }
}

struct Plain<'j>(&'j Json);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Json::String(text) if is_block(text) => LitStr(text).serialize(serializer),
            Json::String(text) => Text(text).serialize(serializer),
            Json::Array(items) => serializer.collect_seq(items.iter().map(Plain)),
            Json::Object(members) => {
                let members = members.iter();
                serializer.collect_map(members.map(|(key, value)| (key, Plain(value))))
            }
            other => other.serialize(serializer),
        }
    }
}

/// Whether text reads best in lines of its own, and can stand so: with an empty line at its end, those behind it would
/// count.
fn is_block(text: &str) -> bool {
    let mut lines = text.strip_suffix('\n').unwrap_or(text).split('\n');
    let is_line = |line: &str| line.chars().all(is_shown) && !line.ends_with(char::is_whitespace);
    let ends_empty = text.ends_with("\n\n");
    text.contains('\n')
        && !ends_empty
        && !text.starts_with(char::is_whitespace)
        && lines.all(is_line)
}

/// Text, in double quotes where anything in it must be escaped.
struct Text<'t>(&'t str);

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.chars().all(is_shown) {
            true => self.0.serialize(serializer),
            false => DoubleQuoted(self.0).serialize(serializer),
        }
    }
}

/// The same with escapes for what does not show itself. That stands between double quotes only.
fn escaped(text: &str) -> String {
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
