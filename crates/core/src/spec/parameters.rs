//! `parameters`: what a document declares, and the values that it is given.

use serde_json::Value as Json;

use super::{
    Given, ParamValue,
    author::{Author, listing, scalar_text},
    fill::{Params, Resources, Scope},
};
use crate::{
    diagnostic::{Code, Diagnostic},
    node::{Datum, Entry, Node},
    secret::Secret,
    source::Span,
    template, yaml,
};

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    String,
    Number,
    Boolean,
    List,
    Map,
}

impl Type {
    const ALL: [(&'static str, Type); 5] = [
        ("string", Type::String),
        ("number", Type::Number),
        ("boolean", Type::Boolean),
        ("list", Type::List),
        ("map", Type::Map),
    ];

    fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, found)| *found)
    }

    fn of(node: &Node) -> Option<Self> {
        match node.datum {
            Datum::Bool(_) => Some(Self::Boolean),
            Datum::Number(_) => Some(Self::Number),
            Datum::String(_) | Datum::Secret(_) | Datum::Template(_) => Some(Self::String),
            Datum::Seq(_) => Some(Self::List),
            Datum::Map(_) => Some(Self::Map),
            Datum::Null => None,
        }
    }

    fn article(self) -> &'static str {
        match self {
            Self::String => "a string",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::List => "a list",
            Self::Map => "a mapping",
        }
    }
}

/// What a declaration says.
#[derive(Default)]
struct Declaration<'n> {
    default: Option<&'n Node>,
    allowed: &'n [Node],
    declared: Option<Type>,
    /// The path of the file whose text is the default.
    file: Option<&'n Node>,
    is_secret: bool,
}

const KEYS: [&str; 6] = [
    "default",
    "allowed",
    "type",
    "description",
    "secret",
    "file",
];

impl Author<'_> {
    /// The parameters of a document with their values.
    pub(super) fn parameters(&mut self, node: Option<&Node>) -> Params {
        let mut params = Params::new();
        let entries = node.map_or(&[][..], |node| self.entries("`parameters`", node));
        for entry in entries {
            if !template::is_name(&entry.key) {
                let message = format!("`{}` cannot name a parameter", entry.key);
                let help =
                    "a name is letters, digits, `_` and `-`, and begins with a letter or `_`";
                self.report(
                    Diagnostic::error(Code::ValueNotAllowed, entry.key_span, message).help(help),
                );
            }
            let declaration = self.declaration(entry);
            let is_secret = declaration.is_secret;
            let value = self.parameter(entry, declaration);
            let value = match is_secret {
                true => value.and_then(|value| self.hidden(value)),
                false => value,
            };
            params.insert(entry.key.clone(), value);
        }
        params
    }

    fn declaration<'n>(&mut self, entry: &'n Entry) -> Declaration<'n> {
        let body = &entry.value;
        if matches!(body.datum, Datum::Null) {
            return Declaration::default();
        }
        if !matches!(body.datum, Datum::Map(_)) {
            return Declaration {
                default: Some(body),
                ..Declaration::default()
            };
        }
        self.known_keys(body, &KEYS, "a parameter");
        if let Some(description) = body.get("description") {
            self.string("`description`", description);
        }
        let declared = body.get("type").and_then(|node| {
            let name = self.string("`type`", node)?;
            let found = Type::named(&name.value);
            if found.is_none() {
                let names = Type::ALL.map(|(name, _)| name);
                let message = format!("the type of a parameter is one of {}", listing(names));
                let help = self.hint(&name.value, names);
                self.report(
                    Diagnostic::error(Code::ValueNotAllowed, node.span, message).maybe_help(help),
                );
            }
            found
        });
        let allowed = body
            .get("allowed")
            .map(|node| self.allowed(node, declared))
            .unwrap_or_default();
        Declaration {
            default: body.get("default"),
            allowed,
            declared,
            file: body.get("file"),
            is_secret: body
                .get("secret")
                .is_some_and(|node| self.boolean("`secret`", node)),
        }
    }

    /// The text of a file, without the end of its last line.
    fn text_of_file(&mut self, node: &Node) -> Option<Node> {
        let path = self.string("`file`", node)?;
        let beside = (self.sources.get(node.span.source)).map_or("", |source| &source.name);
        match (self.inputs.file)(beside, &path.value) {
            Ok(text) => {
                let line = text.strip_suffix('\n').unwrap_or(&text);
                let line = line.strip_suffix('\r').unwrap_or(line);
                Some(Node {
                    span: node.span,
                    datum: Datum::String(line.to_owned()),
                })
            }
            Err(why) => {
                let message = format!("{} cannot be read: {why}", path.value);
                self.error(Code::Unreadable, node.span, message);
                None
            }
        }
    }

    fn hidden(&mut self, value: Node) -> Option<Node> {
        let Datum::String(text) = value.datum else {
            self.wrong_type("a secret", "a string", &value);
            return None;
        };
        let secret = Secret::new(text);
        self.secrets.push(secret.clone());
        Some(Node {
            span: value.span,
            datum: Datum::Secret(secret),
        })
    }

    fn allowed<'n>(&mut self, node: &'n Node, declared: Option<Type>) -> &'n [Node] {
        if !matches!(node.datum, Datum::Seq(_)) {
            self.wrong_type("`allowed`", "a list", node);
        }
        for item in node.items() {
            match (declared, scalar_text(item)) {
                (_, None) => {
                    self.wrong_type("an allowed value", "a string, a number or a boolean", item)
                }
                (Some(declared), _) if Type::of(item) != Some(declared) => {
                    self.wrong_type(
                        "an allowed value of this parameter",
                        declared.article(),
                        item,
                    );
                }
                _ => {}
            }
        }
        node.items()
    }

    /// The value that a parameter has in this run.
    fn parameter(&mut self, entry: &Entry, declaration: Declaration<'_>) -> Option<Node> {
        let Declaration {
            default,
            allowed,
            declared,
            file,
            is_secret,
        } = declaration;
        if let (Some(default), Some(file)) = (default, file) {
            let message = "`default` and `file` exclude each other";
            let diagnostic = Diagnostic::error(Code::ValueNotAllowed, file.span, message);
            self.report(diagnostic.related(default.span, "the default"));
        }
        let inputs = self.inputs;
        let given = inputs
            .params
            .iter()
            .rev()
            .find(|(name, _)| *name == entry.key)
            .map(|(_, value)| value);
        let wanted = declared
            .or(default.and_then(Type::of))
            .or(allowed.first().and_then(Type::of));
        if let Some(default) = default {
            self.fits("the default", default, declared);
        }
        let (value, what) = match (given, default) {
            (Some(given), _) => {
                let what = format!("the value of `{}` from {}", entry.key, given.origin);
                let Some(value) = given.node(wanted, entry.key_span) else {
                    let expected = wanted.unwrap_or(Type::String).article();
                    self.error(
                        Code::WrongType,
                        entry.key_span,
                        format!("{what} must be {expected}"),
                    );
                    return None;
                };
                self.fits(&what, &value, declared)
                    .then_some((value, what))?
            }
            (None, Some(default)) => {
                let scope = Scope {
                    params: None,
                    resources: Resources::Refused,
                    each: None,
                };
                let mut value = self.fill(default, scope);
                // What comes from the environment is text, and becomes what the parameter's type says.
                if let (Datum::Template(_), Some(text), Some(declared)) =
                    (&default.datum, value.as_str(), declared)
                {
                    value = typed(text, declared, value.span).unwrap_or(value);
                }
                self.fits("the default", &value, declared)
                    .then(|| (value, "the default".to_owned()))?
            }
            (None, None) if file.is_some() => {
                let text = self.text_of_file(file?)?;
                let what = "the text of the file";
                let value = match declared {
                    Some(declared) => text
                        .as_str()
                        .and_then(|text| typed(text, declared, entry.key_span))
                        .unwrap_or(text),
                    None => text,
                };
                self.fits(what, &value, declared)
                    .then(|| (value, what.to_owned()))?
            }
            (None, None) => {
                let message = format!("the parameter `{}` has no value", entry.key);
                let help = match is_secret {
                    // What stands on a command line others can see, and the shell keeps.
                    true => "give it one: `--params-file FILE`, or `default: \"${env.NAME}\"` \
                             here"
                        .to_owned(),
                    false => format!("give it one: `--param {}=VALUE`", entry.key),
                };
                self.report(
                    Diagnostic::error(Code::UndefinedParameter, entry.key_span, message).help(help),
                );
                return None;
            }
        };
        if matches!(value.datum, Datum::Template(_)) {
            return None;
        }
        if !allowed.is_empty() && !allowed.iter().any(|candidate| same(candidate, &value)) {
            let texts: Vec<_> = allowed.iter().filter_map(scalar_text).collect();
            let words = || texts.iter().map(String::as_str);
            let message = format!("{what} must be one of {}", listing(words()));
            let help = value.as_str().and_then(|word| self.hint(word, words()));
            self.report(
                Diagnostic::error(Code::ValueNotAllowed, value.span, message).maybe_help(help),
            );
            return None;
        }
        Some(value)
    }

    fn fits(&mut self, what: &str, value: &Node, declared: Option<Type>) -> bool {
        let known = !matches!(value.datum, Datum::Template(_));
        let Some(declared) =
            declared.filter(|declared| known && Type::of(value) != Some(*declared))
        else {
            return true;
        };
        self.wrong_type(what, declared.article(), value);
        false
    }

    /// Reports values for parameters that no document declares.
    pub(super) fn unused_parameters(&mut self, declared: &std::collections::BTreeSet<String>) {
        for (name, value) in self
            .inputs
            .params
            .iter()
            .filter(|(name, _)| !declared.contains(name))
        {
            let message = format!(
                "no document declares the parameter `{name}`, given by {}",
                value.origin
            );
            let help = self.hint(name, declared.iter().map(String::as_str));
            self.report(Diagnostic::error(Code::UnusedParameter, None, message).maybe_help(help));
        }
    }
}

impl ParamValue {
    fn node(&self, wanted: Option<Type>, span: Span) -> Option<Node> {
        match &self.given {
            Given::Json(json) => Some(node(json, span)),
            Given::Text(text) => typed(text, wanted.unwrap_or(Type::String), span),
        }
    }
}

/// Text taken as a type; nothing where it is not of that type.
fn typed(text: &str, wanted: Type, span: Span) -> Option<Node> {
    let datum = match wanted {
        Type::String => Datum::String(text.to_owned()),
        Type::Number => {
            Some(yaml::number(text.trim())).filter(|datum| matches!(datum, Datum::Number(_)))?
        }
        Type::Boolean => Datum::Bool(text.trim().parse().ok()?),
        Type::List | Type::Map => {
            let value = node(&serde_json::from_str(text).ok()?, span);
            return (Type::of(&value) == Some(wanted)).then_some(value);
        }
    };
    Some(Node { span, datum })
}

/// A value from outside of the documents, where every string is literal.
fn node(json: &Json, span: Span) -> Node {
    let datum = match json {
        Json::Null => Datum::Null,
        Json::Bool(value) => Datum::Bool(*value),
        Json::Number(value) => Datum::Number(value.clone()),
        Json::String(text) => Datum::String(text.clone()),
        Json::Array(items) => Datum::Seq(items.iter().map(|item| node(item, span)).collect()),
        Json::Object(members) => {
            let entry = |(key, value): (&String, &Json)| Entry {
                key_template: None,
                key: key.clone(),
                key_span: span,
                value: node(value, span),
            };
            Datum::Map(members.iter().map(entry).collect())
        }
    };
    Node { span, datum }
}

fn same(left: &Node, right: &Node) -> bool {
    match (&left.datum, &right.datum) {
        (Datum::Number(left), Datum::Number(right)) => {
            left == right || left.as_f64() == right.as_f64()
        }
        (left, right) => left == right,
    }
}
