//! Role definitions: the built-in catalogue, and custom roles, which are filed at their subscription.

use serde_json::{Value, json};
use uuid::Uuid;

use super::authorization::role_guid;
use super::lists::equals;
use super::merge::{elements, text};
use super::path::Target;
use super::reply::{ArmError, Reply};
use super::state::Resource;
use super::{Call, World, management_groups};
use crate::catalogue::{self, BuiltInRole};
use crate::http::Method;
use crate::sim_time::SimTime;

const KIND: &str = "microsoft.authorization/roledefinitions";

impl World {
    /// The custom role of that GUID, wherever it may be assigned.
    pub(crate) fn custom_role(&self, guid: &str) -> Option<&Resource> {
        let subscriptions = [super::SUBSCRIPTION, super::OTHER_SUBSCRIPTION];
        let of_subscription = subscriptions.iter().find_map(|subscription| {
            let root = format!("/subscriptions/{subscription}");
            self.state.get(&custom_key(&root, guid))
        });
        of_subscription.or_else(|| {
            let mut managed = self.state.starting("/providers/microsoft.management/");
            let found = managed.find(|(_, role)| {
                role.kind == KIND && role.text("/name").eq_ignore_ascii_case(guid)
            });
            found.map(|(_, role)| role)
        })
    }
}

/// What a custom role is filed at: the subscription or management group of the path that it is written by.
fn root(target: &Target) -> String {
    match (&target.subscription, management_groups::name(target)) {
        (Some(subscription), _) => format!("/subscriptions/{subscription}"),
        (None, Some(group)) => format!("/providers/Microsoft.Management/managementGroups/{group}"),
        (None, None) => String::new(),
    }
}

fn custom_key(root: &str, guid: &str) -> String {
    format!("{root}/providers/{KIND}/{guid}").to_ascii_lowercase()
}

/// Whether a role of that GUID exists, is known everywhere by now, and may be assigned at the scope.
pub(crate) fn is_assignable(world: &World, guid: &str, scope: &str, now: SimTime) -> bool {
    catalogue::built_in(guid).is_some()
        || world.custom_role(guid).is_some_and(|role| {
            now.since(role.created) >= world.takes(world.options.role_replication)
                && assignable_at(world, role, scope)
        })
}

fn assignable_at(world: &World, role: &Resource, scope: &str) -> bool {
    let scopes = world.scopes(&Target::parse(scope));
    elements(&role.body["properties"]["assignableScopes"])
        .filter_map(Value::as_str)
        .any(|at| scopes.contains(&Target::parse(at).key()))
}

pub(crate) fn handle(world: &mut World, call: &Call<'_>) -> Result<Reply, ArmError> {
    if call.target.is_open() {
        return list(world, call);
    }
    let guid = call.target.name();
    let key = custom_key(&root(&call.target), guid);
    let not_found = || {
        ArmError::new(
            404,
            "RoleDefinitionDoesNotExist",
            format!("The specified role definition with ID '{guid}' does not exist."),
        )
    };
    match call.method() {
        Method::Get => match (catalogue::built_in(guid), world.custom_role(guid)) {
            (Some(role), _) => Ok(Reply::json(200, describe(role, call))),
            (None, Some(role)) => Ok(Reply::json(200, role.body.clone())),
            (None, None) => Err(not_found()),
        },
        Method::Put => put(world, call, key),
        Method::Delete => {
            let in_use = world.state.tree("").any(|(_, grant)| {
                grant.kind == "microsoft.authorization/roleassignments"
                    && role_guid(grant.text("/properties/roleDefinitionId"))
                        .eq_ignore_ascii_case(guid)
            });
            if in_use && catalogue::built_in(guid).is_none() {
                return Err(ArmError::new(
                    400,
                    "RoleDefinitionHasAssignments",
                    "There are existing role assignments referencing role (code: RoleDefinitionHasAssignments).",
                ));
            }
            Ok(match world.state.remove(&key) {
                Some(role) => Reply::json(200, role.body),
                None => Reply::empty(204),
            })
        }
        _ => Err(call.not_allowed()),
    }
}

fn put(world: &mut World, call: &Call<'_>, key: String) -> Result<Reply, ArmError> {
    let body = call.json()?;
    let guid = call.target.name();
    let name = text(&body, "/properties/roleName").to_owned();
    if Uuid::parse_str(guid).is_err() {
        return Err(ArmError::new(
            400,
            "InvalidRoleDefinitionId",
            format!(
                "The role definition ID '{guid}' is not valid. The role definition ID must be a GUID."
            ),
        ));
    }
    if catalogue::built_in(guid).is_some() {
        return Err(ArmError::new(
            400,
            "RoleDefinitionIsBuiltIn",
            "Built-in role definitions cannot be changed.",
        ));
    }
    let scopes = body["properties"]["assignableScopes"].clone();
    if name.is_empty() || elements(&scopes).next().is_none() {
        return Err(ArmError::new(
            400,
            "InvalidRoleDefinition",
            "A custom role needs a role name and at least one assignable scope.",
        ));
    }
    let taken = catalogue::BUILT_IN_ROLES
        .iter()
        .any(|role| role.name.eq_ignore_ascii_case(&name))
        || world.state.tree("").any(|(other, role)| {
            role.kind == KIND
                && *other != key
                && call.now.since(role.created) >= world.takes(world.options.role_name_replication)
                && role
                    .text("/properties/roleName")
                    .eq_ignore_ascii_case(&name)
        });
    if taken {
        return Err(ArmError::new(
            409,
            "RoleDefinitionWithSameNameExists",
            format!(
                "A custom role with the same name '{name}' already exists in this directory. Use a different name."
            ),
        ));
    }
    let permissions: Vec<Value> = elements(&body["properties"]["permissions"])
        .map(|permission| {
            let list = |name: &str| elements(&permission[name]).cloned().collect::<Vec<_>>();
            json!({
                "actions": list("actions"),
                "notActions": list("notActions"),
                "dataActions": list("dataActions"),
                "notDataActions": list("notDataActions"),
            })
        })
        .collect();
    let now = call.now.iso();
    let old = world.state.get(&key);
    let created = old.map(|old| {
        (
            old.text("/properties/createdOn").to_owned(),
            old.body["properties"]["createdBy"].clone(),
        )
    });
    let (created_on, created_by) =
        created.unwrap_or_else(|| (now.clone(), Value::from(call.principal.as_str())));
    // Written at a group, it shows the id at the subscription all the same; at a management group, that at the tenant.
    let base = match &call.target.subscription {
        Some(subscription) => format!("/subscriptions/{subscription}"),
        None => String::new(),
    };
    let stored = json!({
        "properties": {
            "roleName": name,
            "type": "CustomRole",
            "description": body["properties"]["description"],
            "assignableScopes": scopes,
            "permissions": permissions,
            "createdOn": created_on,
            "updatedOn": now,
            "createdBy": created_by,
            "updatedBy": call.principal,
        },
        "id": format!("{base}/providers/Microsoft.Authorization/roleDefinitions/{guid}"),
        "type": "Microsoft.Authorization/roleDefinitions",
        "name": guid,
    });
    let mut role = Resource::new(&call.target, stored.clone(), call.now);
    if let Some(old) = world.state.get(&key) {
        role.created = old.created;
    }
    world.state.insert(key, role);
    let mut shown = stored;
    shown["properties"]["createdBy"] = Value::Null;
    Ok(Reply::json(201, shown))
}

/// All roles that may be assigned at the scope, on one page; `$filter` by `roleName` and `type`.
fn list(world: &World, call: &Call<'_>) -> Result<Reply, ArmError> {
    if call.method() != Method::Get {
        return Err(call.not_allowed());
    }
    let filter = call.request.query("$filter").unwrap_or_default();
    let (name, kind) = (equals(filter, "roleName"), equals(filter, "type"));
    let scope = call.target.scope();
    let built_in = catalogue::BUILT_IN_ROLES
        .iter()
        .map(|role| describe(role, call));
    let custom = world
        .state
        .tree("")
        .filter(|(_, role)| role.kind == KIND && assignable_at(world, role, &scope))
        .map(|(_, role)| Value::clone(&role.body));
    let asked = |role: &Value, pointer: &str, wanted: &Option<String>| {
        (wanted.as_ref()).is_none_or(|wanted| text(role, pointer).eq_ignore_ascii_case(wanted))
    };
    let value: Vec<Value> = built_in
        .chain(custom)
        .filter(|role| asked(role, "/properties/roleName", &name))
        .filter(|role| asked(role, "/properties/type", &kind))
        .collect();
    Ok(Reply::json(200, json!({ "value": value })))
}

/// A built-in role as seen from the subscription in the request, or from the tenant.
fn describe(role: &BuiltInRole, call: &Call<'_>) -> Value {
    let base = match &call.target.subscription {
        Some(subscription) => format!("/subscriptions/{subscription}"),
        None => String::new(),
    };
    json!({
        "properties": {
            "roleName": role.name,
            "type": "BuiltInRole",
            "description": format!("The built-in role {}.", role.name),
            "assignableScopes": ["/"],
            "permissions": [{
                "actions": role.actions,
                "notActions": role.not_actions,
                "dataActions": role.data_actions,
                "notDataActions": role.not_data_actions,
            }],
            "createdOn": SimTime::EPOCH.iso(),
            "updatedOn": SimTime::EPOCH.iso(),
            "createdBy": Value::Null,
            "updatedBy": Value::Null,
        },
        "id": format!("{base}/providers/Microsoft.Authorization/roleDefinitions/{}", role.id),
        "type": "Microsoft.Authorization/roleDefinitions",
        "name": role.id,
    })
}
