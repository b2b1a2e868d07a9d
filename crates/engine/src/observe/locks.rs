//! Reads management locks. They are advice on a plan, so a failure to read them is told and ends nothing.

use futures::{StreamExt, stream};
use lazuli_arm::{ArmError, Client, ErrorKind, Quiet};
use lazuli_core::{
    arm::ArmId,
    live::{Live, UnreadLocks},
};
use serde_json::Value as Json;

use super::READS_AT_ONCE;

/// The api-version in which locks are listed.
const LOCKS_API: &str = "2020-05-01";

/// The locks at, above and below a scope (Microsoft docs "Get-AzResourceLock", without AtScope); `None` where the
/// scope is not there.
pub(super) async fn list(client: &Client, scope: &ArmId) -> Result<Option<Vec<Json>>, ArmError> {
    let path = format!("{scope}/providers/Microsoft.Authorization/locks");
    let mut locks = Vec::new();
    let listing = client
        .list(&path, LOCKS_API, &[], &mut |lock| locks.push(lock), &Quiet)
        .await?;
    Ok(listing.found.then_some(locks))
}

/// After a subscription did not tell its locks: takes in those that its resource groups tell, if it was a matter of
/// rights, and what stays unknown.
pub(super) async fn instead(
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
            // What is made in a new group has only the locks above to fear.
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
