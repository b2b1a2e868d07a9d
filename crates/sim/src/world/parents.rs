//! Checks that the parent of a nested resource and the scope of an extension resource exist.

use super::call::Call;
use super::kinds;
use super::model::World;
use super::path::Target;
use super::reply::{ArmError, resource_not_found};
use crate::http::Method;

/// The services that every storage account has as `default`, even if they were never written.
pub(crate) const STORAGE_SERVICES: [&str; 4] = [
    "blobservices",
    "fileservices",
    "queueservices",
    "tableservices",
];

/// Checks the parent of a nested resource or of a list of nested resources.
pub(crate) fn check_parent(world: &World, call: &Call<'_>) -> Result<(), ArmError> {
    let Some(parent) = call.target.parent() else {
        return Ok(());
    };
    if exists(world, &Target::parse(&parent)) {
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

/// Checks the scope of an extension resource.
pub(crate) fn check_scope(world: &World, call: &Call<'_>) -> Result<(), ArmError> {
    if call.target.blocks.len() < 2 {
        return Ok(());
    }
    let scope = Target::parse(&call.target.scope());
    if exists(world, &scope) {
        Ok(())
    } else {
        Err(resource_not_found(&scope))
    }
}

fn exists(world: &World, target: &Target) -> bool {
    world.state.contains(&target.key()) || is_storage_service(world, target)
}

/// Whether the target is the `default` service of an existing storage account.
fn is_storage_service(world: &World, target: &Target) -> bool {
    let Some(block) = target.last() else {
        return false;
    };
    let [_, (kind, name)] = block.pairs.as_slice() else {
        return false;
    };
    STORAGE_SERVICES.contains(&kind.to_ascii_lowercase().as_str())
        && name == "default"
        && target
            .parent()
            .and_then(|parent| world.state.get(&Target::parse(&parent).key()))
            .is_some_and(|account| account.kind == kinds::STORAGE_ACCOUNT)
}
