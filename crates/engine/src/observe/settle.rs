//! Waits for what Azure is still working on: nothing is planned on a state that passes.

use std::{collections::HashMap, time::Duration};

use futures::{StreamExt, stream};
use lazuli_arm::{Client, Progress, is_settled, provisioning_state};
use lazuli_core::{
    arm::ArmId,
    graph::{Graph, Node, NodeKey},
    live::Live,
    reads::Read,
};
use serde_json::Value as Json;
use tokio::time::Instant;

use super::{ObserveError, READS_AT_ONCE, observe};
use crate::execute::Silent;

/// How long all of it is waited for. ARM facts 2.2: the slowest recorded operation took 51 minutes.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// Told what a comparison waits for.
pub trait Settling: Sync {
    /// Azure is still working on a resource, which is in this state; that was waited for `so_far`.
    fn waiting(&self, _key: &NodeKey, _state: &str, _so_far: Duration) {}
    /// Azure is done with it. Without a state it is gone.
    fn settled(&self, _key: &NodeKey, _state: Option<&str>, _took: Duration) {}
}

impl Settling for Silent {}

/// As [`observe`], and once nothing of the graph is in a `provisioningState` that passes. What is being deleted counts
/// as absent when it is gone. Foreign resources in a list are not waited for.
///
/// # Errors
/// As [`observe`], and a timeout for each resource that does not come to rest within an hour.
pub async fn observe_settled(
    client: &Client,
    graph: &Graph,
    reads: &[Read],
    told: &dyn Settling,
) -> Result<Live, Vec<ObserveError>> {
    let until = Instant::now() + LONGEST;
    let mut settled: HashMap<&ArmId, Option<Json>> = HashMap::new();
    loop {
        let mut live = observe(client, graph, reads).await?;
        let busy: Vec<_> = graph
            .nodes()
            .filter_map(|node| Some((node, node.id()?)))
            .filter(|(_, id)| is_busy(&live, id) && !settled.contains_key(id))
            .collect();
        if busy.is_empty() {
            take_in(&mut live, settled);
            return Ok(live);
        }
        // Much may have changed meanwhile, such as all that was in a deleted group: all is read anew.
        let answers: Vec<_> = stream::iter(busy)
            .map(|(node, id)| async move { (id, settle(client, node, id, until, told).await) })
            .buffer_unordered(READS_AT_ONCE)
            .collect()
            .await;
        let mut failures = Vec::new();
        for (id, answer) in answers {
            match answer {
                Ok(body) => drop(settled.insert(id, body)),
                Err(error) => failures.push(error),
            }
        }
        if !failures.is_empty() {
            return Err(failures);
        }
    }
}

fn is_busy(live: &Live, id: &ArmId) -> bool {
    live.resource(id).is_some_and(|body| !is_settled(body))
}

/// Where a list lags behind, what the resource itself said counts.
fn take_in(live: &mut Live, settled: HashMap<&ArmId, Option<Json>>) {
    for (id, body) in settled {
        if is_busy(live, id) {
            match body {
                Some(body) => live.insert_as(id.clone(), body),
                None => live.remove(id),
            }
        }
    }
}

async fn settle(
    client: &Client,
    node: &Node,
    id: &ArmId,
    until: Instant,
    told: &dyn Settling,
) -> Result<Option<Json>, ObserveError> {
    let began = Instant::now();
    let watch = Watch {
        told,
        key: &node.subject.key,
        began,
    };
    let api_version = node.subject.arm_type.api_version.to_string();
    let left = until.saturating_duration_since(began);
    let body = client
        .wait_for_resource(id.as_str(), &api_version, left, &watch)
        .await
        .map_err(|error| ObserveError { error })?;
    let state = body
        .as_ref()
        .map(|body| provisioning_state(body).unwrap_or("there"));
    told.settled(&node.subject.key, state, began.elapsed());
    Ok(body)
}

/// Hands the client's waits on.
struct Watch<'a> {
    told: &'a dyn Settling,
    key: &'a NodeKey,
    began: Instant,
}

impl Progress for Watch<'_> {
    fn polling(&self, status: &str, _wait: Duration) {
        self.told.waiting(self.key, status, self.began.elapsed());
    }
}
