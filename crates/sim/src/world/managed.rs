//! The `identity` member of a resource: user-assigned identities must exist, a system-assigned identity is created.

use serde_json::{Value, json};

use super::call::Call;
use super::directory::{Principal, TENANT};
use super::merge::{members, text};
use super::model::World;
use super::path::Target;
use super::reply::ArmError;

/// Checks and completes `identity` in the body; `old` is the previous body of the resource.
pub(crate) fn resolve(
    world: &mut World,
    call: &Call<'_>,
    body: &mut Value,
    old: Option<&Value>,
) -> Result<(), ArmError> {
    let kind = text(body, "/identity/type").to_ascii_lowercase();
    if body["identity"].is_null() {
        return Ok(());
    }
    let mut identities = body["identity"]["userAssignedIdentities"].clone();
    for (id, value) in members(&body["identity"]["userAssignedIdentities"]) {
        let target = Target::parse(id);
        let identity = world
            .state
            .get(&target.key())
            .ok_or_else(|| identity_not_found(call, id))?;
        let mut entry = value.clone();
        if !entry.is_object() {
            entry = json!({});
        }
        entry["principalId"] = identity.body["properties"]["principalId"].clone();
        entry["clientId"] = identity.body["properties"]["clientId"].clone();
        identities[id] = entry;
    }
    if !identities.is_null() {
        body["identity"]["userAssignedIdentities"] = identities;
    }
    if kind.contains("systemassigned") {
        let principal = match old.map(|old| text(old, "/identity/principalId")) {
            None | Some("") => create_principal(world, call),
            Some(principal) => principal.to_owned(),
        };
        body["identity"]["principalId"] = Value::from(principal);
        body["identity"]["tenantId"] = Value::from(TENANT);
    }
    Ok(())
}

/// Creates a service principal, which the directory then replicates.
pub(crate) fn create_principal(world: &mut World, call: &Call<'_>) -> String {
    let id = world.guid();
    let principal = Principal {
        kind: "ServicePrincipal".to_owned(),
        created: Some(call.now),
    };
    world.principals.insert(id.clone(), principal);
    id
}

fn identity_not_found(call: &Call<'_>, id: &str) -> ArmError {
    let identity = id.replacen("/resourceGroups/", "/resourcegroups/", 1);
    ArmError::gateway(
        400,
        "FailedIdentityOperation",
        format!(
            "Identity operation for resource '{}' failed with error 'Failed to perform resource identity operation. Status: 'BadRequest'. Response: '{{\"error\":{{\"code\":\"BadRequest\",\"message\":\"Resource '{identity}' was not found.\"}}}}'.'.",
            call.target.id()
        ),
    )
}
