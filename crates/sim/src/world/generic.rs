//! Every type without rules of its own: stored as written, at once, under its parent.

use serde_json::{Value, json};

use super::merge::{patch, region, text};
use super::path::Target;
use super::reply::{ArmError, Reply, resource_not_found};
use super::state::Resource;
use super::{Call, World, lists, managed, storage};
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
        (Method::Get, Some(resource)) => Ok(Reply::json(200, world.view(&resource, call.now))),
        (Method::Head, Some(_)) => Ok(Reply::empty(204)),
        (Method::Patch, Some(mut resource)) => {
            let mut body = Value::clone(&resource.body);
            patch(&mut body, &call.json()?);
            managed::resolve(world, call, &mut body, Some(&resource.body))?;
            resource.body = named(body, &call.target, Some(&resource)).into();
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
    let shown = named(body, &call.target, old.as_ref());
    let resource = Resource::new(&call.target, shown, call.now);
    let shown = world.view(&resource, call.now);
    world.state.insert(call.target.key(), resource);
    Ok(Reply::json(if old.is_some() { 200 } else { 201 }, shown))
}

/// The body with the `id`, `name` and `type` that follow from the path; a known resource keeps its spelling.
fn named(mut body: Value, target: &Target, old: Option<&Resource>) -> Value {
    let known = |member: &str, new: String| {
        old.map(|old| old.body[member].clone())
            .unwrap_or_else(|| Value::from(new))
    };
    let mut shown = json!({
        "id": known("id", target.id()),
        "name": known("name", target.name().to_owned()),
        "type": known("type", target.kind()),
    });
    for (name, value) in super::merge::members(&body) {
        if shown.get(name).is_none() {
            shown[name] = value.clone();
        }
    }
    std::mem::swap(&mut body, &mut shown);
    body
}

/// The location of a resource that must have one, in its short form.
pub(crate) fn required_location(body: &Value) -> Result<String, ArmError> {
    let location = region(text(body, "/location"));
    if location.is_empty() {
        return Err(ArmError::gateway(
            400,
            "LocationRequired",
            "The location property is required for this definition.",
        ));
    }
    Ok(location)
}

/// A region must be one, and a resource stays where it is.
pub(crate) fn check_location(
    call: &Call<'_>,
    location: &str,
    old: Option<&Resource>,
) -> Result<(), ArmError> {
    if location.is_empty() {
        return Ok(());
    }
    let (name, group) = (
        call.target.name(),
        call.target.group.as_deref().unwrap_or_default(),
    );
    if location != "global" && !super::subscriptions::is_region(location) {
        return Err(ArmError::gateway(
            400,
            "LocationNotAvailableForResourceType",
            format!(
                "The provided location '{location}' is not available for resource type '{}'. List of available regions for the resource type is '{}'.",
                call.target.kind(),
                super::subscriptions::region_list()
            ),
        ));
    }
    match old.map(|old| region(old.text("/location"))) {
        Some(at) if !at.is_empty() && at != location => Err(ArmError::gateway(
            409,
            "InvalidResourceLocation",
            format!(
                "The resource '{name}' already exists in location '{at}' in resource group '{group}'. A resource with the same name cannot be created in location '{location}'. Please select a new resource name."
            ),
        )),
        _ => Ok(()),
    }
}

/// A nested resource, or a list of such, needs its parent.
pub(crate) fn check_parent(world: &World, call: &Call<'_>) -> Result<(), ArmError> {
    let Some(parent) = call.target.parent() else {
        return Ok(());
    };
    let target = Target::parse(&parent);
    if world.state.contains(&target.key()) || storage::is_default_child(world, &target) {
        return Ok(());
    }
    let kind = call.target.kind();
    let kind = kind
        .split_once('/')
        .map_or(kind.as_str(), |(_, types)| types);
    let verb = match call.method() {
        Method::Get | Method::Head => "read",
        Method::Delete => "delete",
        Method::Put | Method::Patch => "write",
        Method::Post => "action",
    };
    Err(ArmError::gateway(
        404,
        "ParentResourceNotFound",
        format!(
            "Failed to perform '{verb}' on resource(s) of type '{kind}', because the parent resource '{parent}' could not be found."
        ),
    ))
}

/// Deletes at once: 200 when it was there, 204 when not.
pub(crate) fn remove(world: &mut World, key: &str) -> Reply {
    if world.state.contains(key) {
        world.forget_tree(key);
        Reply::empty(200)
    } else {
        Reply::empty(204)
    }
}
