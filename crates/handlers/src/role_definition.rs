//! `roleDefinition`: a custom role.

use lazuli_core::{
    arm::ArmId,
    diagnostic::{Code, Diagnostic, Diagnostics},
    diff::is_empty,
    facts::{Facts, Family, NameRule, PermissionPurpose, Place, Rule},
    graph::{Draft, EntryContext, Marker, Nodes, Surroundings, TypedEntry},
    kind::{EntryOf, Handler},
    lift::{LiftSource, LiftedEntry, member},
    marker::MarkerTarget,
    source::Span,
    value::{Object, Value},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::{link::each, roles};

use crate::arm_types;

/// Handles `roleDefinition`.
pub struct RoleDefinition;

/// A custom role: the actions that it allows. A `roleAssignment` assigns it to a principal.
///
/// The name is unique in the tenant. A new name creates another role, and the old one stays. A missing list of actions
/// is empty: actions that other tools add are removed.
///
/// ```yaml
/// operator:
///   kind: roleDefinition
///   name: Camera Operator
///   description: Starts and stops cameras, and reads recordings
///   actions:
///     - Microsoft.Media/videoAnalyzers/read
///     - Microsoft.Media/videoAnalyzers/livePipelines/*
///   notActions: [Microsoft.Media/videoAnalyzers/livePipelines/delete]
///   dataActions: [Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read]
///   assignableScopes: ["${group}"]
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleDefinitionProps {
    /// The purpose of the role.
    pub description: Option<String>,
    /// The allowed actions: `Microsoft.Storage/storageAccounts/read`, `*/read`.
    pub actions: Option<Vec<String>>,
    /// The actions that are excluded from `actions`.
    pub not_actions: Option<Vec<String>>,
    /// The allowed actions on data.
    pub data_actions: Option<Vec<String>>,
    /// The actions that are excluded from `dataActions`.
    pub not_data_actions: Option<Vec<String>>,
    /// The scopes where the role is assignable. Resource groups, subscriptions, and at most one management group; the
    /// default is the subscription of the stack. The role belongs to the subscription or management group of the first
    /// one; a change of that replaces the role.
    pub assignable_scopes: Option<Vec<String>>,
}

/// The scopes where a role is assignable, and where each is written.
pub struct AssignableScopes(Vec<(Value, Span)>);

/// The lists of a permission; Azure returns all of them, empty if they were not sent (ARM facts 3.1).
const LISTS: [&str; 4] = ["actions", "notActions", "dataActions", "notDataActions"];

/// The type of custom roles.
const CUSTOM: &str = "CustomRole";

impl Handler for RoleDefinition {
    const FACTS: Facts = Facts {
        kind: "roleDefinition",
        arm_type: Some(arm_types::ROLE_DEFINITION),
        place: Place::Root("assignableScopes"),
        // "Azure custom roles": letters, numbers, spaces and special characters, at most 512.
        name: Some(NameRule {
            length: 1..=512,
            is_valid: |name| name.trim() == name && !name.chars().any(char::is_control),
            description: "1 to 512 characters without leading or trailing spaces",
        }),
        tags: false,
        location: false,
        // The list of a subscription holds every built-in role, and no role that is assignable only below (REST
        // reference, Role Definitions - List).
        listed: false,
        body: None,
        rules: &[
            Rule::AnyCase("properties.type"),
            Rule::Set("properties.assignableScopes"),
            Rule::Set("properties.permissions[].actions"),
            Rule::Set("properties.permissions[].notActions"),
            Rule::Set("properties.permissions[].dataActions"),
            Rule::Set("properties.permissions[].notDataActions"),
            Rule::AnyCase("properties.permissions[].actions[]"),
            Rule::AnyCase("properties.permissions[].notActions[]"),
            Rule::AnyCase("properties.permissions[].dataActions[]"),
            Rule::AnyCase("properties.permissions[].notDataActions[]"),
            Rule::ReadOnly("properties.createdOn"),
            Rule::ReadOnly("properties.updatedOn"),
            Rule::ReadOnly("properties.createdBy"),
            Rule::ReadOnly("properties.updatedBy"),
        ],
        outputs: &[],
        retired: None,
        family: Family::Access,
        permissions: &[(
            PermissionPurpose::ManageLocks,
            "Microsoft.Authorization/roleDefinitions/write",
        )],
        linked_actions: &[],
        creation: None,
    };
    type Props = RoleDefinitionProps;
    type Links<'a> = AssignableScopes;

    fn link(
        entry: &TypedEntry<'_, RoleDefinitionProps>,
        nodes: &mut Nodes,
    ) -> Option<AssignableScopes> {
        let written = each(entry.resource().props.get("assignableScopes")).iter();
        let scopes = written.map(|node| (entry.resolve(node, nodes), node.span));
        Some(AssignableScopes(scopes.collect()))
    }

    fn declare(resource: &EntryOf<'_, Self>, nodes: &mut Nodes) {
        let (Some(id), Some(name)) = (resource.placement().id.clone(), &resource.placement().name)
        else {
            return;
        };
        let own = resource.value("description", nodes);
        let own = own.as_ref().and_then(Value::as_str);
        let permission = LISTS.map(|list| (list, listed(resource, list, nodes)));
        let AssignableScopes(scopes) = &resource.links;
        let mut scopes: Vec<Value> = scopes.iter().map(|(scope, _)| scope.clone()).collect();
        if scopes.is_empty() {
            let subscription = ArmId::subscription(&resource.placement().subscription);
            scopes.push(subscription.as_str().into());
        }
        let properties = Value::object([
            ("roleName", Value::string(name)),
            (
                "description",
                Value::String(resource.marked_text(own, &MarkerTarget::from_id(&id))),
            ),
            ("type", CUSTOM.into()),
            ("permissions", Value::Array(vec![Value::object(permission)])),
            ("assignableScopes", Value::Array(scopes)),
        ]);
        let body = [("properties".to_owned(), properties)].into();
        nodes.push(Draft {
            marker: Marker::Text("description"),
            ..resource.draft(id, body)
        });
    }

    /// A role with several permissions, as some built-in ones have, cannot be written as an entry.
    fn lift(found: &mut LiftSource<'_>) -> Option<LiftedEntry> {
        let name = found.text("properties.roleName")?.to_owned();
        let kind = found.text("properties.type")?;
        if !kind.eq_ignore_ascii_case(CUSTOM) {
            return None;
        }
        let [permission] = found.at("properties.permissions")?.as_array()?.as_slice() else {
            return None;
        };
        let mut props = Object::new();
        let words = found.words("description").map(Value::string);
        props.extend(words.map(|words| ("description".to_owned(), words)));
        if found.is_marked_otherwise("description") {
            let description = Value::Array(vec!["description".into()]);
            props.insert("ignore".into(), description);
        }
        for list in LISTS {
            let listed = member(permission, list).filter(|listed| !is_empty(listed));
            let listed = listed.and_then(|listed| found.shaped(list, listed));
            props.extend(listed.map(|listed| (list.to_owned(), listed)));
        }
        let root = found.id().root();
        let scopes = found.at("properties.assignableScopes")?;
        let mut scopes: Vec<&str> = scopes.as_array()?.iter().filter_map(Json::as_str).collect();
        // The first scope determines the root of the role.
        scopes.sort_by_key(|scope| ArmId::parse(scope).and_then(|scope| scope.root()) != root);
        let is_usual = matches!(scopes.as_slice(), [one] if ArmId::parse(one) == root);
        if !is_usual || root.is_none_or(|root| root.subscription_id().is_none()) {
            let scopes = scopes.into_iter().map(Value::string).collect();
            props.insert("assignableScopes".into(), Value::Array(scopes));
        }
        Some(LiftedEntry { name, props })
    }

    fn check(
        resource: &EntryOf<'_, Self>,
        _around: &Surroundings<'_>,
        diagnostics: &mut Diagnostics,
    ) {
        check_name(resource, diagnostics);
        check_scopes(&resource.links, diagnostics);
        let RoleDefinitionProps {
            actions,
            data_actions,
            ..
        } = &resource.props;
        let mut allowed = [actions, data_actions].into_iter().flatten().flatten();
        if allowed.next().is_none() {
            diagnostics.push(
                Diagnostic::error(
                    Code::MissingKey,
                    resource.resource().span,
                    format!("`{}` allows no actions", resource.resource().address),
                )
                .help("list the allowed actions in `actions` or `dataActions`"),
            );
        }
    }
}

/// A list with its references resolved; empty if it is not written.
fn listed(resource: &EntryContext<'_>, property: &str, nodes: &mut Nodes) -> Value {
    match resource.value(property, nodes) {
        None | Some(Value::Null) => Value::Array(Vec::new()),
        Some(list) => list,
    }
}

/// Role names are unique in a tenant, built-in roles included.
fn check_name(resource: &EntryContext<'_>, diagnostics: &mut Diagnostics) {
    let (Some(name), Some(written)) = (&resource.placement().name, &resource.resource().name)
    else {
        return;
    };
    if let Some(role) = roles::by_name(name) {
        diagnostics.push(
            Diagnostic::error(
                Code::BadName,
                written.span,
                format!("`{}` is the name of a built-in role", role.name),
            )
            .help("choose another name for the custom role"),
        );
    }
    let same = |other: &str| other.to_lowercase() == name.to_lowercase();
    let same_name = resource
        .all_of(RoleDefinition::FACTS.kind)
        .into_iter()
        .find(|other| {
            other.placement.name.as_deref().is_some_and(same)
                && other.placement.id != resource.placement().id
        });
    if let Some(other) = same_name {
        diagnostics.push(
            Diagnostic::error(
                Code::DuplicateId,
                written.span,
                format!("two roles have the name `{name}`, which must be unique in the tenant"),
            )
            .related(other.resource.span, "the other one")
            .help("rename one of them, or list all scopes in `assignableScopes` of one"),
        );
    }
}

/// A role is assignable at groups, subscriptions and one management group ("Understand Azure role definitions").
fn check_scopes(AssignableScopes(scopes): &AssignableScopes, diagnostics: &mut Diagnostics) {
    let mut management_group = None;
    for (scope, span) in scopes {
        let Some(text) = scope.as_str() else {
            continue;
        };
        let scope = ArmId::parse(text);
        let root = scope.as_ref().and_then(ArmId::root);
        let is_root = scope == root;
        let is_group = scope.is_some() && scope == scope.as_ref().and_then(ArmId::group);
        if root.is_none() || !is_root && !is_group {
            diagnostics.push(
                Diagnostic::error(
                    Code::ValueNotAllowed,
                    *span,
                    format!("a role cannot be assignable at `{text}`"),
                )
                .help("use resource groups, subscriptions, or a management group"),
            );
            continue;
        }
        let is_managed = root.is_some_and(|root| root.subscription_id().is_none());
        if let Some(first) = management_group.filter(|_| is_managed) {
            diagnostics.push(
                Diagnostic::error(
                    Code::Precondition,
                    *span,
                    "a role cannot be assignable at more than one management group",
                )
                .related(first, "the first one"),
            );
        }
        management_group = management_group.or(is_managed.then_some(*span));
    }
}

#[cfg(test)]
mod tests {
    use lazuli_core::diff::diff;
    use serde_json::json;

    use super::*;
    use crate::testing::{GROUP, body, dependencies, node, stack, valid_graph};

    const SUBSCRIPTION: &str = "/subscriptions/11111111-1111-1111-1111-111111111111";

    fn operator(props: &str) -> String {
        format!(
            "
            group: {{ kind: resourceGroup, name: rg-cameras }}
            operator: {{ kind: roleDefinition, name: Camera Operator, {props} }}
            "
        )
    }

    fn properties(props: &str) -> Json {
        body(&valid_graph(&operator(props)), "operator")["properties"].clone()
    }

    fn id(resources: &str) -> String {
        node(&valid_graph(resources), "operator")
            .id()
            .unwrap()
            .to_string()
    }

    #[test]
    fn body_contains_all_lists() {
        let properties = properties("description: Sees, actions: ['*/read'], dataActions: [a/b/c]");
        assert_eq!(properties["roleName"], "Camera Operator");
        assert_eq!(properties["type"], "CustomRole");
        assert_eq!(properties["assignableScopes"], json!([SUBSCRIPTION]));
        assert_eq!(
            properties["permissions"],
            json!([{ "actions": ["*/read"], "notActions": [], "dataActions": ["a/b/c"], "notDataActions": [] }])
        );
        assert_eq!(
            properties["description"],
            "Sees (lazuli-stack: cameras; operator)"
        );
    }

    #[test]
    fn id_depends_on_subscription_and_name() {
        let first = id(&operator("actions: [x]"));
        let guid = "5590e04e-8926-5872-99c1-1cb9fed00293";
        assert_eq!(
            first,
            format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{guid}")
        );
        let same = operator("actions: [y], assignableScopes: ['${group}']");
        assert_eq!(id(&same.replace("Camera O", "CAMERA o")), first);
        assert_ne!(id(&same.replace("Camera", "Door")), first);
        let other = "22222222-2222-2222-2222-222222222222";
        let elsewhere = id(&operator(&format!(
            "actions: [x], assignableScopes: [/subscriptions/{other}]"
        )));
        assert!(elsewhere.starts_with(&format!("/subscriptions/{other}/providers/")));
        assert!(!elsewhere.ends_with(guid));
        let managed = "/providers/Microsoft.Management/managementGroups/all";
        let managed_id = id(&operator(&format!(
            "actions: [x], assignableScopes: [{managed}, '${{group}}']"
        )));
        assert!(managed_id.starts_with(&format!("{managed}/providers/Microsoft.Authorization/")));
    }

    #[test]
    fn role_depends_on_the_groups_of_its_scopes() {
        let graph = valid_graph(&operator("actions: [x], assignableScopes: ['${group}']"));
        assert_eq!(
            dependencies(&graph, "operator"),
            [("group".into(), "`assignableScopes` refers to it".into())]
        );
        assert_eq!(
            body(&graph, "operator")["properties"]["assignableScopes"],
            json!([GROUP])
        );
    }

    #[test]
    fn order_case_and_defaults_are_equal_but_actions_differ() {
        let graph = valid_graph(&operator(
            "actions: [A/read, B/*], assignableScopes: ['${group}', /subscriptions/22222222-2222-2222-2222-222222222222]",
        ));
        let operator = node(&graph, "operator");
        let mut live = operator.body.to_display_json();
        live["properties"]["type"] = json!("customrole");
        live["properties"]["createdOn"] = json!("2026-01-01T00:00:00Z");
        live["properties"]["permissions"][0]["actions"] = json!(["b/*", "a/READ"]);
        live["properties"]["assignableScopes"] = json!([
            "/subscriptions/22222222-2222-2222-2222-222222222222",
            GROUP.to_uppercase()
        ]);
        assert_eq!(diff(&operator.body, &live, operator.rules, &[]), []);
        for (list, found) in [
            ("actions", json!(["a/read"])),
            ("dataActions", json!(["c/read"])),
        ] {
            let mut live = live.clone();
            live["properties"]["permissions"][0][list] = found;
            let changes = diff(&operator.body, &live, operator.rules, &[]);
            assert_eq!(changes.len(), 1, "{list}");
            assert_eq!(
                changes[0].path.to_string(),
                format!("properties.permissions[0].{list}")
            );
        }
    }

    #[test]
    fn invalid_definitions_are_rejected() {
        let wrong = |props: &str| {
            let built = stack(&operator(props));
            let error = built.error();
            (error.code, error.at.clone())
        };
        assert_eq!(
            wrong("notActions: [x]"),
            (Code::MissingKey, "operator".into())
        );
        assert_eq!(wrong("actions: []"), (Code::MissingKey, "operator".into()));
        assert_eq!(
            wrong("actions: [x], assignableScopes: ['${group}/providers/A.B/c/d']"),
            (Code::ValueNotAllowed, "'${group}/providers/A.B/c/d'".into())
        );
        let all = "/providers/Microsoft.Management/managementGroups/all";
        let some = "/providers/Microsoft.Management/managementGroups/some";
        assert_eq!(
            wrong(&format!(
                "actions: [x], assignableScopes: [{all}, '${{group}}', {some}]"
            )),
            (Code::Precondition, some.into())
        );
    }

    #[test]
    fn role_name_must_be_unique() {
        let built_in = stack(&operator("actions: [x]").replace("Camera Operator", "reader"));
        assert_eq!(built_in.errors(), [(Code::BadName, "reader")]);
        let twins = stack(&format!(
            "{}            twin: {{ kind: roleDefinition, name: camera operator, actions: [x],
                assignableScopes: [/subscriptions/22222222-2222-2222-2222-222222222222] }}
            ",
            operator("actions: [x]").trim_end_matches(' ')
        ));
        assert_eq!(
            twins.errors(),
            [
                (Code::DuplicateId, "Camera Operator"),
                (Code::DuplicateId, "camera operator")
            ]
        );
        let long = stack(&operator("actions: [x]").replace("Camera Operator", &"r".repeat(513)));
        assert_eq!(long.error().code, Code::BadName);
    }

    #[test]
    fn existing_role_is_identified_by_name_and_scope() {
        let existing = operator("existing: true, assignableScopes: ['${group}']");
        assert_eq!(id(&existing), id(&operator("actions: [x]")));
    }
}
