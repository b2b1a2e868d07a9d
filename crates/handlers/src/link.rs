//! Properties that name another resource: by a reference, or by its Azure id.

use lazuli_core::{
    arm::ArmId,
    diagnostic::{Code, Diagnostic},
    graph::{EntryContext, Nodes, ReferenceTarget},
    kind::Handler,
    node::{Datum, Node},
    source::Span,
    value::Value,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// One value, or a list.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OneOrMany<T> {
    /// One.
    One(T),
    /// A list.
    Many(Vec<T>),
}

/// The items of a list; a single value is a list of one, and a missing value an empty list.
pub(crate) fn each(node: Option<&Node>) -> &[Node] {
    match node {
        Some(Node {
            datum: Datum::Seq(items),
            ..
        }) => items,
        Some(Node {
            datum: Datum::Null, ..
        })
        | None => &[],
        Some(one) => std::slice::from_ref(one),
    }
}

/// A resource that a property names.
#[derive(Clone)]
pub(crate) struct ResourceLink<'a> {
    /// Its Azure id.
    pub(crate) id: ArmId,
    /// Where the spec names it.
    pub(crate) span: Span,
    /// Its entry in the spec, if a reference names it.
    pub(crate) target: Option<ReferenceTarget<'a>>,
}

impl<'a> ResourceLink<'a> {
    /// The resource that a node names. Reports anything but a resource of the kind `H`.
    pub(crate) fn to<H: Handler>(
        declared: &EntryContext<'a>,
        node: &Node,
        nodes: &mut Nodes,
    ) -> Option<Self> {
        let facts = H::FACTS;
        let span = node.span;
        let wrong = |found: String| {
            Diagnostic::error(
                Code::WrongType,
                span,
                format!("expected a {}, {found}", facts.kind),
            )
            .help(format!(
                "use a reference like ${{name}} to a resource of kind {}, or its id",
                facts.kind
            ))
        };
        if let Some(target) = declared.target_of(node) {
            let kind = target.placement.facts.kind;
            let is_of_type = (facts.arm_type.as_ref())
                .is_some_and(|wanted| target.placement.arm_type.is(&wanted.name));
            if !is_of_type {
                nodes.report(wrong(format!(
                    "but `{}` is a {kind}",
                    target.resource.address
                )));
                return None;
            }
            return Some(Self {
                id: target.placement.id.clone()?,
                span,
                target: Some(target),
            });
        }
        match declared.resolve(node, nodes) {
            Value::String(text) => {
                let is_of_kind = |id: &ArmId| {
                    let wanted = facts.arm_type.as_ref();
                    wanted
                        .zip(id.arm_type())
                        .is_some_and(|(wanted, found)| wanted.is(&found))
                };
                let id = ArmId::parse(&text).filter(is_of_kind);
                if id.is_none() {
                    nodes.report(wrong(format!("but `{text}` is not the id of one")));
                }
                id.map(|id| Self {
                    id,
                    span,
                    target: None,
                })
            }
            // A reference that leads nowhere has been reported where it was resolved.
            Value::Null => None,
            Value::Unresolved(unresolved) => {
                nodes.report(
                    Diagnostic::error(
                        Code::UnknownBeforeApply,
                        span,
                        format!(
                            "the id must be known before apply, but `{unresolved}` is known only after apply"
                        ),
                    )
                    .help(format!("refer to the {} itself", facts.kind)),
                );
                None
            }
            _ => {
                nodes.report(wrong(format!("found {}", node.type_name())));
                None
            }
        }
    }

    /// Its name in messages: the name of the entry, or the last segment of the id.
    pub(crate) fn shown(&self) -> String {
        self.target.as_ref().map_or_else(
            || self.id.name().to_owned(),
            |target| target.resource.address.to_string(),
        )
    }

    /// How a spec names it.
    pub(crate) fn written(&self) -> String {
        match &self.target {
            Some(target) => format!("${{{}}}", target.resource.address),
            None => self.id.to_string(),
        }
    }
}
