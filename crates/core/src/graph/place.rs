//! The Azure id, location and resource group of each entry, which all other steps build on.

mod written;

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::Settings;
use crate::{
    arm::{ArmId, normal_location},
    declare::{Index, Placement, Placements, address_of, root_id},
    diagnostic::{Code, Diagnostic, Diagnostics, did_you_mean},
    facts::Place,
    key::NodeKey,
    kind::{Kind, Registry},
    node::{Datum, Node},
    source::Span,
    spec::{Address, Resource, Spec, Stack},
    template::{Expr, Reference, Segment},
};

fn own_key(stack: &Stack, resource: &Resource) -> NodeKey {
    NodeKey {
        stack: stack.name.value.clone(),
        address: resource.address.clone(),
        part: None,
    }
}

/// The maximum depth of names that are derived from other names.
const MAX_DEPTH: usize = 64;

struct Placer<'a> {
    index: &'a Index<'a>,
    registry: Registry,
    settings: &'a Settings,
    placement: HashMap<(String, Address), Option<Placement>>,
    visiting: HashSet<(String, Address)>,
    without_subscription: HashSet<String>,
    diagnostics: Diagnostics,
}

pub(super) fn place(
    spec: &Spec,
    index: &Index<'_>,
    registry: Registry,
    settings: &Settings,
) -> (Placements, Diagnostics) {
    let mut placer = Placer {
        index,
        registry,
        settings,
        placement: HashMap::new(),
        visiting: HashSet::new(),
        without_subscription: HashSet::new(),
        diagnostics: Diagnostics::default(),
    };
    for stack in &spec.stacks {
        for resource in &stack.resources {
            placer.place(stack, resource);
        }
    }
    let diagnostics = placer.diagnostics;
    let mut places: Placements = placer
        .placement
        .into_iter()
        .filter_map(|(key, placement)| Some((key, placement?)))
        .collect();
    alias_existing(&mut places, index);
    (places, diagnostics)
}

/// An entry with `existing: true` is an alias of the entry that declares the same resource, if there is one.
fn alias_existing(places: &mut Placements, index: &Index<'_>) {
    let is_existing = |(stack, address): &(String, Address)| {
        index
            .get(&(stack, address))
            .is_some_and(|(_, res)| res.existing)
    };
    let makers: HashMap<ArmId, NodeKey> = places
        .iter()
        .filter(|(key, _)| !is_existing(key))
        .filter_map(|(_, placement)| Some((placement.id.clone()?, placement.key.clone())))
        .collect();
    for (key, placement) in places.iter_mut() {
        if let Some(maker) = placement
            .id
            .as_ref()
            .and_then(|id| makers.get(id))
            .filter(|_| is_existing(key))
        {
            placement.key = maker.clone();
        }
    }
}

impl Placer<'_> {
    fn place(&mut self, stack: &Stack, resource: &Resource) -> Option<Placement> {
        let key = (stack.name.value.clone(), resource.address.clone());
        if let Some(done) = self.placement.get(&key) {
            return done.clone();
        }
        if self.visiting.len() >= MAX_DEPTH || !self.visiting.insert(key.clone()) {
            self.diagnostics.push(Diagnostic::error(
                Code::ReferenceCycle,
                resource.span,
                format!(
                    "the name or place of `{}` depends on itself",
                    resource.address
                ),
            ));
            return None;
        }
        let placement = self.locate(stack, resource);
        self.visiting.remove(&key);
        self.placement.insert(key, placement.clone());
        placement
    }

    fn locate(&mut self, stack: &Stack, resource: &Resource) -> Option<Placement> {
        let Some(kind) = self.registry.get(&resource.kind.value) else {
            self.diagnostics.push(
                Diagnostic::error(
                    Code::UnknownKind,
                    resource.kind.span,
                    format!("unknown kind `{}`", resource.kind.value),
                )
                .help(
                    did_you_mean(&resource.kind.value, self.registry.names()).unwrap_or_else(
                        || {
                            format!(
                                "the kinds are {}",
                                self.registry.names().collect::<Vec<_>>().join(", ")
                            )
                        },
                    ),
                ),
            );
            return None;
        };
        let facts = kind.facts();
        if facts.place == Place::Written {
            return self.written(stack, resource, kind);
        }
        let arm_type = facts.arm_type.clone()?;
        // A placeholder replaces a missing value that has been reported, so that further mistakes are found in the same
        // run.
        let name = self.name(stack, resource, kind);
        let stand_in = || name.clone().unwrap_or_else(|| resource.address.to_string());
        let location = (facts.location && !resource.existing)
            .then(|| self.location(stack, resource))
            .flatten();
        let mut subscription = self
            .subscription(stack, resource)
            .unwrap_or_else(|| Uuid::nil().to_string());
        let mut scope = None;
        let id = match facts.place {
            Place::Subscription => Some(ArmId::resource_group(&subscription, &stand_in())),
            Place::ResourceGroup => {
                let group = self
                    .group(stack, resource, &subscription)
                    .unwrap_or_else(|| ArmId::resource_group(&subscription, "-"));
                if let Some(own) = group.subscription_id() {
                    subscription = own.to_owned();
                }
                Some(group.provider_child(&arm_type.name, &stand_in()))
            }
            Place::Scope | Place::Nameless => {
                // The check of the schema reports a missing scope.
                let on = resource
                    .props
                    .get("scope")
                    .and_then(|node| self.scope(stack, node, "scope"))
                    .unwrap_or_else(|| ArmId::subscription(&subscription));
                let id = facts
                    .name
                    .is_some()
                    .then(|| on.provider_child(&arm_type.name, &stand_in()));
                scope = Some(on);
                id
            }
            Place::Root(property) => {
                let root = self
                    .root(stack, resource, property)
                    .unwrap_or_else(|| ArmId::subscription(&subscription));
                if let Some(own) = root.subscription_id() {
                    subscription = own.to_owned();
                }
                Some(root_id(&root, &arm_type.name, &stand_in()))
            }
            Place::Written => None,
        };
        Some(Placement {
            key: own_key(stack, resource),
            facts,
            arm_type,
            outputs: facts.outputs,
            rules: facts.rules,
            id,
            scope,
            subscription,
            location,
            name,
        })
    }

    fn name(
        &mut self,
        stack: &Stack,
        resource: &Resource,
        kind: &'static dyn Kind,
    ) -> Option<String> {
        let facts = kind.facts();
        let Some(rule) = &facts.name else {
            if let Some(name) = &resource.name {
                self.diagnostics.push(
                    Diagnostic::error(
                        Code::UnknownKey,
                        name.span,
                        format!("a {} does not have a `name`", facts.kind),
                    )
                    .help("remove `name`"),
                );
            }
            return None;
        };
        let Some(node) = &resource.name else {
            self.diagnostics.push(Diagnostic::error(
                Code::MissingKey,
                resource.span,
                format!("`{}` needs a `name`", resource.address),
            ));
            return None;
        };
        let name = self.text(stack, node, "name")?;
        if !rule.accepts(&name) {
            self.diagnostics.push(
                Diagnostic::error(
                    Code::BadName,
                    node.span,
                    format!("`{name}` is not a valid name for a {}", facts.kind),
                )
                .help(format!("use {}", rule.description)),
            );
        }
        Some(name)
    }

    fn subscription(&mut self, stack: &Stack, resource: &Resource) -> Option<String> {
        let (text, span) = match (&resource.subscription, &stack.subscription) {
            (Some(node), _) => (self.text(stack, node, "subscription")?, node.span),
            (None, Some(own)) => (own.value.clone(), own.span),
            (None, None) => match &self.settings.subscription {
                Some(given) => return Some(given.clone()),
                None => {
                    if self.without_subscription.insert(stack.name.value.clone()) {
                        self.diagnostics.push(
                            Diagnostic::error(
                                Code::MissingKey,
                                stack.name.span,
                                format!("stack `{}` has no subscription", stack.name.value),
                            )
                            .help("set `subscription`, pass --subscription, set AZURE_SUBSCRIPTION_ID, or run 'az account set'"),
                        );
                    }
                    return None;
                }
            },
        };
        match Uuid::try_parse(&text) {
            Ok(guid) => Some(guid.hyphenated().to_string()),
            Err(_) => {
                self.diagnostics.push(
                    Diagnostic::error(
                        Code::BadName,
                        span,
                        format!("`{text}` is not a subscription id"),
                    )
                    .help("use a GUID like 8a1b6c2e-0000-4000-8000-1234567890ab"),
                );
                None
            }
        }
    }

    fn location(&mut self, stack: &Stack, resource: &Resource) -> Option<String> {
        let text = match (&resource.location, &stack.location) {
            (Some(node), _) => self.text(stack, node, "location")?,
            (None, Some(default)) => default.value.clone()?,
            (None, None) => {
                self.diagnostics.push(
                    Diagnostic::error(
                        Code::MissingKey,
                        resource.span,
                        format!("`{}` needs a `location`", resource.address),
                    )
                    .help("set it here, or at the top of the stack document for all entries"),
                );
                return None;
            }
        };
        Some(normal_location(&text))
    }

    fn group(&mut self, stack: &Stack, resource: &Resource, subscription: &str) -> Option<ArmId> {
        let Some(node) = resource
            .resource_group
            .as_ref()
            .or(stack.resource_group.as_ref())
        else {
            self.diagnostics.push(
                Diagnostic::error(
                    Code::MissingKey,
                    resource.span,
                    format!("`{}` needs a `resourceGroup`", resource.address),
                )
                .help("set it here, or at the top of the stack document for all entries"),
            );
            return None;
        };
        let text = self.text(stack, node, "resourceGroup")?;
        let id = if text.starts_with('/') {
            ArmId::parse(&text).filter(|id| id.group().as_ref() == Some(id))
        } else {
            ArmId::parse(&format!(
                "/subscriptions/{subscription}/resourceGroups/{text}"
            ))
            .filter(|_| !text.contains('/'))
        };
        if id.is_none() {
            self.diagnostics.push(
                Diagnostic::error(
                    Code::BadName,
                    node.span,
                    format!("`{text}` is not a resource group"),
                )
                .help("use its name, its id, or a reference to an entry of kind resourceGroup"),
            );
        }
        id
    }

    fn scope(&mut self, stack: &Stack, node: &Node, property: &str) -> Option<ArmId> {
        let text = self.text(stack, node, property)?;
        let id = ArmId::parse(&text);
        if id.is_none() {
            self.diagnostics.push(
                Diagnostic::error(Code::BadName, node.span, format!("`{text}` is not a scope")).help(
                    "use a reference like ${recordings}, or an id like /subscriptions/…/resourceGroups/…",
                ),
            );
        }
        id
    }

    /// The subscription or management group of the first scope in a list property.
    fn root(&mut self, stack: &Stack, resource: &Resource, property: &str) -> Option<ArmId> {
        let first = resource.props.get(property)?.items().first()?;
        let scope = self.scope(stack, first, property)?;
        let root = scope.root();
        if root.is_none() {
            self.diagnostics.push(
                Diagnostic::error(
                    Code::BadName,
                    first.span,
                    format!("`{scope}` is not in a subscription or management group"),
                )
                .help("use a reference to a resourceGroup, or an id like /subscriptions/GUID"),
            );
        }
        root
    }

    /// Text that must be known before apply.
    fn text(&mut self, stack: &Stack, node: &Node, property: &str) -> Option<String> {
        let segments = match &node.datum {
            Datum::String(text) => return Some(text.clone()),
            Datum::Number(number) => return Some(number.to_string()),
            Datum::Template(template) => template.0.clone(),
            Datum::Secret(_) => return self.reject_secret(node, property),
            _ => {
                self.diagnostics.push(Diagnostic::error(
                    Code::WrongType,
                    node.span,
                    format!("`{property}` must be a string, not {}", node.type_name()),
                ));
                return None;
            }
        };
        let mut text = String::new();
        for segment in segments {
            match segment {
                Segment::Text(literal) => text.push_str(&literal),
                Segment::Secret(_) => return self.reject_secret(node, property),
                Segment::Expr(Expr::Resource(reference)) => {
                    text.push_str(&self.referred(stack, &reference, node.span, property)?);
                }
                Segment::Expr(_) => return None,
            }
        }
        Some(text)
    }

    /// Rejects a secret in a value that everyone with read permission sees in Azure.
    fn reject_secret(&mut self, node: &Node, property: &str) -> Option<String> {
        let message = format!("`{property}` cannot contain a secret: it is readable in Azure");
        self.diagnostics
            .push(Diagnostic::error(Code::ValueNotAllowed, node.span, message));
        None
    }

    fn referred(
        &mut self,
        stack: &Stack,
        reference: &Reference,
        span: Span,
        property: &str,
    ) -> Option<String> {
        let address = address_of(reference);
        let (_, target) = *self.index.get(&(stack.name.value.as_str(), &address))?;
        let placement = self.place(stack, target)?;
        if let Some(text) = placement.fixed(&reference.path) {
            return Some(text);
        }
        if let Some(node) = placement.written(target, &reference.path) {
            return self.text(stack, &node.clone(), property);
        }
        self.diagnostics.push(
            Diagnostic::error(
                Code::UnknownBeforeApply,
                span,
                format!("`{property}` must be known before apply, but `${{{reference}}}` is known after apply"),
            )
            .help("use parameters, variables, or the id, name and location of other resources"),
        );
        None
    }
}
