//! Conditional writes: `If-Match` (RFC 9110, section 13.1.1) for the types that have etags.

use super::{call::Call, model::World, reply::ArmError};

/// Rejects a write whose `If-Match` does not name the present etag of the resource. `*` is any resource that exists.
pub(crate) fn check(world: &World, call: &Call<'_>) -> Result<(), ArmError> {
    let Some(condition) = call.request.header("if-match") else {
        return Ok(());
    };
    let found = world.state.get(&call.target.key());
    let holds = found.is_some_and(|found| condition == "*" || found.text("/etag") == condition);
    if holds {
        return Ok(());
    }
    Err(ArmError::new(
        412,
        "PreconditionFailed",
        "The condition specified using HTTP conditional header(s) is not met.",
    ))
}
