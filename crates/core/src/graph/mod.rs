//! The graph: one node an Azure resource, edges that say why one waits for another.

mod build;
mod edges;
mod part;
mod place;

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::Arc,
};

use petgraph::{
    Direction,
    graph::{DiGraph, NodeIndex},
    visit::EdgeRef,
};

pub use build::{SecretsPolicy, Settings, build};
pub use part::{Along, Names, Part, Told};

pub use crate::{
    declare::{
        Draft, EntryContext, Grant, Identity, Implied, Nodes, Placed, ReferenceTarget, RoleName,
        Surroundings, TypedEntry,
    },
    key::NodeKey,
    mark::{Afterlife, Mark},
};

use crate::{
    arm::{ArmId, ArmType},
    diff::lifted,
    facts::Rule,
    ignore::Ignored,
    source::Span,
    spec::{GrantsPolicy, OnRemove},
    value::Value,
};

/// What the author said about the life of a resource.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Lifecycle {
    /// Looked up, never changed.
    pub existing: bool,
    /// Never deleted nor replaced.
    pub protect: bool,
    /// What happens when the entry leaves the spec.
    pub on_remove: OnRemove,
    /// What is not compared.
    pub ignore: Vec<Ignored>,
    /// What happens to grants on it that the spec does not name.
    pub grants: GrantsPolicy,
}

impl Lifecycle {
    /// What becomes of it once its entry has left the spec.
    pub fn afterlife(&self) -> Afterlife {
        Afterlife::wished(self.protect, self.on_remove)
    }

    /// Whether a member of `properties` is not compared.
    pub fn ignores(&self, member: &str) -> bool {
        let place = ["properties".to_owned(), member.to_owned()];
        self.ignore.iter().any(|ignored| ignored.is(&place))
    }
}

/// One Azure resource that the spec speaks of.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What it is called.
    pub key: NodeKey,
    /// The kind of the entry.
    pub kind: &'static str,
    /// Its type.
    pub arm_type: ArmType,
    /// What makes a live resource this one.
    pub identity: Identity,
    /// What it is, for a person: a name, or role and scope of a grant.
    pub subject: String,
    /// The wanted body; of an existing resource, nothing.
    pub body: Value,
    /// How it is compared.
    pub rules: &'static [Rule],
    /// What the author said about its life.
    pub lifecycle: Lifecycle,
    /// Where its mark is kept.
    pub mark: Mark,
    /// Whether it can be deleted by itself: the `default` services of a storage account cannot.
    pub deletable: bool,
    /// Whether a list of its type says all that a GET of it would.
    pub listed: bool,
    /// Where the entry stands in the spec.
    pub span: Span,
    /// Where each value of the entry stands, by its path: `networkAcls.defaultAction`.
    pub places: Arc<HashMap<String, Span>>,
}

impl Node {
    /// The Azure id, where it is known before the run.
    pub fn id(&self) -> Option<&ArmId> {
        match &self.identity {
            Identity::Resource(id) => Some(id),
            Identity::Grant(_) => None,
        }
    }

    /// The node whose principal a grant is for, where the spec makes it.
    pub fn grant_principal(&self) -> Option<&NodeKey> {
        match &self.identity {
            Identity::Grant(grant) => grant.principal_key(),
            Identity::Resource(_) => None,
        }
    }

    /// The scope that the resource is on or in.
    pub fn scope(&self) -> Option<ArmId> {
        match &self.identity {
            Identity::Resource(id) => id.parent(),
            Identity::Grant(grant) => Some(grant.scope.clone()),
        }
    }

    /// The place in the spec that a property of ARM's body comes from, or the nearest around it.
    pub fn place_of(&self, path: &str) -> Span {
        let path = lifted(path);
        let part = self.key.part.as_ref();
        let in_part = part.map(|part| format!("{}.{path}", part.replace('/', ".")));
        in_part
            .as_deref()
            .into_iter()
            .chain([path])
            .find_map(|path| self.nearest(path))
            .unwrap_or(self.span)
    }

    fn nearest(&self, path: &str) -> Option<Span> {
        std::iter::successors(Some(path), |path| path.get(..path.rfind(['.', '['])?))
            .find_map(|path| self.places.get(path))
            .copied()
    }
}

/// Why one resource waits for another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// A property refers to it.
    Refers(String),
    /// `dependsOn` names it.
    DependsOn,
    /// It is the resource group, the parent or the scope.
    Within,
    /// Azure accepts the resource only when the grant is there.
    NeedsGrant(String),
    /// It is another part of the same entry that must come first.
    Follows(&'static str),
    /// A lock is put on after what it locks.
    Locks,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refers(property) => write!(f, "`{property}` refers to it"),
            Self::DependsOn => f.write_str("dependsOn names it"),
            Self::Within => f.write_str("it is in or on it"),
            Self::NeedsGrant(why) => f.write_str(why),
            Self::Follows(why) => f.write_str(why),
            Self::Locks => f.write_str("a lock goes on after what it locks"),
        }
    }
}

/// Where a stack of the spec can own something, whether the spec still has entries or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// The stack's name.
    pub stack: String,
    /// Where the name stands.
    pub span: Span,
    /// The subscriptions: its own, and those of its entries.
    pub subscriptions: BTreeSet<ArmId>,
    /// The resource groups of its entries.
    pub groups: BTreeSet<ArmId>,
}

/// The nodes and why they wait for each other. Free of cycles.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    inner: DiGraph<Node, Reason>,
    by_key: HashMap<NodeKey, NodeIndex>,
    by_id: HashMap<ArmId, NodeIndex>,
    order: Vec<NodeIndex>,
    open_roles: BTreeSet<RoleName>,
    secrets: SecretsPolicy,
    homes: Vec<Home>,
}

impl Graph {
    /// The stacks, in the order of the spec, and where they can own something.
    pub fn homes(&self) -> &[Home] {
        &self.homes
    }

    /// The nodes, each after everything that it waits for. The order is the same for the same spec.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = &Node> {
        self.order.iter().map(|index| &self.inner[*index])
    }

    /// The node of a key.
    pub fn node(&self, key: &NodeKey) -> Option<&Node> {
        self.by_key.get(key).map(|index| &self.inner[*index])
    }

    /// The node of an Azure id.
    pub fn node_of(&self, id: &ArmId) -> Option<&Node> {
        self.by_id.get(id).map(|index| &self.inner[*index])
    }

    /// The roles that Azure must be asked for before the graph can be compared with it.
    pub fn open_roles(&self) -> &BTreeSet<RoleName> {
        &self.open_roles
    }

    /// How secrets that Azure does not answer are dealt with.
    pub fn secrets(&self) -> &SecretsPolicy {
        &self.secrets
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// What a node waits for, and why, in the order of the keys.
    pub fn dependencies(&self, key: &NodeKey) -> Vec<(&Node, &Reason)> {
        self.neighbours(key, Direction::Incoming)
    }

    /// What waits for a node, and why, in the order of the keys.
    pub fn dependents(&self, key: &NodeKey) -> Vec<(&Node, &Reason)> {
        self.neighbours(key, Direction::Outgoing)
    }

    fn neighbours(&self, key: &NodeKey, direction: Direction) -> Vec<(&Node, &Reason)> {
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
            (&left.key, *why_left).cmp(&(&right.key, *why_right))
        });
        found
    }
}
