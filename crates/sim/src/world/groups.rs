//! Resource groups: created immediately, deleted by a long-running operation together with their content.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::call::Call;
use super::kinds;
use super::locations::{is_region, region, region_list};
use super::merge::{tags, text};
use super::model::World;
use super::reply::{ArmError, Reply, group_not_found};
use super::state::Resource;
use super::{lists, locks, operations, policy};
use crate::http::Method;
use crate::sim_time::SimTime;

pub(crate) fn handle(world: &mut World, call: &Call<'_>) -> Result<Reply, ArmError> {
    let key = call.target.key();
    let name = call.target.name().to_owned();
    let old = world.state.get(&key).cloned();
    if matches!(call.method(), Method::Put | Method::Patch | Method::Delete) {
        locks::check(world, call)?;
    }
    match (call.method(), old) {
        (Method::Head, Some(_)) => Ok(Reply::empty(204)),
        (Method::Head, None) => Ok(Reply::empty(404)),
        (Method::Put, old) => put(world, call, old),
        (_, None) => Err(group_not_found(&name)),
        (Method::Get, Some(group)) => Ok(Reply::json(200, world.view(&group, call.now))),
        (Method::Patch, Some(mut group)) => {
            let body = call.json()?;
            if let Some(manager) = body.get("managedBy") {
                check_manager(manager, &group)?;
            }
            if !body["tags"].is_null() {
                group.body["tags"] = tags(&body);
            }
            let shown = group.body.clone();
            world.state.insert(key, group);
            Ok(Reply::json(200, shown))
        }
        (Method::Delete, Some(group)) => Ok(delete(world, call, key, group)),
        (Method::Post, _) => Err(call.not_allowed()),
    }
}

fn put(world: &mut World, call: &Call<'_>, old: Option<Resource>) -> Result<Reply, ArmError> {
    let body = call.json()?;
    let name = call.target.name();
    let given = text(&body, "/location");
    let location = region(given);
    if given.is_empty() {
        return Err(ArmError::gateway(
            400,
            "LocationRequired",
            "The location property is required for this definition.",
        ));
    }
    if !is_region(&location) {
        return Err(ArmError::gateway(
            400,
            "LocationNotAvailableForResourceGroup",
            format!(
                "The provided location '{given}' is not available for resource group. List of available regions is '{}'.",
                region_list()
            ),
        ));
    }
    policy::check(world, call)?;
    let status = match &old {
        None => 201,
        Some(old) if old.deleting.is_some() => {
            return Err(ArmError::gateway(
                409,
                "ResourceGroupBeingDeleted",
                format!(
                    "The resource group '{name}' is in deprovisioning state and cannot perform this operation."
                ),
            ));
        }
        Some(old) if old.text("/location") != location => {
            return Err(ArmError::gateway(
                409,
                "InvalidResourceGroupLocation",
                format!(
                    "Invalid resource group location '{location}'. The Resource group already exists in location '{}'.",
                    old.text("/location")
                ),
            ));
        }
        Some(old) => {
            check_manager(&body["managedBy"], old)?;
            200
        }
    };
    let known = old
        .as_ref()
        .map(|old| (old.id().to_owned(), old.text("/name").to_owned()));
    let (id, name) = known.unwrap_or_else(|| (call.target.id(), name.to_owned()));
    let mut shown = json!({
        "id": id,
        "name": name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": location,
    });
    // Azure omits `tags` if none were written.
    if body["tags"].is_object() {
        shown["tags"] = tags(&body);
    }
    if !body["managedBy"].is_null() {
        shown["managedBy"] = body["managedBy"].clone();
    }
    shown["properties"] = json!({ "provisioningState": "Succeeded" });
    let mut group = Resource::new(&call.target, shown.clone(), call.now);
    if let Some(old) = old {
        group.created = old.created;
    }
    world.state.insert(call.target.key(), group);
    Ok(Reply::json(status, shown))
}

/// Rejects a change of `managedBy`, which is fixed at creation. A PUT without it is a change as well
/// (hashicorp/terraform-provider-azurerm#15015 and #33339).
fn check_manager(manager: &Value, group: &Resource) -> Result<(), ArmError> {
    let (new, old) = (manager.as_str(), group.body["managedBy"].as_str());
    let is_same = match (new, old) {
        (Some(new), Some(old)) => new.eq_ignore_ascii_case(old),
        (new, old) => new == old,
    };
    if is_same {
        return Ok(());
    }
    Err(ArmError::gateway(
        400,
        "ResourceGroupManagedByMismatch",
        format!(
            "The managed by property of the resource group cannot be changed from its current value '{}'.",
            old.unwrap_or("<null>")
        ),
    ))
}

fn delete(world: &mut World, call: &Call<'_>, key: String, mut group: Resource) -> Reply {
    let token = token(group.text("/name"), group.text("/location"));
    if group.deleting.is_none() {
        let end = call.now.plus(world.delay(world.options.group_deletion));
        group.deleting = Some(end);
        operations::start(world, token.clone(), key.clone(), call.now, end);
        world.deadlines.insert((end, key.clone()));
        world.state.insert(key, group);
    }
    let path = format!("{}/operationresults/{token}", call.target.subscription_id());
    Reply::empty(202)
        .header("Location", call.link(&path, ""))
        .header("Retry-After", world.retry_after(15))
}

/// The token of the deletion in Azure's format: the job id, with `-` written as `:2D`, and the location in base64url.
fn token(name: &str, location: &str) -> String {
    let job = json!({
        "jobId": format!(
            "RESOURCEGROUPDELETIONJOB-{}-{}",
            name.to_ascii_uppercase().replace('-', ":2D"),
            location.to_ascii_uppercase()
        ),
        "jobLocation": location,
    });
    URL_SAFE_NO_PAD.encode(job.to_string())
}

/// Removes the resource groups whose deletion has ended, with everything at and below their scope.
pub(crate) fn finish_deletions(world: &mut World, now: SimTime) {
    while let Some((end, key)) = world.deadlines.first().cloned()
        && end <= now
    {
        world.deadlines.pop_first();
        world.set_lag_time(end);
        match world.state.get(&key).cloned() {
            // The deletion failed: the group remains.
            Some(mut group) if group.failure.is_some() => {
                (group.failure, group.deleting) = (None, None);
                world.state.insert(key, group);
            }
            _ => world.remove_tree(&key),
        }
    }
}

/// `GET /subscriptions/{subscription}/resourcegroups`, with `$top` and `$filter=tagName eq '..' and tagValue eq '..'`.
pub(crate) fn list(world: &World, call: &Call<'_>) -> Result<Reply, ArmError> {
    if call.method() != Method::Get {
        return Err(call.not_allowed());
    }
    let tag = call.filter().tag();
    let scope = format!(
        "{}/resourcegroups/",
        call.target.base().to_ascii_lowercase()
    );
    let groups = world
        .state
        .with_prefix(&scope)
        .map(|(_, resource)| resource)
        .filter(|resource| resource.kind == kinds::RESOURCE_GROUP)
        .filter(|group| tag.matches(&group.body));
    Ok(lists::page(world, call, groups, world.options.page_size))
}
