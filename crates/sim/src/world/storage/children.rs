//! Children of storage accounts: services, their containers, shares, queues and tables, and lifecycle policies. All
//! requests are synchronous.

use serde_json::{Value, json};
use uuid::Uuid;

use super::defaults;
use super::provisioning::check_provisioned;
use crate::http::Method;
use crate::world::call::Call;
use crate::world::conditions::has_etag;
use crate::world::merge::overlay;
use crate::world::model::World;
use crate::world::parents::{STORAGE_SERVICES, check_parent};
use crate::world::path::{Target, last_segment};
use crate::world::reply::{ArmError, Reply, resource_not_found};
use crate::world::state::Resource;
use crate::world::{generic, lists};

pub(super) fn handle(world: &mut World, call: &Call<'_>) -> Result<Reply, ArmError> {
    check_parent(world, call)?;
    let account = find_account(world, &call.target)
        .ok_or_else(|| resource_not_found(&call.target))?
        .clone();
    if !call.method().is_read() {
        check_provisioned(&account, call.now)?;
    }
    let kind = call.target.kind().to_ascii_lowercase();
    match last_segment(&kind) {
        kind if STORAGE_SERVICES.contains(&kind) => service(world, call, kind, &account),
        "managementpolicies" => policy(world, call, &account),
        kind @ ("containers" | "shares" | "queues" | "tables") => item(world, call, kind),
        _ => generic::handle(world, call),
    }
}

fn find_account<'a>(world: &'a World, target: &Target) -> Option<&'a Resource> {
    let mut account = target.clone();
    let block = account.blocks.last_mut()?;
    block.open = None;
    block.pairs.truncate(1);
    world.state.get(&account.key())
}

fn service(
    world: &mut World,
    call: &Call<'_>,
    kind: &str,
    account: &Resource,
) -> Result<Reply, ArmError> {
    // A service is addressed by its name `default` or by the list of the services of its kind.
    let id = match call.target.last().and_then(|block| block.open.as_deref()) {
        Some(collection) => format!("{}/{collection}/default", call.target.id()),
        None => call.target.id(),
    };
    let key = id.to_ascii_lowercase();
    let stored = world.state.get(&key).map(|service| service.body.clone());
    let mut shown = stored.unwrap_or_else(|| defaults::service(kind, &account.body).into());
    shown["id"] = Value::from(id);
    shown["name"] = Value::from("default");
    shown["type"] = Value::from(call.target.kind());
    match call.method() {
        Method::Get if call.target.is_open() => Ok(Reply::json(200, json!({ "value": [shown] }))),
        Method::Get => Ok(Reply::json(200, shown)),
        Method::Put if call.target.name() == "default" => {
            let body = call.json()?;
            overlay(&mut shown, &json!({ "properties": body["properties"] }));
            let resource = Resource::new(&call.target, shown, call.now);
            world.state.insert(key, resource);
            Ok(Reply::json(200, json!({ "name": "default" })))
        }
        _ => Err(call.not_allowed()),
    }
}

fn item(world: &mut World, call: &Call<'_>, kind: &str) -> Result<Reply, ArmError> {
    if call.target.is_open() {
        return lists::collection(world, call);
    }
    let key = call.target.key();
    let name = call.target.name();
    let has_etag = has_etag(&call.target.kind());
    match call.method() {
        Method::Put => {
            check_item_name(kind, name)?;
            let body = call.json()?;
            let old = world.state.get(&key).cloned();
            let mut properties = old.as_ref().map_or_else(
                || defaults::item(kind, name, &call.now.iso()),
                |old| old.body["properties"].clone(),
            );
            overlay(&mut properties, &body["properties"]);
            let etag = format!("\"0x8D{}\"", short(&world.guid()));
            let mut stored = json!({
                "id": call.target.id(),
                "name": name,
                "type": call.target.kind(),
            });
            let mut response = stored.clone();
            if let Some(sent) = put_response(kind, name, &body, old.is_none()) {
                response["properties"] = sent;
            }
            if has_etag {
                stored["etag"] = Value::from(etag.as_str());
            }
            stored["properties"] = properties;
            let resource = Resource::new(&call.target, stored, call.now);
            let status = if has_etag && old.is_none() { 201 } else { 200 };
            world.state.insert(key, resource);
            let reply = Reply::json(status, response);
            Ok(if has_etag {
                reply.header("ETag", etag)
            } else {
                reply
            })
        }
        Method::Get => match world.state.get(&key) {
            Some(found) => {
                let reply = Reply::json(200, found.body.clone());
                Ok(match found.text("/etag") {
                    "" => reply,
                    etag => reply.header("ETag", etag),
                })
            }
            None => Err(item_not_found(world, call, kind)),
        },
        Method::Delete => {
            let existed = world.state.remove(&key).is_some();
            Ok(Reply::empty(if existed && has_etag { 200 } else { 204 }))
        }
        _ => Err(call.not_allowed()),
    }
}

/// The `properties` in the response to a PUT: the written ones and a few more, but none for a new container.
fn put_response(kind: &str, name: &str, body: &Value, is_new: bool) -> Option<Value> {
    let mut sent = json!({});
    match kind {
        "containers" if is_new => return None,
        "containers" => {
            sent = json!({
                "deleted": false,
                "remainingRetentionDays": 0,
                "hasImmutabilityPolicy": false,
                "hasLegalHold": false,
            });
        }
        "queues" => sent = json!({ "metadata": {} }),
        "tables" => sent = json!({ "tableName": name }),
        _ => {}
    }
    overlay(&mut sent, &body["properties"]);
    Some(sent)
}

fn short(guid: &str) -> String {
    guid.replace('-', "")
        .to_ascii_uppercase()
        .chars()
        .take(12)
        .collect()
}

fn check_item_name(kind: &str, name: &str) -> Result<(), ArmError> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_valid = if kind == "tables" {
        name.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && name
                .bytes()
                .next()
                .is_some_and(|byte| byte.is_ascii_alphabetic())
    } else {
        name.starts_with('$')
            || name.bytes().all(|byte| is_plain(byte) || byte == b'-')
                && !name.contains("--")
                && !name.starts_with('-')
                && !name.ends_with('-')
    };
    if is_valid && (3..=63).contains(&name.len()) {
        return Ok(());
    }
    Err(ArmError::new(
        400,
        "InvalidResourceName",
        "The specified resource name contains invalid characters or has an invalid length.",
    ))
}

fn item_not_found(world: &World, call: &Call<'_>, kind: &str) -> ArmError {
    let (code, item) = match kind {
        "containers" => ("ContainerNotFound", "container"),
        "shares" => ("ShareNotFound", "share"),
        "queues" => ("QueueNotFound", "queue"),
        _ => ("TableNotFound", "table"),
    };
    let request = Uuid::new_v5(&Uuid::NAMESPACE_URL, world.served.to_string().as_bytes());
    ArmError::new(
        404,
        code,
        format!(
            "The specified {item} does not exist.\nRequestId:{request}\nTime:{}",
            call.now.iso()
        ),
    )
}

/// The lifecycle policy. The service names it `DefaultManagementPolicy` and returns integers as `30.0`.
fn policy(world: &mut World, call: &Call<'_>, account: &Resource) -> Result<Reply, ArmError> {
    let key = call.target.key();
    match call.method() {
        Method::Put => {
            let body = call.json()?;
            let mut policy = body["properties"]["policy"].clone();
            normalize_policy(&mut policy);
            let shown = json!({
                "id": call.target.id(),
                "name": "DefaultManagementPolicy",
                "type": call.target.kind(),
                "properties": { "policy": policy, "lastModifiedTime": call.now.iso() },
            });
            let resource = Resource::new(&call.target, shown.clone(), call.now);
            world.state.insert(key, resource);
            Ok(Reply::json(200, shown))
        }
        Method::Get => match world.state.get(&key) {
            Some(policy) => Ok(Reply::json(200, policy.body.clone())),
            None => Err(ArmError::new(
                404,
                "ManagementPolicyNotFound",
                format!(
                    "No ManagementPolicy found for account {}",
                    account.text("/name")
                ),
            )),
        },
        Method::Delete => Ok(generic::remove(world, &key)),
        _ => Err(call.not_allowed()),
    }
}

/// Converts all numbers to floats and removes null members, as the service does.
fn normalize_policy(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(float) = number.as_f64().and_then(serde_json::Number::from_f64) {
                *number = float;
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(normalize_policy),
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(normalize_policy);
        }
        _ => {}
    }
}
