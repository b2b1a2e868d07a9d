//! Video Analyzer accounts: they use storage by an identity that must really have access.

use serde_json::{Value, json};

use super::merge::{elements, members, overlay, region, tags, text};
use super::path::Target;
use super::reply::{ArmError, Reply, resource_not_found};
use super::state::Resource;
use super::{Call, World, authorization, generic, lists, managed, operations, storage};
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

/// A storage account that a video account uses, and the identity it is reached by.
struct Link {
    storage: Target,
    identity: Target,
}

fn links(body: &Value) -> Vec<Link> {
    elements(&body["properties"]["storageAccounts"])
        .map(|entry| Link {
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
    let location = generic::required_location(&body)?;
    generic::check_location(call, &location, old.as_ref())?;
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
        None => call.now.plus(world.takes(world.options.media_creation)),
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
    let subscription = call.target.subscription.as_deref().unwrap_or_default();
    let namespace = call
        .target
        .last()
        .map(|block| block.namespace.as_str())
        .unwrap_or_default();
    let path = format!(
        "/subscriptions/{subscription}/providers/{namespace}/locations/{location}/operationStatuses/{id}"
    );
    Ok(Reply::json(201, shown)
        .header("Azure-AsyncOperation", call.link(&path, ""))
        .header("Retry-After", world.retry_after(5)))
}

/// What the service fills in.
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

/// The storage must be of the right sort and in the right place, and its identity must be let in.
fn check_link(
    world: &World,
    call: &Call<'_>,
    body: &Value,
    location: &str,
    link: &Link,
) -> Result<(), ArmError> {
    let refuse = |code: &str, message: String| Err(ArmError::new(400, code, message));
    let id = link.storage.id();
    let Some(storage) = world
        .state
        .get(&link.storage.key())
        .filter(|storage| storage.kind == storage::KIND)
    else {
        return refuse(
            "StorageAccountNotFound",
            format!("The storage account '{id}' was not found."),
        );
    };
    storage::check_provisioned(storage, call.now)?;
    let same = |left: &Option<String>, right: &Option<String>| {
        left.as_deref()
            .unwrap_or_default()
            .eq_ignore_ascii_case(right.as_deref().unwrap_or_default())
    };
    if !same(&link.storage.subscription, &call.target.subscription) {
        return refuse(
            "StorageAccountInAnotherSubscription",
            format!(
                "The storage account '{id}' must be in the subscription of the account that uses it."
            ),
        );
    }
    if region(storage.text("/location")) != location {
        return refuse(
            "StorageAccountInAnotherRegion",
            format!(
                "The storage account '{id}' is in '{}' and must be in '{location}', the region of the account that uses it.",
                storage.text("/location")
            ),
        );
    }
    let general = matches!(storage.text("/kind"), "Storage" | "StorageV2");
    if !general || storage.text("/sku/tier") != "Standard" {
        return refuse(
            "StorageAccountKindNotSupported",
            format!("The storage account '{id}' must be a standard general-purpose account."),
        );
    }
    let assigned = members(&body["identity"]["userAssignedIdentities"])
        .any(|(identity, _)| Target::parse(identity).key() == link.identity.key());
    if !assigned {
        return refuse(
            "IdentityNotAssigned",
            format!(
                "The identity '{}' that reaches the storage account is not among the identities of the account.",
                link.identity.id()
            ),
        );
    }
    check_access(world, call, link)
}

/// Video Analyzer needs Storage Blob Data Contributor and Reader on the storage.
fn check_access(world: &World, call: &Call<'_>, link: &Link) -> Result<(), ArmError> {
    let principal = world
        .state
        .get(&link.identity.key())
        .map(|identity| identity.text("/properties/principalId").to_owned())
        .unwrap_or_default();
    let since = call
        .now
        .0
        .checked_sub(world.takes(world.options.data_grant_propagation))
        .map(SimTime);
    let holds = |role| authorization::holds(world, &principal, role, &link.storage, since);
    if holds(catalogue::STORAGE_BLOB_DATA_CONTRIBUTOR) && holds(catalogue::READER) {
        return Ok(());
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
