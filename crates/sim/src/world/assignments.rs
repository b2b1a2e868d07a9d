//! Role assignments at any scope.

use serde_json::{Value, json};
use uuid::Uuid;

use super::call::Call;
use super::directory::{TENANT, USER_OBJECT_ID};
use super::kinds;
use super::merge::text;
use super::model::World;
use super::path::{Target, is_within, last_segment};
use super::reply::{ArmError, Reply};
use super::state::Resource;
use super::{definitions, lists};
use crate::http::Method;

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
    let role = last_segment(&field("roleDefinitionId")).to_owned();
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
    let has_same_subject = |grant: &Resource| {
        grant
            .text("/properties/principalId")
            .eq_ignore_ascii_case(&principal)
            && last_segment(grant.text("/properties/roleDefinitionId")).eq_ignore_ascii_case(&role)
    };
    match &old {
        Some(old) if !has_same_subject(old) => {
            return Err(ArmError::new(
                400,
                "RoleAssignmentUpdateNotPermitted",
                "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
            ));
        }
        Some(_) => {}
        None => {
            let existing = world
                .state
                .extensions(&scope.to_ascii_lowercase(), kinds::ROLE_ASSIGNMENT)
                .find(|grant| has_same_subject(grant));
            if let Some(existing) = existing {
                return Err(ArmError::new(
                    409,
                    "RoleAssignmentExists",
                    format!(
                        "The role assignment already exists. The ID of the existing role assignment is {}.",
                        existing.text("/name").replace('-', "")
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
    grant.ready = call.now.plus(world.delay(world.options.grant_propagation));
    if let Some(old) = old {
        (grant.created, grant.ready) = (old.created, old.ready);
    }
    world.state.insert(key, grant);
    let mut response = stored;
    if is_new {
        response["properties"]["createdBy"] = Value::Null;
    }
    Ok(Reply::json(if is_new { 201 } else { 200 }, response))
}

/// The type of the principal if the directory has replicated it.
fn check_principal(
    world: &World,
    call: &Call<'_>,
    id: &str,
    claimed: &str,
) -> Result<String, ArmError> {
    let delay = world.delay(if claimed.is_empty() {
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
                TENANT
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

/// The role assignments at the scope, above it and, without the filter `atScope()`, below it.
fn list(world: &World, call: &Call<'_>) -> Result<Reply, ArmError> {
    if call.method() != Method::Get {
        return Err(call.not_allowed());
    }
    let filter = call.filter();
    let includes_below = !filter.has_at_scope();
    let principal = filter
        .equals("principalId")
        .or_else(|| filter.assigned_to());
    let scope = call.target.scope();
    let key = scope.to_ascii_lowercase();
    let above = world.scopes(&Target::parse(&scope));
    // The ids of resources in a management group do not begin with its id.
    let is_management_group = call.target.management_group().is_some();
    let tree = if is_management_group { "" } else { &key };
    let mut grants: Vec<&Resource> = above
        .iter()
        .filter(|above| !is_within(above, tree))
        .flat_map(|above| world.state.extensions(above, kinds::ROLE_ASSIGNMENT))
        .chain(
            world
                .state
                .tree_after(tree, lists::skip_token(call).as_deref())
                .map(|(_, resource)| resource),
        )
        .filter(|resource| resource.kind == kinds::ROLE_ASSIGNMENT)
        .filter(|grant| {
            let at = grant.text("/properties/scope").to_ascii_lowercase();
            let at = at.trim_end_matches('/');
            let is_above = above.iter().any(|above| above == at);
            // Except for management groups, the tree contains only resources below the scope.
            let is_below =
                || !is_management_group || world.scopes(&Target::parse(at)).contains(&key);
            is_above || includes_below && is_below()
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

/// Assigns a built-in role to a service principal without checks.
pub(crate) fn grant(world: &mut World, principal: &str, role: &str, scope: &str, name: &str) {
    let id = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}");
    let now = world.latest;
    let body = json!({
        "properties": {
            "roleDefinitionId": format!("{scope}/providers/Microsoft.Authorization/roleDefinitions/{role}"),
            "principalId": principal,
            "principalType": "ServicePrincipal",
            "scope": scope,
            "condition": Value::Null,
            "conditionVersion": Value::Null,
            "createdOn": now.iso(),
            "updatedOn": now.iso(),
            "createdBy": USER_OBJECT_ID,
            "updatedBy": USER_OBJECT_ID,
            "delegatedManagedIdentityResourceId": Value::Null,
            "description": Value::Null,
        },
        "id": id,
        "type": "Microsoft.Authorization/roleAssignments",
        "name": name,
    });
    let target = Target::parse(&id);
    let resource = Resource::new(&target, body, now);
    world.state.insert(target.key(), resource);
}
