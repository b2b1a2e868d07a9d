//! Properties against the JSON Schema of their kind: every mistake at the very key or value it is about.
//!
//! A value that refers to a resource is not known yet, so nothing is said about it here.

mod expressions;
mod forms;

use std::collections::BTreeSet;

use jsonschema::{ValidationError, Validator, error::ValidationErrorKind as Kind};
use serde_json::Value as Json;

pub use expressions::expressions_allowed;
pub use forms::forms;

use crate::{
    diagnostic::{Code, Diagnostic, Diagnostics, did_you_mean},
    node::{Datum, Node},
    source::Span,
    spec::COMMON_KEYS,
};

/// How deep the alternatives of a schema are searched for names of properties.
const MAX_NESTED: usize = 8;

/// The shape of the properties of one kind, compiled once.
#[derive(Debug)]
pub struct Shape {
    /// How the whole is called in messages: `a storageAccount`.
    whole: String,
    schema: Json,
    /// The reason instead, where the schema itself is not valid.
    validator: Result<Validator, String>,
}

/// One mistake, and what it has in common with those of other alternatives.
struct Finding {
    /// The JSON pointer of the value.
    at: String,
    what: What,
    diagnostic: Diagnostic,
}

enum What {
    /// The value is of none of these types.
    Type(Vec<String>),
    /// The value is none of these.
    Allowed(Vec<Json>),
    Other,
}

impl Shape {
    /// A shape from a JSON Schema, draft 2020-12. `whole` is what the schema describes, as messages call it.
    pub fn new(whole: impl Into<String>, schema: Json) -> Self {
        let validator = jsonschema::draft202012::new(&schema).map_err(|error| error.to_string());
        Self {
            whole: whole.into(),
            schema,
            validator,
        }
    }

    /// Finds everything in `props` that the schema does not take. What concerns the whole, such as a property that is
    /// missing, is said at `name`.
    pub fn check(&self, props: &Node, name: Span, diagnostics: &mut Diagnostics) {
        let validator = match &self.validator {
            Ok(validator) => validator,
            Err(reason) => {
                let message = format!("the schema of {} is not valid: {reason}", self.whole);
                diagnostics.push(Diagnostic::error(Code::WrongType, name, message));
                return;
            }
        };
        let json = props.to_json();
        for error in validator.iter_errors(&json) {
            for finding in self.findings(&error, props, name) {
                diagnostics.push(finding.diagnostic);
            }
        }
    }

    /// What an error means for the author; nothing if it is about a value that is not known yet.
    fn findings(&self, error: &ValidationError<'_>, props: &Node, name: Span) -> Vec<Finding> {
        let at = error.instance_path().as_str();
        let Some(node) = props
            .pointer(at)
            .filter(|node| !matches!(node.datum, Datum::Template(_)))
        else {
            return Vec::new();
        };
        let place = Place {
            shape: self,
            at,
            node,
            span: if at.is_empty() { name } else { node.span },
        };
        let rule = Rule::of(&self.schema, error.schema_path().as_str());
        match error.kind() {
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
                self.alternatives(context, &place, props, name)
            }
            Kind::AdditionalProperties { unexpected }
            | Kind::UnevaluatedProperties { unexpected } => {
                let known = rule.property_names(at.is_empty());
                unexpected
                    .iter()
                    .map(|key| place.unknown_key(key, &known))
                    .collect()
            }
            Kind::Required { property } => {
                vec![place.missing_key(property.as_str().unwrap_or_default(), &rule)]
            }
            Kind::Type { .. } => vec![place.wrong_type(rule.types())],
            Kind::Enum { options } => {
                vec![place.not_allowed(options.as_array().cloned().unwrap_or_default())]
            }
            Kind::Constant { expected_value } => {
                vec![place.not_allowed(vec![expected_value.as_ref().clone()])]
            }
            kind => vec![place.refused(kind, &rule)],
        }
    }

    /// Mistakes in a value that fits none of several alternatives: those of the one that it was meant for.
    fn alternatives(
        &self,
        context: &[Vec<ValidationError<'static>>],
        place: &Place<'_>,
        props: &Node,
        name: Span,
    ) -> Vec<Finding> {
        let branch = |errors: &Vec<ValidationError<'static>>| -> Vec<Finding> {
            errors
                .iter()
                .flat_map(|error| self.findings(error, props, name))
                .collect()
        };
        let mut branches: Vec<Vec<Finding>> = context.iter().map(branch).collect();
        if branches.iter().any(Vec::is_empty) {
            return Vec::new();
        }
        let of_another_type = |findings: &Vec<Finding>| {
            findings
                .iter()
                .any(|finding| finding.at == place.at && matches!(finding.what, What::Type(_)))
        };
        if branches.iter().all(of_another_type) {
            let types = branches
                .into_iter()
                .flatten()
                .filter(|finding| finding.at == place.at);
            let types = types.flat_map(|finding| match finding.what {
                What::Type(types) => types,
                _ => Vec::new(),
            });
            return vec![place.wrong_type(types.collect())];
        }
        branches.retain(|findings| !of_another_type(findings));
        if let Some(finding) = self.no_such_word(&branches, props) {
            return vec![finding];
        }
        // A wrong word speaks against an alternative more than anything else.
        let against = |findings: &Vec<Finding>| {
            let words = findings
                .iter()
                .filter(|finding| matches!(finding.what, What::Allowed(_)))
                .count();
            (words, findings.len())
        };
        branches.into_iter().min_by_key(against).unwrap_or_default()
    }

    /// A word that is the wrong one in every alternative, as in a choice of words, or as the word by which the
    /// alternatives are told apart.
    fn no_such_word(&self, branches: &[Vec<Finding>], props: &Node) -> Option<Finding> {
        let words = |findings: &[Finding], at: &str| {
            findings.iter().find_map(|finding| match &finding.what {
                What::Allowed(values) if finding.at == at => Some(values.clone()),
                _ => None,
            })
        };
        branches.first()?.iter().find_map(|candidate| {
            let at = candidate.at.as_str();
            let allowed = branches
                .iter()
                .map(|findings| words(findings, at))
                .collect::<Option<Vec<_>>>()?;
            let node = props.pointer(at)?;
            Some(
                Place {
                    shape: self,
                    at,
                    node,
                    span: node.span,
                }
                .not_allowed(allowed.concat()),
            )
        })
    }
}

/// The value that a mistake is about.
struct Place<'a> {
    shape: &'a Shape,
    /// Its JSON pointer.
    at: &'a str,
    node: &'a Node,
    span: Span,
}

impl Place<'_> {
    /// How the value is called: `` `sku` ``, `` `rules[0].name` ``, or the whole.
    fn called(&self) -> String {
        if self.at.is_empty() {
            return self.shape.whole.clone();
        }
        let mut called = String::new();
        for part in self.at.split('/').skip(1) {
            let part = part.replace("~1", "/").replace("~0", "~");
            match part.parse::<usize>() {
                Ok(index) => called.push_str(&format!("[{index}]")),
                Err(_) if called.is_empty() => called.push_str(&part),
                Err(_) => called.push_str(&format!(".{part}")),
            }
        }
        format!("`{called}`")
    }

    fn finding(&self, what: What, diagnostic: Diagnostic) -> Finding {
        Finding {
            at: self.at.to_owned(),
            what,
            diagnostic,
        }
    }

    fn unknown_key(&self, key: &str, known: &BTreeSet<&str>) -> Finding {
        let span = self
            .node
            .entry(key)
            .map_or(self.span, |entry| entry.key_span);
        let help = did_you_mean(key, known.iter().copied()).or_else(|| {
            (!known.is_empty()).then(|| format!("there is {}", listing(known.iter().copied())))
        });
        let message = format!("{} has no property `{key}`", self.called());
        self.finding(
            What::Other,
            Diagnostic::error(Code::UnknownKey, span, message).maybe_help(help),
        )
    }

    fn missing_key(&self, key: &str, rule: &Rule<'_>) -> Finding {
        let message = format!("{} needs `{key}`", self.called());
        let help = rule
            .schema
            .pointer("/properties")
            .and_then(|properties| properties.get(key))
            .and_then(first_line);
        self.finding(
            What::Other,
            Diagnostic::error(Code::MissingKey, self.span, message).maybe_help(help),
        )
    }

    fn wrong_type(&self, types: Vec<String>) -> Finding {
        let mut expected: Vec<&str> = types
            .iter()
            .filter(|kind| *kind != "null")
            .map(|kind| type_name(kind))
            .collect();
        expected.dedup();
        let message = format!(
            "{} must be {}, not {}",
            self.called(),
            either(&expected),
            self.node.type_name()
        );
        let takes = |kind: &str| types.iter().any(|candidate| candidate == kind);
        let help = match &self.node.datum {
            Datum::Number(_) | Datum::Bool(_) if takes("string") => Some("put it in quotes"),
            Datum::String(text)
                if takes("boolean") && ["true", "false"].contains(&text.as_str()) =>
            {
                Some("write it without quotes")
            }
            Datum::String(text)
                if takes("boolean") && ["yes", "no", "on", "off"].contains(&text.as_str()) =>
            {
                Some("write `true` or `false`")
            }
            _ => None,
        };
        let diagnostic = Diagnostic::error(Code::WrongType, self.span, message)
            .maybe_help(help.map(str::to_owned));
        self.finding(What::Type(types), diagnostic)
    }

    fn not_allowed(&self, values: Vec<Json>) -> Finding {
        let texts: Vec<String> = values
            .iter()
            .filter(|value| !value.is_null())
            .map(text)
            .collect();
        let words = || texts.iter().map(String::as_str);
        let message = match texts.as_slice() {
            [only] => format!("{} must be `{only}`", self.called()),
            _ => format!("{} must be one of {}", self.called(), listing(words())),
        };
        let help = self
            .node
            .as_str()
            .and_then(|word| did_you_mean(word, words()));
        let diagnostic =
            Diagnostic::error(Code::ValueNotAllowed, self.span, message).maybe_help(help);
        self.finding(What::Allowed(values), diagnostic)
    }

    /// A rule that a value of the right type breaks, in the words of the schema's `errorMessage` if there is one.
    fn refused(&self, kind: &Kind, rule: &Rule<'_>) -> Finding {
        let says = rule.schema.get("errorMessage").and_then(Json::as_str);
        let says = says.map_or_else(|| requirement(kind), str::to_owned);
        let message = format!("{} must {says}", self.called());
        let diagnostic = Diagnostic::error(Code::ValueNotAllowed, self.span, message);
        self.finding(What::Other, diagnostic.maybe_help(first_line(rule.schema)))
    }
}

/// What a keyword asks for, continuing "must".
fn requirement(kind: &Kind) -> String {
    match kind {
        Kind::MinLength { limit } => format!("have at least {limit} characters"),
        Kind::MaxLength { limit } => format!("have at most {limit} characters"),
        Kind::Minimum { limit } => format!("be at least {limit}"),
        Kind::Maximum { limit } => format!("be at most {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("be more than {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("be less than {limit}"),
        Kind::MinItems { limit } => format!("have at least {limit} items"),
        Kind::MaxItems { limit } => format!("have at most {limit} items"),
        Kind::MinProperties { limit } => format!("have at least {limit} keys"),
        Kind::MaxProperties { limit } => format!("have at most {limit} keys"),
        Kind::UniqueItems => "not have the same item twice".to_owned(),
        Kind::Pattern { pattern } => format!("match `{pattern}`"),
        Kind::Format { format } => format!("be written as {format}"),
        Kind::PropertyNames { .. } => "have keys of another form".to_owned(),
        Kind::FalseSchema => "not be written here".to_owned(),
        Kind::OneOfMultipleValid { .. } => "fit one alternative only".to_owned(),
        other => format!("fulfil the rule `{}` of its schema", other.keyword()),
    }
}

/// The part of a schema that holds a keyword.
struct Rule<'a> {
    root: &'a Json,
    schema: &'a Json,
}

impl<'a> Rule<'a> {
    /// The rule behind the JSON pointer of a keyword.
    fn of(root: &'a Json, keyword: &str) -> Self {
        let parent = keyword.rsplit_once('/').map_or("", |(parent, _)| parent);
        Self {
            root,
            schema: root.pointer(parent).unwrap_or(&Json::Null),
        }
    }

    fn types(&self) -> Vec<String> {
        match self.schema.get("type") {
            Some(Json::String(kind)) => vec![kind.clone()],
            Some(Json::Array(kinds)) => kinds
                .iter()
                .filter_map(Json::as_str)
                .map(str::to_owned)
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The properties that can be written here; beside those of the kind, those that every resource has.
    fn property_names(&self, common: bool) -> BTreeSet<&'a str> {
        let mut names = BTreeSet::new();
        collect_names(self.root, self.schema, MAX_NESTED, &mut names);
        if common {
            names.extend(COMMON_KEYS);
        }
        names
    }
}

fn collect_names<'a>(
    root: &'a Json,
    schema: &'a Json,
    depth: usize,
    names: &mut BTreeSet<&'a str>,
) {
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
    names.extend(
        schema
            .get("properties")
            .and_then(Json::as_object)
            .into_iter()
            .flat_map(|map| map.keys().map(String::as_str)),
    );
    if let Some(target) = follow(root, schema) {
        collect_names(root, target, depth, names);
    }
    for keyword in ["allOf", "anyOf", "oneOf"] {
        for branch in schema
            .get(keyword)
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
        {
            collect_names(root, branch, depth, names);
        }
    }
}

/// What a `$ref` within the same schema leads to.
fn follow<'a>(root: &'a Json, schema: &Json) -> Option<&'a Json> {
    root.pointer(schema.get("$ref")?.as_str()?.strip_prefix('#')?)
}

/// The first line of a schema's description.
fn first_line(schema: &Json) -> Option<String> {
    let description = schema.get("description")?.as_str()?;
    Some(description.lines().next()?.trim_end_matches('.').to_owned())
}

fn type_name(name: &str) -> &str {
    match name {
        "string" => "a string",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "a mapping",
        other => other,
    }
}

fn text(value: &Json) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Alternatives in words: `a`, `a or b`, `a, b or c`.
fn either(words: &[&str]) -> String {
    match words {
        [] => "something else".to_owned(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// Words in backticks, separated by commas.
fn listing<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    words
        .into_iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests;
