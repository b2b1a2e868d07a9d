//! Role-based access control: the role assignments of a principal at a scope, and the actions that their roles permit.

use serde_json::{Value, json};

use super::call::Call;
use super::kinds;
use super::merge::elements;
use super::model::World;
use super::path::{Target, last_segment};
use super::reply::{ArmError, Reply};
use super::state::Resource;
use crate::catalogue::{self, BuiltInRole};
use crate::http::Method;
use crate::sim_time::SimTime;
use crate::wildcard::matches;

/// Actions that read with a POST.
const READ_ACTIONS: [&str; 2] = ["/checknameavailability", "/checkpolicyrestrictions"];

/// Fails unless a role assignment permits the caller the action of the request at its scope. All principals of the tenant
/// can read at the tenant's scope (subscriptions, built-in roles) and query Azure Resource Graph, which filters by itself.
pub(crate) fn authorize(world: &World, call: &Call<'_>) -> Result<(), ArmError> {
    let is_at_tenant =
        call.target.subscription.is_none() && call.target.management_group().is_none();
    let is_query = call
        .target
        .kind()
        .eq_ignore_ascii_case(kinds::RESOURCE_GRAPH);
    if is_at_tenant && (call.method().is_read() || is_query)
        || creates_management_group(world, call)
    {
        return Ok(());
    }
    require(world, call, &action(call), &call.target)
}

/// Whether the request creates a management group, which all principals of the tenant can do below the root group
/// (Microsoft docs "Create management groups").
fn creates_management_group(world: &World, call: &Call<'_>) -> bool {
    call.method() == Method::Put
        && call
            .target
            .kind()
            .eq_ignore_ascii_case(kinds::MANAGEMENT_GROUP)
        && !world.state.contains(&call.target.key())
}

/// Fails unless a role assignment permits the caller this action at this target.
pub(crate) fn require(
    world: &World,
    call: &Call<'_>,
    action: &str,
    target: &Target,
) -> Result<(), ArmError> {
    let scope = target.id();
    if is_permitted(world, &call.principal, action, target, call.now) {
        return Ok(());
    }
    let client = &call.principal;
    Err(ArmError::gateway(
        403,
        "AuthorizationFailed",
        format!(
            "The client '{client}' with object id '{client}' does not have authorization to perform action '{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials."
        ),
    ))
}

/// The action `Provider/type/type/verb` of a request.
fn action(call: &Call<'_>) -> String {
    let kind = call.target.kind();
    // Providers are read as part of the subscription (Azure RBAC: Microsoft.Resources permissions).
    if call.method().is_read() && !kind.contains('/') {
        return "Microsoft.Resources/subscriptions/providers/read".to_owned();
    }
    let verb = match call.method() {
        // Azure RBAC: permissions of Microsoft.Storage and Microsoft.PolicyInsights.
        Method::Post
            if READ_ACTIONS
                .iter()
                .any(|action| kind.to_ascii_lowercase().ends_with(action)) =>
        {
            "read"
        }
        Method::Get | Method::Head => "read",
        Method::Put | Method::Patch => "write",
        Method::Delete => "delete",
        Method::Post => "action",
    };
    format!("{kind}/{verb}")
}

/// Whether a role assignment in effect permits the principal the action.
pub(crate) fn is_permitted(
    world: &World,
    principal: &str,
    action: &str,
    target: &Target,
    now: SimTime,
) -> bool {
    grants_in_effect(world, principal, target, now)
        .flat_map(|grant| permissions(world, grant.text("/properties/roleDefinitionId")))
        .any(|permission| permission.permits(action))
}

/// `GET {scope}/providers/Microsoft.Authorization/permissions`: the permissions of all roles of the caller at the scope
/// and above (REST reference, "Permissions - List For Resource Group", 2022-04-01).
pub(crate) fn list_permissions(world: &World, call: &Call<'_>) -> Result<Reply, ArmError> {
    if !call.method().is_read() {
        return Err(call.not_allowed());
    }
    let scope = Target::parse(&call.target.scope());
    let value: Vec<Value> = grants_in_effect(world, &call.principal, &scope, call.now)
        .flat_map(|grant| permissions(world, grant.text("/properties/roleDefinitionId")))
        .map(|permission| permission.to_json())
        .collect();
    Ok(Reply::json(200, json!({ "value": value })))
}

fn grants_in_effect<'a>(
    world: &'a World,
    principal: &'a str,
    target: &Target,
    now: SimTime,
) -> impl Iterator<Item = &'a Resource> {
    grants_at_or_above(world, target)
        .filter(move |grant| grant.ready <= now)
        .filter(move |grant| {
            grant
                .text("/properties/principalId")
                .eq_ignore_ascii_case(principal)
        })
}

/// Whether the principal has the role at the target or above, assigned no later than `since`.
pub(crate) fn has_role(
    world: &World,
    principal: &str,
    role: &str,
    target: &Target,
    since: SimTime,
) -> bool {
    grants_at_or_above(world, target).any(|grant| {
        grant
            .text("/properties/principalId")
            .eq_ignore_ascii_case(principal)
            && last_segment(grant.text("/properties/roleDefinitionId")).eq_ignore_ascii_case(role)
            && grant.created <= since
    })
}

/// Whether role assignments of the principal that were created no later than `since` permit it all of these data actions
/// at the target.
pub(crate) fn are_data_actions_permitted(
    world: &World,
    principal: &str,
    actions: &[&str],
    target: &Target,
    since: SimTime,
) -> bool {
    let permitted: Vec<Permission<'_>> = grants_at_or_above(world, target)
        .filter(|grant| grant.created <= since)
        .filter(|grant| {
            let holder = grant.text("/properties/principalId");
            holder.eq_ignore_ascii_case(principal)
        })
        .flat_map(|grant| permissions(world, grant.text("/properties/roleDefinitionId")))
        .collect();
    let is_permitted = |action: &&str| permitted.iter().any(|one| one.permits_data(action));
    actions.iter().all(is_permitted)
}

fn grants_at_or_above<'a>(
    world: &'a World,
    target: &Target,
) -> impl Iterator<Item = &'a Resource> + use<'a> {
    world
        .scopes(target)
        .into_iter()
        .flat_map(|scope| world.state.extensions(&scope, kinds::ROLE_ASSIGNMENT))
}

/// A permission of a role: `actions`, `notActions`, `dataActions` and `notDataActions`.
enum Permission<'a> {
    BuiltIn(&'static BuiltInRole),
    Custom(&'a Value),
}

impl Permission<'_> {
    fn permits(&self, action: &str) -> bool {
        let any = |patterns: &[&str]| patterns.iter().any(|one| matches(one, action));
        match self {
            Self::BuiltIn(role) => any(&role.actions) && !any(&role.not_actions),
            Self::Custom(permission) => {
                lists(permission, "actions", action) && !lists(permission, "notActions", action)
            }
        }
    }

    fn permits_data(&self, action: &str) -> bool {
        let any = |patterns: &[&str]| patterns.iter().any(|one| matches(one, action));
        match self {
            Self::BuiltIn(role) => any(&role.data_actions) && !any(&role.not_data_actions),
            Self::Custom(permission) => {
                lists(permission, "dataActions", action)
                    && !lists(permission, "notDataActions", action)
            }
        }
    }

    fn to_json(&self) -> Value {
        match self {
            Self::BuiltIn(role) => json!({
                "actions": role.actions,
                "notActions": role.not_actions,
                "dataActions": role.data_actions,
                "notDataActions": role.not_data_actions,
            }),
            Self::Custom(permission) => Value::clone(permission),
        }
    }
}

/// Whether a list of a custom permission has a pattern for the action.
fn lists(permission: &Value, list: &str, action: &str) -> bool {
    let mut patterns = elements(&permission[list]).filter_map(Value::as_str);
    patterns.any(|pattern| matches(pattern, action))
}

fn permissions<'a>(world: &'a World, definition: &str) -> Vec<Permission<'a>> {
    let guid = last_segment(definition);
    if let Some(role) = catalogue::built_in(guid) {
        return vec![Permission::BuiltIn(role)];
    }
    let role = world.custom_role(guid);
    let permissions = role.and_then(|role| role.body.pointer("/properties/permissions"));
    permissions
        .into_iter()
        .flat_map(elements)
        .map(Permission::Custom)
        .collect()
}
