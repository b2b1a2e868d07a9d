//! Sends the request of one step, retries it while a change propagates, and reads the outputs that other steps need.

mod deletion;
mod update;

use std::time::Duration;

use lazuli_arm::{ArmError, Wait, ignore_waits};
use lazuli_core::{
    arm::ArmId,
    live::LiveGrant,
    plan::{Absence, CallTarget, Method, Step, Update},
};
use serde_json::Value as Json;
use tokio::time::Instant;

use super::Execution;
use crate::{observer::Event, propagation::RetryDeadlines, report::Failure};

/// The request of a step, without unresolved outputs.
pub(super) struct ResolvedCall {
    pub(super) target: ArmId,
    pub(super) body: Json,
    /// The update, if the step is one.
    pub(super) update: Option<Update>,
}

/// The result of a step that succeeded.
#[derive(Default)]
pub(super) struct StepResult {
    /// The state of the resource, if other steps need outputs of it.
    pub(super) body: Option<Json>,
    /// The equivalent role assignment that already existed.
    pub(super) already_there: Option<ArmId>,
}

/// Sends one step. If other steps need outputs, the resource is read unless the response has them all: the response of
/// a synchronous PUT may have fewer properties than the resource, but no other values (ARM facts 1.8).
pub(super) async fn send(
    execution: &Execution<'_>,
    step: &Step,
    deadlines: &RetryDeadlines,
    request: &ResolvedCall,
) -> Result<StepResult, Failure> {
    let ResolvedCall { target, body, .. } = request;
    if let Method::Create(Absence::Planned) = step.call.method
        && let Some(found) = read(execution, step, target).await?
    {
        return match step.call.target {
            // Its name follows from scope, role and principal.
            CallTarget::Grant(_) => Ok(StepResult {
                body: Some(found),
                already_there: Some(target.clone()),
            }),
            CallTarget::Id(_) => Err(Failure::Appeared(target.clone())),
        };
    }
    let mut attempt = 1;
    let response = loop {
        let error = match send_once(execution, step, request).await {
            Ok(result) => break result,
            Err(Failure::Arm(error)) => error,
            Err(failure) => return Err(failure),
        };
        if error.has_code("RoleAssignmentExists")
            && let Some(existing) = same_grant(execution, step, target, body).await?
        {
            return Ok(StepResult {
                already_there: Some(existing),
                ..StepResult::default()
            });
        }
        let pause = deadlines.pause(attempt);
        let in_time = deadlines
            .deadline(&error)
            .is_some_and(|deadline| Instant::now() + pause <= deadline);
        if !in_time {
            return Err(error.into());
        }
        let reason = error.code.as_ref().unwrap_or(&error.message);
        execution.observer.event(&Event::StepRetrying {
            step,
            reason,
            wait: pause,
        });
        tokio::time::sleep(pause).await;
        attempt += 1;
    };
    let has_all = |body: &Json| {
        let mut values = step.outputs.iter().map(|output| output.find(body));
        values.all(|value| value.is_some_and(|value| !value.is_null()))
    };
    let body = match response.filter(has_all) {
        _ if step.outputs.is_empty() => None,
        None => read_repeatedly(execution, step, target, READ_ATTEMPTS).await?,
        response => response,
    };
    Ok(StepResult {
        body,
        ..StepResult::default()
    })
}

/// The role assignment that ARM means by `RoleAssignmentExists`: the same scope, role and principal, another name.
async fn same_grant(
    execution: &Execution<'_>,
    step: &Step,
    target: &ArmId,
    body: &Json,
) -> Result<Option<ArmId>, ArmError> {
    let CallTarget::Grant(wanted) = &step.call.target else {
        return Ok(None);
    };
    let principal = body
        .pointer("/properties/principalId")
        .and_then(Json::as_str);
    let (Some(principal), Some((list, _))) = (principal, target.as_str().rsplit_once('/')) else {
        return Ok(None);
    };
    let filter = format!("principalId eq '{principal}'");
    let query = [("$filter", filter.as_str())];
    let found = execution
        .client
        .list_all(list, &step.call.api_version, &query, &ignore_waits)
        .await?;
    Ok(found
        .into_iter()
        .filter_map(LiveGrant::parse)
        .find(|grant| grant.matches(&wanted.scope, &wanted.role, principal))
        .map(|grant| grant.id))
}

async fn send_once(
    execution: &Execution<'_>,
    step: &Step,
    request: &ResolvedCall,
) -> Result<Option<Json>, Failure> {
    let ResolvedCall {
        target,
        body,
        update,
    } = request;
    let on_wait = |wait: Wait<'_>| {
        if let Some(event) = step_event(step, wait) {
            execution.observer.event(&event);
        }
    };
    let (path, api) = (target.as_str(), step.call.api_version.as_str());
    let client = execution.client;
    let written = match &step.call.method {
        Method::Create(_) => client.create(path, api, body, &on_wait).await?,
        Method::Update(planned) => {
            let update = update.as_ref().unwrap_or(planned);
            return update::send(execution, step, target, update, &on_wait).await;
        }
        Method::Replace(deletion) => {
            deletion::send(execution, step, target, deletion, &on_wait).await?;
            client.create(path, api, body, &on_wait).await?
        }
        Method::Delete(deletion) => {
            deletion::send(execution, step, target, deletion, &on_wait).await?;
            return Ok(None);
        }
    };
    Ok(written.result)
}

/// Shorter waits for rate limits are not reported.
const SHORTEST_REPORTED: Duration = Duration::from_secs(1);
/// How often a resource that was just written is read until it appears.
const READ_ATTEMPTS: u32 = 5;
/// How often a resource is read before it counts as deleted by others.
const DELETION_READS: u32 = 3;

/// Reads the resource of a step.
async fn read(
    execution: &Execution<'_>,
    step: &Step,
    target: &ArmId,
) -> Result<Option<Json>, ArmError> {
    let (path, api_version) = (target.as_str(), &step.call.api_version);
    execution.client.get(path, api_version, &ignore_waits).await
}

/// Reads a resource of which Azure is known to have had a state, until it appears.
async fn read_repeatedly(
    execution: &Execution<'_>,
    step: &Step,
    target: &ArmId,
    attempts: u32,
) -> Result<Option<Json>, ArmError> {
    for attempt in 1..=attempts {
        let found = read(execution, step, target).await?;
        if found.is_some() || attempt == attempts {
            return Ok(found);
        }
        let pause = Duration::from_secs(u64::from(attempt));
        execution.observer.event(&Event::StepRetrying {
            step,
            reason: "Azure does not show it yet",
            wait: pause,
        });
        tokio::time::sleep(pause).await;
    }
    Ok(None)
}

/// The event of a step for a wait of the client; short waits for Azure's rate limit have none.
fn step_event<'a>(step: &'a Step, wait: Wait<'a>) -> Option<Event<'a>> {
    match wait {
        Wait::Retry { reason, pause, .. } => Some(Event::StepRetrying {
            step,
            reason,
            wait: pause,
        }),
        Wait::Pace { pause } => (pause >= SHORTEST_REPORTED).then_some(Event::StepRetrying {
            step,
            reason: "Azure accepts no more requests for now",
            wait: pause,
        }),
        Wait::Poll { status, pause } => Some(Event::StepPolling {
            step,
            status,
            wait: pause,
        }),
    }
}
