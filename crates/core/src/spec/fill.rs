//! Filling in `${params.x}`, `${env.X}` and `${each...}`, and checking that what is referred to exists.

use std::collections::HashMap;

use indexmap::IndexMap;

use super::author::{Author, listing, scalar_text};
use crate::{
    diagnostic::{Code, Diagnostic},
    node::{Datum, Entry, Node},
    source::Span,
    template::{self, Expr, Instance, Reference, Segment, Template},
};

/// The parameters of a document; `None` for one without a value, which was reported.
pub(super) type Params = HashMap<String, Option<Node>>;

/// What stands under `resources`, by name.
pub(super) type Names<'a> = HashMap<&'a str, Instances>;

/// What there is of a resource.
pub(super) enum Instances {
    /// One: there is no forEach.
    One,
    /// One for each key.
    Each(IndexMap<String, Node>),
    /// Not known, because the forEach has a mistake.
    Unknown,
}

/// What the expressions at a place can name.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s> {
    /// The parameters; none in their own defaults.
    pub(super) params: Option<&'s Params>,
    pub(super) resources: Resources<'s>,
    /// Key and value of the instance; none outside of a forEach, and no value within that value itself.
    pub(super) each: Option<(&'s str, Option<&'s Node>)>,
}

/// Which resources the expressions at a place can name.
#[derive(Clone, Copy)]
pub(super) enum Resources<'s> {
    /// None at all.
    Refused,
    /// All; whether they exist is checked where the value is used.
    Unchecked,
    /// These.
    Named(&'s Names<'s>),
}

impl Author<'_> {
    /// The value with everything filled in that is known before the run. What cannot be filled in is reported, and
    /// stays an expression.
    pub(super) fn fill(&mut self, node: &Node, scope: Scope<'_>) -> Node {
        let text = if let Datum::String(text) = &node.datum {
            text.len()
        } else {
            0
        };
        if !self.take_room(node.span, text) {
            // Reported; an expression that is left over is not complained about again.
            let left_over = Template(vec![Segment::Expr(Expr::EachValue(Vec::new()))]);
            return Node {
                span: node.span,
                datum: Datum::Template(left_over),
            };
        }
        let datum = match &node.datum {
            Datum::Template(template) => self.fill_template(template, node.span, scope),
            Datum::Seq(items) => {
                Datum::Seq(items.iter().map(|item| self.fill(item, scope)).collect())
            }
            Datum::Map(entries) => Datum::Map(
                entries
                    .iter()
                    .map(|entry| self.fill_entry(entry, scope))
                    .collect(),
            ),
            plain => plain.clone(),
        };
        Node {
            span: node.span,
            datum,
        }
    }

    pub(super) fn fill_entry(&mut self, entry: &Entry, scope: Scope<'_>) -> Entry {
        let (key, key_template) = self.fill_key(entry, scope);
        Entry {
            key,
            key_template,
            key_span: entry.key_span,
            value: self.fill(&entry.value, scope),
        }
    }

    fn fill_key(&mut self, entry: &Entry, scope: Scope<'_>) -> (String, Option<Template>) {
        let Some(template) = &entry.key_template else {
            return (entry.key.clone(), None);
        };
        let span = entry.key_span;
        match self.fill_template(template, span, scope) {
            Datum::String(text) => (text, None),
            Datum::Template(template) => (template.to_string(), Some(template)),
            datum => {
                let node = Node { span, datum };
                let text = scalar_text(&node).unwrap_or_else(|| {
                    self.wrong_type("a key", "text", &node);
                    entry.key.clone()
                });
                (text, None)
            }
        }
    }

    fn fill_template(&mut self, template: &Template, scalar: Span, scope: Scope<'_>) -> Datum {
        if let Some(expr) = template.single() {
            let value = self.value(expr, scalar, scope);
            return value.unwrap_or_else(|| Datum::Template(template.clone()));
        }
        let mut segments = Vec::with_capacity(template.0.len());
        for segment in &template.0 {
            match segment {
                Segment::Text(text) => push_text(&mut segments, text),
                Segment::Secret(secret) => segments.push(Segment::Secret(secret.clone())),
                Segment::Expr(expr) => match self.value(expr, scalar, scope) {
                    None => segments.push(segment.clone()),
                    Some(Datum::Template(inner)) => {
                        inner.0.into_iter().for_each(|segment| match segment {
                            Segment::Text(text) => push_text(&mut segments, &text),
                            other => segments.push(other),
                        })
                    }
                    Some(Datum::Secret(secret)) => segments.push(Segment::Secret(secret)),
                    Some(datum) => {
                        let node = Node {
                            span: scalar,
                            datum,
                        };
                        match scalar_text(&node) {
                            Some(text) if self.take_room(scalar, text.len()) => {
                                push_text(&mut segments, &text)
                            }
                            Some(_) => {}
                            None => {
                                let place = self.place(expr, scalar);
                                let message = format!(
                                    "`{expr}` is {}, and only text, numbers and booleans can stand inside of longer text",
                                    node.type_name()
                                );
                                self.error(Code::WrongType, place, message);
                                segments.push(segment.clone());
                            }
                        }
                    }
                },
            }
        }
        Template(segments).into()
    }

    /// What an expression stands for; nothing if that is unknown, which was reported.
    fn value(&mut self, expr: &Expr, scalar: Span, scope: Scope<'_>) -> Option<Datum> {
        let place = self.place(expr, scalar);
        match expr {
            Expr::Param(name) => self.param(name, place, scope),
            Expr::Env(name) => match (self.inputs.env)(name) {
                Some(value) => Some(Datum::String(value)),
                None => {
                    let message = format!("the environment variable `{name}` is not set");
                    let help = format!(
                        "set `{name}` before running lazuli, or use a parameter with a default"
                    );
                    self.report(
                        Diagnostic::error(Code::UndefinedVariable, place, message).help(help),
                    );
                    None
                }
            },
            Expr::EachKey => match scope.each {
                Some((key, _)) => Some(Datum::String(key.to_owned())),
                None => self.no_each(expr, place),
            },
            Expr::EachValue(path) => match scope.each {
                Some((_, Some(value))) => self.each_value(value, path, place, scope),
                // Reported when the forEach was read.
                Some((_, None)) => None,
                None => self.no_each(expr, place),
            },
            Expr::Resource(reference) => {
                let reference = self.reference(reference, place, scope, Whole::No);
                Some(Datum::Template(Template(vec![Segment::Expr(
                    Expr::Resource(reference),
                )])))
            }
        }
    }

    fn place(&self, expr: &Expr, scalar: Span) -> Span {
        template::locate(self.sources, scalar, &format!("${{{expr}}}"))
    }

    fn param(&mut self, name: &str, place: Span, scope: Scope<'_>) -> Option<Datum> {
        let Some(params) = scope.params else {
            self.error(
                Code::BadExpression,
                place,
                "the default of a parameter can use `env.NAME` only",
            );
            return None;
        };
        match params.get(name) {
            Some(value) => value.as_ref().map(|value| self.fill(value, scope).datum),
            None => {
                let hint = self.hint(name, params.keys().map(String::as_str));
                let help = hint.unwrap_or_else(|| {
                    format!("declare it: `parameters: {{ {name}: {{ default: … }} }}`")
                });
                let message = format!("the parameter `{name}` is not declared");
                self.report(Diagnostic::error(Code::UndefinedParameter, place, message).help(help));
                None
            }
        }
    }

    fn no_each(&mut self, expr: &Expr, place: Span) -> Option<Datum> {
        self.error(
            Code::BadExpression,
            place,
            format!("`{expr}` has a meaning only in a resource with `forEach`"),
        );
        None
    }

    fn each_value(
        &mut self,
        value: &Node,
        path: &[String],
        place: Span,
        scope: Scope<'_>,
    ) -> Option<Datum> {
        let mut node = value;
        for (depth, part) in path.iter().enumerate() {
            let next = match &node.datum {
                Datum::Map(_) => node.get(part),
                Datum::Seq(items) => part.parse().ok().and_then(|index: usize| items.get(index)),
                Datum::Template(template) => {
                    return self.path_behind(template, &path[depth..], place, scope);
                }
                _ => None,
            };
            node = match next {
                Some(next) => next,
                None => {
                    let whose = [&["each".to_owned(), "value".to_owned()], &path[..depth]]
                        .concat()
                        .join(".");
                    let message = format!("`{whose}` is {} without `{part}`", node.type_name());
                    let help =
                        self.hint(part, node.entries().iter().map(|entry| entry.key.as_str()));
                    self.report(
                        Diagnostic::error(Code::UnknownReference, place, message)
                            .related(node.span, "the value")
                            .maybe_help(help),
                    );
                    return None;
                }
            };
        }
        let each = scope.each.map(|(key, _)| (key, None));
        Some(self.fill(node, Scope { each, ..scope }).datum)
    }

    /// A path behind a value that is itself a reference to a resource continues that reference.
    fn path_behind(
        &mut self,
        template: &Template,
        path: &[String],
        place: Span,
        scope: Scope<'_>,
    ) -> Option<Datum> {
        match template.single() {
            Some(Expr::Resource(reference)) => {
                let mut reference = self.reference(reference, place, scope, Whole::No);
                reference.path.extend_from_slice(path);
                Some(Datum::Template(Template(vec![Segment::Expr(
                    Expr::Resource(reference),
                )])))
            }
            Some(_) => None,
            None => {
                self.error(
                    Code::WrongType,
                    place,
                    "this value is a string, which has no properties",
                );
                None
            }
        }
    }

    /// Checks that a reference leads somewhere, and replaces `each.key` by the key.
    pub(super) fn reference(
        &mut self,
        reference: &Reference,
        place: Span,
        scope: Scope<'_>,
        whole: Whole,
    ) -> Reference {
        let mut reference = reference.clone();
        match scope.resources {
            Resources::Refused => {
                self.error(
                    Code::BadExpression,
                    place,
                    format!("`{reference}`: a resource cannot be referred to here"),
                );
                return reference;
            }
            Resources::Unchecked => return reference,
            Resources::Named(_) => {}
        }
        if reference.instance == Some(Instance::EachKey) {
            let Some((key, _)) = scope.each else {
                self.no_each(&Expr::EachKey, place);
                return reference;
            };
            reference.instance = Some(Instance::Key(key.to_owned()));
        }
        if let Resources::Named(names) = scope.resources
            && let Some((message, help)) = self.dangling(&reference, names, scope, whole)
        {
            self.report(Diagnostic::error(Code::UnknownReference, place, message).maybe_help(help));
        }
        reference
    }

    /// What is wrong with a reference, and what to write instead.
    fn dangling(
        &mut self,
        reference: &Reference,
        names: &Names<'_>,
        scope: Scope<'_>,
        whole: Whole,
    ) -> Option<(String, Option<String>)> {
        let name = reference.resource.as_str();
        let all = |keys: &IndexMap<String, Node>| {
            format!("the keys are {}", listing(keys.keys().map(String::as_str)))
        };
        match (names.get(name), &reference.instance) {
            (None, _) => {
                let is_parameter = scope.params.is_some_and(|params| params.contains_key(name));
                let help = if is_parameter {
                    Some(format!("write `params.{name}` for the parameter"))
                } else if ["var", "local", "param", "parameters"].contains(&name) {
                    Some(
                        "a parameter is `params.NAME`, a variable of the environment `env.NAME`"
                            .to_owned(),
                    )
                } else {
                    self.hint(name, names.keys().copied())
                };
                Some((format!("there is no resource `{name}` in this stack"), help))
            }
            (Some(Instances::Unknown), _) | (Some(Instances::One), None) => None,
            (Some(Instances::One), Some(_)) => {
                let message =
                    format!("the resource `{name}` has no `forEach`, and so no instances");
                Some((message, Some(format!("write `{name}`"))))
            }
            (Some(Instances::Each(_)), None) if whole == Whole::Yes => None,
            (Some(Instances::Each(keys)), None) => {
                let help = match keys.first() {
                    Some((first, _)) => format!("write `{name}[{first}]`; {}", all(keys)),
                    None => "its forEach is empty".to_owned(),
                };
                Some((
                    format!("the resource `{name}` has a `forEach`: say which instance"),
                    Some(help),
                ))
            }
            (Some(Instances::Each(keys)), Some(Instance::Key(key))) if !keys.contains_key(key) => {
                let help = self
                    .hint(key, keys.keys().map(String::as_str))
                    .unwrap_or_else(|| all(keys));
                Some((
                    format!("the resource `{name}` has no instance `{key}`"),
                    Some(help),
                ))
            }
            (Some(Instances::Each(_)), Some(_)) => None,
        }
    }
}

/// Whether a name alone can stand for all instances of a resource.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Whole {
    /// As in `dependsOn`.
    Yes,
    /// As in every other place.
    No,
}

/// Adds text, to the text before it if there is any.
fn push_text(segments: &mut Vec<Segment>, text: &str) {
    match segments.last_mut() {
        Some(Segment::Text(before)) => before.push_str(text),
        _ if text.is_empty() => {}
        _ => segments.push(Segment::Text(text.to_owned())),
    }
}
