//! Names of nodes on the command line, and the selection of a graph that they make.

use std::collections::{BTreeSet, HashSet};

use super::Graph;
use crate::{
    diagnostic::{Code, Diagnostic, Diagnostics, did_you_mean},
    key::NodeKey,
};

/// Names of nodes, to allow replacements or to select nodes: `recordings`, `events[we]`, `recordings/containers/video`,
/// each with or without its stack, as in `cameras:recordings`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names(pub BTreeSet<String>);

impl Names {
    /// Whether there are no names.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn has(&self, key: &NodeKey, name: &str) -> bool {
        self.0.contains(name) || self.0.contains(&format!("{}:{name}", key.stack))
    }

    /// Whether exactly this node is named.
    pub fn name_exactly(&self, key: &NodeKey) -> bool {
        self.has(key, &key.to_string())
    }

    /// Whether the node is named, or its entry or all instances of its entry are.
    pub fn name(&self, key: &NodeKey) -> bool {
        self.name_exactly(key)
            || self.has(key, &key.address.to_string())
            || self.has(key, &key.address.resource)
    }

    /// Reports names without a node. `option` is the option that they were passed with.
    pub fn report_unknown(&self, graph: &Graph, option: &str) -> Diagnostics {
        let mut found = Diagnostics::default();
        let is_unknown = |name: &&String| {
            let only = Self(BTreeSet::from([(*name).clone()]));
            !graph.nodes().any(|node| only.name(&node.subject.key))
        };
        for name in self.0.iter().filter(is_unknown) {
            let known: Vec<String> = graph
                .nodes()
                .map(|node| node.subject.key.to_string())
                .collect();
            let entries = graph
                .nodes()
                .map(|node| node.subject.key.address.resource.as_str());
            let hint = did_you_mean(name, known.iter().map(String::as_str).chain(entries));
            let message = format!("`{name}` of {option} is not in the specs");
            let error = Diagnostic::error(Code::UnknownReference, None, message);
            found.push(match hint {
                Some(hint) => error.help(hint),
                None => error,
            });
        }
        found
    }
}

/// Which other nodes a selection includes, directly or indirectly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closure {
    /// The dependencies of the named nodes: they have to exist first.
    Dependencies,
    /// The dependents of the named nodes: they cannot exist without them.
    Dependents,
}

/// The nodes of a graph that a plan covers: all, or the named nodes and their closure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection(Option<SelectedNodes>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct SelectedNodes {
    keys: HashSet<NodeKey>,
    summary: SelectionSummary,
}

/// The numbers of a selection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectionSummary {
    /// The names, as the caller wrote them.
    pub targets: Vec<String>,
    /// Which other nodes it includes.
    pub closure: Closure,
    /// The number of selected nodes that are not named.
    pub others: usize,
    /// The number of nodes that are not selected.
    pub left_out: usize,
}

impl Selection {
    /// All nodes of a graph.
    pub fn all() -> Self {
        Self(None)
    }

    /// The named nodes and their closure; without names, all nodes.
    pub fn new(graph: &Graph, targets: &Names, closure: Closure) -> Self {
        if targets.is_empty() {
            return Self::all();
        }
        let named = graph.nodes().map(|node| &node.subject.key);
        let named: Vec<&NodeKey> = named.filter(|key| targets.name(key)).collect();
        let mut keys: HashSet<NodeKey> = named.iter().copied().cloned().collect();
        let mut open = named.clone();
        while let Some(key) = open.pop() {
            let neighbors = match closure {
                Closure::Dependencies => graph.dependencies(key),
                Closure::Dependents => graph.dependents(key),
            };
            for (node, _) in neighbors {
                if keys.insert(node.subject.key.clone()) {
                    open.push(&node.subject.key);
                }
            }
        }
        let summary = SelectionSummary {
            targets: targets.0.iter().cloned().collect(),
            closure,
            others: keys.len() - named.len(),
            left_out: graph.len() - keys.len(),
        };
        Self(Some(SelectedNodes { keys, summary }))
    }

    /// Whether it includes every node because nothing was named.
    pub fn is_all(&self) -> bool {
        self.0.is_none()
    }

    /// Whether it includes a node.
    pub fn has(&self, key: &NodeKey) -> bool {
        self.0
            .as_ref()
            .is_none_or(|selected| selected.keys.contains(key))
    }

    /// The numbers; `None` for all nodes.
    pub fn summary(&self) -> Option<&SelectionSummary> {
        self.0.as_ref().map(|selected| &selected.summary)
    }
}
