//! Reads management locks. They only add advice to a plan, so a failed read is recorded and is not an error.

use futures::{StreamExt, stream};
use lazuli_arm::{ArmError, Client, ErrorKind, ignore_waits};
use lazuli_core::{
    arm::ArmId,
    arm::types::MANAGEMENT_LOCK,
    live::{Live, UnreadLocks},
};
use serde_json::Value as Json;

use super::READS_AT_ONCE;

/// The locks at, above and below a scope (Microsoft docs "Get-AzResourceLock", without AtScope); `None` if the scope does
/// not exist.
pub(super) async fn list(client: &Client, scope: &ArmId) -> Result<Option<Vec<Json>>, ArmError> {
    let path = scope.collection(&MANAGEMENT_LOCK);
    let mut locks = Vec::new();
    let listing = client
        .list(
            &path,
            &MANAGEMENT_LOCK.api_version,
            &[],
            &mut |lock| locks.push(lock),
            &ignore_waits,
        )
        .await?;
    Ok(listing.found.then_some(locks))
}

/// Handles a subscription whose locks cannot be listed: if a permission is missing, lists the locks of its resource groups
/// instead. Records the scopes whose locks stay unknown.
pub(super) async fn observe_groups(
    client: &Client,
    live: &mut Live,
    subscription: &ArmId,
    groups: &[ArmId],
    error: &ArmError,
) {
    let groups = match error.kind {
        ErrorKind::Forbidden { .. } => groups,
        _ => &[],
    };
    let answers: Vec<_> = stream::iter(groups)
        .map(|group| async move { (group, list(client, group).await) })
        .buffered(READS_AT_ONCE)
        .collect()
        .await;
    let mut knows_above = false;
    for (group, answer) in &answers {
        match answer {
            Ok(Some(locks)) => {
                knows_above = true;
                locks.iter().for_each(|lock| live.insert_lock(lock));
            }
            // A resource in a new group is affected only by the locks above.
            Ok(None) => {}
            Err(error) => live.insert_unread_locks(unread(group, error)),
        }
    }
    if !knows_above {
        live.insert_unread_locks(unread(subscription, error));
    }
}

fn unread(scope: &ArmId, error: &ArmError) -> UnreadLocks {
    UnreadLocks {
        scope: scope.clone(),
        why: error.code.clone().unwrap_or_else(|| error.message.clone()),
    }
}
