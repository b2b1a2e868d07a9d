//! The operations that send requests.

use std::time::SystemTime;

use lazuli_arm::{Client, Directory};
use lazuli_core::{
    graph::{Graph, StackScope},
    inventory::{self, Inventory},
    plan::Plan,
    preflight::Finding,
};
use lazuli_engine::{
    Execution, Observer, PropagationLimits, Report, execute, observe, observe_owned, preflight,
    resolve_roles,
};
use tokio::sync::watch;

use crate::{
    catalog::Catalog,
    error::ReconcileError,
    load::{Specs, Stacks},
};

/// The number of steps in flight at once. Most of them wait for Azure; the client limits the number of requests.
const STEP_CONCURRENCY: usize = 512;

/// Reconciles stacks with one Azure environment.
#[derive(Clone, Copy)]
pub struct Reconciler<'a> {
    /// The client of Azure Resource Manager.
    pub client: &'a Client,
    /// The directory of principals; `None` if the cloud has none.
    pub directory: Option<&'a Directory>,
    /// The resource kinds and built-in roles.
    pub catalog: Catalog,
    /// The time of day in the environment.
    pub clock: &'a (dyn Fn() -> SystemTime + Sync),
    /// Receives the events.
    pub observer: &'a dyn Observer,
}

impl Reconciler<'_> {
    /// Looks up the roles that only Azure knows. From here on, the client masks the secrets of the specs.
    ///
    /// # Errors
    /// Mistakes that remain with the roles that were found, or failed reads.
    pub async fn resolve(&self, specs: Specs) -> Result<Stacks, ReconcileError> {
        self.client.conceal(specs.secrets());
        let open = specs.graph().open_roles();
        if open.is_empty() {
            return Ok(specs.into_stacks()?);
        }
        let roles = resolve_roles(self.client, open).await?;
        Ok(specs.with_roles(roles).into_stacks()?)
    }

    /// Finds what Azure is known to reject of a plan.
    pub async fn preflight(&self, plan: &Plan) -> Vec<Finding> {
        preflight(self.client, plan, self.catalog.registry).await
    }

    /// Executes a plan, until it ends or `stop` becomes true.
    pub async fn execute(
        &self,
        plan: &Plan,
        limits: PropagationLimits,
        stop: watch::Receiver<bool>,
    ) -> Report {
        tracing::info!(steps = plan.steps.len(), "execute the plan");
        let execution = Execution {
            client: self.client,
            concurrency: STEP_CONCURRENCY,
            limits,
            now: self.clock,
            stop,
            observer: self.observer,
        };
        execute(plan, execution).await
    }

    /// Lists what stacks own. With a graph, each resource is matched with its entry.
    ///
    /// # Errors
    /// Failed reads.
    pub async fn inventory(
        &self,
        stacks: &[StackScope],
        graph: Option<&Graph>,
    ) -> Result<Inventory, ReconcileError> {
        let reads = inventory::list_reads(stacks);
        let (live, owned) = tokio::join!(
            observe(self.client, stacks, &reads),
            observe_owned(self.client, stacks, &|_| false),
        );
        let mut live = live?;
        live.merge(owned?);
        let live = self.catalog.complete(live);
        Ok(inventory::inventory(stacks, graph, &live))
    }
}
