//! Video Indexer accounts: made at once, of storage that fits, whether or not their identity may use it yet.
//!
//! From the REST specification (PUT is no long-running operation) and Microsoft's guides (the storage must be standard
//! general-purpose v2, its region is a recommendation, roles may be granted afterwards).

use serde_json::{Value, json};

use super::merge::{members, overlay, patch, tags, text};
use super::path::Target;
use super::reply::{ArmError, Reply};
use super::state::Resource;
use super::{Call, TENANT, World, generic, managed, storage};
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
    let location = generic::required_location(&body)?;
    check_name(call.target.name())?;
    generic::check_location(call, &location, old.as_ref())?;
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
    let filled_in = json!({
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
    overlay(&mut stored["properties"], &filled_in);
    let status = if old.is_some() { 200 } else { 201 };
    let account = Resource::new(&call.target, stored.clone(), call.now);
    world.state.insert(call.target.key(), account);
    Ok(Reply::json(status, stored))
}

fn refuse<T>(code: &str, message: String) -> Result<T, ArmError> {
    Err(ArmError::new(400, code, message))
}

fn check_name(name: &str) -> Result<(), ArmError> {
    let is_good = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if (3..=50).contains(&name.len()) && name.chars().all(is_good) {
        return Ok(());
    }
    refuse(
        "InvalidResourceName",
        format!("The account name '{name}' does not match '^[A-Za-z0-9-]{{3,50}}$'."),
    )
}

/// The storage must be there, and standard general-purpose v2. It may be in another region or subscription.
fn check_storage(world: &World, call: &Call<'_>, id: &str) -> Result<(), ArmError> {
    let target = Target::parse(id);
    let Some(found) = world
        .state
        .get(&target.key())
        .filter(|found| found.kind == storage::KIND)
    else {
        return refuse(
            "StorageAccountNotFound",
            format!("The storage account '{id}' was not found."),
        );
    };
    storage::check_provisioned(found, call.now)?;
    if found.text("/kind") == "StorageV2" && found.text("/sku/tier") == "Standard" {
        return Ok(());
    }
    refuse(
        "StorageAccountKindNotSupported",
        format!("The storage account '{id}' must be a standard general-purpose v2 account."),
    )
}

/// A user-assigned identity that reaches a service must be one of the account's; without one, its own is meant.
fn check_identity(body: &Value, service: &str) -> Result<(), ArmError> {
    let services = &body["properties"][service];
    let identity = text(services, "/userAssignedIdentity");
    let is_own = text(body, "/identity/type")
        .to_ascii_lowercase()
        .contains("systemassigned");
    let key = Target::parse(identity).key();
    let is_assigned = members(&body["identity"]["userAssignedIdentities"])
        .any(|(id, _)| Target::parse(id).key() == key);
    if services.is_null() || is_assigned || (identity.is_empty() && is_own) {
        return Ok(());
    }
    refuse(
        "IdentityNotAssigned",
        format!(
            "The identity '{identity}' of '{service}' is not among the identities of the account."
        ),
    )
}
