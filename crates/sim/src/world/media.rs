//! Video Analyzer accounts, whose identity must have access to their storage account.

use serde_json::{Value, json};

use super::call::Call;
use super::kinds;
use super::locations::{check_location, region, required_location};
use super::merge::{elements, members, overlay, tags, text};
use super::model::World;
use super::path::Target;
use super::reply::{ArmError, Reply, resource_not_found};
use super::state::Resource;
use super::storage::provisioning::check_provisioned;
use super::{authorization, generic, lists, managed, operations};
use crate::catalogue;
use crate::http::Method;
use crate::sim_time::SimTime;

pub(crate) fn handle(world: &mut World, call: &Call<'_>) -> Result<Reply, ArmError> {
    if call.target.is_open() {
        return lists::collection(world, call);
    }
    let key = call.target.key();
    let old = world.state.get(&key).cloned();
    match (call.method(), old) {
        (Method::Put, old) => {
            let body = call.json()?;
            write(world, call, old, body)
        }
        (Method::Patch, Some(old)) => {
            let mut body = Value::clone(&old.body);
            overlay(&mut body, &call.json()?);
            write(world, call, Some(old), body)
        }
        (Method::Delete, None) => Ok(Reply::empty(204)),
        (Method::Delete, Some(_)) => Ok(generic::remove(world, &key)),
        (Method::Post, _) => Err(call.not_allowed()),
        (_, None) => Err(resource_not_found(&call.target)),
        (Method::Get, Some(account)) => Ok(Reply::json(200, world.view(&account, call.now))),
        (Method::Head, Some(_)) => Ok(Reply::empty(204)),
    }
}

/// A storage account of a Video Analyzer account, and the identity with which it is accessed.
struct StorageLink {
    storage: Target,
    identity: Target,
}

fn links(body: &Value) -> Vec<StorageLink> {
    elements(&body["properties"]["storageAccounts"])
        .map(|entry| StorageLink {
            storage: Target::parse(text(entry, "/id")),
            identity: Target::parse(text(entry, "/identity/userAssignedIdentity")),
        })
        .collect()
}

fn write(
    world: &mut World,
    call: &Call<'_>,
    old: Option<Resource>,
    mut body: Value,
) -> Result<Reply, ArmError> {
    let location = required_location(&body)?;
    check_location(call, &location, old.as_ref())?;
    managed::resolve(world, call, &mut body, old.as_ref().map(|old| &*old.body))?;
    let links = links(&body);
    if links.is_empty() {
        return Err(ArmError::new(
            400,
            "InvalidStorageAccounts",
            "A Video Analyzer account needs a storage account.",
        ));
    }
    for link in &links {
        check_link(world, call, &body, &location, link)?;
    }
    let entries = body["properties"]["storageAccounts"].as_array_mut();
    for entry in entries.into_iter().flatten() {
        entry["status"] = Value::from("Succeeded");
    }
    let is_new = old.is_none();
    let mut stored = json!({
        "id": old.as_ref().map_or_else(|| call.target.id(), |old| old.id().to_owned()),
        "name": call.target.name(),
        "type": call.target.kind(),
        "location": location,
        "tags": tags(&body),
    });
    overlay(
        &mut stored,
        &json!({ "identity": body["identity"], "properties": body["properties"] }),
    );
    complete(world, &mut stored, old.as_ref());
    let ends = match &old {
        None => call.now.plus(world.delay(world.options.media_creation)),
        Some(old) => old.ready.max(call.now),
    };
    let mut account = Resource::new(&call.target, stored, call.now);
    account.created = old.as_ref().map_or(call.now, |old| old.created);
    account.ready = ends;
    let shown = world.view(&account, call.now);
    world.state.insert(call.target.key(), account);
    if !is_new {
        return Ok(Reply::json(200, shown));
    }
    let id = world.guid();
    operations::start(world, id.clone(), call.target.key(), call.now, ends);
    let path = format!(
        "{}/providers/Microsoft.Media/locations/{location}/operationStatuses/{id}",
        call.target.subscription_id()
    );
    Ok(Reply::json(201, shown)
        .header("Azure-AsyncOperation", call.link(&path, ""))
        .header("Retry-After", world.retry_after(5)))
}

/// Adds the read-only properties.
fn complete(world: &mut World, stored: &mut Value, old: Option<&Resource>) {
    stored["properties"]["provisioningState"] = Value::from("Succeeded");
    let known = old.map(|old| old.body["properties"]["endpoints"].clone());
    stored["properties"]["endpoints"] = known.unwrap_or_else(|| {
        let host: String = world.guid().replace('-', "");
        json!([
            { "endpointUrl": format!("https://{host}.api.sim.videoanalyzer.azure.net"), "type": "ClientApi" },
        ])
    });
}

/// Checks kind, subscription and region of the storage account, and the access of the identity.
fn check_link(
    world: &World,
    call: &Call<'_>,
    body: &Value,
    location: &str,
    link: &StorageLink,
) -> Result<(), ArmError> {
    let invalid = |code: &str, message: String| Err(ArmError::new(400, code, message));
    let id = link.storage.id();
    let Some(storage) = world
        .state
        .get(&link.storage.key())
        .filter(|storage| storage.kind == kinds::STORAGE_ACCOUNT)
    else {
        return invalid(
            "StorageAccountNotFound",
            format!("The storage account '{id}' was not found."),
        );
    };
    check_provisioned(storage, call.now)?;
    let subscription = link.storage.subscription_id();
    if !subscription.eq_ignore_ascii_case(&call.target.subscription_id()) {
        return invalid(
            "StorageAccountInAnotherSubscription",
            format!(
                "The storage account '{id}' must be in the subscription of the account that uses it."
            ),
        );
    }
    if region(storage.text("/location")) != location {
        return invalid(
            "StorageAccountInAnotherRegion",
            format!(
                "The storage account '{id}' is in '{}' and must be in '{location}', the region of the account that uses it.",
                storage.text("/location")
            ),
        );
    }
    let is_general_purpose = matches!(storage.text("/kind"), "Storage" | "StorageV2");
    if !is_general_purpose || storage.text("/sku/tier") != "Standard" {
        return invalid(
            "StorageAccountKindNotSupported",
            format!("The storage account '{id}' must be a standard general-purpose account."),
        );
    }
    let is_assigned = members(&body["identity"]["userAssignedIdentities"])
        .any(|(identity, _)| Target::parse(identity).key() == link.identity.key());
    if !is_assigned {
        return invalid(
            "IdentityNotAssigned",
            format!(
                "The identity '{}' that reaches the storage account is not among the identities of the account.",
                link.identity.id()
            ),
        );
    }
    check_access(world, call, link)
}

/// Checks that the identity has the roles Storage Blob Data Contributor and Reader, and that they have propagated.
fn check_access(world: &World, call: &Call<'_>, link: &StorageLink) -> Result<(), ArmError> {
    let identity = world.state.get(&link.identity.key());
    let principal = identity.map(|identity| identity.text("/properties/principalId"));
    let propagation = world.delay(world.options.data_grant_propagation);
    let since = call.now.0.checked_sub(propagation).map(SimTime);
    if let (Some(principal), Some(since)) = (principal, since) {
        let has_role = |role| authorization::has_role(world, principal, role, &link.storage, since);
        if has_role(catalogue::STORAGE_BLOB_DATA_CONTRIBUTOR) && has_role(catalogue::READER) {
            return Ok(());
        }
    }
    Err(ArmError::new(
        403,
        "StorageAccessDenied",
        format!(
            "The identity '{}' has no access to the storage account '{}'. If access was recently granted, try again later.",
            link.identity.id(),
            link.storage.id()
        ),
    ))
}
