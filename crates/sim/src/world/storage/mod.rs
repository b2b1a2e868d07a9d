//! Storage accounts: created by a long-running operation, changed immediately, with globally unique names.

mod children;
mod defaults;
mod encryption;
mod names;
pub(crate) mod provisioning;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use uuid::Uuid;

use super::call::Call;
use super::kinds;
use super::locations::{check_location, region, required_location};
use super::merge::{overlay, tags, text};
use super::model::World;
use super::reply::{ArmError, Reply, resource_not_found};
use super::state::Resource;
use super::{generic, lists, managed, operations};
use crate::http::Method;
pub(crate) use names::check_name;
use provisioning::check_provisioned;

pub(crate) fn handle(world: &mut World, call: &Call<'_>) -> Result<Reply, ArmError> {
    match call.target.kind().to_ascii_lowercase().as_str() {
        kinds::STORAGE_ACCOUNT if call.target.is_open() => lists::collection(world, call),
        kinds::STORAGE_ACCOUNT => account(world, call),
        kinds::STORAGE_KEYS => list_keys(world, call),
        _ => children::handle(world, call),
    }
}

fn account(world: &mut World, call: &Call<'_>) -> Result<Reply, ArmError> {
    let key = call.target.key();
    let old = world.state.get(&key).cloned();
    match (call.method(), old) {
        (Method::Put, None) => create(world, call),
        (Method::Put, Some(old)) => {
            let body = call.json()?;
            let mut change = body.clone();
            change["tags"] = tags(&body);
            update(world, call, &old, change)
        }
        (Method::Delete, None) => Ok(Reply::empty(204)),
        (Method::Delete, Some(_)) => Ok(generic::remove(world, &key)),
        (Method::Post, _) => Err(call.not_allowed()),
        (_, None) => Err(resource_not_found(&call.target)),
        (Method::Get, Some(account)) => Ok(Reply::json(200, world.view(&account, call.now))),
        (Method::Head, Some(_)) => Ok(Reply::empty(204)),
        (Method::Patch, Some(old)) => {
            let change = call.json()?;
            update(world, call, &old, change)
        }
    }
}

fn invalid(what: &str) -> ArmError {
    ArmError::new(
        400,
        "InvalidValuesForRequestParameters",
        format!("Values for request parameters are invalid: {what}."),
    )
}

fn create(world: &mut World, call: &Call<'_>) -> Result<Reply, ArmError> {
    let body = call.json()?;
    let name = call.target.name();
    names::check(world, call, name)?;
    let location = required_location(&body)?;
    check_location(call, &location, None)?;
    check_required(&body)?;
    let mut account = defaults::account(call, &body, &location);
    let mut named = json!({});
    overlay(&mut named, &body);
    if let Some(named) = named.as_object_mut() {
        named.retain(|member, _| {
            matches!(
                member.as_str(),
                "properties" | "identity" | "extendedLocation" | "zones" | "placement"
            )
        });
    }
    overlay(&mut account, &named);
    account["properties"]["provisioningState"] = Value::from("Succeeded");
    managed::resolve(world, call, &mut account, None)?;
    encryption::check(world, call, &account, None)?;
    let mut resource = Resource::new(&call.target, account, call.now);
    resource.ready = call.now.plus(world.delay(world.options.storage_creation));
    let (key, ends) = (call.target.key(), resource.ready);
    world.account_names.insert(name.to_owned(), key.clone());
    world.state.insert(key.clone(), resource);
    let operation = world.guid();
    operations::start(world, operation.clone(), key, call.now, ends);
    let path = format!(
        "{}/providers/Microsoft.Storage/locations/{location}/asyncoperations/{operation}",
        call.target.subscription_id()
    );
    Ok(Reply::empty(202)
        .header("Location", call.link(&path, "monitor=true&"))
        .header("Retry-After", world.retry_after(17)))
}

fn check_required(body: &Value) -> Result<(), ArmError> {
    let sku = text(body, "/sku/name");
    let kind = text(body, "/kind");
    if !defaults::SKUS.contains(&sku) {
        return Err(invalid("sku"));
    }
    if !defaults::KINDS.contains(&kind) {
        return Err(invalid("kind"));
    }
    if kind == "BlobStorage" && text(body, "/properties/accessTier").is_empty() {
        return Err(invalid("accessTier"));
    }
    check_values(body)
}

/// Checks values that the service validates on creation and on change.
fn check_values(body: &Value) -> Result<(), ArmError> {
    let days = &body["properties"]["keyPolicy"]["keyExpirationPeriodInDays"];
    if days.as_i64().is_some_and(|days| days < 1) {
        return Err(invalid("keyPolicy.keyExpirationPeriodInDays"));
    }
    for (member, allowed) in [
        (
            "minimumTlsVersion",
            &["TLS1_0", "TLS1_1", "TLS1_2", "TLS1_3"][..],
        ),
        ("accessTier", &["Hot", "Cool", "Cold", "Premium"][..]),
        (
            "publicNetworkAccess",
            &["Enabled", "Disabled", "SecuredByPerimeter"][..],
        ),
    ] {
        let value = &body["properties"][member];
        let is_allowed = value.as_str().is_some_and(|value| allowed.contains(&value));
        if !value.is_null() && !is_allowed {
            return Err(invalid(member));
        }
    }
    Ok(())
}

fn update(
    world: &mut World,
    call: &Call<'_>,
    old: &Resource,
    change: Value,
) -> Result<Reply, ArmError> {
    if call.now < old.ready {
        return Err(ArmError::new(
            409,
            "StorageAccountOperationInProgress",
            "An operation is currently performing on this storage account that requires exclusive access.",
        ));
    }
    check_location(call, &region(text(&change, "/location")), Some(old))?;
    check_values(&change)?;
    check_immutable(old, &change)?;
    let mut account = old.body.clone();
    let mut named = json!({});
    overlay(&mut named, &change);
    if let Some(named) = named.as_object_mut() {
        named.retain(|member, _| {
            matches!(
                member.as_str(),
                "properties" | "identity" | "sku" | "kind" | "zones" | "placement"
            )
        });
    }
    // `identity` is replaced as a whole.
    if named["identity"].is_object()
        && let Some(account) = account.as_object_mut()
    {
        account.remove("identity");
    }
    overlay(&mut account, &named);
    if let Some(sku) = named["sku"]["name"].as_str() {
        if !defaults::SKUS.contains(&sku) {
            return Err(invalid("sku"));
        }
        account["sku"] = defaults::sku(sku);
    }
    if !change["tags"].is_null() {
        account["tags"] = tags(&change);
    }
    account["properties"]["provisioningState"] = Value::from("Succeeded");
    managed::resolve(world, call, &mut account, Some(&old.body))?;
    encryption::check(world, call, &account, Some(&old.body))?;
    let mut resource = old.clone();
    resource.body = account.clone();
    resource.failure = None;
    world.state.insert(call.target.key(), resource);
    Ok(Reply::json(200, account))
}

/// Checks that immutable properties do not change. `isHnsEnabled: false` is rejected even if it was never set, because the
/// service compares written values (Azure/azure-rest-api-specs#18441).
fn check_immutable(old: &Resource, change: &Value) -> Result<(), ArmError> {
    let immutable = |property: &str| {
        Err(ArmError::new(
            400,
            "AccountPropertyCannotBeUpdated",
            format!(
                "The property '{property}' was specified in the input, but it cannot be updated as it is read-only. For more information, see - https://aka.ms/storageaccountupdate"
            ),
        ))
    };
    let kind = text(change, "/kind");
    let is_upgrade = old.text("/kind") == "Storage" && kind == "StorageV2";
    if !kind.is_empty() && kind != old.text("/kind") && !is_upgrade {
        return immutable("kind");
    }
    for property in ["isHnsEnabled", "isNfsV3Enabled"] {
        let new = &change["properties"][property];
        if !new.is_null() && *new != old.body["properties"][property] {
            return immutable(property);
        }
    }
    let tier = |name: &str| defaults::sku(name)["tier"].clone();
    let sku = text(change, "/sku/name");
    if !sku.is_empty() && tier(sku) != tier(old.text("/sku/name")) {
        return immutable("sku.name");
    }
    Ok(())
}

fn list_keys(world: &World, call: &Call<'_>) -> Result<Reply, ArmError> {
    if call.method() != Method::Post {
        return Err(call.not_allowed());
    }
    let account = world
        .state
        .get(&call.target.key())
        .ok_or_else(|| resource_not_found(&call.target))?;
    check_provisioned(account, call.now)?;
    let created = account.created.iso();
    let keys: Vec<Value> = ["key1", "key2"]
        .into_iter()
        .map(|name| {
            let bytes: Vec<u8> = (0..4)
                .flat_map(|part| {
                    let seed = format!("{}/{}/{name}/{part}", world.options.seed, account.id());
                    Uuid::new_v5(&Uuid::NAMESPACE_URL, seed.as_bytes()).into_bytes()
                })
                .collect();
            json!({
                "creationTime": created,
                "keyName": name,
                "value": STANDARD.encode(bytes),
                "permissions": "FULL",
            })
        })
        .collect();
    Ok(Reply::json(200, json!({ "keys": keys })))
}
