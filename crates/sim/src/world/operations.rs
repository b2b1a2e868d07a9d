//! Long-running operations: start, polling and failure.

use serde_json::{Value, json};

use super::call::Call;
use super::model::World;
use super::reply::{ArmError, Reply};
use super::state::{Failure, Operation};
use crate::sim_time::SimTime;

/// How long a completed operation can be polled, in milliseconds.
const RETENTION: u64 = 3_600_000;

/// Starts the operation `id`, which replaces an older one with the same id.
pub(crate) fn start(world: &mut World, id: String, resource: String, now: SimTime, ends: SimTime) {
    world
        .operations
        .retain(|_, operation| now.since(operation.ends) < RETENTION);
    let operation = Operation {
        resource,
        started: now,
        ends,
        failure: None,
    };
    world.operations.insert(id.clone(), operation);
    world.last_operation = Some(id);
    world.state.touch();
}

/// Makes an operation and the creation of its resource fail.
pub(crate) fn fail(world: &mut World, id: &str, failure: &Failure) -> bool {
    let Some(operation) = world.operations.get_mut(id) else {
        return false;
    };
    operation.failure = Some(failure.clone());
    let key = operation.resource.clone();
    if let Some(mut resource) = world.state.get(&key).cloned() {
        resource.failure = Some(failure.clone());
        world.state.insert(key, resource);
    }
    true
}

/// `GET .../providers/{namespace}/locations/{location}/{collection}/{id}`: a status document for the collection
/// `operationStatuses`, the result of the operation for all others.
pub(crate) fn poll(world: &World, call: &Call<'_>) -> Result<Reply, ArmError> {
    if !call.method().is_read() {
        return Err(call.not_allowed());
    }
    let id = call.target.name().to_ascii_lowercase();
    let operation = world.operations.get(&id).ok_or_else(|| {
        ArmError::new(
            404,
            "NotFound",
            format!("The entity was not found: operation '{id}'."),
        )
    })?;
    let kind = call.target.kind().to_ascii_lowercase();
    if kind.ends_with("/operationstatuses") {
        return Ok(Reply::json(200, status_document(call, &id, operation)));
    }
    if call.now < operation.ends {
        let location = call.link(&call.request.path, "monitor=true&");
        return Ok(Reply::empty(202)
            .header("Location", location)
            .header("Retry-After", world.retry_after(17)));
    }
    match (&operation.failure, world.state.get(&operation.resource)) {
        (Some(failure), _) => Err(ArmError::new(409, &failure.code, &failure.message)),
        (None, Some(resource)) => Ok(Reply::json(200, world.view(resource, call.now))),
        (None, None) => Ok(Reply::empty(204)),
    }
}

/// The status document of an operation.
pub(crate) fn status_document(call: &Call<'_>, id: &str, operation: &Operation) -> Value {
    let mut document = json!({
        "id": call.target.id(),
        "name": id,
        "startTime": operation.started.iso(),
    });
    let has_ended = call.now >= operation.ends;
    document["status"] = Value::from(match &operation.failure {
        _ if !has_ended => "InProgress",
        Some(_) => "Failed",
        None => "Succeeded",
    });
    if has_ended {
        document["endTime"] = Value::from(operation.ends.iso());
        if let Some(failure) = &operation.failure {
            document["error"] = json!({ "code": failure.code, "message": failure.message });
        }
    }
    document
}

/// `GET /subscriptions/{subscription}/operationresults/{token}`: the deletion of a resource group.
pub(crate) fn poll_deletion(world: &World, call: &Call<'_>) -> Result<Reply, ArmError> {
    let token = call.target.rest.last();
    let operation = token.and_then(|token| world.operations.get(token));
    let operation = operation.ok_or_else(|| {
        ArmError::gateway(
            404,
            "OperationNotFound",
            "The requested operation was not found.",
        )
    })?;
    if call.now >= operation.ends {
        return match &operation.failure {
            None => Ok(Reply::empty(200)),
            Some(failure) => Err(ArmError::new(409, &failure.code, &failure.message)),
        };
    }
    Ok(Reply::empty(202)
        .header("Location", call.link(&call.request.path, ""))
        .header("Retry-After", world.retry_after(15)))
}
