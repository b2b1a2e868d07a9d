//! Which items of a list are kept. All others are dropped as they arrive, so that memory grows with the spec and not with the
//! subscription.

use std::collections::HashSet;

use lazuli_core::{
    arm::{ArmId, types::ROLE_DEFINITION},
    graph::{Graph, Identity, StackScope},
    marker::TextMarker,
    reads::Read,
};
use serde_json::Value as Json;

/// The resources that concern a graph or stacks: the resources of the graph, role assignments that are declared in it,
/// apply to its resources or give its custom roles, and everything with the ownership marker of the stacks.
#[derive(Debug)]
pub struct Concern<'g> {
    graph: Option<&'g Graph>,
    /// The scopes of its role assignments.
    scopes: HashSet<&'g ArmId>,
    /// The GUIDs of its custom roles, in lowercase.
    roles: HashSet<String>,
    stacks: HashSet<&'g str>,
    /// The scopes of which everything is kept.
    whole: &'g [ArmId],
}

impl<'g> Concern<'g> {
    /// Everything in and on these scopes, and role assignments with the ownership marker of any stack.
    pub fn within(scopes: &'g [ArmId]) -> Self {
        Self {
            graph: None,
            scopes: HashSet::new(),
            roles: HashSet::new(),
            stacks: HashSet::new(),
            whole: scopes,
        }
    }
}

impl<'g> From<&'g [StackScope]> for Concern<'g> {
    fn from(homes: &'g [StackScope]) -> Self {
        Self {
            graph: None,
            scopes: HashSet::new(),
            roles: HashSet::new(),
            stacks: homes.iter().map(|home| &*home.stack.name).collect(),
            whole: &[],
        }
    }
}

impl<'g> From<&'g Graph> for Concern<'g> {
    fn from(graph: &'g Graph) -> Self {
        let scopes = graph.nodes().filter_map(|node| match &node.identity {
            Identity::Grant(grant) => Some(&grant.scope),
            Identity::Resource(_) => None,
        });
        let roles = graph.nodes().filter_map(|node| {
            let is_role = ROLE_DEFINITION.is(&node.subject.arm_type.name);
            node.id().filter(|_| is_role)
        });
        Self {
            graph: Some(graph),
            scopes: scopes.collect(),
            roles: roles.map(|id| id.name().to_lowercase()).collect(),
            ..Self::from(graph.stack_scopes())
        }
    }
}

impl Concern<'_> {
    /// Whether to keep an item that a read returned.
    pub(super) fn keeps(&self, read: &Read, item: &Json) -> bool {
        match read {
            Read::Collection { .. } => {
                id_in(item, "/id").is_some_and(|id| self.is_in_graph(&id) || self.is_within(&id))
            }
            Read::Grants(_) => self.is_own(item) || self.is_near(item) || self.is_of_role(item),
            _ => true,
        }
    }

    fn is_in_graph(&self, id: &ArmId) -> bool {
        self.graph
            .is_some_and(|graph| graph.node_by_id(id).is_some())
    }

    fn is_own(&self, grant: &Json) -> bool {
        TextMarker::on(grant, "description")
            .is_some_and(|mark| !self.whole.is_empty() || self.stacks.contains(mark.stack.as_str()))
    }

    /// Whether a role assignment gives a custom role of the graph.
    fn is_of_role(&self, grant: &Json) -> bool {
        let role = id_in(grant, "/properties/roleDefinitionId");
        role.is_some_and(|role| self.roles.contains(&role.name().to_lowercase()))
    }

    fn is_within(&self, id: &ArmId) -> bool {
        self.whole.iter().any(|scope| scope.covers(id))
    }

    /// Whether a role assignment applies to a resource of the graph, or to one in it.
    fn is_near(&self, grant: &Json) -> bool {
        let mut scope = id_in(grant, "/properties/scope")
            .or_else(|| id_in(grant, "/id").and_then(|id| id.parent()));
        while let Some(at) = scope {
            if self.scopes.contains(&at) || self.is_in_graph(&at) || self.is_within(&at) {
                return true;
            }
            scope = at.parent();
        }
        false
    }
}

fn id_in(item: &Json, pointer: &str) -> Option<ArmId> {
    item.pointer(pointer)
        .and_then(Json::as_str)
        .and_then(ArmId::parse)
}
