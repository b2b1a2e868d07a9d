//! `roleAssignment`: roles of a principal on a scope. One node per role.

mod assigned_roles;
mod lift;

pub use assigned_roles::AssignedRoles;
use assigned_roles::assigned_roles;
use lazuli_core::{
    arm::ArmId,
    diagnostic::{Code, Diagnostic},
    facts::{Facts, Family, Field, OutputDoc, PermissionPurpose, Place, Rule},
    graph::{Draft, Grant, Identity, ImpliedDependency, Marker, Nodes, TypedEntry},
    kind::{EntryOf, Handler},
    lift::{LiftSource, LiftedEntry},
    marker::MarkerTarget,
    node::Datum,
    value::{Object, Value},
};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use crate::{arm_types, identity::has_own};

/// Handles `roleAssignment`.
pub struct RoleAssignment;

/// Roles of a principal on a scope. An existing role assignment under another name is kept.
///
/// ```yaml
/// access:
///   kind: roleAssignment
///   principal: ${analyzer}
///   scope: ${recordings}
///   roles: [Storage Blob Data Contributor, Reader]
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleAssignmentProps {
    /// The principal: a reference to a resource with an identity, or an object id.
    pub principal: RolePrincipal,
    /// The scope of the roles: a reference, or the id of a resource or scope.
    pub scope: String,
    /// The role: its name, GUID or id, or a reference. Excludes `roles`. Names that are neither built in nor in the
    /// spec are looked up in the tenant.
    pub role: Option<String>,
    /// The roles, each written as in `role`. Excludes `role`.
    pub roles: Option<Vec<String>>,
    /// A condition on data access, in the language of Azure ABAC.
    pub condition: Option<String>,
    /// The version of the condition language. The default that is sent is `2.0`.
    pub condition_version: Option<String>,
    /// The purpose of the role assignment.
    pub description: Option<String>,
    /// The id of the delegated identity, for assignments across tenants.
    pub delegated_managed_identity_resource_id: Option<String>,
}

/// The principal of a role assignment.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RolePrincipal {
    /// A reference: `${analyzer}`, `${recordings.principalId}`.
    Reference(String),
    /// An object of Microsoft Entra ID.
    Object(DirectoryObject),
}

/// An object of Microsoft Entra ID.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DirectoryObject {
    /// The object id; of an application, that of its service principal.
    pub object_id: String,
    /// The type of the principal.
    #[serde(rename = "type")]
    pub kind: Field<PrincipalType>,
}

words! {
    /// A type of principal.
    PrincipalType { ServicePrincipal, User, Group, ForeignGroup, Device }
}

/// Scope, role and principal identify a role assignment, so they are not compared.
const RULES: &[Rule] = &[
    Rule::WriteOnly("properties.principalId"),
    Rule::WriteOnly("properties.roleDefinitionId"),
    Rule::Immutable("properties.principalType"),
    Rule::Immutable("properties.delegatedManagedIdentityResourceId"),
    Rule::ReadOnly("properties.scope"),
    Rule::ReadOnly("properties.createdOn"),
    Rule::ReadOnly("properties.updatedOn"),
    Rule::ReadOnly("properties.createdBy"),
    Rule::ReadOnly("properties.updatedBy"),
];
/// Without a description in the spec, the live description stays.
const RULES_WITHOUT_DESCRIPTION: &[Rule] = &[
    Rule::WriteOnly("properties.principalId"),
    Rule::WriteOnly("properties.roleDefinitionId"),
    Rule::Immutable("properties.principalType"),
    Rule::Immutable("properties.delegatedManagedIdentityResourceId"),
    Rule::WriteOnly("properties.description"),
    Rule::ReadOnly("properties.scope"),
    Rule::ReadOnly("properties.createdOn"),
    Rule::ReadOnly("properties.updatedOn"),
    Rule::ReadOnly("properties.createdBy"),
    Rule::ReadOnly("properties.updatedBy"),
];

/// The version of the condition language that is sent by default.
const USUAL_VERSION: &str = "2.0";

impl Handler for RoleAssignment {
    const FACTS: Facts = Facts {
        kind: "roleAssignment",
        arm_type: Some(arm_types::ROLE_ASSIGNMENT),
        place: Place::Nameless,
        name: None,
        tags: false,
        location: false,
        listed: true,
        body: None,
        rules: RULES,
        outputs: &[OutputDoc {
            name: "principalId",
            path: "properties.principalId",
            doc: "The object id of the principal.",
        }],
        retired: None,
        family: Family::Access,
        permissions: &[
            (
                PermissionPurpose::Read,
                "Microsoft.Authorization/roleAssignments/read",
            ),
            (
                PermissionPurpose::AssignRoles,
                "Microsoft.Authorization/roleAssignments/write",
            ),
            (
                PermissionPurpose::AssignRoles,
                "Microsoft.Authorization/roleAssignments/delete",
            ),
        ],
        linked_actions: &[],
        creation: None,
    };
    type Props = RoleAssignmentProps;
    type Links<'a> = AssignedRoles;

    fn link(
        entry: &TypedEntry<'_, RoleAssignmentProps>,
        nodes: &mut Nodes,
    ) -> Option<AssignedRoles> {
        let scope = entry.placement().scope.clone()?;
        let roles = assigned_roles(entry, &scope, nodes);
        Some(AssignedRoles { scope, roles })
    }

    fn declare(resource: &EntryOf<'_, Self>, nodes: &mut Nodes) {
        let AssignedRoles { scope, roles } = &resource.links;
        let Some((principal, principal_type)) = principal(resource, nodes) else {
            return;
        };
        let own = resource.value("description", nodes);
        let own = own.as_ref().and_then(Value::as_str);
        let rules = if own.is_some() {
            RULES
        } else {
            RULES_WITHOUT_DESCRIPTION
        };
        let mut properties = Object::from([
            ("principalId".to_owned(), principal.clone()),
            ("principalType".to_owned(), principal_type),
        ]);
        properties.extend(resource.properties_except(
            &["principal", "scope", "role", "roles", "description"],
            nodes,
        ));
        let is_set = |property: &str| {
            properties
                .get(property)
                .is_some_and(|value| *value != Value::Null)
        };
        if is_set("condition") && !is_set("conditionVersion") {
            properties.insert("conditionVersion".into(), USUAL_VERSION.into());
        }
        for role in roles {
            let mut properties = properties.clone();
            let definition = definition_at(scope, &role.guid);
            let marked = resource.marked_text(own, &MarkerTarget::from_grant(scope, &role.guid));
            properties.insert("description".into(), Value::String(marked));
            properties.insert("roleDefinitionId".into(), Value::String(definition));
            nodes.push(Draft {
                part: Some(role.name.clone()),
                arm_type: resource.placement().arm_type.clone(),
                identity: Identity::Grant(Grant {
                    scope: scope.clone(),
                    role: role.guid.clone(),
                    role_name: role.name.clone(),
                    principal: principal.clone(),
                }),
                body: Value::object([("properties", Value::Object(properties))]),
                rules,
                marker: Marker::Text("description"),
                deletable: true,
                listed: true,
                after: Vec::new(),
            });
        }
    }

    fn lift(found: &mut LiftSource<'_>) -> Option<LiftedEntry> {
        lift::lift(found)
    }

    /// A role that is named by anything but a reference depends on its definition in the spec.
    fn implies(resource: &EntryOf<'_, Self>) -> Vec<ImpliedDependency> {
        let roles = resource.links.roles.iter();
        let named = roles.filter_map(|role| {
            Some(ImpliedDependency::Named {
                node: role.definition.clone()?,
                property: role.property,
            })
        });
        named.collect()
    }
}

/// The id of a role definition as seen from a scope: below its subscription or management group, or in the tenant
/// ("Assign Azure roles using the REST API").
fn definition_at(scope: &ArmId, guid: &str) -> String {
    let root = scope.root();
    // Definitions of the tenant have no scope in front of the provider.
    let root = root.as_ref().map_or("", ArmId::as_str);
    format!("{root}/providers/Microsoft.Authorization/roleDefinitions/{guid}")
}

/// The object id, which may be an unresolved output, and `principalType`.
fn principal(resource: &EntryOf<'_, RoleAssignment>, nodes: &mut Nodes) -> Option<(Value, Value)> {
    let node = resource.resource().props.get("principal")?;
    if let Some(target) = resource.target_of(node) {
        let output = resource.output(&target, "principalId");
        if output.is_none() {
            nodes.report(
                Diagnostic::error(
                    Code::WrongType,
                    node.span,
                    format!(
                        "`{}` is a {}, which has no identity",
                        target.resource.address, target.placement.facts.kind
                    ),
                )
                .help(HOW_TO_NAME),
            );
        }
        let facts = target.placement.facts;
        let mut outputs = facts.outputs.iter();
        if facts.body.is_none()
            && outputs.any(|output| output.path == "identity.principalId")
            && !target.resource.existing
            && !target.resource.props.get("identity").is_some_and(has_own)
        {
            nodes.report(
                Diagnostic::error(
                    Code::Precondition,
                    node.span,
                    format!(
                        "`{}` has no system-assigned identity",
                        target.resource.address
                    ),
                )
                .related(target.resource.span, "here")
                .help("add `identity: { systemAssigned: true }` to it"),
            );
        }
        return Some((output?, "ServicePrincipal".into()));
    }
    if let (Datum::Map(_), RolePrincipal::Object(_)) = (&node.datum, &resource.props.principal) {
        let written = node.get("objectId")?;
        let id = resource.resolve(written, nodes);
        if id.as_str().is_some_and(|id| Uuid::try_parse(id).is_err()) {
            nodes.report(
                Diagnostic::error(
                    Code::BadName,
                    written.span,
                    "`objectId` is not a valid object id",
                )
                .help("use a GUID, like 8a1b6c2e-0000-4000-8000-1234567890ab"),
            );
            return None;
        }
        return Some((id, resource.resolve(node.get("type")?, nodes)));
    }
    match resource.resolve(node, nodes) {
        unresolved @ Value::Unresolved(_) => Some((unresolved, "ServicePrincipal".into())),
        Value::Null => None,
        _ => {
            nodes.report(
                Diagnostic::error(Code::WrongType, node.span, "`principal` has no type")
                    .help(HOW_TO_NAME),
            );
            None
        }
    }
}

const HOW_TO_NAME: &str = "use a reference to a userAssignedIdentity, or \
    `{ objectId: GUID, type: ServicePrincipal | User | Group | ForeignGroup | Device }`";

#[cfg(test)]
#[path = "role_assignment/tests.rs"]
mod tests;
