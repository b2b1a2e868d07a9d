//! The properties of a kind, from its schema and rules: the data of the reference pages and of `explain`.

use lazuli_core::{
    body_path::BodyPath,
    diff::{MaskedSecret, mask_secrets},
    facts::{Facts, Rule},
    kind::{Kind, Registry},
    shape,
    value::Value,
};
use serde_json::{Value as Json, json};

use crate::schema;

/// The maximum depth of listed properties; no property is nested deeper.
const MAX_NESTED: usize = 12;

/// The name in a path for any key of a mapping.
pub const KEY: &str = "NAME";

/// A property of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PropertyDoc {
    /// Its path in an entry: `networkAcls.ipRules[].value`, where `[]` is any item of a list; `containers.NAME.metadata`,
    /// where `NAME` is any key of a mapping.
    pub path: BodyPath,
    /// The accepted forms.
    pub forms: Vec<Form>,
    /// Whether it is required within its parent.
    pub required: bool,
    /// Whether it is fixed at creation.
    pub fixed: bool,
    /// Whether its value is sensitive.
    pub secret: bool,
    /// The description.
    pub description: String,
}

/// An accepted form of a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// One of these words.
    Words(Vec<String>),
    /// Any value of a type: `string`, `list of mapping`.
    Any(String),
}

impl Form {
    /// The words in backticks, or the type.
    pub fn describe(&self) -> String {
        match self {
            Self::Words(words) => quoted(words),
            Self::Any(name) => name.clone(),
        }
    }
}

/// The start of the sentence that states Azure's default.
const DEFAULT: &str = "Azure's default is ";
const FIXED: &str = "Fixed at creation";

impl PropertyDoc {
    /// Azure's default, if the description states it.
    pub fn default(&self) -> Option<&str> {
        sentences(&self.description)
            .find_map(|sentence| sentence.strip_prefix(DEFAULT))
            .map(|said| said.trim_end_matches('.'))
    }

    /// The description, without the sentences about default and immutability.
    pub fn meaning(&self) -> String {
        let is_meaning =
            |sentence: &&str| !sentence.starts_with(DEFAULT) && !sentence.starts_with(FIXED);
        let left: Vec<&str> = sentences(&self.description).filter(is_meaning).collect();
        left.join(" ")
    }

    /// The path without items and keys of mappings.
    pub fn plain_path(&self) -> BodyPath {
        plain(&self.path)
    }

    /// Whether it is a direct member of the property at a plain path, or of the entry if the path is empty.
    pub fn is_directly_within(&self, path: &BodyPath) -> bool {
        self.plain_path().parent().as_ref() == Some(path)
    }
}

/// A path without items and keys of mappings: `networkAcls.ipRules[].value` is `networkAcls.ipRules.value`.
pub fn plain(path: &BodyPath) -> BodyPath {
    BodyPath::from_names(path.names().filter(|name| *name != KEY))
}

/// The sentences of a text. A sentence ends with a period before a space and a capital letter.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let ends = rest.match_indices(". ").find(|(at, _)| {
            let next = rest[at + 2..].chars().next();
            next.is_some_and(char::is_uppercase)
        });
        let (sentence, after) = match ends {
            Some((at, _)) => (&rest[..=at], &rest[at + 2..]),
            None => (rest, ""),
        };
        rest = after;
        Some(sentence)
    })
}

/// The properties of a kind, each followed by those below it.
pub fn of_kind(kind: &dyn Kind) -> Vec<PropertyDoc> {
    let facts = kind.facts();
    let mut properties = of_schema(&kind.schema().to_value());
    for property in &mut properties {
        let fixed = is_fixed(facts, &property.path) || property.description.contains(FIXED);
        property.fixed = fixed;
        property.secret = is_secret(&property.path);
    }
    properties
}

/// The common properties that a kind takes: `name`, `location`, `dependsOn` and so on.
pub fn shared(facts: &Facts) -> Vec<PropertyDoc> {
    let required = if facts.name.is_some() {
        vec!["kind", "name"]
    } else {
        vec!["kind"]
    };
    let schema = json!({ "properties": schema::common(facts), "required": required });
    let mut properties = of_schema(&schema);
    for property in &mut properties {
        property.fixed = is_fixed(facts, &property.path);
    }
    properties
}

/// The keys of a stack document.
pub fn of_document(registry: Registry) -> Vec<PropertyDoc> {
    of_schema(&schema::schema(registry))
}

fn is_fixed(facts: &Facts, path: &BodyPath) -> bool {
    let path = plain(path);
    facts.rules.iter().any(|rule| match rule {
        Rule::Immutable(fixed) => BodyPath::parse(fixed).lifted() == path,
        _ => false,
    })
}

/// Whether plans and messages mask the value at a path.
fn is_secret(path: &BodyPath) -> bool {
    let path = plain(path);
    let body = path
        .names()
        .rev()
        .fold(Value::String("text".into()), |inner, name| {
            Value::Object(std::iter::once((name.to_owned(), inner)).collect())
        });
    !MaskedSecret::all_in(&mask_secrets(body)).is_empty()
}

fn of_schema(schema: &Json) -> Vec<PropertyDoc> {
    let mut properties = Vec::new();
    below(
        schema,
        schema,
        &BodyPath::root(),
        MAX_NESTED,
        &mut properties,
    );
    properties
}

/// The properties of a mapping, each followed by those below it.
fn below(
    root: &Json,
    schema: &Json,
    path: &BodyPath,
    depth: usize,
    properties: &mut Vec<PropertyDoc>,
) {
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
    let required = |name: &str| {
        let names = schema["required"].as_array();
        names.is_some_and(|names| names.iter().any(|required| required == name))
    };
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = path.member(name);
        let mut kinds: Vec<Form> = Vec::new();
        let at = properties.len();
        for form in forms(root, property) {
            let kind = form_of(root, form);
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
            inside(root, form, &path, depth, properties);
        }
        let description = property["description"].as_str().unwrap_or_default();
        let property = PropertyDoc {
            path,
            forms: kinds,
            required: required(name),
            fixed: false,
            secret: false,
            description: description.replace('\n', " "),
        };
        properties.insert(at, property);
    }
}

/// The properties below a value: members, items, or values of any key.
fn inside(
    root: &Json,
    schema: &Json,
    path: &BodyPath,
    depth: usize,
    properties: &mut Vec<PropertyDoc>,
) {
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
    let mut found = Vec::new();
    below(root, schema, path, depth, &mut found);
    let nested = [
        ("items", path.any_item()),
        ("additionalProperties", path.member(KEY)),
    ];
    for (keyword, path) in nested {
        for form in forms(root, &schema[keyword]) {
            inside(root, form, &path, depth, &mut found);
        }
    }
    found.retain(|new| properties.iter().all(|known| known.path != new.path));
    properties.extend(found);
}

/// The forms of a value, except unrestricted ones.
fn forms<'s>(root: &'s Json, schema: &'s Json) -> impl Iterator<Item = &'s Json> {
    let forms = shape::forms(root, schema, MAX_NESTED).into_iter();
    forms.filter(|form| form.is_object())
}

fn form_of(root: &Json, schema: &Json) -> Form {
    let words = schema["enum"]
        .as_array()
        .into_iter()
        .flatten()
        .chain(schema.get("const"));
    let words: Vec<String> = words.filter_map(Json::as_str).map(str::to_owned).collect();
    if !words.is_empty() {
        return Form::Words(words);
    }
    let kind = match &schema["type"] {
        Json::Array(kinds) => kinds
            .iter()
            .filter_map(Json::as_str)
            .find(|kind| *kind != "null"),
        kind => kind.as_str(),
    };
    Form::Any(match kind {
        Some("boolean") => "true or false".into(),
        Some("integer") => "whole number".into(),
        Some("array") => {
            let items = forms(root, &schema["items"]);
            let items: Vec<String> = items.map(|item| form_of(root, item).describe()).collect();
            match items.is_empty() {
                true => "list".into(),
                false => format!("list of {}", items.join(" or ")),
            }
        }
        Some("object") => "mapping".into(),
        Some(kind) => kind.to_owned(),
        None => "any".into(),
    })
}

fn quoted(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::REGISTRY;

    fn property(kind: &str, path: &str) -> PropertyDoc {
        let all = of_kind(REGISTRY.get(kind).unwrap());
        all.into_iter()
            .find(|one| one.path == BodyPath::parse(path))
            .unwrap()
    }

    #[test]
    fn every_property_has_a_description() {
        for kind in REGISTRY.kinds {
            let own = of_kind(*kind);
            for property in own.into_iter().chain(shared(kind.facts())) {
                let name = kind.facts().kind;
                assert!(!property.meaning().is_empty(), "{name}: {}", property.path);
                assert!(!property.forms.is_empty(), "{name}: {}", property.path);
            }
        }
    }

    #[test]
    fn default_is_separated_from_the_description() {
        let hns = property("storageAccount", "isHnsEnabled");
        assert!(hns.fixed && !hns.secret);
        assert_eq!(hns.default(), Some("false"));
        assert_eq!(
            hns.meaning(),
            "Whether blobs have a hierarchical namespace (Data Lake Storage Gen2)."
        );
        let rule = property("storageAccount", "networkAcls.ipRules[].value");
        assert_eq!(rule.plain_path().to_string(), "networkAcls.ipRules.value");
        assert!(rule.required && rule.is_directly_within(&BodyPath::parse("networkAcls.ipRules")));
        let sentences: Vec<_> = sentences("A 2.0 b. c. D.").collect();
        assert_eq!(sentences, ["A 2.0 b. c.", "D."]);
        assert!(is_secret(&BodyPath::parse("users[].adminPassword")));
    }
}
