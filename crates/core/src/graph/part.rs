//! Names of nodes as a caller gives them, and the part of a graph that they choose.

use std::collections::{BTreeSet, HashSet};

use super::{Graph, NodeKey};
use crate::diagnostic::{Code, Diagnostic, Diagnostics, did_you_mean};

/// The names by which the caller agrees to replacements, or chooses a part of the graph: `recordings`, `events[we]`,
/// `recordings/containers/video`, each with or without its stack, as in `cameras:recordings`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names(pub BTreeSet<String>);

impl Names {
    /// Whether none is named.
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

    /// Whether the node is named, or the entry that it is a part or an instance of.
    pub fn name(&self, key: &NodeKey) -> bool {
        self.name_exactly(key)
            || self.has(key, &key.address.to_string())
            || self.has(key, &key.address.resource)
    }

    /// The names that nothing in the graph has, as mistakes of the option that they were given by.
    pub fn unknown(&self, graph: &Graph, option: &str) -> Diagnostics {
        let mut found = Diagnostics::default();
        let is_unknown = |name: &&String| {
            let only = Self(BTreeSet::from([(*name).clone()]));
            !graph.nodes().any(|node| only.name(&node.key))
        };
        for name in self.0.iter().filter(is_unknown) {
            let known: Vec<String> = graph.nodes().map(|node| node.key.to_string()).collect();
            let entries = graph.nodes().map(|node| node.key.address.resource.as_str());
            let hint = did_you_mean(name, known.iter().map(String::as_str).chain(entries));
            let message = format!("nothing in the specs is called `{name}`, given by {option}");
            let said = Diagnostic::error(Code::UnknownReference, None, message);
            found.push(match hint {
                Some(hint) => said.help(hint),
                None => said,
            });
        }
        found
    }
}

/// What belongs to the nodes that are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Along {
    /// All that they wait for: without it they cannot be made.
    Dependencies,
    /// All that waits for them: it cannot stay without them.
    Dependents,
}

/// The nodes of a graph that a plan is about: all of them, or those that are named and what belongs to them, directly or
/// not and for whatever reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part(Option<Chosen>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Chosen {
    keys: HashSet<NodeKey>,
    told: Told,
}

/// What is said of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The names, as they were given.
    pub targets: Vec<String>,
    /// What else belongs to it.
    pub along: Along,
    /// How many nodes belong to it beside those that are named.
    pub others: usize,
    /// How many nodes are left out.
    pub left_out: usize,
}

impl Part {
    /// All of a graph.
    pub fn whole() -> Self {
        Self(None)
    }

    /// The nodes that are named, and what belongs to them; without names, all.
    pub fn of(graph: &Graph, targets: &Names, along: Along) -> Self {
        if targets.is_empty() {
            return Self::whole();
        }
        let named = graph.nodes().map(|node| &node.key);
        let named: Vec<&NodeKey> = named.filter(|key| targets.name(key)).collect();
        let mut keys: HashSet<NodeKey> = named.iter().copied().cloned().collect();
        let mut open = named.clone();
        while let Some(key) = open.pop() {
            let neighbours = match along {
                Along::Dependencies => graph.dependencies(key),
                Along::Dependents => graph.dependents(key),
            };
            for (node, _) in neighbours {
                if keys.insert(node.key.clone()) {
                    open.push(&node.key);
                }
            }
        }
        let told = Told {
            targets: targets.0.iter().cloned().collect(),
            along,
            others: keys.len() - named.len(),
            left_out: graph.len() - keys.len(),
        };
        Self(Some(Chosen { keys, told }))
    }

    /// Whether nothing is left out because of names.
    pub fn is_whole(&self) -> bool {
        self.0.is_none()
    }

    /// Whether a node belongs to it.
    pub fn has(&self, key: &NodeKey) -> bool {
        self.0
            .as_ref()
            .is_none_or(|chosen| chosen.keys.contains(key))
    }

    /// What is said of it; nothing where it is the whole.
    pub fn told(&self) -> Option<&Told> {
        self.0.as_ref().map(|chosen| &chosen.told)
    }
}
