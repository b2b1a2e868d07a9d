//! Reads live state: all reads at once, within a limit.

mod children;
mod concern;
mod locks;
mod owned;
mod principals;
mod settle;

pub use children::find_recorded;
pub use concern::Concern;
pub(crate) use owned::provider_types;
pub use owned::{find_versions, observe_owned};
pub use principals::observe_principals;
pub use settle::observe_settled;

use futures::{StreamExt, stream};
use lazuli_arm::{ArmError, Client, ErrorKind, ignore_waits};
use lazuli_core::{
    arm::ArmId,
    arm::types::{RESOURCE_GROUP, ROLE_ASSIGNMENT},
    live::{Live, LiveGrant},
    marker::owner,
    reads::Read,
};
use serde_json::Value as Json;

/// The number of reads that are in flight or queued at once. The client limits the number of requests.
const READS_AT_ONCE: usize = 64;
/// The filter that excludes role assignments below a scope.
const AT_SCOPE: (&str, &str) = ("$filter", "atScope()");

/// A read that failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{error}")]
pub struct ObserveError {
    /// The failure.
    pub error: ArmError,
}

/// Sends the reads and collects the live state. A missing resource is not an error. Items of lists that concern neither the
/// graph nor the stacks are dropped as they arrive.
///
/// # Errors
/// Every failed read, in the order of the reads: no plan is made from incomplete state. Only locks may stay unknown.
pub async fn observe<'g>(
    client: &Client,
    concern: impl Into<Concern<'g>>,
    reads: &[Read],
) -> Result<Live, Vec<ObserveError>> {
    let (live, failed) = observe_each(client, concern, reads).await;
    if failed.is_empty() {
        Ok(live)
    } else {
        let failed = failed.into_iter();
        Err(failed
            .map(|one| ObserveError { error: one.error })
            .collect())
    }
}

/// A read that failed, with the read itself.
#[derive(Debug, Clone)]
pub struct FailedRead {
    /// The read.
    pub read: Read,
    /// Why it failed.
    pub error: ArmError,
}

/// Observes as [`observe`] does, and returns the failed reads for the caller to judge, in the order of the reads.
pub async fn observe_each<'g>(
    client: &Client,
    concern: impl Into<Concern<'g>>,
    reads: &[Read],
) -> (Live, Vec<FailedRead>) {
    let concern = concern.into();
    let mut live = Live::default();
    let mut failures = Vec::new();
    let mut narrower = Vec::new();
    let unanswered = |read: &Read, error| FailedRead {
        read: read.clone(),
        error,
    };
    for (read, answer) in send_all(client, reads, &concern).await {
        match (read, answer) {
            (Read::Wide { list, .. }, Ok(Some(items))) => insert(&mut live, list, items),
            (Read::Wide { instead, .. }, Ok(None)) => narrower.extend(instead),
            (Read::Wide { list, instead }, Err(error)) if is_denied(&error) => {
                if let Read::Grants(scope) = &**list {
                    live.insert_unreadable_scope(owned::unreadable(scope, &error));
                }
                narrower.extend(instead);
            }
            (read, Ok(items)) => insert(&mut live, read, items.into_iter().flatten().collect()),
            (
                Read::Locks {
                    subscription,
                    groups,
                },
                Err(error),
            ) => locks::observe_groups(client, &mut live, subscription, groups, &error).await,
            (Read::Children { parent, .. }, Err(error)) if is_denied(&error) => {
                live.insert_unread_children(parent.clone(), owned::reason(&error));
            }
            // A resource without this feature, as tables in an account for blobs.
            (Read::Children { .. }, Err(error)) if is_unsupported(&error) => {}
            (read, Err(error)) => failures.push(unanswered(read, error)),
        }
    }
    for (read, answer) in send_all(client, narrower, &concern).await {
        match answer {
            Ok(items) => insert(&mut live, read, items.into_iter().flatten().collect()),
            Err(error) => failures.push(unanswered(read, error)),
        }
    }
    (live, failures)
}

async fn send_all<'r>(
    client: &Client,
    reads: impl IntoIterator<Item = &'r Read>,
    concern: &Concern<'_>,
) -> Vec<(&'r Read, Result<Option<Vec<Json>>, ArmError>)> {
    stream::iter(reads)
        .map(|read| async move { (read, send(client, read, concern).await) })
        .buffered(READS_AT_ONCE)
        .collect()
        .await
}

/// The items that a read returns; `None` if its scope does not exist.
async fn send(
    client: &Client,
    read: &Read,
    concern: &Concern<'_>,
) -> Result<Option<Vec<Json>>, ArmError> {
    let read = match read {
        Read::Wide { list, .. } => list,
        other => other,
    };
    let list = async |path: &str, api_version: &str, query: &[(&str, &str)]| {
        let mut items = Vec::new();
        let mut keep = |item| {
            if concern.keeps(read, &item) {
                items.push(item);
            }
        };
        let listing = client.list(path, api_version, query, &mut keep, &ignore_waits);
        let listing = listing.await?;
        Ok(listing.found.then_some(items))
    };
    match read {
        Read::Resource { id, api_version } => {
            let found = client.get(id.as_str(), api_version, &ignore_waits).await?;
            Ok(found.map(|body| vec![body]))
        }
        Read::Wide { .. } => Ok(None),
        Read::Collection { path, api_version }
        | Read::Children {
            path, api_version, ..
        } => list(path, api_version, &[]).await,
        Read::Grants(scope) => {
            // A management group contains whole subscriptions.
            let is_managed = scope.subscription_id().is_none();
            let query: &[_] = if is_managed { &[AT_SCOPE] } else { &[] };
            list(
                &scope.collection(&ROLE_ASSIGNMENT),
                &ROLE_ASSIGNMENT.api_version,
                query,
            )
            .await
        }
        Read::CallerGrants(scope) => {
            // If the caller is unknown, every role assignment may be the one that gives it access.
            let filter = match client.caller().await {
                Some(caller) => format!("assignedTo('{caller}')"),
                None => AT_SCOPE.1.to_owned(),
            };
            let query = [(AT_SCOPE.0, filter.as_str())];
            list(
                &scope.collection(&ROLE_ASSIGNMENT),
                &ROLE_ASSIGNMENT.api_version,
                &query,
            )
            .await
        }
        Read::Contents(group) => {
            list(
                &format!("{group}/resources"),
                &RESOURCE_GROUP.api_version,
                &[],
            )
            .await
        }
        Read::Locks { subscription, .. } => locks::list(client, subscription).await,
    }
}

fn is_denied(error: &ArmError) -> bool {
    matches!(error.kind, ErrorKind::Forbidden { .. })
}

/// Whether a list does not exist for a resource, although others of its type have it.
pub(crate) fn is_unsupported(error: &ArmError) -> bool {
    let is_rejected = matches!(error.kind, ErrorKind::InvalidRequest | ErrorKind::Conflict);
    is_rejected || error.status == Some(501)
}

fn insert(live: &mut Live, read: &Read, items: Vec<Json>) {
    match read {
        Read::Resource { id, .. } => {
            items
                .into_iter()
                .for_each(|body| live.insert_as(id.clone(), body));
        }
        Read::Collection { .. } | Read::Grants(_) => {
            items.into_iter().for_each(|body| live.insert(body))
        }
        Read::CallerGrants(_) => items
            .into_iter()
            .filter_map(LiveGrant::parse)
            .for_each(|grant| live.insert_caller_grant(grant.id)),
        Read::Locks { .. } => items.iter().for_each(|lock| live.insert_lock(lock)),
        Read::Wide { list, .. } => insert(live, list, items),
        Read::Contents(group) => {
            let id = |item: &Json| item.get("id").and_then(Json::as_str).and_then(ArmId::parse);
            for item in &items {
                if let (Some(id), Some(stack)) = (id(item), owner(item)) {
                    live.insert_content_owner(id, stack.to_owned());
                }
            }
            live.insert_contents(group.clone(), items.iter().filter_map(id).collect());
        }
        Read::Children { parent, .. } => {
            let id = |item: &Json| item.get("id").and_then(Json::as_str).and_then(ArmId::parse);
            live.insert_children(parent.clone(), items.iter().filter_map(id));
        }
    }
}
