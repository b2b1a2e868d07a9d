//! The id of an entry that names its own type: in a resource group, below a parent, or on a scope.

use uuid::Uuid;

use super::{Placer, own_key};
use crate::{
    arm::types::{RESOURCE_GROUP, ROLE_ASSIGNMENT},
    arm::{ArmId, ArmType, normal_location},
    declare::Placement,
    diagnostic::{Code, Diagnostic},
    kind::Kind,
    node::{Datum, Node},
    spec::{Resource, Stack},
};

/// The scope of the tenant, as written in a spec.
const TENANT: &str = "/";

/// Where an entry places its resource.
enum Where {
    /// In a resource group, or in the subscription for resource groups themselves.
    Group,
    /// Below a resource: a nested type.
    Parent(ArmId),
    /// On a resource or any other scope; `None` is the tenant.
    Scope(Option<ArmId>),
}

impl Placer<'_> {
    pub(super) fn written(
        &mut self,
        stack: &Stack,
        resource: &Resource,
        kind: &'static dyn Kind,
    ) -> Option<Placement> {
        let name = self.name(stack, resource, kind);
        let subscription = self
            .subscription(stack, resource)
            .unwrap_or_else(|| Uuid::nil().to_string());
        let arm_type = self.arm_type(stack, resource);
        let place = self.written_place(stack, resource);
        let (name, arm_type, place) = (name?, arm_type?, place?);
        let (id, scope) = match place {
            Where::Parent(parent) => (self.below(resource, &arm_type, &parent, &name)?, None),
            Where::Scope(None) => {
                let id = ArmId::parse(&format!("/providers/{}/{name}", arm_type.name))?;
                (id, None)
            }
            Where::Scope(Some(scope)) if arm_type.is(&RESOURCE_GROUP.name) => {
                let subscription = scope.subscription_id().unwrap_or(&subscription);
                (ArmId::resource_group(subscription, &name), None)
            }
            Where::Scope(Some(scope)) => {
                (self.on(resource, &arm_type, &scope, &name)?, Some(scope))
            }
            Where::Group if arm_type.is(&RESOURCE_GROUP.name) => {
                (ArmId::resource_group(&subscription, &name), None)
            }
            Where::Group => {
                let group = self.group(stack, resource, &subscription)?;
                (self.on(resource, &arm_type, &group, &name)?, None)
            }
        };
        let location = self.location_written(stack, resource, &id);
        let known_as = self.registry.of_type(&arm_type.name).unwrap_or(kind);
        Some(Placement {
            key: own_key(stack, resource),
            facts: kind.facts(),
            outputs: known_as.facts().outputs,
            rules: self.registry.type_rules(&arm_type.name),
            arm_type,
            subscription: id.subscription_id().map_or(subscription, str::to_owned),
            id: Some(id),
            scope,
            location,
            name: Some(name),
        })
    }

    fn arm_type(&mut self, stack: &Stack, resource: &Resource) -> Option<ArmType> {
        let Some(node) = resource.props.get("type") else {
            // For other entries, the check of the schema reports it.
            if resource.existing {
                self.diagnostics.push(Diagnostic::error(
                    Code::MissingKey,
                    resource.span,
                    format!("`{}` needs a `type`", resource.address),
                ));
            }
            return None;
        };
        let text = self.text(stack, node, "type")?;
        let Some(arm_type) = ArmType::parse(&text) else {
            self.diagnostics.push(
                Diagnostic::error(
                    Code::ValueNotAllowed,
                    node.span,
                    format!("`{text}` is not a type with an api-version"),
                )
                .help("use Provider/type@api-version, like Microsoft.KeyVault/vaults@2024-11-01"),
            );
            return None;
        };
        // Role assignments are identified by scope, role and principal, never by name.
        if arm_type.is(&ROLE_ASSIGNMENT.name) {
            self.diagnostics.push(
                Diagnostic::error(
                    Code::ValueNotAllowed,
                    node.span,
                    "a role assignment is identified by its scope, role and principal, not by its name",
                )
                .help("use `kind: roleAssignment`"),
            );
            return None;
        }
        Some(arm_type)
    }

    fn written_place(&mut self, stack: &Stack, resource: &Resource) -> Option<Where> {
        let (parent, scope) = (resource.props.get("parent"), resource.props.get("scope"));
        match (parent, scope) {
            (Some(parent), Some(scope)) => {
                self.diagnostics.push(
                    Diagnostic::error(
                        Code::ValueNotAllowed,
                        scope.span,
                        "`parent` and `scope` cannot be combined",
                    )
                    .related(parent.span, "the parent")
                    .help(
                        "use `parent` for a nested resource, `scope` for an extension of another resource",
                    ),
                );
                None
            }
            (Some(parent), None) => self.scope(stack, parent, "parent").map(Where::Parent),
            (None, Some(scope)) if scope.as_str() == Some(TENANT) => Some(Where::Scope(None)),
            (None, Some(scope)) => {
                let scope = self.scope(stack, scope, "scope")?;
                Some(Where::Scope(Some(scope)))
            }
            (None, None) => Some(Where::Group),
        }
    }

    /// The id of a nested resource.
    fn below(
        &mut self,
        resource: &Resource,
        arm_type: &ArmType,
        parent: &ArmId,
        name: &str,
    ) -> Option<ArmId> {
        let found = parent.arm_type().unwrap_or_else(|| parent.to_string());
        let complaint = match arm_type.parent() {
            Some(wanted) if wanted.eq_ignore_ascii_case(&found) => None,
            Some(wanted) => Some((
                format!(
                    "the parent of a {} must be a {wanted}, not a {found}",
                    arm_type.name
                ),
                "refer to the resource that contains it",
            )),
            None => Some((
                format!("a {} is not a nested type", arm_type.name),
                "remove `parent`, or use `scope` for an extension of another resource",
            )),
        };
        if let Some((message, help)) = complaint {
            let span = resource.span_of("parent");
            self.diagnostics
                .push(Diagnostic::error(Code::ValueNotAllowed, span, message).help(help));
            return None;
        }
        if name.contains('/') {
            self.bad_name(resource, name, "with `parent`, use only the last name");
            return None;
        }
        let (_, segment) = arm_type.name.rsplit_once('/')?;
        Some(parent.child(segment, name))
    }

    /// The id of a resource in a group or on a scope. The name of a nested resource has a segment per level.
    fn on(
        &mut self,
        resource: &Resource,
        arm_type: &ArmType,
        scope: &ArmId,
        name: &str,
    ) -> Option<ArmId> {
        let names: Vec<&str> = name.split('/').collect();
        let id = scope.provider_descendant(&arm_type.name, &names);
        if id.is_none() {
            let help = match arm_type.parent() {
                Some(outer) => format!(
                    "it is nested in a {outer}: set `parent: ${{...}}`, or use both names, `outer/inner`"
                ),
                None => "use a name without `/`".to_owned(),
            };
            self.bad_name(resource, name, help);
        }
        id
    }

    fn bad_name(&mut self, resource: &Resource, name: &str, help: impl Into<String>) {
        let span = resource
            .name
            .as_ref()
            .map_or(resource.span, |node| node.span);
        let message = format!("`{name}` is not a valid name for this type");
        self.diagnostics
            .push(Diagnostic::error(Code::BadName, span, message).help(help));
    }

    /// The location of the entry or its body, or for a top-level resource the location of the stack document.
    /// `location: null` in the body means no location.
    fn location_written(
        &mut self,
        stack: &Stack,
        resource: &Resource,
        id: &ArmId,
    ) -> Option<String> {
        if resource.existing {
            return None;
        }
        let in_body = resource
            .props
            .get("body")
            .and_then(|body| body.get("location"));
        let text = match (&resource.location, in_body, &stack.location) {
            (Some(node), _, _) => self.text(stack, node, "location")?,
            (
                None,
                Some(Node {
                    datum: Datum::Null, ..
                }),
                _,
            ) => return None,
            (None, Some(node), _) => self.text(stack, node, "location")?,
            (None, None, Some(default)) if id.is_top_level() => default.value.clone()?,
            (None, None, _) => return None,
        };
        Some(normal_location(&text))
    }
}
