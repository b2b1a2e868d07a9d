//! Validates properties against the JSON Schema of their kind, with the position of the key or value for every mistake.
//!
//! Values that refer to a resource are not validated because they are not known yet.

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

/// The nesting limit when the alternatives of a schema are searched for property names.
const MAX_NESTED: usize = 8;

/// The compiled schema of the properties of a kind.
#[derive(Debug)]
pub struct Shape {
    /// The name of the validated entry in messages: `a storageAccount`.
    whole: String,
    schema: Json,
    /// The validator, or the reason why the schema is not valid.
    validator: Result<Validator, String>,
}

/// A mistake, with the data by which it is compared with those of other alternatives.
struct SchemaViolation {
    /// The JSON pointer of the value.
    at: String,
    kind: ViolationKind,
    diagnostic: Diagnostic,
}

/// The data of a mistake that alternatives have in common.
enum ViolationKind {
    /// The value has none of these types.
    Type(Vec<String>),
    /// The value differs from all of these.
    Allowed(Vec<Json>),
    Other,
}

impl Shape {
    /// Compiles a JSON Schema, draft 2020-12. `whole` is the name of the validated entry in messages.
    pub fn new(whole: impl Into<String>, schema: Json) -> Self {
        let validator = jsonschema::draft202012::new(&schema).map_err(|error| error.to_string());
        Self {
            whole: whole.into(),
            schema,
            validator,
        }
    }

    /// Reports every mistake in `props`. Mistakes that concern the whole entry, such as a missing property, are reported at
    /// `name`.
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
            for violation in self.violations(&error, props, name) {
                diagnostics.push(violation.diagnostic);
            }
        }
    }

    /// Converts a validation error. Returns nothing for a value that is not known yet.
    fn violations(
        &self,
        error: &ValidationError<'_>,
        props: &Node,
        name: Span,
    ) -> Vec<SchemaViolation> {
        let at = error.instance_path().as_str();
        let Some(node) = props
            .pointer(at)
            .filter(|node| !matches!(node.datum, Datum::Template(_)))
        else {
            return Vec::new();
        };
        let context = ValueContext {
            shape: self,
            at,
            node,
            span: if at.is_empty() { name } else { node.span },
        };
        let rule = SchemaRule::from_keyword(&self.schema, error.schema_path().as_str());
        match error.kind() {
            Kind::AnyOf { context: errors } | Kind::OneOfNotValid { context: errors } => {
                self.alternatives(errors, &context, props, name)
            }
            Kind::AdditionalProperties { unexpected }
            | Kind::UnevaluatedProperties { unexpected } => {
                let known = rule.property_names(at.is_empty());
                unexpected
                    .iter()
                    .map(|key| context.unknown_key(key, &known))
                    .collect()
            }
            Kind::Required { property } => {
                let key = property.as_str().into_iter();
                key.map(|key| context.missing_key(key, &rule)).collect()
            }
            Kind::Type { .. } => vec![context.wrong_type(rule.types())],
            Kind::Enum { options } => {
                let values = options.as_array().cloned().into_iter();
                values.map(|values| context.not_allowed(values)).collect()
            }
            Kind::Constant { expected_value } => {
                vec![context.not_allowed(vec![expected_value.as_ref().clone()])]
            }
            kind => vec![context.broken_rule(kind, &rule)],
        }
    }

    /// The mistakes in a value that matches none of several alternatives: those of the most likely alternative.
    fn alternatives(
        &self,
        errors: &[Vec<ValidationError<'static>>],
        context: &ValueContext<'_>,
        props: &Node,
        name: Span,
    ) -> Vec<SchemaViolation> {
        let branch = |errors: &Vec<ValidationError<'static>>| -> Vec<SchemaViolation> {
            errors
                .iter()
                .flat_map(|error| self.violations(error, props, name))
                .collect()
        };
        let mut branches: Vec<Vec<SchemaViolation>> = errors.iter().map(branch).collect();
        if branches.iter().any(Vec::is_empty) {
            return Vec::new();
        }
        let has_other_type = |violations: &Vec<SchemaViolation>| {
            violations.iter().any(|violation| {
                violation.at == context.at && matches!(violation.kind, ViolationKind::Type(_))
            })
        };
        if branches.iter().all(has_other_type) {
            let types = branches
                .into_iter()
                .flatten()
                .filter(|violation| violation.at == context.at);
            let types = types.flat_map(|violation| match violation.kind {
                ViolationKind::Type(types) => types,
                _ => Vec::new(),
            });
            return vec![context.wrong_type(types.collect())];
        }
        branches.retain(|violations| !has_other_type(violations));
        if let Some(violation) = self.common_wrong_word(&branches, props) {
            return vec![violation];
        }
        // A value outside of an enumeration makes an alternative less likely than any other mistake.
        let mismatch = |violations: &Vec<SchemaViolation>| {
            let words = violations
                .iter()
                .filter(|violation| matches!(violation.kind, ViolationKind::Allowed(_)))
                .count();
            (words, violations.len())
        };
        let likeliest = branches.into_iter().min_by_key(mismatch);
        likeliest.into_iter().flatten().collect()
    }

    /// A word that no alternative allows, as in an enumeration, or as the tag that distinguishes the alternatives.
    fn common_wrong_word(
        &self,
        branches: &[Vec<SchemaViolation>],
        props: &Node,
    ) -> Option<SchemaViolation> {
        let words = |violations: &[SchemaViolation], at: &str| {
            violations
                .iter()
                .find_map(|violation| match &violation.kind {
                    ViolationKind::Allowed(values) if violation.at == at => Some(values.clone()),
                    _ => None,
                })
        };
        branches.first()?.iter().find_map(|candidate| {
            let at = candidate.at.as_str();
            let allowed = branches
                .iter()
                .map(|violations| words(violations, at))
                .collect::<Option<Vec<_>>>()?;
            let node = props.pointer(at)?;
            Some(
                ValueContext {
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

/// The value that contains a mistake.
struct ValueContext<'a> {
    shape: &'a Shape,
    /// The JSON pointer of the value.
    at: &'a str,
    node: &'a Node,
    span: Span,
}

impl ValueContext<'_> {
    /// The name of the value in messages: `` `sku` ``, `` `rules[0].name` ``, or the name of the entry.
    fn display_name(&self) -> String {
        if self.at.is_empty() {
            return self.shape.whole.clone();
        }
        let mut name = String::new();
        for part in self.at.split('/').skip(1) {
            let part = part.replace("~1", "/").replace("~0", "~");
            match part.parse::<usize>() {
                Ok(index) => name.push_str(&format!("[{index}]")),
                Err(_) if name.is_empty() => name.push_str(&part),
                Err(_) => name.push_str(&format!(".{part}")),
            }
        }
        format!("`{name}`")
    }

    fn violation(&self, kind: ViolationKind, diagnostic: Diagnostic) -> SchemaViolation {
        SchemaViolation {
            at: self.at.to_owned(),
            kind,
            diagnostic,
        }
    }

    fn unknown_key(&self, key: &str, known: &BTreeSet<&str>) -> SchemaViolation {
        let span = self
            .node
            .entry(key)
            .map_or(self.span, |entry| entry.key_span);
        let help = did_you_mean(key, known.iter().copied()).or_else(|| {
            (!known.is_empty()).then(|| format!("use one of {}", listing(known.iter().copied())))
        });
        let message = format!("{} has no property `{key}`", self.display_name());
        self.violation(
            ViolationKind::Other,
            Diagnostic::error(Code::UnknownKey, span, message).maybe_help(help),
        )
    }

    fn missing_key(&self, key: &str, rule: &SchemaRule<'_>) -> SchemaViolation {
        let message = format!("{} requires `{key}`", self.display_name());
        let help = rule
            .schema
            .pointer("/properties")
            .and_then(|properties| properties.get(key))
            .and_then(first_line);
        self.violation(
            ViolationKind::Other,
            Diagnostic::error(Code::MissingKey, self.span, message).maybe_help(help),
        )
    }

    fn wrong_type(&self, types: Vec<String>) -> SchemaViolation {
        let mut expected: Vec<&str> = types
            .iter()
            .filter(|kind| *kind != "null")
            .map(|kind| type_name(kind))
            .collect();
        expected.dedup();
        let message = format!(
            "{} must be {}, not {}",
            self.display_name(),
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
        self.violation(ViolationKind::Type(types), diagnostic)
    }

    fn not_allowed(&self, values: Vec<Json>) -> SchemaViolation {
        let texts: Vec<String> = values
            .iter()
            .filter(|value| !value.is_null())
            .map(text)
            .collect();
        let words = || texts.iter().map(String::as_str);
        let message = match texts.as_slice() {
            [only] => format!("{} must be `{only}`", self.display_name()),
            _ => format!(
                "{} must be one of {}",
                self.display_name(),
                listing(words())
            ),
        };
        let help = self
            .node
            .as_str()
            .and_then(|word| did_you_mean(word, words()));
        let diagnostic =
            Diagnostic::error(Code::ValueNotAllowed, self.span, message).maybe_help(help);
        self.violation(ViolationKind::Allowed(values), diagnostic)
    }

    /// A rule that a value of the right type breaks, in the words of the schema's `errorMessage` if it has one.
    fn broken_rule(&self, kind: &Kind, rule: &SchemaRule<'_>) -> SchemaViolation {
        let text = rule.schema.get("errorMessage").and_then(Json::as_str);
        let text = text.map_or_else(|| requirement(kind), str::to_owned);
        let message = format!("{} must {text}", self.display_name());
        let diagnostic = Diagnostic::error(Code::ValueNotAllowed, self.span, message);
        self.violation(
            ViolationKind::Other,
            diagnostic.maybe_help(first_line(rule.schema)),
        )
    }
}

/// The requirement of a keyword, to follow "must".
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
        Kind::UniqueItems => "have unique items".to_owned(),
        Kind::Pattern { pattern } => format!("match `{pattern}`"),
        Kind::Format { format } => format!("have the format {format}"),
        Kind::PropertyNames { .. } => "have keys in the required format".to_owned(),
        Kind::FalseSchema => "not be set".to_owned(),
        Kind::OneOfMultipleValid { .. } => "match exactly one alternative".to_owned(),
        other => format!("satisfy the rule `{}` of its schema", other.keyword()),
    }
}

/// The part of a schema that contains a keyword.
struct SchemaRule<'a> {
    root: &'a Json,
    schema: &'a Json,
}

impl<'a> SchemaRule<'a> {
    /// Finds the part of a schema by the JSON pointer of a keyword.
    fn from_keyword(root: &'a Json, keyword: &str) -> Self {
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

    /// The names of the allowed properties, with the keys of all resources if `common`.
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

/// The target of a `$ref` within the same schema.
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

/// Joins alternatives: `a`, `a or b`, `a, b or c`.
fn either(words: &[&str]) -> String {
    match words {
        [] => "another type".to_owned(),
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
