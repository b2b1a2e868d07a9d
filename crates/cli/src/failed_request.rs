//! Requests that failed outside of steps, with the entries of the spec that need them.

use lazuli_arm::ArmError;
use lazuli_core::{
    arm::ArmId,
    graph::{Graph, Node},
    source::Sources,
};
use lazuli_engine::ObserveError;

use crate::render::{NodeNames, format_position};

/// A request that failed outside of steps.
#[derive(Debug, Clone)]
pub(crate) struct FailedRequest {
    /// The error.
    pub(crate) error: ArmError,
    /// The entries that the request was sent for, each with its location: `recordings (stack.yaml:9:3)`.
    pub(crate) about: Vec<String>,
}

impl From<ArmError> for FailedRequest {
    fn from(error: ArmError) -> Self {
        let about = Vec::new();
        Self { error, about }
    }
}

/// The failed reads of a graph.
pub(crate) fn match_entries(
    errors: Vec<ObserveError>,
    graph: &Graph,
    sources: &Sources,
) -> Vec<FailedRequest> {
    let names = NodeNames::from_keys(graph.nodes().map(|node| &node.subject.key));
    let requests = errors.into_iter().map(|ObserveError { error }| {
        let list = List::at(&error.path);
        let is_about = |node: &&Node| is_about(&error.path, list.as_ref(), node);
        let about = graph
            .nodes()
            .filter(is_about)
            .map(|node| {
                format!(
                    "{} ({})",
                    names.name(&node.subject.key),
                    format_position(node.subject.span, sources)
                )
            })
            .collect();
        FailedRequest { error, about }
    });
    requests.collect()
}

/// Whether a request returns a resource: its path is that of the resource, or of a list that contains it.
fn is_about(path: &str, list: Option<&List>, node: &Node) -> bool {
    let has =
        |id: &ArmId| list.is_some_and(|list| list.has(id.as_str(), &node.subject.arm_type.name));
    match node.id() {
        Some(id) => id.as_str().eq_ignore_ascii_case(path) || has(id),
        None => node.scope().is_some_and(|scope| has(&scope)),
    }
}

/// A list of all resources of a type in or on a scope.
struct List {
    /// In lowercase.
    scope: String,
    arm_type: String,
}

impl List {
    /// The list at a path, if it is one.
    fn at(path: &str) -> Option<Self> {
        let path = path.to_ascii_lowercase();
        let (scope, listed) = path.rsplit_once("/providers/")?;
        // A namespace, then alternating types and names: a list ends with a type.
        let segments: Vec<&str> = listed.split('/').collect();
        let (namespace, rest) = segments.split_first()?;
        let types: Vec<&str> = rest.iter().step_by(2).copied().collect();
        (!rest.len().is_multiple_of(2)).then(|| Self {
            scope: scope.to_owned(),
            arm_type: format!("{namespace}/{}", types.join("/")),
        })
    }

    /// Whether a resource is in the list. `id` is the id of the resource or of its scope.
    fn has(&self, id: &str, arm_type: &str) -> bool {
        arm_type.eq_ignore_ascii_case(&self.arm_type)
            && id
                .to_ascii_lowercase()
                .strip_prefix(&self.scope)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_contains_the_resources_of_its_type_in_its_scope() {
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
            let has = List::at(path).is_some_and(|list| list.has(id, arm_type));
            assert_eq!(has, is, "{path} {id}");
        }
    }
}
