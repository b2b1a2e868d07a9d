//! Types without special behavior: the body is stored as written, immediately.

use serde_json::{Value, json};

use super::call::Call;
use super::conditions::has_etag;
use super::locations::{check_location, region};
use super::merge::{members, patch, text};
use super::model::World;
use super::parents::check_parent;
use super::path::Target;
use super::reply::{ArmError, Reply, resource_not_found};
use super::state::Resource;
use super::{lists, managed};
use crate::http::Method;

pub(crate) fn handle(world: &mut World, call: &Call<'_>) -> Result<Reply, ArmError> {
    check_parent(world, call)?;
    if call.target.is_open() {
        return lists::collection(world, call);
    }
    let key = call.target.key();
    let old = world.state.get(&key).cloned();
    match (call.method(), old) {
        (Method::Put, old) => put(world, call, old),
        (Method::Delete, None) => Ok(Reply::empty(204)),
        (Method::Delete, Some(_)) => Ok(remove(world, &key)),
        (Method::Post, _) => Err(call.not_allowed()),
        (_, None) => Err(resource_not_found(&call.target)),
        (Method::Get, Some(resource)) => Ok(show(world, call, &resource)),
        (Method::Head, Some(_)) => Ok(Reply::empty(204)),
        (Method::Patch, Some(mut resource)) => {
            let mut body = Value::clone(&resource.body);
            patch(&mut body, &call.json()?);
            managed::resolve(world, call, &mut body, Some(&resource.body))?;
            let etag = etag(world, call);
            resource.body = with_id(body, etag, &call.target, Some(&resource)).into();
            let shown = world.view(&resource, call.now);
            world.state.insert(key, resource);
            Ok(Reply::json(200, shown))
        }
    }
}

fn put(world: &mut World, call: &Call<'_>, old: Option<Resource>) -> Result<Reply, ArmError> {
    let mut body = call.json()?;
    check_location(call, &region(text(&body, "/location")), old.as_ref())?;
    managed::resolve(world, call, &mut body, old.as_ref().map(|old| &*old.body))?;
    if !body["properties"].is_object() {
        body["properties"] = json!({});
    }
    body["properties"]["provisioningState"] = Value::from("Succeeded");
    let etag = etag(world, call);
    let shown = with_id(body, etag, &call.target, old.as_ref());
    let resource = Resource::new(&call.target, shown, call.now);
    let shown = world.view(&resource, call.now);
    world.state.insert(call.target.key(), resource);
    Ok(Reply::json(if old.is_some() { 200 } else { 201 }, shown))
}

/// A new etag, for the types that have one in the body: a weak validator, as in Microsoft.Network.
fn etag(world: &mut World, call: &Call<'_>) -> Option<String> {
    has_etag(&call.target.kind()).then(|| format!("W/\"{}\"", world.guid()))
}

/// The response to a GET, with the header `ETag` if the body has an etag.
fn show(world: &World, call: &Call<'_>, resource: &Resource) -> Reply {
    let reply = Reply::json(200, world.view(resource, call.now));
    match resource.text("/etag") {
        etag if !etag.is_empty() && has_etag(&resource.kind) => reply.header("ETag", etag),
        _ => reply,
    }
}

/// The body with `id`, `name` and `type` from the path and a new etag. An existing resource keeps their spelling.
fn with_id(body: Value, etag: Option<String>, target: &Target, old: Option<&Resource>) -> Value {
    let known = |member: &str, new: String| {
        old.map(|old| old.body[member].clone())
            .unwrap_or_else(|| Value::from(new))
    };
    let mut shown = json!({
        "id": known("id", target.id()),
        "name": known("name", target.name().to_owned()),
        "type": known("type", target.kind()),
    });
    if let Some(etag) = etag {
        shown["etag"] = Value::from(etag);
    }
    for (name, value) in members(&body) {
        if shown.get(name).is_none() {
            shown[name] = value.clone();
        }
    }
    shown
}

/// Deletes a resource immediately: 200 if it exists, otherwise 204.
pub(crate) fn remove(world: &mut World, key: &str) -> Reply {
    if world.state.contains(key) {
        world.remove_tree(key);
        Reply::empty(200)
    } else {
        Reply::empty(204)
    }
}
