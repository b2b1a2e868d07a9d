//! Paths into a body: parsed, joined, matched with patterns, and printed in one notation.

use std::{borrow::Cow, fmt, iter};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// The container of most properties in ARM's bodies; first-class kinds omit it.
const PROPERTIES: &str = "properties";
/// In a pattern, any member or any item.
const ANY: &str = "*";

/// A path into a body: `properties.networkAcls.ipRules[203.0.113.0/24].action`, `tags["hidden.link"]`.
///
/// A name with one of the characters `.`, `[`, `]` or `"` is quoted as in JSON. In the label of an item, `]` and a leading
/// `"` follow a backslash. Without a label, an item is any item of its list.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub struct BodyPath(Vec<Level<'static>>);

/// One level of a [`BodyPath`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level<'t> {
    /// A member of a mapping, by its name.
    Member(Cow<'t, str>),
    /// An item of a list, by its label: its key or its position.
    Item(Cow<'t, str>),
}

impl BodyPath {
    /// The path of the body itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// Parses a path. Every text is a path: a bracket that is not closed ends with the text.
    pub fn parse(text: &str) -> Self {
        Self(levels(text).map(Level::into_owned).collect())
    }

    /// The path of nested members.
    pub fn from_names<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let member = |name: &'n str| Level::Member(Cow::Owned(name.to_owned()));
        Self(names.into_iter().map(member).collect())
    }

    /// The path of a member of this value.
    pub fn member(&self, name: &str) -> Self {
        self.with(Level::Member(Cow::Owned(name.to_owned())))
    }

    /// The path of an item of this list, by its key or position.
    pub fn item(&self, label: &str) -> Self {
        self.with(Level::Item(Cow::Owned(label.to_owned())))
    }

    /// The path of any item of this list.
    pub fn any_item(&self) -> Self {
        self.item("")
    }

    fn with(&self, level: Level<'static>) -> Self {
        let mut levels = Vec::with_capacity(self.0.len() + 1);
        levels.extend_from_slice(&self.0);
        levels.push(level);
        Self(levels)
    }

    /// A path that begins where this one ends.
    pub fn join(&self, inner: &Self) -> Self {
        Self(self.0.iter().chain(&inner.0).cloned().collect())
    }

    /// The levels, outermost first.
    pub fn levels(&self) -> &[Level<'static>] {
        &self.0
    }

    /// The names of the members on the path, outermost first.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.iter().filter_map(|level| match level {
            Level::Member(name) => Some(name.as_ref()),
            Level::Item(_) => None,
        })
    }

    /// The name of the innermost member; empty for the body itself.
    pub fn name(&self) -> &str {
        self.names().next_back().unwrap_or("")
    }

    /// Whether this is the path of the body itself.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The path of the value around this one; `None` for the body itself.
    pub fn parent(&self) -> Option<Self> {
        let (_, outer) = self.0.split_last()?;
        Some(Self(outer.to_vec()))
    }

    /// The path as authors of first-class kinds write it: without a leading `properties`.
    pub fn lifted(&self) -> Self {
        match self.0.as_slice() {
            [Level::Member(first), inner @ ..] if first == PROPERTIES && !inner.is_empty() => {
                Self(inner.to_vec())
            }
            _ => self.clone(),
        }
    }

    /// The path with any item in the place of each item.
    pub fn without_labels(&self) -> Self {
        let any = |level: &Level<'static>| match level {
            Level::Item(_) => Level::Item(Cow::Borrowed("")),
            member => member.clone(),
        };
        Self(self.0.iter().map(any).collect())
    }

    /// The path without its items.
    pub fn without_items(&self) -> Self {
        Self::from_names(self.names())
    }

    /// Whether a pattern matches this path. `*` matches any member, `[]` any item; case does not matter.
    pub fn matches(&self, pattern: &str) -> bool {
        let mut pattern = levels(pattern);
        self.0
            .iter()
            .all(|level| pattern.next().is_some_and(|one| level.is(&one)))
            && pattern.next().is_none()
    }

    /// Whether a pattern matches this path or one around it.
    pub fn is_within(&self, pattern: &str) -> bool {
        let mut own = self.0.iter();
        levels(pattern).all(|one| own.next().is_some_and(|level| level.is(&one)))
    }

    /// Whether the names on two paths are equal, ignoring case and items.
    pub fn has_same_names(&self, other: &Self) -> bool {
        self.names().count() == other.names().count() && self.shares_names(other)
    }

    /// Whether one of two paths leads to the value of the other or to one in it, ignoring case and items.
    pub fn shares_names(&self, other: &Self) -> bool {
        let mut names = self.names().zip(other.names());
        names.all(|(one, other)| one.eq_ignore_ascii_case(other))
    }

    /// The value at this path. Names are compared without case; a number is also the position of an item.
    pub fn find<'a>(&self, body: &'a Json) -> Option<&'a Json> {
        self.0
            .iter()
            .try_fold(body, |value, level| level.find(value))
    }
}

impl<'t> Level<'t> {
    fn into_owned(self) -> Level<'static> {
        match self {
            Self::Member(name) => Level::Member(Cow::Owned(name.into_owned())),
            Self::Item(label) => Level::Item(Cow::Owned(label.into_owned())),
        }
    }

    fn is(&self, pattern: &Level<'_>) -> bool {
        match (self, pattern) {
            (Self::Member(name), Level::Member(wanted)) => {
                wanted == ANY || wanted.eq_ignore_ascii_case(name)
            }
            (Self::Item(label), Level::Item(wanted)) => {
                wanted.is_empty() || wanted == ANY || wanted == label
            }
            _ => false,
        }
    }

    fn find<'a>(&self, value: &'a Json) -> Option<&'a Json> {
        let (Self::Member(text) | Self::Item(text)) = self;
        match value {
            Json::Array(items) => items.get(text.parse::<usize>().ok()?),
            Json::Object(members) => members.get(text.as_ref()).or_else(|| {
                let same = |(key, _): &(&String, &Json)| key.eq_ignore_ascii_case(text);
                members.iter().find(same).map(|(_, value)| value)
            }),
            _ => None,
        }
    }
}

/// The levels of a path in text.
pub fn levels(text: &str) -> impl Iterator<Item = Level<'_>> {
    let mut rest = text;
    iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (level, after) = match rest.strip_prefix('[') {
            Some(inside) => bracket(inside),
            None => {
                let end = rest.find(['.', '[']).unwrap_or(rest.len());
                let (name, after) = rest.split_at(end);
                (Level::Member(Cow::Borrowed(name)), after)
            }
        };
        rest = after.strip_prefix('.').unwrap_or(after);
        Some(level)
    })
}

/// The level in brackets, without the opening one, and the text after it.
fn bracket(inside: &str) -> (Level<'_>, &str) {
    let quoted = inside
        .starts_with('"')
        .then(|| quoted_name(inside))
        .flatten();
    if let Some((name, after)) = quoted {
        return (Level::Member(Cow::Owned(name)), after);
    }
    let (label, after) = match unescaped(inside, ']') {
        Some(end) => (&inside[..end], &inside[end + 1..]),
        None => (inside, ""),
    };
    let label = match label.contains('\\') {
        true => Cow::Owned(unescape(label)),
        false => Cow::Borrowed(label),
    };
    (Level::Item(label), after)
}

/// A name in quotes before a closing bracket, and the text after that.
fn quoted_name(text: &str) -> Option<(String, &str)> {
    let end = unescaped(text.get(1..)?, '"')? + 2;
    let (name, after) = text.split_at_checked(end)?;
    Some((serde_json::from_str(name).ok()?, after.strip_prefix(']')?))
}

/// The position of the first of a character without a backslash before it.
fn unescaped(text: &str, wanted: char) -> Option<usize> {
    let mut is_escaped = false;
    text.char_indices().find_map(|(at, found)| {
        let is_found = found == wanted && !is_escaped;
        is_escaped = found == '\\' && !is_escaped;
        is_found.then_some(at)
    })
}

fn unescape(label: &str) -> String {
    let mut is_escaped = false;
    let keep = |found: &char| {
        is_escaped = *found == '\\' && !is_escaped;
        !is_escaped
    };
    label.chars().filter(keep).collect()
}

impl fmt::Display for BodyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .enumerate()
            .try_for_each(|(at, level)| match level {
                Level::Member(name) if name.is_empty() || name.contains(['.', '[', ']', '"']) => {
                    write!(f, "[{}]", Json::from(name.as_ref()))
                }
                Level::Member(name) if at == 0 => f.write_str(name),
                Level::Member(name) => write!(f, ".{name}"),
                Level::Item(label) => {
                    let quote = if label.starts_with('"') { "\\" } else { "" };
                    let label = label.replace('\\', "\\\\").replace(']', "\\]");
                    write!(f, "[{quote}{label}]")
                }
            })
    }
}

impl fmt::Debug for BodyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

impl From<BodyPath> for String {
    fn from(path: BodyPath) -> Self {
        path.to_string()
    }
}

impl PartialEq<str> for BodyPath {
    fn eq(&self, text: &str) -> bool {
        levels(text).eq(self.0.iter().cloned())
    }
}

impl PartialEq<&str> for BodyPath {
    fn eq(&self, text: &&str) -> bool {
        self == *text
    }
}

impl From<&str> for BodyPath {
    fn from(text: &str) -> Self {
        Self::parse(text)
    }
}

impl From<String> for BodyPath {
    fn from(text: String) -> Self {
        Self::parse(&text)
    }
}

impl JsonSchema for BodyPath {
    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("BodyPath")
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::{BodyPath, Level};

    fn level() -> impl Strategy<Value = Level<'static>> {
        let text = prop_oneof![
            r#"[a-z.\[\]"\\ *]{0,6}"#.prop_map(String::from),
            any::<String>()
        ];
        (any::<bool>(), text).prop_map(|(is_item, text)| match is_item {
            true => Level::Item(text.into()),
            false => Level::Member(text.into()),
        })
    }

    proptest! {
        #[test]
        fn printed_path_parses_to_itself(levels in prop::collection::vec(level(), 0..5)) {
            let path = BodyPath(levels);
            prop_assert_eq!(BodyPath::parse(&path.to_string()), path);
        }

        #[test]
        fn any_text_is_a_path(text in r#"[ab.\[\]"\\]{0,12}"#) {
            let path = BodyPath::parse(&text);
            prop_assert_eq!(BodyPath::parse(&path.to_string()), path);
        }
    }

    #[test]
    fn path_is_printed_in_one_notation() {
        let rules = BodyPath::from_names(["properties", "networkAcls", "ipRules"]);
        for (path, printed) in [
            (BodyPath::root(), ""),
            (
                rules.item("203.0.113.0/24").member("action"),
                "properties.networkAcls.ipRules[203.0.113.0/24].action",
            ),
            (rules.any_item(), "properties.networkAcls.ipRules[]"),
            (
                rules.item("a]\\b"),
                r"properties.networkAcls.ipRules[a\]\\b]",
            ),
            (BodyPath::from_names(["tags", "a.b"]), r#"tags["a.b"]"#),
            (BodyPath::from_names(["a.b", "c"]), r#"["a.b"].c"#),
            (rules.lifted(), "networkAcls.ipRules"),
            (BodyPath::from_names(["properties"]).lifted(), "properties"),
        ] {
            assert_eq!(path.to_string(), printed);
        }
    }

    #[test]
    fn pattern_matches_members_and_items() {
        let path = BodyPath::parse("properties.rules[main].Name");
        for pattern in [
            "properties.rules[].name",
            "*.rules[*].name",
            "properties.rules[main].name",
        ] {
            assert!(path.matches(pattern), "{pattern}");
            assert!(path.is_within(pattern), "{pattern}");
        }
        for pattern in ["properties.rules[]", "properties.rules", "properties"] {
            assert!(!path.matches(pattern), "{pattern}");
            assert!(path.is_within(pattern), "{pattern}");
        }
        for pattern in [
            "properties.rules.name",
            "properties.rules[].name.more",
            "properties.rules[other].name",
        ] {
            assert!(
                !path.matches(pattern) && !path.is_within(pattern),
                "{pattern}"
            );
        }
    }

    #[test]
    fn value_is_found_by_names_without_case_and_by_positions() {
        let body =
            json!({ "properties": { "hosts": [{ "Name": "a" }, { "Name": "b" }] }, "a.b": 1 });
        for (path, found) in [
            ("properties.Hosts[1].name", Some(json!("b"))),
            ("properties.hosts.0.name", Some(json!("a"))),
            (r#"["a.b"]"#, Some(json!(1))),
            ("properties.hosts[2]", None),
            ("a.b", None),
        ] {
            assert_eq!(BodyPath::parse(path).find(&body).cloned(), found, "{path}");
        }
    }
}
