//! Video Indexer accounts: created immediately with suitable storage, even if their identity has no access to it yet.
//!
//! Sources: the REST specification (PUT is not a long-running operation) and Microsoft's guides (the storage account must
//! be standard general-purpose v2, its region is a recommendation, roles can be assigned later).

use serde_json::{Value, json};

use super::call::Call;
use super::directory::TENANT;
use super::kinds;
use super::locations::{check_location, required_location};
use super::merge::{members, overlay, patch, tags, text};
use super::model::World;
use super::path::Target;
use super::reply::{ArmError, Reply};
use super::state::Resource;
use super::storage::provisioning::check_provisioned;
use super::{generic, managed};
use crate::http::Method;

pub(crate) fn handle(world: &mut World, call: &Call<'_>) -> Result<Reply, ArmError> {
    let old = world.state.get(&call.target.key()).cloned();
    match (call.method(), old) {
        (Method::Put, old) if !call.target.is_open() => {
            let body = call.json()?;
            write(world, call, old, body)
        }
        (Method::Patch, Some(old)) => {
            let mut body = Value::clone(&old.body);
            patch(&mut body, &call.json()?);
            write(world, call, Some(old), body)
        }
        _ => generic::handle(world, call),
    }
}

fn write(
    world: &mut World,
    call: &Call<'_>,
    old: Option<Resource>,
    mut body: Value,
) -> Result<Reply, ArmError> {
    let location = required_location(&body)?;
    check_name(call.target.name())?;
    check_location(call, &location, old.as_ref())?;
    managed::resolve(world, call, &mut body, old.as_ref().map(|old| &*old.body))?;
    check_storage(
        world,
        call,
        text(&body, "/properties/storageServices/resourceId"),
    )?;
    for service in ["storageServices", "openAiServices"] {
        check_identity(&body, service)?;
    }
    let known = |pointer: &str| old.as_ref().map(|old| old.text(pointer).to_owned());
    let account_id = known("/properties/accountId").unwrap_or_else(|| world.guid());
    let mut stored = json!({
        "id": known("/id").unwrap_or_else(|| call.target.id()),
        "name": call.target.name(),
        "type": call.target.kind(),
        "location": location,
        "tags": tags(&body),
        "properties": { "publicNetworkAccess": "Enabled" },
    });
    let computed = json!({
        "tenantId": TENANT,
        "accountId": account_id,
        "accountName": call.target.name(),
        "totalSecondsIndexed": 0,
        "totalMinutesIndexed": 0,
        "privateEndpointConnections": [],
        "provisioningState": "Succeeded",
    });
    let written = json!({ "identity": body["identity"], "properties": body["properties"] });
    overlay(&mut stored, &written);
    overlay(&mut stored["properties"], &computed);
    let status = if old.is_some() { 200 } else { 201 };
    let account = Resource::new(&call.target, stored.clone(), call.now);
    world.state.insert(call.target.key(), account);
    Ok(Reply::json(status, stored))
}

fn invalid<T>(code: &str, message: String) -> Result<T, ArmError> {
    Err(ArmError::new(400, code, message))
}

fn check_name(name: &str) -> Result<(), ArmError> {
    let is_valid = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if (3..=50).contains(&name.len()) && name.chars().all(is_valid) {
        return Ok(());
    }
    invalid(
        "InvalidResourceName",
        format!("The account name '{name}' does not match '^[A-Za-z0-9-]{{3,50}}$'."),
    )
}

/// Checks that the storage account exists and is standard general-purpose v2. It can be in another region or
/// subscription.
fn check_storage(world: &World, call: &Call<'_>, id: &str) -> Result<(), ArmError> {
    let target = Target::parse(id);
    let Some(found) = world
        .state
        .get(&target.key())
        .filter(|found| found.kind == kinds::STORAGE_ACCOUNT)
    else {
        return invalid(
            "StorageAccountNotFound",
            format!("The storage account '{id}' was not found."),
        );
    };
    check_provisioned(found, call.now)?;
    if found.text("/kind") == "StorageV2" && found.text("/sku/tier") == "Standard" {
        return Ok(());
    }
    invalid(
        "StorageAccountKindNotSupported",
        format!("The storage account '{id}' must be a standard general-purpose v2 account."),
    )
}

/// Checks that the identity for a service is assigned to the account. The default is the system-assigned identity.
fn check_identity(body: &Value, service: &str) -> Result<(), ArmError> {
    let services = &body["properties"][service];
    let identity = text(services, "/userAssignedIdentity");
    let has_system_identity = text(body, "/identity/type")
        .to_ascii_lowercase()
        .contains("systemassigned");
    let key = Target::parse(identity).key();
    let is_assigned = members(&body["identity"]["userAssignedIdentities"])
        .any(|(id, _)| Target::parse(id).key() == key);
    if services.is_null() || is_assigned || (identity.is_empty() && has_system_identity) {
        return Ok(());
    }
    invalid(
        "IdentityNotAssigned",
        format!(
            "The identity '{identity}' of '{service}' is not among the identities of the account."
        ),
    )
}
