//! What lies below an account: its services, what they hold, and its lifecycle policy. All synchronous.

use serde_json::{Value, json};
use uuid::Uuid;

use super::super::merge::overlay;
use super::super::path::Target;
use super::super::reply::{ArmError, Reply};
use super::super::state::Resource;
use super::super::{Call, World, generic, lists};
use super::{KIND, check_provisioned, defaults};
use crate::http::Method;

/// The services that every account has, as `default`, without anybody making them.
const SERVICES: [&str; 4] = [
    "blobservices",
    "fileservices",
    "queueservices",
    "tableservices",
];

/// Whether the path is such a service of an account that is there.
pub(crate) fn is_default_child(world: &World, target: &Target) -> bool {
    let Some(block) = target.last() else {
        return false;
    };
    let [_, (kind, name)] = block.pairs.as_slice() else {
        return false;
    };
    SERVICES.contains(&kind.to_ascii_lowercase().as_str())
        && name == "default"
        && target
            .parent()
            .and_then(|parent| world.state.get(&Target::parse(&parent).key()))
            .is_some_and(|account| account.kind == KIND)
}

pub(super) fn handle(world: &mut World, call: &Call<'_>) -> Result<Reply, ArmError> {
    generic::check_parent(world, call)?;
    let account = account_of(world, &call.target)
        .ok_or_else(|| super::resource_not_found(&call.target))?
        .clone();
    if !call.method().is_read() {
        check_provisioned(&account, call.now)?;
    }
    let kind = call.target.kind().to_ascii_lowercase();
    let kind = kind.rsplit('/').next().unwrap_or_default();
    match kind {
        kind if SERVICES.contains(&kind) => service(world, call, kind, &account),
        "managementpolicies" => policy(world, call, &account),
        "containers" | "shares" | "queues" | "tables" => item(world, call, kind),
        _ => generic::handle(world, call),
    }
}

fn account_of<'a>(world: &'a World, target: &Target) -> Option<&'a Resource> {
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
    let key = if call.target.is_open() {
        format!("{}/{kind}/default", call.target.key())
    } else {
        call.target.key()
    };
    let stored = world.state.get(&key).map(|service| service.body.clone());
    let mut shown = stored.unwrap_or_else(|| defaults::service(kind, &account.body).into());
    let id = if call.target.is_open() {
        format!(
            "{}/{}/default",
            call.target.id(),
            call.target
                .last()
                .and_then(|block| block.open.as_deref())
                .unwrap_or_default()
        )
    } else {
        call.target.id()
    };
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
    let tagged = matches!(kind, "containers" | "shares");
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
            let mut answer = stored.clone();
            if let Some(sent) = answer_to_put(kind, name, &body, old.is_none()) {
                answer["properties"] = sent;
            }
            if tagged {
                stored["etag"] = Value::from(etag.as_str());
            }
            stored["properties"] = properties;
            let resource = Resource::new(&call.target, stored, call.now);
            let status = if tagged && old.is_none() { 201 } else { 200 };
            world.state.insert(key, resource);
            let reply = Reply::json(status, answer);
            Ok(if tagged {
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
            let gone = world.state.remove(&key).is_some();
            Ok(Reply::empty(if gone && tagged { 200 } else { 204 }))
        }
        _ => Err(call.not_allowed()),
    }
}

/// The `properties` in the answer to a PUT: hardly more than what was sent, and of a new container nothing.
fn answer_to_put(kind: &str, name: &str, body: &Value, is_new: bool) -> Option<Value> {
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
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let valid = if kind == "tables" {
        name.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && name
                .bytes()
                .next()
                .is_some_and(|byte| byte.is_ascii_alphabetic())
    } else {
        name.starts_with('$')
            || name.bytes().all(|byte| plain(byte) || byte == b'-')
                && !name.contains("--")
                && !name.starts_with('-')
                && !name.ends_with('-')
    };
    if valid && (3..=63).contains(&name.len()) {
        return Ok(());
    }
    Err(ArmError::new(
        400,
        "InvalidResourceName",
        "The specified resource name contains invalid characters or has an invalid length.",
    ))
}

fn item_not_found(world: &World, call: &Call<'_>, kind: &str) -> ArmError {
    let (code, what) = match kind {
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
            "The specified {what} does not exist.\nRequestId:{request}\nTime:{}",
            call.now.iso()
        ),
    )
}

/// The lifecycle policy, which calls itself `DefaultManagementPolicy` and writes whole numbers as `30.0`.
fn policy(world: &mut World, call: &Call<'_>, account: &Resource) -> Result<Reply, ArmError> {
    let key = call.target.key();
    match call.method() {
        Method::Put => {
            let body = call.json()?;
            let mut policy = body["properties"]["policy"].clone();
            as_the_service_writes(&mut policy);
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

/// Numbers with a fraction, members that are null left out.
fn as_the_service_writes(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(float) = number.as_f64().and_then(serde_json::Number::from_f64) {
                *number = float;
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(as_the_service_writes),
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(as_the_service_writes);
        }
        _ => {}
    }
}
