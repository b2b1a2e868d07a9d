//! Role definitions: built-in roles, and custom roles, which are stored at their subscription or management group.

use serde_json::{Value, json};
use uuid::Uuid;

use super::call::Call;
use super::directory::{OTHER_SUBSCRIPTION, SUBSCRIPTION};
use super::kinds;
use super::merge::{elements, text};
use super::model::World;
use super::path::{Target, last_segment};
use super::reply::{ArmError, Reply};
use super::state::Resource;
use crate::catalogue::{self, BuiltInRole};
use crate::http::Method;
use crate::sim_time::SimTime;

impl World {
    /// The custom role with this GUID at any subscription or management group.
    pub(crate) fn custom_role(&self, guid: &str) -> Option<&Resource> {
        let subscriptions = [SUBSCRIPTION, OTHER_SUBSCRIPTION];
        let at_subscription = subscriptions.iter().find_map(|subscription| {
            let root = format!("/subscriptions/{subscription}");
            self.state.get(&custom_key(&root, guid))
        });
        at_subscription.or_else(|| {
            let mut at_groups = self.state.with_prefix("/providers/microsoft.management/");
            let found = at_groups.find(|(_, role)| {
                role.kind == kinds::ROLE_DEFINITION && role.text("/name").eq_ignore_ascii_case(guid)
            });
            found.map(|(_, role)| role)
        })
    }
}

/// The scope at which a custom role is stored: the subscription or management group in the path of the request.
fn root(target: &Target) -> String {
    match target.management_group() {
        Some(group) => format!("/providers/Microsoft.Management/managementGroups/{group}"),
        None => target.subscription_id(),
    }
}

fn custom_key(root: &str, guid: &str) -> String {
    format!("{root}/providers/{}/{guid}", kinds::ROLE_DEFINITION).to_ascii_lowercase()
}

/// Whether a role with this GUID exists, is replicated, and can be assigned at the scope.
pub(crate) fn is_assignable(world: &World, guid: &str, scope: &str, now: SimTime) -> bool {
    catalogue::built_in(guid).is_some()
        || world.custom_role(guid).is_some_and(|role| {
            now.since(role.created) >= world.delay(world.options.role_replication)
                && is_assignable_at(world, role, scope)
        })
}

fn is_assignable_at(world: &World, role: &Resource, scope: &str) -> bool {
    covers(world, &role.body["properties"]["assignableScopes"], scope)
}

/// Whether one of these assignable scopes is the scope or above it.
fn covers(world: &World, assignable: &Value, scope: &str) -> bool {
    let scopes = world.scopes(&Target::parse(scope));
    elements(assignable)
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
            let is_in_use = world.state.tree("").any(|(_, grant)| {
                grant.kind == kinds::ROLE_ASSIGNMENT
                    && last_segment(grant.text("/properties/roleDefinitionId"))
                        .eq_ignore_ascii_case(guid)
            });
            if is_in_use && catalogue::built_in(guid).is_none() {
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
    let is_taken = catalogue::BUILT_IN_ROLES
        .iter()
        .any(|role| role.name.eq_ignore_ascii_case(&name))
        || world.state.tree("").any(|(other, role)| {
            role.kind == kinds::ROLE_DEFINITION
                && *other != key
                && call.now.since(role.created) >= world.delay(world.options.role_name_replication)
                && role
                    .text("/properties/roleName")
                    .eq_ignore_ascii_case(&name)
        });
    if is_taken {
        return Err(ArmError::new(
            409,
            "RoleDefinitionWithSameNameExists",
            format!(
                "A custom role with the same name '{name}' already exists in this directory. Use a different name."
            ),
        ));
    }
    check_lost_scopes(world, &key, guid, &scopes)?;
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
    // The id is at the subscription even for a request at a resource group, and at the tenant for a management group.
    let base = call.target.subscription_id();
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
    let mut response = stored;
    response["properties"]["createdBy"] = Value::Null;
    Ok(Reply::json(201, response))
}

/// Checks that no role assignment of the role exists at a scope that the role loses (Azure/bicep#17145).
fn check_lost_scopes(world: &World, key: &str, guid: &str, wanted: &Value) -> Result<(), ArmError> {
    let Some(old) = world.state.get(key) else {
        return Ok(());
    };
    let grants = world.state.tree("").filter(|(_, grant)| {
        grant.kind == kinds::ROLE_ASSIGNMENT
            && last_segment(grant.text("/properties/roleDefinitionId")).eq_ignore_ascii_case(guid)
    });
    let lost_at = |scope: &str| {
        let above = world.scopes(&Target::parse(scope));
        let mut old = elements(&old.body["properties"]["assignableScopes"]);
        let lost = old.find(|at| above.contains(&Target::parse(at.as_str().unwrap_or("")).key()));
        lost.filter(|_| !covers(world, wanted, scope))
    };
    let mut lost = grants.filter_map(|(_, grant)| lost_at(grant.text("/properties/scope")));
    let Some(scope) = lost.next().and_then(Value::as_str) else {
        return Ok(());
    };
    Err(ArmError::new(
        400,
        "RoleScopeBeingRemovedContainsAssignments",
        format!(
            "Role assignments found under scope '{scope}' which is being removed. Removing this scope from the role will orphan these assignments. Delete these assignments before removing the scope."
        ),
    ))
}

/// All roles that can be assigned at the scope, on one page, with `$filter` by `roleName` and `type`.
fn list(world: &World, call: &Call<'_>) -> Result<Reply, ArmError> {
    if call.method() != Method::Get {
        return Err(call.not_allowed());
    }
    let filter = call.filter();
    let (name, kind) = (filter.equals("roleName"), filter.equals("type"));
    let scope = call.target.scope();
    let built_in = built_in(call);
    let custom = world
        .state
        .tree("")
        .filter(|(_, role)| {
            role.kind == kinds::ROLE_DEFINITION && is_assignable_at(world, role, &scope)
        })
        .map(|(_, role)| Value::clone(&role.body));
    let matches = |role: &Value, pointer: &str, value: &Option<String>| {
        (value.as_ref()).is_none_or(|value| text(role, pointer).eq_ignore_ascii_case(value))
    };
    let value: Vec<Value> = built_in
        .chain(custom)
        .filter(|role| matches(role, "/properties/roleName", &name))
        .filter(|role| matches(role, "/properties/type", &kind))
        .collect();
    Ok(Reply::json(200, json!({ "value": value })))
}

/// The bodies of all built-in roles.
pub(crate) fn built_in(call: &Call<'_>) -> impl Iterator<Item = Value> {
    let roles = catalogue::BUILT_IN_ROLES.iter();
    roles.map(|role| describe(role, call))
}

/// The body of a built-in role, with an id at the subscription of the request or at the tenant.
fn describe(role: &BuiltInRole, call: &Call<'_>) -> Value {
    let base = call.target.subscription_id();
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
