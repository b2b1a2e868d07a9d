//! Conditional writes: `If-Match` and `If-None-Match` (RFC 9110, section 13.1) for the types that have etags.

use super::{call::Call, model::World, reply::ArmError};
use crate::http::Method;

/// Whether resources of the type have an etag. Other types ignore conditions.
pub(crate) fn has_etag(kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    kind.starts_with("microsoft.network/")
        || kind.starts_with("microsoft.storage/storageaccounts/")
            && (kind.ends_with("/containers") || kind.ends_with("/shares"))
}

/// Rejects a write whose `If-Match` does not name the present etag of the resource, where `*` is any resource that exists,
/// and a PUT with `If-None-Match: *` of a resource that exists.
pub(crate) fn check(world: &World, call: &Call<'_>) -> Result<(), ArmError> {
    if call.method() == Method::Post || !has_etag(&call.target.kind()) {
        return Ok(());
    }
    let found = world.state.get(&call.target.key());
    if let Some(condition) = call.request.header("if-match") {
        let matches = |etag: &str| {
            let mut wanted = condition.split(',').map(str::trim);
            wanted.any(|wanted| wanted == "*" || wanted == etag)
        };
        if !found.is_some_and(|found| matches(found.text("/etag"))) {
            return Err(precondition_failed());
        }
    }
    let condition = call.request.header("if-none-match").map(str::trim);
    if call.method() == Method::Put && condition == Some("*") && found.is_some() {
        return Err(precondition_failed());
    }
    Ok(())
}

fn precondition_failed() -> ArmError {
    ArmError::new(
        412,
        "PreconditionFailed",
        "The condition specified using HTTP conditional header(s) is not met.",
    )
}
