//! Sends a deletion, if fresh reads show that the stack owns the resource and that nothing is in it that stays.

use futures::future::try_join_all;
use lazuli_arm::{ArmError, OnWait, ignore_waits};
use lazuli_core::{
    arm::{ArmId, types::etag},
    plan::{ContainedResource, ContentsGuard, ContentsList, Deletion, Step},
};
use serde_json::Value as Json;

use super::{DELETION_READS, Execution, read_repeatedly};
use crate::{
    observe::{is_unsupported, provider_types},
    report::Failure,
};

/// Deletes a resource. Succeeds if it does not exist.
pub(super) async fn send(
    execution: &Execution<'_>,
    step: &Step,
    target: &ArmId,
    deletion: &Deletion,
    on_wait: &OnWait<'_>,
) -> Result<(), Failure> {
    let client = execution.client;
    // The plan found it: one read that does not may lag behind, and what depends on the deletion must not begin.
    let Some(body) = read_repeatedly(execution, step, target, DELETION_READS).await? else {
        return Ok(());
    };
    let ownership = &deletion.ownership;
    let other = match ownership.other_read() {
        Some((id, arm_type)) => {
            client
                .get(id.as_str(), &arm_type.api_version, on_wait)
                .await?
        }
        None => None,
    };
    ownership
        .check(target, &body, other.as_ref())
        .map_err(Failure::NotOwned)?;
    let contents = find_contents(execution, target, &body, &deletion.contents).await?;
    if !contents.is_empty() {
        return Err(Failure::NotEmpty {
            id: target.clone(),
            contents,
        });
    }
    let etag = etag(&step.subject.arm_type.name, &body);
    client
        .delete_if_match(target.as_str(), &step.call.api_version, etag, on_wait)
        .await?;
    Ok(())
}

/// What is in and on the resource and keeps it.
async fn find_contents(
    execution: &Execution<'_>,
    target: &ArmId,
    body: &Json,
    guard: &ContentsGuard,
) -> Result<Vec<ContainedResource>, ArmError> {
    let lists = guard.lists();
    let listed = lists
        .iter()
        .map(|list| find_in_list(execution, target, body, guard, list));
    let mut found: Vec<ContainedResource> = Vec::new();
    for (list, listed) in lists.iter().zip(try_join_all(listed).await?) {
        for contained in listed {
            let is_there = !list.is_cache || exists(execution, &contained.id).await?;
            if is_there && !found.contains(&contained) {
                found.push(contained);
            }
        }
    }
    Ok(found)
}

async fn find_in_list(
    execution: &Execution<'_>,
    target: &ArmId,
    body: &Json,
    guard: &ContentsGuard,
    list: &ContentsList,
) -> Result<Vec<ContainedResource>, ArmError> {
    let mut found = Vec::new();
    let mut keep = |item: Json| found.extend(guard.keeping(target, body, &item));
    let client = execution.client;
    let listed = client
        .list(&list.path, &list.api_version, &[], &mut keep, &ignore_waits)
        .await;
    match listed {
        Ok(_) => Ok(found),
        Err(error) if is_unsupported(&error) => Ok(found),
        Err(error) => Err(error),
    }
}

/// Whether a resource that a list shows exists: the list can lag behind. It counts as there if its api-version is unknown.
async fn exists(execution: &Execution<'_>, id: &ArmId) -> Result<bool, ArmError> {
    let client = execution.client;
    let (Some(arm_type), Some(subscription)) = (id.arm_type(), id.subscription_id()) else {
        return Ok(true);
    };
    let subscription = ArmId::subscription(subscription);
    let types = provider_types(client, &subscription, &arm_type).await?;
    let known = types
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(&arm_type));
    match known {
        Some((_, api_version)) => {
            let found = client.get(id.as_str(), api_version, &ignore_waits).await?;
            Ok(found.is_some())
        }
        None => Ok(true),
    }
}
