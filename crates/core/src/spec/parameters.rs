//! Loads `parameters`: the declarations of a document and the values of the run.

use serde_json::Value as Json;

use super::{
    fill::{ExpressionScope, Params, VisibleResources},
    inputs::{ParamInput, ParamValue},
    loader::{Loader, listing, scalar_text},
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
enum ParamType {
    String,
    Number,
    Boolean,
    List,
    Map,
}

impl ParamType {
    const ALL: [(&'static str, ParamType); 5] = [
        ("string", ParamType::String),
        ("number", ParamType::Number),
        ("boolean", ParamType::Boolean),
        ("list", ParamType::List),
        ("map", ParamType::Map),
    ];

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, param_type)| *param_type)
    }

    fn from_node(node: &Node) -> Option<Self> {
        match node.datum {
            Datum::Bool(_) => Some(Self::Boolean),
            Datum::Number(_) => Some(Self::Number),
            Datum::String(_) | Datum::Secret(_) | Datum::Template(_) => Some(Self::String),
            Datum::Seq(_) => Some(Self::List),
            Datum::Map(_) => Some(Self::Map),
            Datum::Null => None,
        }
    }

    fn with_article(self) -> &'static str {
        match self {
            Self::String => "a string",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::List => "a list",
            Self::Map => "a mapping",
        }
    }
}

/// The declaration of a parameter.
#[derive(Default)]
struct Declaration<'n> {
    default: Option<&'n Node>,
    allowed: &'n [Node],
    declared: Option<ParamType>,
    /// The path of the file that contains the value.
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

impl Loader<'_> {
    /// Loads the parameters of a document with their values.
    pub(super) fn parameters(&mut self, node: Option<&Node>) -> Params {
        let mut params = Params::new();
        let entries = node.map_or(&[][..], |node| self.entries("`parameters`", node));
        for entry in entries {
            if !template::is_name(&entry.key) {
                let message = format!("`{}` is not a valid parameter name", entry.key);
                let help = "use letters, digits, `_` and `-`, and start with a letter or `_`";
                self.report(
                    Diagnostic::error(Code::ValueNotAllowed, entry.key_span, message).help(help),
                );
            }
            let declaration = self.declaration(entry);
            let is_secret = declaration.is_secret;
            let value = self.parameter(entry, declaration);
            let value = match is_secret {
                true => value.and_then(|value| self.secret(value)),
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
        self.check_keys(body, &KEYS, "a parameter");
        if let Some(description) = body.get("description") {
            self.string("`description`", description);
        }
        let declared = body.get("type").and_then(|node| {
            let name = self.string("`type`", node)?;
            let param_type = ParamType::from_name(&name.value);
            if param_type.is_none() {
                let names = ParamType::ALL.map(|(name, _)| name);
                let message = format!("the type of a parameter must be one of {}", listing(names));
                let help = self.hint(&name.value, names);
                self.report(
                    Diagnostic::error(Code::ValueNotAllowed, node.span, message).maybe_help(help),
                );
            }
            param_type
        });
        let allowed = body
            .get("allowed")
            .map_or(&[][..], |node| self.allowed(node, declared));
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

    /// Reads the text of a file without the last line break.
    fn text_of_file(&mut self, node: &Node) -> Option<Node> {
        let path = self.string("`file`", node)?;
        let source = (self.sources.get(node.span.source)).map_or("", |source| &source.name);
        match (self.inputs.file)(source, &path.value) {
            Ok(text) => {
                let line = text.strip_suffix('\n').unwrap_or(&text);
                let line = line.strip_suffix('\r').unwrap_or(line);
                Some(Node {
                    span: node.span,
                    datum: Datum::String(line.to_owned()),
                })
            }
            Err(reason) => {
                let message = format!("`{}` cannot be read: {reason}", path.value);
                self.error(Code::Unreadable, node.span, message);
                None
            }
        }
    }

    fn secret(&mut self, value: Node) -> Option<Node> {
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

    fn allowed<'n>(&mut self, node: &'n Node, declared: Option<ParamType>) -> &'n [Node] {
        if !matches!(node.datum, Datum::Seq(_)) {
            self.wrong_type("`allowed`", "a list", node);
        }
        for item in node.items() {
            match (declared, scalar_text(item)) {
                (_, None) => {
                    self.wrong_type("an allowed value", "a string, a number or a boolean", item)
                }
                (Some(declared), _) if ParamType::from_node(item) != Some(declared) => {
                    self.wrong_type(
                        "an allowed value of this parameter",
                        declared.with_article(),
                        item,
                    );
                }
                _ => {}
            }
        }
        node.items()
    }

    /// The value of a parameter in this run.
    fn parameter(&mut self, entry: &Entry, declaration: Declaration<'_>) -> Option<Node> {
        let Declaration {
            default,
            allowed,
            declared,
            file,
            is_secret,
        } = declaration;
        if let (Some(default), Some(file)) = (default, file) {
            let message = "`default` and `file` cannot both be set";
            let diagnostic = Diagnostic::error(Code::ValueNotAllowed, file.span, message);
            self.report(diagnostic.related(default.span, "`default` is set here"));
        }
        let inputs = self.inputs;
        let input = inputs
            .params
            .iter()
            .rev()
            .find(|(name, _)| *name == entry.key)
            .map(|(_, value)| value);
        let wanted = declared
            .or(default.and_then(ParamType::from_node))
            .or(allowed.first().and_then(ParamType::from_node));
        if let Some(default) = default {
            self.fits("the default", default, declared);
        }
        let (value, what) = match (input, default) {
            (Some(input), _) => {
                let what = format!("the value of `{}` from {}", entry.key, input.origin);
                let Some(value) = input.to_node(wanted, entry.key_span) else {
                    let expected = wanted.unwrap_or(ParamType::String).with_article();
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
                let scope = ExpressionScope {
                    params: None,
                    resources: VisibleResources::None,
                    each: None,
                };
                let mut value = self.fill(default, scope);
                // Environment variables are text, which is converted to the type of the parameter.
                if let (Datum::Template(_), Some(text), Some(declared)) =
                    (&default.datum, value.as_str(), declared)
                {
                    value = parse_as(text, declared, value.span).unwrap_or(value);
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
                        .and_then(|text| parse_as(text, declared, entry.key_span))
                        .unwrap_or(text),
                    None => text,
                };
                self.fits(what, &value, declared)
                    .then(|| (value, what.to_owned()))?
            }
            (None, None) => {
                let message = format!("the parameter `{}` has no value", entry.key);
                let help = match is_secret {
                    // Other users can see command lines, and the shell records them.
                    true => "pass `--params-file FILE`, or set `default: \"${env.NAME}\"` here"
                        .to_owned(),
                    false => format!("pass `--param {}=VALUE`, or set `default`", entry.key),
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
        if !allowed.is_empty() && !allowed.iter().any(|candidate| is_equal(candidate, &value)) {
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

    fn fits(&mut self, what: &str, value: &Node, declared: Option<ParamType>) -> bool {
        let known = !matches!(value.datum, Datum::Template(_));
        let Some(declared) =
            declared.filter(|declared| known && ParamType::from_node(value) != Some(*declared))
        else {
            return true;
        };
        self.wrong_type(what, declared.with_article(), value);
        false
    }

    /// Reports values of parameters that no document declares.
    pub(super) fn report_unused_parameters(
        &mut self,
        declared: &std::collections::BTreeSet<String>,
    ) {
        for (name, value) in self
            .inputs
            .params
            .iter()
            .filter(|(name, _)| !declared.contains(name))
        {
            let message = format!(
                "the parameter `{name}` from {} is not declared in any document",
                value.origin
            );
            let help = self.hint(name, declared.iter().map(String::as_str));
            self.report(Diagnostic::error(Code::UnusedParameter, None, message).maybe_help(help));
        }
    }
}

impl ParamValue {
    fn to_node(&self, wanted: Option<ParamType>, span: Span) -> Option<Node> {
        match &self.input {
            ParamInput::Json(json) => Some(node_from_json(json, span)),
            ParamInput::Text(text) => parse_as(text, wanted.unwrap_or(ParamType::String), span),
        }
    }
}

/// Converts text to a type. Returns `None` if it does not have that type.
fn parse_as(text: &str, wanted: ParamType, span: Span) -> Option<Node> {
    let datum = match wanted {
        ParamType::String => Datum::String(text.to_owned()),
        ParamType::Number => {
            Some(yaml::number(text.trim())).filter(|datum| matches!(datum, Datum::Number(_)))?
        }
        ParamType::Boolean => Datum::Bool(text.trim().parse().ok()?),
        ParamType::List | ParamType::Map => {
            let value = node_from_json(&serde_json::from_str(text).ok()?, span);
            return (ParamType::from_node(&value) == Some(wanted)).then_some(value);
        }
    };
    Some(Node { span, datum })
}

/// Converts JSON to a node. Strings are literal and contain no expressions.
fn node_from_json(json: &Json, span: Span) -> Node {
    let datum = match json {
        Json::Null => Datum::Null,
        Json::Bool(value) => Datum::Bool(*value),
        Json::Number(value) => Datum::Number(value.clone()),
        Json::String(text) => Datum::String(text.clone()),
        Json::Array(items) => Datum::Seq(
            items
                .iter()
                .map(|item| node_from_json(item, span))
                .collect(),
        ),
        Json::Object(members) => {
            let entry = |(key, value): (&String, &Json)| Entry {
                key_template: None,
                key: key.clone(),
                key_span: span,
                value: node_from_json(value, span),
            };
            Datum::Map(members.iter().map(entry).collect())
        }
    };
    Node { span, datum }
}

fn is_equal(left: &Node, right: &Node) -> bool {
    match (&left.datum, &right.datum) {
        (Datum::Number(left), Datum::Number(right)) => {
            left == right || left.as_f64() == right.as_f64()
        }
        (left, right) => left == right,
    }
}
