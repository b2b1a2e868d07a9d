//! Compares the specs with live state.

use lazuli_core::{
    diagnostic::Diagnostics,
    graph::{Closure, Names, Selection},
    live::Live,
    plan::{
        Consent, OrphanPolicy, Plan, converge_part, inseparable, list_reads_to_destroy,
        list_reads_to_replace, teardown_part,
    },
    reads,
};

use crate::{
    error::{ReconcileError, Rejection, fail_on_errors},
    intent::Intent,
    load::Stacks,
    observe::{Breadth, Principals},
    reconciler::Reconciler,
};

/// A plan with the live state that it was made from.
#[derive(Debug, Clone)]
pub struct Difference {
    /// The plan.
    pub plan: Plan,
    /// The live state.
    pub live: Live,
    /// Warnings about the specs that live state gave rise to.
    pub warnings: Diagnostics,
}

impl Reconciler<'_> {
    /// Compares the stacks with live state.
    ///
    /// # Errors
    /// Mistakes in the intent, mistakes that live state reveals, or failed reads.
    pub async fn plan(
        &self,
        stacks: &Stacks,
        intent: &Intent,
    ) -> Result<Difference, ReconcileError> {
        match intent {
            Intent::Converge { consent, targets } => {
                self.plan_convergence(stacks, consent, targets).await
            }
            Intent::Destroy { targets } => self.plan_destruction(stacks, targets).await,
        }
    }

    async fn plan_convergence(
        &self,
        stacks: &Stacks,
        consent: &Consent,
        targets: &Names,
    ) -> Result<Difference, ReconcileError> {
        let graph = &stacks.graph;
        let part = select(stacks, targets, Closure::Dependencies)?;
        let unknown = consent.replace.report_unknown(graph, "--allow-replace");
        fail_on_errors(&stacks.sources, unknown)?;
        let mut reads = reads::list_reads(graph);
        reads.extend(list_reads_to_replace(
            graph,
            &consent.replace,
            self.catalog.registry.child_types,
        ));
        let breadth = match (part.is_all(), consent.orphans) {
            (false, _) => Breadth::GraphOnly,
            (true, OrphanPolicy::List) => Breadth::Owned,
            (true, OrphanPolicy::Prune) => Breadth::OwnedToPrune,
        };
        let live = self
            .observe(graph, &reads, breadth, Principals::LookedUp)
            .await?;
        let (plan, found) = converge_part(graph, &live, consent, &part);
        Ok(Difference {
            plan,
            live,
            warnings: fail_on_errors(&stacks.sources, found)?,
        })
    }

    async fn plan_destruction(
        &self,
        stacks: &Stacks,
        targets: &Names,
    ) -> Result<Difference, ReconcileError> {
        let graph = &stacks.graph;
        let part = select(stacks, targets, Closure::Dependents)?;
        let inseparable = inseparable(graph, targets, &part);
        let warnings = fail_on_errors(&stacks.sources, inseparable)?;
        let breadth = match part.is_all() {
            true => Breadth::Owned,
            false => Breadth::GraphOnly,
        };
        let reads = list_reads_to_destroy(graph, self.catalog.registry.child_types);
        let live = self
            .observe(graph, &reads, breadth, Principals::Ignored)
            .await?;
        Ok(Difference {
            plan: teardown_part(graph, &live, &part),
            live,
            warnings,
        })
    }
}

/// The part of the graph that the targets select.
fn select(stacks: &Stacks, targets: &Names, along: Closure) -> Result<Selection, Box<Rejection>> {
    let unknown = targets.report_unknown(&stacks.graph, "--target");
    fail_on_errors(&stacks.sources, unknown)?;
    Ok(Selection::new(&stacks.graph, targets, along))
}
