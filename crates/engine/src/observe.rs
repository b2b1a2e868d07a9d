//! Asks Azure what is there: all reads at once, within a bound.

mod concern;
mod locks;
mod owned;
mod principals;
mod settle;

pub use concern::Concern;
pub use owned::{find_versions, observe_owned};
pub use principals::observe_principals;
pub use settle::{Settling, observe_settled};

use futures::{StreamExt, stream};
use lazuli_arm::{ArmError, Client, ErrorKind, Quiet};
use lazuli_core::{
    arm::ArmId,
    live::{Live, LiveGrant},
    reads::Read,
};
use serde_json::Value as Json;

/// How many reads are under way at once, in answer or in line: how many requests are, the client finds out.
const READS_AT_ONCE: usize = 64;
/// The api-version in which role assignments are listed.
const GRANTS_API: &str = "2022-04-01";
/// The filter of a list that leaves out what is below its scope.
const AT_SCOPE: (&str, &str) = ("$filter", "atScope()");
/// The api-version in which the resources of a group are listed.
const CONTENTS_API: &str = "2025-04-01";

/// A read that failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{error}")]
pub struct ObserveError {
    /// The failure.
    pub error: ArmError,
}

/// Sends the reads and collects what is there. What does not exist is no failure; what a list has beside what concerns
/// the graph, or the stacks, is dropped as it arrives.
///
/// # Errors
/// Every read that failed, in the order of the reads: nothing is planned on half a picture. Locks alone may stay
/// unknown.
pub async fn observe<'g>(
    client: &Client,
    concern: impl Into<Concern<'g>>,
    reads: &[Read],
) -> Result<Live, Vec<ObserveError>> {
    let (live, refused) = observe_each(client, concern, reads).await;
    if refused.is_empty() {
        Ok(live)
    } else {
        let refused = refused.into_iter();
        Err(refused
            .map(|one| ObserveError { error: one.error })
            .collect())
    }
}

/// A read that was not answered.
#[derive(Debug, Clone)]
pub struct Unanswered {
    /// The read.
    pub read: Read,
    /// Why.
    pub error: ArmError,
}

/// As [`observe`], where the caller decides what follows from reads that fail; they come in the order of the reads.
pub async fn observe_each<'g>(
    client: &Client,
    concern: impl Into<Concern<'g>>,
    reads: &[Read],
) -> (Live, Vec<Unanswered>) {
    let concern = concern.into();
    let mut live = Live::default();
    let mut failures = Vec::new();
    let mut narrower = Vec::new();
    let unanswered = |read: &Read, error| Unanswered {
        read: read.clone(),
        error,
    };
    for (read, answer) in ask_all(client, reads, &concern).await {
        match (read, answer) {
            (Read::Wide { list, .. }, Ok(Some(items))) => take_in(&mut live, list, items),
            (Read::Wide { instead, .. }, Ok(None)) => narrower.extend(instead),
            (Read::Wide { list, instead }, Err(error)) if is_refusal(&error) => {
                if let Read::Grants(scope) = &**list {
                    live.insert_unreadable_scope(owned::unseen(scope, &error));
                }
                narrower.extend(instead);
            }
            (read, Ok(items)) => take_in(&mut live, read, items.unwrap_or_default()),
            (
                Read::Locks {
                    subscription,
                    groups,
                },
                Err(error),
            ) => locks::instead(client, &mut live, subscription, groups, &error).await,
            (read, Err(error)) => failures.push(unanswered(read, error)),
        }
    }
    for (read, answer) in ask_all(client, narrower, &concern).await {
        match answer {
            Ok(items) => take_in(&mut live, read, items.unwrap_or_default()),
            Err(error) => failures.push(unanswered(read, error)),
        }
    }
    (live, failures)
}

async fn ask_all<'r>(
    client: &Client,
    reads: impl IntoIterator<Item = &'r Read>,
    concern: &Concern<'_>,
) -> Vec<(&'r Read, Result<Option<Vec<Json>>, ArmError>)> {
    stream::iter(reads)
        .map(|read| async move { (read, ask(client, read, concern).await) })
        .buffered(READS_AT_ONCE)
        .collect()
        .await
}

/// What a read answers; `None` where it leads nowhere.
async fn ask(
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
        let listing = client.list(path, api_version, query, &mut keep, &Quiet);
        let listing = listing.await?;
        Ok(listing.found.then_some(items))
    };
    match read {
        Read::Resource { id, api_version } => {
            let found = client.get(id.as_str(), api_version, &Quiet).await?;
            Ok(found.map(|body| vec![body]))
        }
        Read::Wide { .. } => Ok(None),
        Read::Collection { path, api_version } => list(path, api_version, &[]).await,
        Read::Grants(scope) => {
            // Below a management group lie whole subscriptions.
            let is_managed = scope.subscription_id().is_none();
            let query: &[_] = if is_managed { &[AT_SCOPE] } else { &[] };
            list(&assignments(scope), GRANTS_API, query).await
        }
        Read::GrantsOfCaller(scope) => {
            // Of a caller who cannot be told, every grant could be the way in.
            let filter = match client.caller().await {
                Some(caller) => format!("assignedTo('{caller}')"),
                None => AT_SCOPE.1.to_owned(),
            };
            let query = [(AT_SCOPE.0, filter.as_str())];
            list(&assignments(scope), GRANTS_API, &query).await
        }
        Read::Contents(group) => list(&format!("{group}/resources"), CONTENTS_API, &[]).await,
        Read::Locks { subscription, .. } => locks::list(client, subscription).await,
    }
}

fn is_refusal(error: &ArmError) -> bool {
    matches!(error.kind, ErrorKind::Forbidden { .. })
}

fn assignments(scope: &ArmId) -> String {
    format!("{scope}/providers/Microsoft.Authorization/roleAssignments")
}

fn take_in(live: &mut Live, read: &Read, items: Vec<Json>) {
    match read {
        Read::Resource { id, .. } => {
            items
                .into_iter()
                .for_each(|body| live.insert_as(id.clone(), body));
        }
        Read::Collection { .. } | Read::Grants(_) => {
            items.into_iter().for_each(|body| live.insert(body))
        }
        Read::GrantsOfCaller(_) => items
            .into_iter()
            .filter_map(LiveGrant::parse)
            .for_each(|grant| live.insert_grant_of_caller(grant.id)),
        Read::Locks { .. } => items.iter().for_each(|lock| live.insert_lock(lock)),
        Read::Wide { list, .. } => take_in(live, list, items),
        Read::Contents(group) => {
            let id = |item: &Json| item.get("id").and_then(Json::as_str).and_then(ArmId::parse);
            live.insert_contents(group.clone(), items.iter().filter_map(id).collect());
        }
    }
}
