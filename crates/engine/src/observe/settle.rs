//! Waits until Azure has finished working on resources: no plan is made from a transient state.

use std::{collections::HashMap, time::Duration};

use futures::{StreamExt, stream};
use lazuli_arm::{Client, Wait, is_settled, provisioning_state};
use lazuli_core::{
    arm::ArmId,
    graph::{Graph, Node},
    live::Live,
    reads::Read,
};
use serde_json::Value as Json;
use tokio::time::Instant;

use super::{ObserveError, READS_AT_ONCE, observe};
use crate::observer::{Event, Observer};

/// How long to wait for all resources together. ARM facts 2.2: the slowest recorded operation took 51 minutes.
const TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// Observes as [`observe`] does, and waits until no resource of the graph has a transient `provisioningState`. A resource
/// that is being deleted counts as absent when it is gone. Resources outside of the graph are not waited for.
///
/// # Errors
/// As [`observe`], and a timeout for each resource that does not settle within an hour.
pub async fn observe_settled(
    client: &Client,
    graph: &Graph,
    reads: &[Read],
    observer: &dyn Observer,
) -> Result<Live, Vec<ObserveError>> {
    let until = Instant::now() + TIMEOUT;
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
        // Other resources may have changed meanwhile, such as the contents of a deleted group: read everything again.
        let answers: Vec<_> = stream::iter(busy)
            .map(|(node, id)| async move { (id, settle(client, node, id, until, observer).await) })
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

/// Prefers the state that a resource itself returned to that of a list, which may be stale.
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
    observer: &dyn Observer,
) -> Result<Option<Json>, ObserveError> {
    let (key, began) = (&node.subject.key, Instant::now());
    let on_wait = |wait: Wait<'_>| {
        if let Wait::Poll { status, .. } = wait {
            observer.event(&Event::ResourceBusy {
                key,
                state: status,
                waited: began.elapsed(),
            });
        }
    };
    let api_version = node.subject.arm_type.api_version.to_string();
    let left = until.saturating_duration_since(began);
    let body = client
        .wait_for_resource(id.as_str(), &api_version, left, &on_wait)
        .await
        .map_err(|error| ObserveError { error })?;
    let state = body
        .as_ref()
        .map(|body| provisioning_state(body).unwrap_or("there"));
    observer.event(&Event::ResourceSettled {
        key,
        state,
        waited: began.elapsed(),
    });
    Ok(body)
}
