//! The graph itself: nodes, dependencies between them, and an order that respects them.

use std::collections::{BTreeSet, HashMap};

use petgraph::{
    Direction,
    graph::{DiGraph, NodeIndex},
    visit::EdgeRef,
};

use super::{Node, Reason, SecretsPolicy, StackScope};
use crate::{arm::ArmId, declare::RoleName, key::NodeKey, stack::StackIdentity};

/// The nodes and their dependencies, without cycles.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    pub(super) inner: DiGraph<Node, Reason>,
    pub(super) by_key: HashMap<NodeKey, NodeIndex>,
    pub(super) by_id: HashMap<ArmId, NodeIndex>,
    pub(super) order: Vec<NodeIndex>,
    pub(super) open_roles: BTreeSet<RoleName>,
    pub(super) secrets: SecretsPolicy,
    pub(super) stack_scopes: Vec<StackScope>,
    pub(super) unrecorded: Vec<NodeKey>,
}

impl Graph {
    /// The scopes of the stacks, in the order of the spec.
    pub fn stack_scopes(&self) -> &[StackScope] {
        &self.stack_scopes
    }

    /// The stack of a node.
    pub fn stack_identity(&self, node: &Node) -> StackIdentity {
        self.stack(&node.subject.key.stack)
    }

    /// The stack of a name; without an id if the spec has no such stack.
    pub fn stack(&self, name: &str) -> StackIdentity {
        let mut stacks = self.stack_scopes.iter().map(|scope| &scope.stack);
        let found = stacks.find(|stack| stack.name == name).cloned();
        found.unwrap_or_else(|| StackIdentity::from_name(name))
    }

    /// The nodes, each after its dependencies. The order is the same for the same spec.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = &Node> {
        self.order.iter().map(|index| &self.inner[*index])
    }

    /// The node of a key.
    pub fn node(&self, key: &NodeKey) -> Option<&Node> {
        self.by_key.get(key).map(|index| &self.inner[*index])
    }

    /// The node of an Azure id.
    pub fn node_by_id(&self, id: &ArmId) -> Option<&Node> {
        self.by_id.get(id).map(|index| &self.inner[*index])
    }

    /// The nodes without an ownership marker that the marker of no other node has room for: they are forgotten when their
    /// entries are removed.
    pub fn unrecorded(&self) -> &[NodeKey] {
        &self.unrecorded
    }

    /// The roles to look up in Azure before planning.
    pub fn open_roles(&self) -> &BTreeSet<RoleName> {
        &self.open_roles
    }

    /// The policy for secrets that Azure does not return.
    pub fn secrets(&self) -> &SecretsPolicy {
        &self.secrets
    }

    /// The number of nodes.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether it has no nodes.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The dependencies of a node, with reasons, in the order of the keys.
    pub fn dependencies(&self, key: &NodeKey) -> Vec<(&Node, &Reason)> {
        self.neighbors(key, Direction::Incoming)
    }

    /// The dependents of a node, with reasons, in the order of the keys.
    pub fn dependents(&self, key: &NodeKey) -> Vec<(&Node, &Reason)> {
        self.neighbors(key, Direction::Outgoing)
    }

    fn neighbors(&self, key: &NodeKey, direction: Direction) -> Vec<(&Node, &Reason)> {
        let Some(index) = self.by_key.get(key) else {
            return Vec::new();
        };
        let mut found: Vec<_> = self
            .inner
            .edges_directed(*index, direction)
            .map(|edge| {
                let other = if direction == Direction::Incoming {
                    edge.source()
                } else {
                    edge.target()
                };
                (&self.inner[other], edge.weight())
            })
            .collect();
        found.sort_by(|(left, why_left), (right, why_right)| {
            (&left.subject.key, *why_left).cmp(&(&right.subject.key, *why_right))
        });
        found
    }
}
