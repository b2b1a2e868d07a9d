//! Reads back what a plan wrote, and records server overrides.

use lazuli_arm::{ArmError, ignore_waits};
use lazuli_core::{
    graph::{Graph, NodeKey},
    live::Live,
    plan::{Action, Plan, ServerOverride, converge, overrides_after, reminders},
    reads,
};
use lazuli_engine::{ObserveError, observe, remember};

use crate::{load::Stacks, reconciler::Reconciler};

/// The result of a recheck. A recheck never fails as a whole, since the plan has been executed.
#[derive(Debug, Clone, Default)]
pub struct Recheck {
    /// Values that Azure keeps although the plan sent others.
    pub overrides: Vec<ServerOverride>,
    /// Why overrides could not be recorded in tags.
    pub unrecorded: Vec<ArmError>,
    /// Reads that failed. Overrides may be missing because of them.
    pub unreadable: Vec<ObserveError>,
}

impl Reconciler<'_> {
    /// Compares the stacks with live state again after a complete execution. Values that Azure does not keep as they
    /// were sent are recorded in tags, so that the next plan does not report them as drift.
    pub async fn recheck(&self, stacks: &Stacks, plan: &Plan) -> Recheck {
        let graph = &stacks.graph;
        let written: Vec<NodeKey> = plan
            .steps
            .iter()
            .filter(|step| step.action != Action::Delete)
            .map(|step| step.subject.key.clone())
            .collect();
        if written.is_empty() {
            return Recheck::default();
        }
        let mut live = match observe(self.client, graph, &reads::list_reads(graph)).await {
            Ok(live) => self.catalog.complete(live),
            Err(unreadable) => {
                return Recheck {
                    unreadable,
                    ..Recheck::default()
                };
            }
        };
        let suspects = overrides_after(&converge(graph, &live).0, &written);
        if suspects.is_empty() {
            return Recheck::default();
        }
        let unreadable = self.read_each(graph, &suspects, &mut live).await;
        let again = converge(graph, &live).0;
        let overrides = overrides_after(&again, &written);
        let reminders = reminders(graph, &live, &again, &overrides);
        let unrecorded = match remember(self.client, &reminders).await {
            Ok(()) => Vec::new(),
            Err(errors) => errors,
        };
        Recheck {
            overrides,
            unrecorded,
            unreadable,
        }
    }

    /// Reads resources one by one: a list may be stale where a GET is not (ARM facts 1.8).
    async fn read_each(
        &self,
        graph: &Graph,
        suspects: &[ServerOverride],
        live: &mut Live,
    ) -> Vec<ObserveError> {
        let mut unreadable = Vec::new();
        let nodes = suspects.iter().filter_map(|one| graph.node(&one.key));
        for (node, id) in nodes.filter_map(|node| Some((node, node.id()?))) {
            let api_version = &node.subject.arm_type.api_version;
            match self
                .client
                .get(id.as_str(), api_version, &ignore_waits)
                .await
            {
                Ok(Some(body)) => live.insert_as(id.clone(), body),
                Ok(None) => {}
                Err(error) => unreadable.push(ObserveError { error }),
            }
        }
        unreadable
    }
}
