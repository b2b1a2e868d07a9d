//! Role assignments at any scope.

use serde_json::{Value, json};
use uuid::Uuid;

use super::authorization::role_guid;
use super::lists::equals;
use super::merge::text;
use super::path::{Target, within};
use super::reply::{ArmError, Reply};
use super::state::Resource;
use super::{Call, World, definitions, lists, management_groups};
use crate::http::Method;

const KIND: &str = "microsoft.authorization/roleassignments";

pub(crate) fn handle(world: &mut World, call: &Call<'_>) -> Result<Reply, ArmError> {
    if call.target.is_open() {
        return list(world, call);
    }
    let key = call.target.key();
    match call.method() {
        Method::Put => put(world, call),
        Method::Get => match world.state.get(&key) {
            Some(grant) => Ok(Reply::json(200, grant.body.clone())),
            None => Err(ArmError::new(
                404,
                "RoleAssignmentNotFound",
                format!("The role assignment '{}' is not found.", call.target.name()),
            )),
        },
        Method::Delete => Ok(match world.state.remove(&key) {
            Some(grant) => Reply::json(200, grant.body),
            None => Reply::empty(204),
        }),
        _ => Err(call.not_allowed()),
    }
}

fn put(world: &mut World, call: &Call<'_>) -> Result<Reply, ArmError> {
    let body = call.json()?;
    let field = |name: &str| text(&body, &format!("/properties/{name}")).to_owned();
    let principal = field("principalId");
    if Uuid::parse_str(call.target.name()).is_err() {
        return Err(ArmError::new(
            400,
            "InvalidRoleAssignmentId",
            format!(
                "The role assignment ID '{}' is not valid. The role assignment ID must be a GUID.",
                call.target.name()
            ),
        ));
    }
    if Uuid::parse_str(&principal).is_err() {
        return Err(ArmError::new(
            400,
            "InvalidPrincipalId",
            format!("The Principal ID '{principal}' is not valid. Principal ID must be a GUID."),
        ));
    }
    let scope = call.target.scope();
    let role = role_guid(&field("roleDefinitionId")).to_owned();
    if !definitions::is_assignable(world, &role, &scope, call.now) {
        return Err(ArmError::new(
            400,
            "RoleDefinitionDoesNotExist",
            format!(
                "The specified role definition with ID '{}' does not exist.",
                role.replace('-', "")
            ),
        ));
    }
    let kind = check_principal(world, call, &principal, &field("principalType"))?;
    let key = call.target.key();
    let old = world.state.get(&key).cloned();
    let same = |grant: &Resource| {
        grant
            .text("/properties/principalId")
            .eq_ignore_ascii_case(&principal)
            && role_guid(grant.text("/properties/roleDefinitionId")).eq_ignore_ascii_case(&role)
    };
    match &old {
        Some(old) if !same(old) => {
            return Err(ArmError::new(
                400,
                "RoleAssignmentUpdateNotPermitted",
                "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
            ));
        }
        Some(_) => {}
        None => {
            let twin = world
                .state
                .extensions(&scope.to_ascii_lowercase(), KIND)
                .find(|grant| same(grant));
            if let Some(twin) = twin {
                return Err(ArmError::new(
                    409,
                    "RoleAssignmentExists",
                    format!(
                        "The role assignment already exists. The ID of the existing role assignment is {}.",
                        twin.text("/name").replace('-', "")
                    ),
                ));
            }
        }
    }
    let mut definition = field("roleDefinitionId");
    if let Some(subscription) = &call.target.subscription
        && !definition
            .to_ascii_lowercase()
            .starts_with("/subscriptions/")
    {
        definition = format!(
            "/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}"
        );
    }
    let now = call.now.iso();
    let created = old.as_ref().map(|old| {
        (
            old.text("/properties/createdOn").to_owned(),
            old.body["properties"]["createdBy"].clone(),
        )
    });
    let is_new = created.is_none();
    let (created_on, created_by) =
        created.unwrap_or_else(|| (now.clone(), Value::from(call.principal.as_str())));
    let stored = json!({
        "properties": {
            "roleDefinitionId": definition,
            "principalId": principal,
            "principalType": kind,
            "scope": if scope.is_empty() { "/" } else { &scope },
            "condition": body["properties"]["condition"],
            "conditionVersion": body["properties"]["conditionVersion"],
            "createdOn": created_on,
            "updatedOn": now,
            "createdBy": created_by,
            "updatedBy": call.principal,
            "delegatedManagedIdentityResourceId": body["properties"]["delegatedManagedIdentityResourceId"],
            "description": body["properties"]["description"],
        },
        "id": call.target.id(),
        "type": "Microsoft.Authorization/roleAssignments",
        "name": call.target.name(),
    });
    let mut grant = Resource::new(&call.target, stored.clone(), call.now);
    grant.ready = call.now.plus(world.takes(world.options.grant_propagation));
    if let Some(old) = old {
        (grant.created, grant.ready) = (old.created, old.ready);
    }
    world.state.insert(key, grant);
    let mut shown = stored;
    if is_new {
        shown["properties"]["createdBy"] = Value::Null;
    }
    Ok(Reply::json(if is_new { 201 } else { 200 }, shown))
}

/// The principal's type, if the directory knows the principal and has replicated it far enough.
fn check_principal(
    world: &World,
    call: &Call<'_>,
    id: &str,
    claimed: &str,
) -> Result<String, ArmError> {
    let delay = world.takes(if claimed.is_empty() {
        world.options.principal_replication
    } else {
        world.options.typed_principal_replication
    });
    let principal = world
        .principals
        .get(&id.to_ascii_lowercase())
        .filter(|principal| {
            principal
                .created
                .is_none_or(|created| call.now.since(created) >= delay)
        });
    let Some(principal) = principal else {
        return Err(ArmError::new(
            400,
            "PrincipalNotFound",
            format!(
                "Principal {} does not exist in the directory {}. Check that you have the correct principal ID. If you are creating this principal and then immediately assigning a role, this error might be related to a replication delay. In this case, set the role assignment principalType property to a value, such as ServicePrincipal, User, or Group.  See https://aka.ms/docs-principaltype",
                id.replace('-', ""),
                super::TENANT
            ),
        ));
    };
    if !claimed.is_empty() && !claimed.eq_ignore_ascii_case(&principal.kind) {
        return Err(ArmError::new(
            400,
            "UnmatchedPrincipalType",
            format!(
                "The PrincipalId '{}' has type '{}' , which is different from specified PrinciaplType '{claimed}'.",
                id.replace('-', ""),
                principal.kind
            ),
        ));
    }
    Ok(principal.kind.clone())
}

/// Grants at the scope, above it and, unless `atScope()` is asked for, below it.
fn list(world: &World, call: &Call<'_>) -> Result<Reply, ArmError> {
    if call.method() != Method::Get {
        return Err(call.not_allowed());
    }
    let filter = call.request.query("$filter").unwrap_or_default();
    let folded = filter.to_ascii_lowercase();
    let below = !folded.contains("atscope()");
    let assigned = folded
        .split_once("assignedto('")
        .and_then(|(_, rest)| rest.split_once('\''))
        .map(|(principal, _)| principal.to_owned());
    let principal = equals(filter, "principalId")
        .map(|principal| principal.to_ascii_lowercase())
        .or(assigned);
    let scope = call.target.scope();
    let key = scope.to_ascii_lowercase();
    let above = world.scopes(&Target::parse(&scope));
    // Of a management group, all that hangs on it lies elsewhere.
    let is_managed = management_groups::name(&call.target).is_some();
    let tree = if is_managed { "" } else { &key };
    let mut grants: Vec<&Resource> = above
        .iter()
        .filter(|above| !within(above, tree))
        .flat_map(|above| world.state.extensions(above, KIND))
        .chain(
            world
                .state
                .tree_after(tree, &lists::page_before(call))
                .map(|(_, resource)| resource),
        )
        .filter(|resource| resource.kind == KIND)
        .filter(|grant| {
            let at = grant.text("/properties/scope").to_ascii_lowercase();
            let at = at.trim_end_matches('/');
            let is_above = above.iter().any(|above| above == at);
            // What is in the tree is below, but for that of a management group.
            let is_below = || !is_managed || world.scopes(&Target::parse(at)).contains(&key);
            is_above || below && is_below()
        })
        .filter(|grant| {
            principal.as_ref().is_none_or(|principal| {
                grant
                    .text("/properties/principalId")
                    .eq_ignore_ascii_case(principal)
            })
        })
        .collect();
    grants.sort_by_cached_key(|grant| grant.id().to_ascii_lowercase());
    Ok(lists::page(
        world,
        call,
        grants.into_iter(),
        world.options.page_size,
    ))
}
