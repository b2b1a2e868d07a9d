//! Resource groups: made at once, deleted slowly with all that is in them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::merge::{region, tags, text};
use super::path::within;
use super::reply::{ArmError, Reply, group_not_found};
use super::state::Resource;
use super::{Call, World, lists, locks, operations, policy, subscriptions};
use crate::http::Method;
use crate::sim_time::SimTime;

/// What a group's kind is called in the store.
pub(crate) const KIND: &str = "microsoft.resources/subscriptions/resourcegroups";

pub(crate) fn handle(world: &mut World, call: &Call<'_>) -> Result<Reply, ArmError> {
    let key = call.target.key();
    let name = call.target.name().to_owned();
    let old = world.state.get(&key).cloned();
    if matches!(call.method(), Method::Put | Method::Patch | Method::Delete) {
        locks::refuse(world, call)?;
    }
    match (call.method(), old) {
        (Method::Head, Some(_)) => Ok(Reply::empty(204)),
        (Method::Head, None) => Ok(Reply::empty(404)),
        (Method::Put, old) => put(world, call, old),
        (_, None) => Err(group_not_found(&name)),
        (Method::Get, Some(group)) => Ok(Reply::json(200, world.view(&group, call.now))),
        (Method::Patch, Some(mut group)) => {
            let body = call.json()?;
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
    if !subscriptions::is_region(&location) {
        return Err(ArmError::gateway(
            400,
            "LocationNotAvailableForResourceGroup",
            format!(
                "The provided location '{given}' is not available for resource group. List of available regions is '{}'.",
                subscriptions::region_list()
            ),
        ));
    }
    policy::refuse(world, call)?;
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
        Some(_) => 200,
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
    // Real groups carry no `tags` member unless some were written.
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

fn delete(world: &mut World, call: &Call<'_>, key: String, mut group: Resource) -> Reply {
    let token = token(group.text("/name"), group.text("/location"));
    if group.deleting.is_none() {
        let end = call.now.plus(world.takes(world.options.group_deletion));
        group.deleting = Some(end);
        operations::start(world, token.clone(), key.clone(), call.now, end);
        world.deadlines.insert((end, key.clone()));
        world.state.insert(key, group);
    }
    let subscription = call.target.subscription.as_deref().unwrap_or_default();
    let path = format!("/subscriptions/{subscription}/operationresults/{token}");
    Reply::empty(202)
        .header("Location", call.link(&path, ""))
        .header("Retry-After", world.retry_after(15))
}

/// Azure's own form: base64url of the job's name, in which `-` is written `:2D`, and of where it runs.
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

/// Takes away the groups whose deletion is through, with everything in them: grants and locks too.
pub(crate) fn settle(world: &mut World, now: SimTime) {
    while let Some((end, key)) = world.deadlines.first().cloned()
        && end <= now
    {
        world.deadlines.pop_first();
        let mut survives = false;
        if let Some(mut group) = world.state.get(&key).cloned()
            && group.failure.take().is_some()
        {
            group.deleting = None;
            world.state.insert(key.clone(), group);
            survives = true;
        }
        if !survives {
            world.forget_tree(&key);
        }
    }
}

/// `GET /subscriptions/{s}/resourcegroups`, with `$top` and `$filter=tagName eq '..' and tagValue eq '..'`.
pub(crate) fn list(world: &World, call: &Call<'_>) -> Result<Reply, ArmError> {
    if call.method() != Method::Get {
        return Err(call.not_allowed());
    }
    let filter = call.request.query("$filter").unwrap_or_default();
    let (tag, value) = (
        lists::equals(filter, "tagName"),
        lists::equals(filter, "tagValue"),
    );
    let scope = format!(
        "{}/resourcegroups/",
        call.target.base().to_ascii_lowercase()
    );
    let groups = world
        .state
        .starting(&scope)
        .map(|(_, resource)| resource)
        .filter(|resource| resource.kind == KIND)
        .filter(|group| {
            let tagged = |name: &str| group.body["tags"].get(name).and_then(Value::as_str);
            tag.as_ref().is_none_or(|tag| {
                tagged(tag).is_some_and(|found| value.as_ref().is_none_or(|value| value == found))
            })
        });
    Ok(lists::page(world, call, groups, world.options.page_size))
}

impl World {
    /// Removes a resource and all below it; names and principals of what goes are free again.
    pub(crate) fn forget_tree(&mut self, scope: &str) {
        let principals: Vec<String> = self
            .state
            .tree(scope)
            .filter(|(_, resource)| resource.kind != "microsoft.authorization/roleassignments")
            .flat_map(|(_, resource)| {
                ["/properties/principalId", "/identity/principalId"]
                    .map(|pointer| resource.text(pointer).to_owned())
            })
            .collect();
        for principal in principals {
            self.principals.remove(&principal);
        }
        self.account_names
            .retain(|_, account| !within(account, scope));
        self.state.remove_tree(scope);
    }
}
