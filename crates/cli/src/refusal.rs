//! Refusals outside of steps, and the entries of the spec that they are about.

use lazuli_arm::ArmError;
use lazuli_core::{
    arm::ArmId,
    graph::{Graph, Node},
    source::Sources,
};
use lazuli_engine::ObserveError;

use crate::render::{Names, place};

/// A request that failed while Azure was asked.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    /// The failure.
    pub(crate) error: ArmError,
    /// The entries that it was asked for, each with its place: `recordings (stack.yaml:9:3)`.
    pub(crate) about: Vec<String>,
}

impl From<ArmError> for Refusal {
    fn from(error: ArmError) -> Self {
        let about = Vec::new();
        Self { error, about }
    }
}

/// The refusals of reads for a graph.
pub(crate) fn refusals(
    errors: Vec<ObserveError>,
    graph: &Graph,
    sources: &Sources,
) -> Vec<Refusal> {
    let names = Names::of(graph.nodes().map(|node| &node.key));
    let refusals = errors.into_iter().map(|ObserveError { error }| {
        let about = graph.nodes().filter(|node| is_about(&error.path, node));
        let about = about
            .map(|node| format!("{} ({})", names.name(&node.key), place(node.span, sources)))
            .collect();
        Refusal { error, about }
    });
    refusals.collect()
}

/// Whether a path is read to know of a resource: its own, or that of a list which has it.
fn is_about(path: &str, node: &Node) -> bool {
    let lower = path.to_ascii_lowercase();
    let Some((scope, listed)) = lower.rsplit_once("/providers/") else {
        return node
            .id()
            .is_some_and(|id| id.as_str().eq_ignore_ascii_case(path));
    };
    let below = node.id().cloned().or_else(|| node.scope());
    let is_within = below
        .map(|id: ArmId| id.as_str().to_ascii_lowercase())
        .is_some_and(|id| id == scope || id.starts_with(&format!("{scope}/")));
    let mut segments = listed.split('/');
    let namespace = segments.next().unwrap_or_default();
    let rest: Vec<&str> = segments.collect();
    if rest.len().is_multiple_of(2) {
        return node
            .id()
            .is_some_and(|id| id.as_str().eq_ignore_ascii_case(path));
    }
    let types: Vec<&str> = rest.iter().step_by(2).copied().collect();
    let listed = format!("{namespace}/{}", types.join("/"));
    is_within && node.arm_type.name.eq_ignore_ascii_case(&listed)
}
