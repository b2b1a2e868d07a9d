//! Role-based access control: which grants a principal holds at a scope, and whether their roles allow an action.

use serde_json::{Value, json};

use super::merge::elements;
use super::path::Target;
use super::reply::{ArmError, Reply};
use super::state::Resource;
use super::{Call, World, management_groups};
use crate::catalogue::{self, BuiltInRole};
use crate::http::Method;
use crate::sim_time::SimTime;
use crate::wildcard::matches;

const ASSIGNMENTS: &str = "microsoft.authorization/roleassignments";
/// What is asked with a POST and changes nothing.
const QUESTIONS: [&str; 2] = ["/checknameavailability", "/checkpolicyrestrictions"];

/// Refuses the request unless a grant of the caller allows its action at its scope.
///
/// Reads at the tenant (subscriptions, built-in roles) are open to everybody in the directory.
pub(crate) fn authorize(world: &World, call: &Call<'_>) -> Result<(), ArmError> {
    let at_tenant =
        call.target.subscription.is_none() && management_groups::name(&call.target).is_none();
    if at_tenant && call.method().is_read() || management_groups::is_made_by(world, call) {
        return Ok(());
    }
    demand(world, call, &action(call), &call.target)
}

/// Refuses the request unless a grant of the caller allows that action at that scope.
pub(crate) fn demand(
    world: &World,
    call: &Call<'_>,
    action: &str,
    target: &Target,
) -> Result<(), ArmError> {
    let scope = target.id();
    if allows(world, &call.principal, action, target, call.now) {
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

/// `Provider/type/type/verb`.
fn action(call: &Call<'_>) -> String {
    let kind = call.target.kind();
    // A provider and its registration are read as part of the subscription (Azure RBAC: Microsoft.Resources
    // permissions).
    if call.method().is_read() && !kind.contains('/') {
        return "Microsoft.Resources/subscriptions/providers/read".to_owned();
    }
    let verb = match call.method() {
        // Some questions count as reads (Azure RBAC: permissions of Microsoft.Storage and Microsoft.PolicyInsights).
        Method::Post
            if QUESTIONS
                .iter()
                .any(|question| kind.to_ascii_lowercase().ends_with(question)) =>
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

/// Whether a grant in effect lets the principal do it.
pub(crate) fn allows(
    world: &World,
    principal: &str,
    action: &str,
    target: &Target,
    now: SimTime,
) -> bool {
    grants_in_effect(world, principal, target, now)
        .flat_map(|grant| permissions(world, grant.text("/properties/roleDefinitionId")))
        .any(|permission| permission.allows(action))
}

/// `GET {scope}/providers/Microsoft.Authorization/permissions`: what all roles of the caller at the scope and above
/// have (REST reference, "Permissions - List For Resource Group", 2022-04-01).
pub(crate) fn list_permissions(world: &World, call: &Call<'_>) -> Result<Reply, ArmError> {
    if !call.method().is_read() {
        return Err(call.not_allowed());
    }
    let scope = Target::parse(&call.target.scope());
    let value: Vec<Value> = grants_in_effect(world, &call.principal, &scope, call.now)
        .flat_map(|grant| permissions(world, grant.text("/properties/roleDefinitionId")))
        .map(|permission| permission.shown())
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

/// Whether the principal holds that role at the resource or above it, given no later than `since`.
pub(crate) fn holds(
    world: &World,
    principal: &str,
    role: &str,
    target: &Target,
    since: Option<SimTime>,
) -> bool {
    grants_at_or_above(world, target).any(|grant| {
        grant
            .text("/properties/principalId")
            .eq_ignore_ascii_case(principal)
            && role_guid(grant.text("/properties/roleDefinitionId")).eq_ignore_ascii_case(role)
            && since.is_some_and(|since| grant.created <= since)
    })
}

fn grants_at_or_above<'a>(
    world: &'a World,
    target: &Target,
) -> impl Iterator<Item = &'a Resource> + use<'a> {
    world
        .scopes(target)
        .into_iter()
        .flat_map(|scope| world.state.extensions(&scope, ASSIGNMENTS))
}

/// The last segment of a role definition's id.
pub(crate) fn role_guid(definition: &str) -> &str {
    definition
        .rsplit_once('/')
        .map_or(definition, |(_, guid)| guid)
}

/// One permission of a role: `actions`, `notActions` and those on data.
enum Permission<'a> {
    BuiltIn(&'static BuiltInRole),
    Custom(&'a Value),
}

impl Permission<'_> {
    fn allows(&self, action: &str) -> bool {
        match self {
            Self::BuiltIn(role) => {
                let any = |patterns: &[&str]| patterns.iter().any(|one| matches(one, action));
                any(&role.actions) && !any(&role.not_actions)
            }
            Self::Custom(permission) => {
                let any = |list: &str| {
                    let mut patterns = elements(&permission[list]).filter_map(Value::as_str);
                    patterns.any(|pattern| matches(pattern, action))
                };
                any("actions") && !any("notActions")
            }
        }
    }

    fn shown(&self) -> Value {
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

fn permissions<'a>(world: &'a World, definition: &str) -> Vec<Permission<'a>> {
    let guid = role_guid(definition);
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
