//! The roles of an entry: by reference, name, GUID or id, from the built-in ones, the spec, or the tenant.

use std::collections::HashMap;

use lazuli_core::{
    arm::ArmId,
    diagnostic::{Code, Diagnostic, did_you_mean},
    graph::{EntryContext, NodeKey, Nodes, ReferenceTarget, RoleName},
    kind::Handler,
    node::Node,
    source::Span,
    value::Value,
};
use uuid::Uuid;

use crate::{
    link::{ResourceLink, each},
    role_definition::RoleDefinition,
    roles,
};

/// The roles of an entry, and where it assigns them.
pub struct AssignedRoles {
    pub(super) scope: ArmId,
    pub(super) roles: Vec<AssignedRole>,
}

pub(super) struct AssignedRole {
    pub(super) name: String,
    pub(super) guid: String,
    /// The property that names the role.
    pub(super) property: &'static str,
    /// Its definition in the spec.
    pub(super) definition: Option<NodeKey>,
}

pub(super) fn assigned_roles(
    resource: &EntryContext<'_>,
    scope: &ArmId,
    nodes: &mut Nodes,
) -> Vec<AssignedRole> {
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
            (target.placement.id.as_ref()).is_some_and(|id| id.name().eq_ignore_ascii_case(guid))
        }
        RoleText::Name(name) => (target.placement.name.as_ref())
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
) -> Option<AssignedRole> {
    if resource.target_of(node).is_some() {
        ResourceLink::to::<RoleDefinition>(resource, node, nodes)?;
    }
    let text = match resource.resolve(node, nodes) {
        Value::String(text) => text,
        Value::Unresolved(unresolved) => {
            nodes.report(Diagnostic::error(
                Code::UnknownBeforeApply,
                node.span,
                format!(
                    "the role must be known before apply, but `{unresolved}` is known only after apply"
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
    let wanted = |name: String, guid: String| AssignedRole {
        name,
        guid,
        property,
        definition: None,
    };
    if let Some(role) = built_in {
        return Some(wanted(role.name.to_owned(), role.guid.to_owned()));
    }
    if let Some(target) = declared(resource, &role) {
        let name = target.placement.name.clone()?;
        let guid = target.placement.id.as_ref()?.name().to_owned();
        return Some(AssignedRole {
            definition: Some(target.placement.key.clone()),
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
            .filter_map(|target| target.placement.name.as_deref()),
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
