//! Reads the live state that a plan needs. Every `Live` that leaves this module is complete.

use std::sync::atomic::{AtomicBool, Ordering};

use lazuli_core::{
    arm::ArmId,
    graph::Graph,
    live::Live,
    plan::{ledger_searches, orphans, principals_in_question},
    reads::{Read, list_reads_to_confirm},
};
use lazuli_engine::{
    Event, ObserveError, Observer, find_recorded, find_versions, observe, observe_owned,
    observe_principals, observe_settled,
};

use crate::reconciler::Reconciler;

/// Which resources beyond the graph are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Breadth {
    /// None: the plan is about a part of the graph.
    GraphOnly,
    /// The resources that the stacks own.
    Owned,
    /// The resources that the stacks own, with what their deletion depends on.
    OwnedToPrune,
}

/// Whether principals of role assignments are looked up in the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Principals {
    Ignored,
    LookedUp,
}

impl Reconciler<'_> {
    /// Reads live state, and waits until Azure has finished working on resources of the graph.
    pub(crate) async fn observe(
        &self,
        graph: &Graph,
        reads: &[Read],
        breadth: Breadth,
        principals: Principals,
    ) -> Result<Live, Vec<ObserveError>> {
        self.observer.event(&Event::ReadStarted);
        let live = self.observe_all(graph, reads, breadth, principals).await;
        self.observer.event(&Event::ReadFinished);
        if live.is_ok() {
            let (reads, resources) = (reads.len(), graph.len());
            tracing::info!(reads, resources, "read live state");
        }
        live
    }

    async fn observe_all(
        &self,
        graph: &Graph,
        reads: &[Read],
        breadth: Breadth,
        principals: Principals,
    ) -> Result<Live, Vec<ObserveError>> {
        let live = match breadth {
            Breadth::GraphOnly => observe_settled(self.client, graph, reads, self.observer).await?,
            Breadth::Owned | Breadth::OwnedToPrune => self.observe_owned(graph, reads).await?,
        };
        let mut live = self.catalog.complete(live);
        // Lists can lag behind: what they lack is confirmed before it is created.
        let absent = list_reads_to_confirm(graph, &live, reads);
        live.merge(observe(self.client, graph, &absent).await?);
        match breadth {
            Breadth::GraphOnly => {}
            Breadth::Owned => self.confirm_orphans(graph, &mut live).await?,
            Breadth::OwnedToPrune => {
                self.confirm_orphans(graph, &mut live).await?;
                let reads = orphans::list_reads_to_prune(graph, &live);
                live.merge(observe(self.client, graph, &reads).await?);
            }
        }
        if principals == Principals::LookedUp {
            let ids = principals_in_question(graph, &live);
            observe_principals(self.directory, &mut live, &ids).await;
        }
        Ok(live)
    }

    /// The resources of the graph, and those that its stacks own.
    async fn observe_owned(
        &self,
        graph: &Graph,
        reads: &[Read],
    ) -> Result<Live, Vec<ObserveError>> {
        let is_known = |id: &ArmId| graph.node_by_id(id).is_some();
        let owned = || observe_owned(self.client, graph.stack_scopes(), &is_known);
        let waits = WaitDetector::new(self.observer);
        let (live, found) =
            tokio::join!(observe_settled(self.client, graph, reads, &waits), owned());
        let mut live = live?;
        // A deletion that was waited for may have deleted orphans too.
        let found = match waits.has_waited() {
            true => owned().await,
            false => found,
        };
        live.merge(found?);
        Ok(live)
    }

    /// Reads each candidate for an orphan: lists are hints.
    async fn confirm_orphans(
        &self,
        graph: &Graph,
        live: &mut Live,
    ) -> Result<(), Vec<ObserveError>> {
        find_recorded(self.client, &ledger_searches(graph, live), live).await;
        let unknown = orphans::unknown_types(graph, live);
        find_versions(self.client, &unknown, live).await?;
        let reads = orphans::list_reads_to_confirm(graph, live);
        live.merge(observe(self.client, graph, &reads).await?);
        let asked = reads.iter().filter_map(|read| match read {
            Read::Resource { id, .. } => Some(id.clone()),
            _ => None,
        });
        live.drop_unconfirmed(&asked.collect::<Vec<_>>());
        Ok(())
    }
}

/// Forwards events, and detects whether a read waited for a resource.
struct WaitDetector<'a> {
    observer: &'a dyn Observer,
    waited: AtomicBool,
}

impl<'a> WaitDetector<'a> {
    fn new(observer: &'a dyn Observer) -> Self {
        Self {
            observer,
            waited: AtomicBool::new(false),
        }
    }

    fn has_waited(&self) -> bool {
        self.waited.load(Ordering::Relaxed)
    }
}

impl Observer for WaitDetector<'_> {
    fn event(&self, event: &Event<'_>) {
        if let Event::ResourceBusy { .. } | Event::ResourceSettled { .. } = event {
            self.waited.store(true, Ordering::Relaxed);
        }
        self.observer.event(event);
    }
}
