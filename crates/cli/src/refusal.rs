//! Refusals outside of steps, and the entries of the spec that they are about.

use lazuli_arm::ArmError;
use lazuli_core::{
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
    match (node.id(), node.scope()) {
        (Some(id), _) => {
            id.as_str().eq_ignore_ascii_case(path) || lists(path, id.as_str(), &node.arm_type.name)
        }
        (None, Some(scope)) => lists(path, scope.as_str(), &node.arm_type.name),
        (None, None) => false,
    }
}

/// Whether a path is that of a list of a type at a scope that a resource is in, or on.
fn lists(path: &str, id: &str, arm_type: &str) -> bool {
    let [path, id] = [path, id].map(str::to_ascii_lowercase);
    let Some((scope, listed)) = path.rsplit_once("/providers/") else {
        return false;
    };
    let is_within = id
        .strip_prefix(scope)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    // A namespace, then types and names in turn: a list ends with a type.
    let segments: Vec<&str> = listed.split('/').collect();
    let Some((namespace, rest)) = segments.split_first() else {
        return false;
    };
    let types: Vec<&str> = rest.iter().step_by(2).copied().collect();
    let listed = format!("{namespace}/{}", types.join("/"));
    is_within && !rest.len().is_multiple_of(2) && listed.eq_ignore_ascii_case(arm_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_about_what_is_of_its_type_within_its_scope() {
        const ACCOUNTS: &str = "Microsoft.Storage/storageAccounts";
        const ACCOUNT: &str =
            "/subscriptions/1/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/st";
        const GRANTS: &str = "Microsoft.Authorization/roleAssignments";
        const CONTAINERS: &str = "Microsoft.Storage/storageAccounts/blobServices/containers";
        let in_all = "/subscriptions/1/providers/Microsoft.Storage/storageAccounts";
        let in_group =
            "/subscriptions/1/resourcegroups/RG/providers/Microsoft.Storage/storageAccounts";
        let of_account = format!("{ACCOUNT}/blobServices/default/containers");
        let container = format!("{of_account}/video");
        for (path, id, arm_type, is) in [
            (in_all, ACCOUNT, ACCOUNTS, true),
            (in_group, ACCOUNT, ACCOUNTS, true),
            (in_all, ACCOUNT, "Microsoft.Storage/others", false),
            (&in_all.replace("/1/", "/11/"), ACCOUNT, ACCOUNTS, false),
            (&of_account, &container, CONTAINERS, true),
            (&container, &container, CONTAINERS, false),
            (in_all, &container, CONTAINERS, false),
            (
                "/subscriptions/1/providers/Microsoft.Authorization/roleAssignments",
                ACCOUNT,
                GRANTS,
                true,
            ),
            ("/subscriptions/1/resourcegroups", ACCOUNT, ACCOUNTS, false),
        ] {
            assert_eq!(lists(path, id, arm_type), is, "{path} {id}");
        }
    }
}
