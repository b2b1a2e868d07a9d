//! Asks Azure what is there: all reads at once, within a bound.

use futures::{StreamExt, stream};
use lazuli_arm::{ArmError, Client, ErrorKind, Quiet};
use lazuli_core::{arm::ArmId, live::Live, reads::Read};
use serde_json::Value as Json;

/// How many reads are under way at once.
const READS_AT_ONCE: usize = 16;
/// The api-version in which role assignments are listed.
const GRANTS_API: &str = "2022-04-01";
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
/// Every read that failed, in the order of the reads: nothing is planned on half a picture.
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
            Err(error) => failures.push(ObserveError { error }),
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
            let path = format!("{scope}/providers/Microsoft.Authorization/roleAssignments");
            absent_is_empty(client.list_all(&path, GRANTS_API, &[], &Quiet).await)
        }
        Read::Contents(group) => {
            client
                .list_all(&format!("{group}/resources"), CONTENTS_API, &[], &Quiet)
                .await
        }
    }
}

/// A scope that does not exist yet has no grants.
fn absent_is_empty(answer: Result<Vec<Json>, ArmError>) -> Result<Vec<Json>, ArmError> {
    match answer {
        Err(error) if error.kind == ErrorKind::NotFound => Ok(Vec::new()),
        other => other,
    }
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
        Read::Contents(group) => {
            let id = |item: &Json| item.get("id").and_then(Json::as_str).and_then(ArmId::parse);
            live.insert_contents(group.clone(), items.iter().filter_map(id).collect());
        }
    }
}
