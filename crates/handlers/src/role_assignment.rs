//! `roleAssignment`: roles of a principal on a scope. One node per role.

mod lift;

use std::collections::HashMap;

use lazuli_core::{
    arm::ArmId,
    diagnostic::{Code, Diagnostic, did_you_mean},
    facts::{Facts, Family, Field, OutputDoc, PermissionPurpose, Place, Rule},
    graph::{
        Draft, EntryContext, Grant, Identity, Implied, Mark, NodeKey, Nodes, ReferenceTarget,
        RoleName, TypedEntry,
    },
    kind::{EntryOf, Handler},
    lift::{LiftSource, LiftedEntry},
    node::{Datum, Node},
    source::Span,
    value::{Object, Value},
};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    arm_types,
    identity::has_own,
    link::{ResourceLink, each},
    role_definition::RoleDefinition,
    roles,
};

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
    type Links<'a> = WantedRoles;

    fn link(entry: &TypedEntry<'_, RoleAssignmentProps>, nodes: &mut Nodes) -> Option<WantedRoles> {
        let scope = entry.placed().scope.clone()?;
        let roles = wanted_roles(entry, &scope, nodes);
        Some(WantedRoles { scope, roles })
    }

    fn declare(resource: &EntryOf<'_, Self>, nodes: &mut Nodes) {
        let WantedRoles { scope, roles } = &resource.links;
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
        let says = |property: &str| {
            properties
                .get(property)
                .is_some_and(|value| *value != Value::Null)
        };
        if says("condition") && !says("conditionVersion") {
            properties.insert("conditionVersion".into(), USUAL_VERSION.into());
        }
        properties.insert(
            "description".into(),
            Value::String(resource.marked_text(own)),
        );

        for role in roles {
            let mut properties = properties.clone();
            let definition = definition_at(scope, &role.guid);
            properties.insert("roleDefinitionId".into(), Value::String(definition));
            nodes.push(Draft {
                part: Some(role.name.clone()),
                arm_type: resource.placed().arm_type.clone(),
                identity: Identity::Grant(Grant {
                    scope: scope.clone(),
                    role: role.guid.clone(),
                    role_name: role.name.clone(),
                    principal: principal.clone(),
                }),
                body: Value::object([("properties", Value::Object(properties))]),
                rules,
                mark: Mark::Text("description"),
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
    fn implies(resource: &EntryOf<'_, Self>) -> Vec<Implied> {
        let roles = resource.links.roles.iter();
        let named = roles.filter_map(|role| {
            Some(Implied::Named {
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

/// The roles of an entry, and where it assigns them.
pub struct WantedRoles {
    scope: ArmId,
    roles: Vec<WantedRole>,
}

struct WantedRole {
    name: String,
    guid: String,
    /// The property that names the role.
    property: &'static str,
    /// Its definition in the spec.
    definition: Option<NodeKey>,
}

fn wanted_roles(resource: &EntryContext<'_>, scope: &ArmId, nodes: &mut Nodes) -> Vec<WantedRole> {
    let entry = resource.resource();
    let (one, many) = (entry.props.get("role"), entry.props.get("roles"));
    if let (Some(_), Some(many)) = (one, many) {
        nodes.report(
            Diagnostic::error(
                Code::ValueNotAllowed,
                many.span,
                "`role` and `roles` cannot be combined",
            )
            .help("list all of them in `roles`"),
        );
    }
    let one = each(one).iter().map(|node| ("role", node));
    let many = each(many).iter().map(|node| ("roles", node));
    let written: Vec<(&'static str, &Node)> = one.chain(many).collect();
    if written.is_empty() {
        nodes.report(
            Diagnostic::error(
                Code::MissingKey,
                entry.span,
                format!("`{}` has no `role`", entry.address),
            )
            .help("add `role: Reader`, or a list in `roles`"),
        );
    }
    let mut seen: HashMap<String, Span> = HashMap::new();
    let mut found = Vec::new();
    for (property, node) in written {
        let Some(role) = wanted_role(resource, property, node, scope, nodes) else {
            continue;
        };
        match seen.insert(role.guid.clone(), node.span) {
            Some(first) => nodes.report(
                Diagnostic::error(
                    Code::DuplicateId,
                    node.span,
                    format!("the role `{}` is listed twice", role.name),
                )
                .related(first, "the first one")
                .help("remove one of them"),
            ),
            None => found.push(role),
        }
    }
    found
}

/// A role as written in a spec.
enum RoleText {
    /// The GUID of the definition or the end of its id, in lowercase.
    Guid(String),
    /// A name.
    Name(String),
}

impl RoleText {
    /// `None` for the id of a resource other than a role definition.
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let guid = |text: &str| {
            let guid = Uuid::try_parse(text).ok()?;
            Some(Self::Guid(guid.hyphenated().to_string()))
        };
        match ArmId::parse(text) {
            Some(id) if is_definition(&id) => guid(id.name()),
            Some(_) => None,
            None => guid(text).or_else(|| Some(Self::Name(text.to_owned()))),
        }
    }
}

fn is_definition(id: &ArmId) -> bool {
    let mut segments = id.as_str().rsplit('/').skip(1);
    ["roleDefinitions", "Microsoft.Authorization"]
        .iter()
        .all(|word| {
            segments
                .next()
                .is_some_and(|segment| segment.eq_ignore_ascii_case(word))
        })
}

/// The matching role definition of the spec.
fn declared<'a>(resource: &EntryContext<'a>, role: &RoleText) -> Option<ReferenceTarget<'a>> {
    let is_meant = |target: &ReferenceTarget<'_>| match role {
        RoleText::Guid(guid) => {
            (target.placed.id.as_ref()).is_some_and(|id| id.name().eq_ignore_ascii_case(guid))
        }
        RoleText::Name(name) => (target.placed.name.as_ref())
            .is_some_and(|other| other.to_lowercase() == name.to_lowercase()),
    };
    resource
        .all_of(RoleDefinition::FACTS.kind)
        .into_iter()
        .find(is_meant)
}

/// A role by reference, by name, by GUID, or by the id of its definition.
fn wanted_role(
    resource: &EntryContext<'_>,
    property: &'static str,
    node: &Node,
    scope: &ArmId,
    nodes: &mut Nodes,
) -> Option<WantedRole> {
    if resource.target_of(node).is_some() {
        ResourceLink::to::<RoleDefinition>(resource, node, nodes)?;
    }
    let text = match resource.resolve(node, nodes) {
        Value::String(text) => text,
        Value::Hole(hole) => {
            nodes.report(Diagnostic::error(
                Code::UnknownBeforeRun,
                node.span,
                format!(
                    "the role must be known before apply, but `{hole}` is known only after apply"
                ),
            ));
            return None;
        }
        _ => return None,
    };
    let Some(role) = RoleText::parse(&text) else {
        nodes.report(
            Diagnostic::error(
                Code::WrongType,
                node.span,
                format!("`{text}` is not the id of a role definition"),
            )
            .help(HOW_TO_NAME_A_ROLE),
        );
        return None;
    };
    let built_in = match &role {
        RoleText::Guid(guid) => roles::by_guid(guid),
        RoleText::Name(name) => roles::by_name(name),
    };
    let wanted = |name: String, guid: String| WantedRole {
        name,
        guid,
        property,
        definition: None,
    };
    if let Some(role) = built_in {
        return Some(wanted(role.name.to_owned(), role.guid.to_owned()));
    }
    if let Some(target) = declared(resource, &role) {
        let name = target.placed.name.clone()?;
        let guid = target.placed.id.as_ref()?.name().to_owned();
        return Some(WantedRole {
            definition: Some(target.placed.key.clone()),
            ..wanted(name, guid)
        });
    }
    match role {
        RoleText::Guid(guid) => Some(wanted(guid.clone(), guid)),
        RoleText::Name(name) => {
            let guid = role_of_tenant(resource, node, scope, &name, nodes)?;
            Some(wanted(name, guid))
        }
    }
}

/// A hint with the shortest role name that contains all words of an unknown one: `Storage Blob Data Contributor` for
/// `Blob Contributor`. A single word is too vague.
fn with_words(name: &str, names: &[&str]) -> Option<String> {
    let words: Vec<String> = name.split_whitespace().map(str::to_lowercase).collect();
    let has_all = |candidate: &&&str| {
        let candidate = candidate.to_lowercase();
        let of_candidate: Vec<&str> = candidate.split_whitespace().collect();
        words
            .iter()
            .all(|word| of_candidate.contains(&word.as_str()))
    };
    let found = names
        .iter()
        .filter(has_all)
        .min_by_key(|candidate| candidate.len());
    let found = found.filter(|_| words.len() > 1)?;
    Some(format!("did you mean `{found}`?"))
}

/// The GUID of a role that only Azure knows: from the look-up, or as a role to look up.
fn role_of_tenant(
    resource: &EntryContext<'_>,
    node: &Node,
    scope: &ArmId,
    name: &str,
    nodes: &mut Nodes,
) -> Option<String> {
    // No scope below a resource group has roles of its own.
    let asked = RoleName {
        at: (scope.group().or_else(|| scope.root())).unwrap_or_else(|| scope.clone()),
        name: name.to_lowercase(),
    };
    let declared = resource.all_of(RoleDefinition::FACTS.kind);
    let mut names: Vec<&str> = roles::names().collect();
    names.extend(
        declared
            .iter()
            .filter_map(|target| target.placed.name.as_deref()),
    );
    let meant = with_words(name, &names);
    let nearest = did_you_mean(name, names);
    let at = &asked.at;
    match resource.definitions_of(&asked) {
        Some([definition]) => Some(definition.name().to_lowercase()),
        Some([]) => {
            nodes.report(
                Diagnostic::error(
                    Code::UnknownRole,
                    node.span,
                    format!("role `{name}` not found"),
                )
                .note(format!(
                    "it is neither built in, nor in the spec, nor assignable at {at}"
                ))
                .help(
                    meant
                        .or(nearest)
                        .unwrap_or_else(|| HOW_TO_NAME_A_ROLE.to_owned()),
                ),
            );
            None
        }
        Some(several) => {
            let ids: Vec<&str> = several.iter().map(ArmId::as_str).collect();
            nodes.report(
                Diagnostic::error(
                    Code::AmbiguousRole,
                    node.span,
                    format!("the name `{name}` matches {} roles", several.len()),
                )
                .note(ids.join(", "))
                .help("use the id of one of them"),
            );
            None
        }
        None => {
            nodes.report(match nearest {
                Some(nearest) => Diagnostic::error(
                    Code::UnknownRole,
                    node.span,
                    format!("built-in role `{name}` not found"),
                )
                .help(meant.unwrap_or(nearest)),
                None => Diagnostic::warning(
                    Code::UnknownRole,
                    node.span,
                    format!("role `{name}` is not built in"),
                )
                .help("`lazuli plan` looks it up in the tenant"),
            });
            let guid = asked.name.clone();
            nodes.ask(asked);
            Some(guid)
        }
    }
}

const HOW_TO_NAME_A_ROLE: &str = "use the name of a role, a reference to a roleDefinition, \
    or the GUID or id of a definition";

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
                        target.resource.address, target.placed.facts.kind
                    ),
                )
                .help(HOW_TO_NAME),
            );
        }
        let facts = target.placed.facts;
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
        hole @ Value::Hole(_) => Some((hole, "ServicePrincipal".into())),
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
