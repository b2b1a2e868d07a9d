//! Management locks at any scope, which prevent deletions (`CanNotDelete`) or all writes (`ReadOnly`) at and below it.

use serde_json::json;

use super::call::Call;
use super::kinds;
use super::merge::text;
use super::model::World;
use super::path::Target;
use super::reply::{ArmError, Reply};
use super::state::Resource;
use super::{generic, lists};
use crate::http::Method;

pub(crate) fn handle(world: &mut World, call: &Call<'_>) -> Result<Reply, ArmError> {
    if call.target.is_open() {
        return list(world, call);
    }
    let key = call.target.key();
    match call.method() {
        Method::Put => {
            let body = call.json()?;
            let given = text(&body, "/properties/level");
            let level = ["CanNotDelete", "ReadOnly"]
                .into_iter()
                .find(|level| level.eq_ignore_ascii_case(given))
                .ok_or_else(|| {
                    ArmError::gateway(
                        400,
                        "InvalidLockLevel",
                        format!(
                            "The lock level '{given}' is invalid. The supported levels are 'CanNotDelete,ReadOnly'."
                        ),
                    )
                })?;
            let mut properties = json!({ "level": level });
            for name in ["notes", "owners"] {
                if !body["properties"][name].is_null() {
                    properties[name] = body["properties"][name].clone();
                }
            }
            let shown = json!({
                "properties": properties,
                "id": call.target.id(),
                "type": "Microsoft.Authorization/locks",
                "name": call.target.name(),
            });
            let status = if world.state.contains(&key) { 200 } else { 201 };
            let lock = Resource::new(&call.target, shown.clone(), call.now);
            world.state.insert(key, lock);
            Ok(Reply::json(status, shown))
        }
        Method::Get => match world.state.get(&key) {
            Some(lock) => Ok(Reply::json(200, lock.body.clone())),
            None => Err(ArmError::gateway(
                404,
                "LockNotFound",
                format!("The lock '{}' could not be found.", call.target.name()),
            )),
        },
        Method::Delete => Ok(generic::remove(world, &key)),
        _ => Err(call.not_allowed()),
    }
}

/// `GET {scope}/providers/Microsoft.Authorization/locks`: the locks at, above and below the scope, or with the filter
/// `atScope()` only at and above it (Microsoft docs "Get-AzResourceLock", parameter AtScope).
fn list(world: &World, call: &Call<'_>) -> Result<Reply, ArmError> {
    if call.method() != Method::Get {
        return Err(call.not_allowed());
    }
    let scope = Target::parse(&call.target.scope());
    let key = scope.key();
    let mut locks: Vec<&Resource> = scope
        .scopes()
        .iter()
        .filter(|above| **above != key)
        .flat_map(|above| world.state.extensions(above, kinds::LOCK))
        .collect();
    if call.filter().is_at_scope() {
        locks.extend(world.state.extensions(&key, kinds::LOCK));
    } else {
        let below = world.state.tree(&key).map(|(_, resource)| resource);
        locks.extend(below.filter(|resource| resource.kind == kinds::LOCK));
    }
    locks.sort_by_key(|lock| lock.id().to_ascii_lowercase());
    let size = world.options.page_size;
    Ok(lists::page(world, call, locks.into_iter(), size))
}

/// Fails if a lock at or above the resource prevents the write, or a lock below it prevents the deletion.
pub(crate) fn check(world: &World, call: &Call<'_>) -> Result<(), ArmError> {
    // Locks do not apply to locks; otherwise no lock could be deleted.
    if call.target.kind().eq_ignore_ascii_case(kinds::LOCK) {
        return Ok(());
    }
    let is_deletion = call.method() == Method::Delete;
    let applies = |lock: &Resource| is_deletion || lock.text("/properties/level") == "ReadOnly";
    let key = call.target.key();
    let above: Vec<&Resource> = call
        .target
        .scopes()
        .iter()
        .flat_map(|scope| world.state.extensions(scope, kinds::LOCK))
        .filter(|lock| applies(lock))
        .collect();
    let below = world
        .state
        .tree(&key)
        .map(|(_, resource)| resource)
        .filter(|resource| is_deletion && resource.kind == kinds::LOCK);
    let mut scopes: Vec<String> = above
        .into_iter()
        .chain(below)
        .map(|lock| locked_scope(lock.id()).to_owned())
        .collect();
    scopes.sort_unstable();
    scopes.dedup();
    if scopes.is_empty() {
        return Ok(());
    }
    let verb = if is_deletion { "delete" } else { "write" };
    Err(ArmError::gateway(
        409,
        "ScopeLocked",
        format!(
            "The scope '{}' cannot perform {verb} operation because following scope(s) are locked: '{}'. Please remove the lock and try again.",
            call.target.id(),
            scopes.join(",")
        ),
    ))
}

fn locked_scope(lock: &str) -> &str {
    lock.rfind("/providers/")
        .and_then(|end| lock.get(..end))
        .unwrap_or(lock)
}
