//! Asks Azure what is there: all reads at once, within a bound.

mod locks;
mod owned;
mod principals;
mod settle;

pub use owned::{find_versions, observe_owned};
pub use principals::observe_principals;
pub use settle::{Settling, observe_settled};

use futures::{StreamExt, stream};
use lazuli_arm::{ArmError, Client, Quiet};
use lazuli_core::{
    arm::ArmId,
    live::{Live, LiveGrant},
    reads::Read,
};
use serde_json::Value as Json;

/// How many reads are under way at once.
const READS_AT_ONCE: usize = 16;
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

/// Sends the reads and collects what is there. What does not exist is no failure.
///
/// # Errors
/// Every read that failed, in the order of the reads: nothing is planned on half a picture. Locks alone may stay
/// unknown.
pub async fn observe(client: &Client, reads: &[Read]) -> Result<Live, Vec<ObserveError>> {
    let answers: Vec<_> = stream::iter(reads)
        .map(|read| async move { (read, ask(client, read).await) })
        .buffered(READS_AT_ONCE)
        .collect()
        .await;
    let mut live = Live::default();
    let mut failures = Vec::new();
    for (read, answer) in answers {
        match answer {
            Ok(items) => take_in(&mut live, read, items),
            Err(error) => match read {
                Read::Locks {
                    subscription,
                    groups,
                } => locks::instead(client, &mut live, subscription, groups, &error).await,
                _ => failures.push(ObserveError { error }),
            },
        }
    }
    if failures.is_empty() {
        Ok(live)
    } else {
        Err(failures)
    }
}

async fn ask(client: &Client, read: &Read) -> Result<Vec<Json>, ArmError> {
    match read {
        Read::Resource { id, api_version } => Ok(client
            .get(id.as_str(), api_version, &Quiet)
            .await?
            .into_iter()
            .collect()),
        Read::Collection { path, api_version } => {
            client.list_all(path, api_version, &[], &Quiet).await
        }
        Read::Grants(scope) => {
            // Below a management group lie whole subscriptions.
            let is_managed = scope.subscription_id().is_none();
            let query: &[_] = if is_managed { &[AT_SCOPE] } else { &[] };
            client
                .list_all(&assignments(scope), GRANTS_API, query, &Quiet)
                .await
        }
        Read::GrantsOfCaller(scope) => {
            // Of a caller who cannot be told, every grant could be the way in.
            let filter = match client.caller().await {
                Some(caller) => format!("assignedTo('{caller}')"),
                None => AT_SCOPE.1.to_owned(),
            };
            let query = [(AT_SCOPE.0, filter.as_str())];
            client
                .list_all(&assignments(scope), GRANTS_API, &query, &Quiet)
                .await
        }
        Read::Contents(group) => {
            client
                .list_all(&format!("{group}/resources"), CONTENTS_API, &[], &Quiet)
                .await
        }
        Read::Locks { subscription, .. } => {
            Ok(locks::list(client, subscription).await?.unwrap_or_default())
        }
    }
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
        Read::Contents(group) => {
            let id = |item: &Json| item.get("id").and_then(Json::as_str).and_then(ArmId::parse);
            live.insert_contents(group.clone(), items.iter().filter_map(id).collect());
        }
    }
}
