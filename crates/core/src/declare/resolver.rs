//! Resolves references to fixed outputs of the target, values of its entry, or outputs that are known after apply.

use std::collections::{BTreeMap, HashMap};

use super::{Index, Placement, Placements, ReferenceTarget, RoleName, address_of};
use crate::{
    arm::ArmId,
    body_path::BodyPath,
    diagnostic::{Code, Diagnostic, Diagnostics, did_you_mean},
    node::{Datum, Entry, Node},
    source::Span,
    spec::Stack,
    template::{Expr, Reference, Segment, Template},
    value::{Output, Unresolved, UnresolvedPart, Value},
};

pub(crate) struct Resolver<'a> {
    pub(crate) index: &'a Index<'a>,
    pub(crate) places: &'a Placements,
    pub(crate) roles: &'a BTreeMap<RoleName, Vec<ArmId>>,
    pub(crate) by_kind: HashMap<&'a str, Vec<ReferenceTarget<'a>>>,
}

pub(super) fn whole(part: UnresolvedPart) -> Value {
    match part {
        UnresolvedPart::Text(text) => Value::String(text),
        UnresolvedPart::Secret(secret) => Value::Secret(secret),
        UnresolvedPart::Output(_) => Value::Unresolved(Unresolved(vec![part])),
    }
}

/// The maximum length of a chain of references between properties.
const MAX_DEPTH: usize = 32;

impl<'a> Resolver<'a> {
    pub(super) fn target(
        &self,
        stack: &Stack,
        reference: &Reference,
    ) -> Option<ReferenceTarget<'a>> {
        let address = address_of(reference);
        let (_, resource) = *self.index.get(&(stack.name.value.as_str(), &address))?;
        let placement = self.places.get(&(stack.name.value.clone(), address))?;
        Some(ReferenceTarget {
            resource,
            placement,
        })
    }

    pub(crate) fn new(
        index: &'a Index<'a>,
        places: &'a Placements,
        roles: &'a BTreeMap<RoleName, Vec<ArmId>>,
    ) -> Self {
        let mut by_kind: HashMap<&str, Vec<ReferenceTarget<'_>>> = HashMap::new();
        for (stack, resource) in index.values() {
            let key = (stack.name.value.clone(), resource.address.clone());
            if let Some(placement) = places.get(&key) {
                let kind = resource.kind.value.as_str();
                let target = ReferenceTarget {
                    resource,
                    placement,
                };
                by_kind.entry(kind).or_default().push(target);
            }
        }
        Self {
            index,
            places,
            roles,
            by_kind,
        }
    }

    pub(super) fn value(
        &self,
        stack: &Stack,
        node: &Node,
        depth: usize,
        diagnostics: &mut Diagnostics,
    ) -> Value {
        match &node.datum {
            Datum::Seq(items) => Value::Array(
                items
                    .iter()
                    .map(|item| self.value(stack, item, depth, diagnostics))
                    .collect(),
            ),
            Datum::Map(entries) => Value::Object(
                entries
                    .iter()
                    .map(|entry| {
                        (
                            self.key(stack, entry, depth, diagnostics),
                            self.value(stack, &entry.value, depth, diagnostics),
                        )
                    })
                    .collect(),
            ),
            Datum::Template(Template(segments)) => {
                self.template(stack, segments, node.span, depth, diagnostics)
            }
            Datum::Null => Value::Null,
            Datum::Bool(value) => Value::Bool(*value),
            Datum::Number(number) => Value::Number(number.clone()),
            Datum::String(text) => Value::String(text.clone()),
            Datum::Secret(secret) => Value::Secret(secret.clone()),
        }
    }

    /// A key with its references resolved.
    fn key(
        &self,
        stack: &Stack,
        entry: &Entry,
        depth: usize,
        diagnostics: &mut Diagnostics,
    ) -> String {
        let Some(Template(segments)) = &entry.key_template else {
            return entry.key.clone();
        };
        match self.template(stack, segments, entry.key_span, depth, diagnostics) {
            Value::String(text) => text,
            Value::Unresolved(unresolved) => {
                diagnostics.push(Diagnostic::error(
                    Code::UnknownBeforeApply,
                    entry.key_span,
                    format!(
                        "a key must be known before apply, but `{unresolved}` is known only after apply"
                    ),
                ));
                entry.key.clone()
            }
            other => other.to_display_json().to_string(),
        }
    }

    fn template(
        &self,
        stack: &Stack,
        segments: &[Segment],
        span: Span,
        depth: usize,
        diagnostics: &mut Diagnostics,
    ) -> Value {
        if let [Segment::Expr(Expr::Resource(reference))] = segments {
            return self.reference(stack, reference, span, depth, diagnostics);
        }
        let mut parts = Vec::new();
        for segment in segments {
            match segment {
                Segment::Text(text) => parts.push(UnresolvedPart::Text(text.clone())),
                Segment::Secret(secret) => parts.push(UnresolvedPart::Secret(secret.clone())),
                Segment::Expr(Expr::Resource(reference)) => {
                    match self.reference(stack, reference, span, depth, diagnostics) {
                        Value::Unresolved(Unresolved(inner)) => parts.extend(inner),
                        Value::String(text) => parts.push(UnresolvedPart::Text(text)),
                        Value::Secret(secret) => parts.push(UnresolvedPart::Secret(secret)),
                        known => {
                            parts.push(UnresolvedPart::Text(known.to_display_json().to_string()))
                        }
                    }
                }
                Segment::Expr(_) => {}
            }
        }
        Value::Unresolved(Unresolved(parts)).fill(&|_| None)
    }

    fn reference(
        &self,
        stack: &Stack,
        reference: &Reference,
        span: Span,
        depth: usize,
        diagnostics: &mut Diagnostics,
    ) -> Value {
        // The declaration of a target without a place has been reported.
        let Some(target) = self.target(stack, reference) else {
            return Value::Null;
        };
        if let Some(text) = target.placement.fixed(&reference.path) {
            return Value::String(text);
        }
        let written = target.placement.written(target.resource, &reference.path);
        if let Some(node) = written.filter(|_| !reference.path.is_empty() && depth < MAX_DEPTH) {
            return self.value(stack, node, depth + 1, diagnostics);
        }
        if let Some(part) = self.output(&target, &reference.path, &reference.to_string()) {
            return whole(part);
        }
        let facts = target.placement.facts;
        let property = reference.path.join(".");
        let outputs = target.placement.outputs;
        let candidates = outputs
            .iter()
            .map(|output| output.name)
            .chain(Placement::FIXED);
        diagnostics.push(if property.is_empty() {
            Diagnostic::error(
                Code::UnknownReference,
                span,
                format!(
                    "`{}` is a {}, which has no id",
                    reference.resource, facts.kind
                ),
            )
            .help("use `dependsOn` to depend on it")
        } else {
            Diagnostic::error(
                Code::UnknownReference,
                span,
                format!("`{}` has no property `{property}`", reference.resource),
            )
            .help(
                did_you_mean(&property, candidates.clone()).unwrap_or_else(|| {
                    format!(
                        "a {} has {}",
                        facts.kind,
                        candidates.collect::<Vec<_>>().join(", ")
                    )
                }),
            )
        });
        Value::Null
    }

    /// A property that only the live resource has.
    pub(super) fn output(
        &self,
        target: &ReferenceTarget<'_>,
        path: &[String],
        written: &str,
    ) -> Option<UnresolvedPart> {
        let (first, rest) = path.split_first()?;
        let facts = target.placement.facts;
        let mut known = target.placement.outputs.iter();
        let documented = known.find(|output| output.name == first);
        let first = match documented {
            Some(output) => BodyPath::parse(output.path),
            None if facts.body.is_some() || first == "properties" && !rest.is_empty() => {
                BodyPath::from_names([first.as_str()])
            }
            None => return None,
        };
        let rest = BodyPath::from_names(rest.iter().map(String::as_str));
        Some(UnresolvedPart::Output(Output {
            of: target.placement.key.clone(),
            path: first.join(&rest),
            written: written.to_owned(),
        }))
    }
}

/// All templates below a node, in values and keys, each with its property path.
pub(crate) fn templates<'n>(
    node: &'n Node,
    path: &BodyPath,
    found: &mut Vec<(BodyPath, &'n Template)>,
) {
    match &node.datum {
        Datum::Template(template) => found.push((path.clone(), template)),
        Datum::Seq(items) => items.iter().for_each(|item| templates(item, path, found)),
        Datum::Map(entries) => {
            for entry in entries {
                let in_key = entry.key_template.iter();
                found.extend(in_key.map(|template| (path.clone(), template)));
                templates(&entry.value, &path.member(&entry.key), found);
            }
        }
        Datum::Null | Datum::Bool(_) | Datum::Number(_) | Datum::String(_) | Datum::Secret(_) => {}
    }
}
