//! Resolves `${params.x}`, `${env.X}` and `${each...}`, and checks that references name existing resources.

use std::collections::HashMap;

use indexmap::IndexMap;

use super::loader::{Loader, listing, scalar_text};
use crate::{
    diagnostic::{Code, Diagnostic},
    node::{Datum, Entry, Node},
    source::Span,
    template::{self, Expr, Instance, Reference, Segment, Template},
};

/// The parameters of a document; `None` if a parameter has no value, which was reported.
pub(super) type Params = HashMap<String, Option<Node>>;

/// The instances of each entry under `resources`, by name.
pub(super) type InstancesByName<'a> = HashMap<&'a str, Instances>;

/// The instances of an entry.
pub(super) enum Instances {
    /// The entry has no `forEach`.
    One,
    /// One instance for each key.
    Each(IndexMap<String, Node>),
    /// Unknown because the `forEach` is invalid.
    Unknown,
}

/// The names that expressions can use at a position.
#[derive(Clone, Copy)]
pub(super) struct ExpressionScope<'s> {
    /// The parameters; `None` in the defaults of parameters.
    pub(super) params: Option<&'s Params>,
    /// The resources.
    pub(super) resources: VisibleResources<'s>,
    /// The key and value of the instance; `None` outside of a `forEach`. The value is `None` while it is resolved itself.
    pub(super) each: Option<(&'s str, Option<&'s Node>)>,
}

/// The resources that expressions can refer to at a position.
#[derive(Clone, Copy)]
pub(super) enum VisibleResources<'s> {
    /// No resources.
    None,
    /// Any resource; the code that uses the value checks whether it exists.
    Any,
    /// Resources with these names.
    Named(&'s InstancesByName<'s>),
}

impl Loader<'_> {
    /// Resolves everything in a value that is known before apply. Expressions that cannot be resolved are reported and
    /// kept.
    pub(super) fn fill(&mut self, node: &Node, scope: ExpressionScope<'_>) -> Node {
        let text = if let Datum::String(text) = &node.datum {
            text.len()
        } else {
            0
        };
        if !self.take_room(node.span, text) {
            // The limit was reported; an unresolved expression is not reported again.
            let unresolved = Template(vec![Segment::Expr(Expr::EachValue(Vec::new()))]);
            return Node {
                span: node.span,
                datum: Datum::Template(unresolved),
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

    pub(super) fn fill_entry(&mut self, entry: &Entry, scope: ExpressionScope<'_>) -> Entry {
        let (key, key_template) = self.fill_key(entry, scope);
        Entry {
            key,
            key_template,
            key_span: entry.key_span,
            value: self.fill(&entry.value, scope),
        }
    }

    fn fill_key(
        &mut self,
        entry: &Entry,
        scope: ExpressionScope<'_>,
    ) -> (String, Option<Template>) {
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

    fn fill_template(
        &mut self,
        template: &Template,
        scalar: Span,
        scope: ExpressionScope<'_>,
    ) -> Datum {
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
                                    "`{expr}` is {}: only strings, numbers and booleans can be part of longer text",
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

    /// Evaluates an expression. Returns `None` if it cannot be resolved, which was reported.
    fn value(&mut self, expr: &Expr, scalar: Span, scope: ExpressionScope<'_>) -> Option<Datum> {
        let place = self.place(expr, scalar);
        match expr {
            Expr::Param(name) => self.param(name, place, scope),
            Expr::Env(name) => match (self.inputs.env)(name) {
                Some(value) => Some(Datum::String(value)),
                None => {
                    let message = format!("the environment variable `{name}` is not set");
                    let help = format!(
                        "set `{name}` before you run lazuli, or use a parameter with a default"
                    );
                    self.report(
                        Diagnostic::error(Code::UndefinedVariable, place, message).help(help),
                    );
                    None
                }
            },
            Expr::EachKey => match scope.each {
                Some((key, _)) => Some(Datum::String(key.to_owned())),
                None => self.report_missing_each(expr, place),
            },
            Expr::EachValue(path) => match scope.each {
                Some((_, Some(value))) => self.each_value(value, path, place, scope),
                // Reported when the `forEach` was loaded.
                Some((_, None)) => None,
                None => self.report_missing_each(expr, place),
            },
            Expr::Resource(reference) => {
                let reference =
                    self.reference(reference, place, scope, ForEachReference::OneInstance);
                Some(Datum::Template(Template(vec![Segment::Expr(
                    Expr::Resource(reference),
                )])))
            }
        }
    }

    fn place(&self, expr: &Expr, scalar: Span) -> Span {
        template::locate(self.sources, scalar, &format!("${{{expr}}}"))
    }

    fn param(&mut self, name: &str, place: Span, scope: ExpressionScope<'_>) -> Option<Datum> {
        let Some(params) = scope.params else {
            self.error(
                Code::BadExpression,
                place,
                "the default of a parameter can only use `env.NAME`",
            );
            return None;
        };
        match params.get(name) {
            Some(value) => value.as_ref().map(|value| self.fill(value, scope).datum),
            None => {
                let hint = self.hint(name, params.keys().map(String::as_str));
                let help = hint.unwrap_or_else(|| {
                    format!("declare it: `parameters: {{ {name}: {{ type: string }} }}`")
                });
                let message = format!("the parameter `{name}` is not declared");
                self.report(Diagnostic::error(Code::UndefinedParameter, place, message).help(help));
                None
            }
        }
    }

    fn report_missing_each(&mut self, expr: &Expr, place: Span) -> Option<Datum> {
        self.error(
            Code::BadExpression,
            place,
            format!("`{expr}` is only valid in a resource with `forEach`"),
        );
        None
    }

    fn each_value(
        &mut self,
        value: &Node,
        path: &[String],
        place: Span,
        scope: ExpressionScope<'_>,
    ) -> Option<Datum> {
        let mut node = value;
        for (depth, part) in path.iter().enumerate() {
            let next = match &node.datum {
                Datum::Map(_) => node.get(part),
                Datum::Seq(items) => part.parse().ok().and_then(|index: usize| items.get(index)),
                Datum::Template(template) => {
                    return self.extend_reference(template, &path[depth..], place, scope);
                }
                _ => None,
            };
            node = match next {
                Some(next) => next,
                None => {
                    let owner = [&["each".to_owned(), "value".to_owned()], &path[..depth]]
                        .concat()
                        .join(".");
                    let message = format!("`{owner}` has no property `{part}`");
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
        Some(self.fill(node, ExpressionScope { each, ..scope }).datum)
    }

    /// Appends a path to a value that is a reference to a resource.
    fn extend_reference(
        &mut self,
        template: &Template,
        path: &[String],
        place: Span,
        scope: ExpressionScope<'_>,
    ) -> Option<Datum> {
        match template.single() {
            Some(Expr::Resource(reference)) => {
                let mut reference =
                    self.reference(reference, place, scope, ForEachReference::OneInstance);
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

    /// Checks that a reference names an existing resource, and replaces `each.key` by the key.
    pub(super) fn reference(
        &mut self,
        reference: &Reference,
        place: Span,
        scope: ExpressionScope<'_>,
        rule: ForEachReference,
    ) -> Reference {
        let mut reference = reference.clone();
        match scope.resources {
            VisibleResources::None => {
                self.error(
                    Code::BadExpression,
                    place,
                    format!("`{reference}` refers to a resource, which is not allowed here"),
                );
                return reference;
            }
            VisibleResources::Any => return reference,
            VisibleResources::Named(_) => {}
        }
        if reference.instance == Some(Instance::EachKey) {
            let Some((key, _)) = scope.each else {
                self.report_missing_each(&Expr::EachKey, place);
                return reference;
            };
            reference.instance = Some(Instance::Key(key.to_owned()));
        }
        if let VisibleResources::Named(names) = scope.resources
            && let Some((message, help)) = self.check_reference(&reference, names, scope, rule)
        {
            self.report(Diagnostic::error(Code::UnknownReference, place, message).maybe_help(help));
        }
        reference
    }

    /// The message and help for a reference that does not name an existing resource.
    fn check_reference(
        &mut self,
        reference: &Reference,
        names: &InstancesByName<'_>,
        scope: ExpressionScope<'_>,
        rule: ForEachReference,
    ) -> Option<(String, Option<String>)> {
        let name = reference.resource.as_str();
        let all = |keys: &IndexMap<String, Node>| {
            format!("use one of {}", listing(keys.keys().map(String::as_str)))
        };
        match (names.get(name), &reference.instance) {
            (None, _) => {
                let is_parameter = scope.params.is_some_and(|params| params.contains_key(name));
                let help = if is_parameter {
                    Some(format!("use `params.{name}` to refer to the parameter"))
                } else if ["var", "local", "param", "parameters"].contains(&name) {
                    Some(
                        "use `params.NAME` for a parameter and `env.NAME` for an environment variable"
                            .to_owned(),
                    )
                } else {
                    self.hint(name, names.keys().copied())
                };
                Some((
                    format!("the resource `{name}` does not exist in this stack"),
                    help,
                ))
            }
            (Some(Instances::Unknown), _) | (Some(Instances::One), None) => None,
            (Some(Instances::One), Some(_)) => {
                let message =
                    format!("the resource `{name}` has no instances because it has no `forEach`");
                Some((message, Some(format!("write `{name}`"))))
            }
            (Some(Instances::Each(_)), None) if rule == ForEachReference::AllInstances => None,
            (Some(Instances::Each(keys)), None) => {
                let help = match keys.first() {
                    Some((first, _)) => format!("write `{name}[{first}]`, or {}", all(keys)),
                    None => "add a key to its `forEach`, which is empty".to_owned(),
                };
                Some((
                    format!(
                        "a reference to `{name}` must name an instance because the resource has a `forEach`"
                    ),
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

/// How a reference without a key to a resource with a `forEach` is interpreted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ForEachReference {
    /// It means all instances, as in `dependsOn`.
    AllInstances,
    /// It is an error: a key is required.
    OneInstance,
}

/// Appends text to the last segment if that is text, else as a new segment.
fn push_text(segments: &mut Vec<Segment>, text: &str) {
    match segments.last_mut() {
        Some(Segment::Text(before)) => before.push_str(text),
        _ if text.is_empty() => {}
        _ => segments.push(Segment::Text(text.to_owned())),
    }
}
