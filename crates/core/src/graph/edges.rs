//! Finds the dependencies between nodes, orders the nodes, and reports cycles.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque, hash_map::Entry};

use petgraph::{
    algo::tarjan_scc,
    graph::{DiGraph, NodeIndex},
    visit::EdgeRef,
};

use super::{Graph, Node, Reason, key_access};
use crate::{
    arm::ArmId,
    body_path::BodyPath,
    declare::{Identity, ImpliedDependency, Placements, address_of, templates},
    diagnostic::{Code, Diagnostic, Diagnostics},
    key::NodeKey,
    spec::{Address, Resource, Spec},
    template::{Expr, Segment, Template},
};

/// One edge: the position of the dependency, the position of the dependent, and the reason.
pub(super) type Edge = (usize, usize, Reason);

struct Finder<'a> {
    nodes: &'a [Node],
    by_entry: HashMap<(String, Address), Vec<usize>>,
    by_id: HashMap<&'a ArmId, usize>,
    /// Role assignments by the declared identity that is their principal.
    by_principal: HashMap<&'a NodeKey, Vec<usize>>,
    /// Nodes by their lowercase id or scope.
    by_scope: BTreeMap<String, Vec<usize>>,
    /// The nodes that depend on everything within a scope, and so not on each other.
    last: BTreeSet<&'a NodeKey>,
    edges: BTreeSet<Edge>,
}

/// All edges, in a fixed order. An edge from a node to itself is kept: it is a cycle.
pub(super) fn find<'a>(
    nodes: &'a [Node],
    implied: &'a [(NodeKey, ImpliedDependency)],
    spec: &Spec,
    places: &Placements,
) -> Vec<Edge> {
    let mut by_entry: HashMap<_, Vec<usize>> = HashMap::new();
    for (at, node) in nodes.iter().enumerate() {
        by_entry
            .entry((
                node.subject.key.stack.clone(),
                node.subject.key.address.clone(),
            ))
            .or_default()
            .push(at);
    }
    let by_id = nodes
        .iter()
        .enumerate()
        .filter_map(|(at, node)| Some((node.id()?, at)))
        .collect();
    let last = implied
        .iter()
        .filter(|(_, implied)| matches!(implied, ImpliedDependency::EverythingWithin(_)))
        .map(|(key, _)| key)
        .collect();
    let mut by_principal: HashMap<_, Vec<usize>> = HashMap::new();
    let mut by_scope: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, node) in nodes.iter().enumerate() {
        let place = match &node.identity {
            Identity::Resource(id) => id,
            Identity::Grant(grant) => {
                if let Some(key) = grant.principal_key() {
                    by_principal.entry(key).or_default().push(at);
                }
                &grant.scope
            }
        };
        let place = place.as_str().to_ascii_lowercase();
        by_scope.entry(place).or_default().push(at);
    }
    let mut finder = Finder {
        nodes,
        by_entry,
        by_id,
        by_principal,
        by_scope,
        last,
        edges: BTreeSet::new(),
    };
    for stack in &spec.stacks {
        for resource in &stack.resources {
            finder.written(&stack.name.value, resource, places);
        }
    }
    finder.within();
    implied
        .iter()
        .for_each(|(key, implied)| finder.implied(key, implied));
    let needed = key_access::find(nodes, &finder.by_principal, &finder.edges);
    finder.edges.extend(needed);
    finder.without_repetition()
}

impl<'a> Finder<'a> {
    fn entry(&self, stack: &str, address: &Address) -> &[usize] {
        self.by_entry
            .get(&(stack.to_owned(), address.clone()))
            .map_or(&[], Vec::as_slice)
    }

    /// References and `dependsOn` of one entry.
    fn written(&mut self, stack: &str, resource: &Resource, places: &Placements) {
        let mut found: Vec<(BodyPath, &Template)> = Vec::new();
        templates(&resource.props, &BodyPath::root(), &mut found);
        let common = [
            ("name", &resource.name),
            ("location", &resource.location),
            ("resourceGroup", &resource.resource_group),
        ];
        for (property, node) in common {
            let path = BodyPath::from_names([property]);
            node.iter()
                .for_each(|node| templates(node, &path, &mut found));
        }
        let tags = BodyPath::from_names(["tags"]);
        resource
            .tags
            .iter()
            .for_each(|tag| templates(&tag.value, &tags, &mut found));
        let waiting = self.entry(stack, &resource.address).to_vec();
        let mut wait = |on: &[usize], reason: Reason| {
            for from in on {
                for to in &waiting {
                    self.edges.insert((*from, *to, reason.clone()));
                }
            }
        };
        for (property, template) in found {
            for segment in &template.0 {
                let Segment::Expr(Expr::Resource(reference)) = segment else {
                    continue;
                };
                let Some(placement) = places.get(&(stack.to_owned(), address_of(reference))) else {
                    continue;
                };
                let target = self
                    .by_entry
                    .get(&(placement.key.stack.clone(), placement.key.address.clone()));
                let main: Vec<usize> = target
                    .into_iter()
                    .flatten()
                    .copied()
                    .filter(|at| self.nodes[*at].subject.key.part.is_none())
                    .collect();
                wait(&main, Reason::Refers(property.clone()));
            }
        }
        for name in &resource.depends_on {
            let Some(placement) = places.get(&(stack.to_owned(), name.value.clone())) else {
                continue;
            };
            let all = self
                .by_entry
                .get(&(placement.key.stack.clone(), placement.key.address.clone()));
            wait(all.map_or(&[], Vec::as_slice), Reason::DependsOn);
        }
    }

    /// Every node depends on the nearest node that it is in or on.
    fn within(&mut self) {
        for (at, node) in self.nodes.iter().enumerate() {
            let mut scope = node.scope();
            while let Some(id) = scope {
                if let Some(above) = self.by_id.get(&id) {
                    if *above != at {
                        self.edges.insert((*above, at, Reason::Within));
                    }
                    break;
                }
                scope = id.parent();
            }
        }
    }

    fn implied(&mut self, key: &NodeKey, implied: &ImpliedDependency) {
        let waiting = self.entry(&key.stack, &key.address).to_vec();
        let part_of = |at: &usize| &self.nodes[*at].subject.key.part;
        let (on, waiting, reason): (Vec<usize>, Vec<usize>, Reason) = match implied {
            ImpliedDependency::RoleAssignmentsOf { principal, on, why } => {
                let needed = |at: &usize| match &self.nodes[*at].identity {
                    Identity::Grant(grant) => grant.scope.may_reach(on),
                    Identity::Resource(_) => false,
                };
                let grants = self.by_principal.get(principal).into_iter().flatten();
                (
                    grants.copied().filter(needed).collect(),
                    waiting,
                    Reason::NeedsGrant(why.clone()),
                )
            }
            ImpliedDependency::Named { node, property } => {
                let entry = self.entry(&node.stack, &node.address);
                let main = entry.iter().copied().filter(|at| part_of(at).is_none());
                (
                    main.collect(),
                    waiting,
                    Reason::Refers(BodyPath::parse(property)),
                )
            }
            ImpliedDependency::EverythingWithin(scope) => {
                let own: BTreeSet<&NodeKey> = waiting
                    .iter()
                    .map(|at| &self.nodes[*at].subject.key)
                    .collect();
                let locked = |at: &usize| {
                    let key = &self.nodes[*at].subject.key;
                    !own.contains(key) && !self.last.contains(key)
                };
                let within = self.all_within(scope).filter(locked).collect();
                (within, waiting, Reason::Locks)
            }
            ImpliedDependency::FollowsPart { part, after, why } => {
                let (first, second) = waiting
                    .iter()
                    .partition::<Vec<usize>, _>(|at| part_of(at).as_ref() == Some(after));
                let second = second
                    .into_iter()
                    .filter(|at| part_of(at) == part)
                    .collect();
                (first, second, Reason::Follows(why))
            }
        };
        for from in on {
            for to in &waiting {
                self.edges.insert((from, *to, reason.clone()));
            }
        }
    }

    /// The edges, without `Within` where there is a more specific reason.
    fn without_repetition(self) -> Vec<Edge> {
        let explained: BTreeSet<(usize, usize)> = self
            .edges
            .iter()
            .filter(|(_, _, reason)| *reason != Reason::Within)
            .map(|(from, to, _)| (*from, *to))
            .collect();
        let is_specific = |(from, to, reason): &Edge| {
            *reason != Reason::Within || !explained.contains(&(*from, *to))
        };
        self.edges.into_iter().filter(is_specific).collect()
    }

    /// The nodes at or below a scope.
    fn all_within(&self, scope: &ArmId) -> impl Iterator<Item = usize> {
        let scope = scope.as_str().to_ascii_lowercase();
        let below = format!("{scope}/");
        let itself = self.by_scope.get(&scope).into_iter();
        let inside = self.by_scope.range(below.clone()..);
        let inside = inside.take_while(move |(place, _)| place.starts_with(&below));
        itself
            .chain(inside.map(|(_, nodes)| nodes))
            .flatten()
            .copied()
    }
}

/// The graph, in an order that respects dependencies and otherwise the spec. Reports cycles.
pub(super) fn assemble(nodes: Vec<Node>, edges: Vec<Edge>, diagnostics: &mut Diagnostics) -> Graph {
    let mut inner: DiGraph<Node, Reason> = DiGraph::with_capacity(nodes.len(), edges.len());
    let by_key = nodes
        .into_iter()
        .map(|node| {
            let key = node.subject.key.clone();
            (key, inner.add_node(node))
        })
        .collect();
    for (from, to, reason) in edges {
        inner.add_edge(NodeIndex::new(from), NodeIndex::new(to), reason);
    }
    for component in tarjan_scc(&inner) {
        if let Some(path) = cycle_in(&inner, &component) {
            diagnostics.push(describe_cycle(&inner, &path));
        }
    }
    let order = order(&inner);
    let by_id = inner
        .node_indices()
        .filter_map(|at| Some((inner[at].id()?.clone(), at)))
        .collect();
    Graph {
        inner,
        by_key,
        by_id,
        order,
        ..Graph::default()
    }
}

/// Kahn's algorithm; of the ready nodes, the first in the spec comes first.
fn order(graph: &DiGraph<Node, Reason>) -> Vec<NodeIndex> {
    let mut missing: Vec<usize> = graph
        .node_indices()
        .map(|at| graph.edges_directed(at, petgraph::Incoming).count())
        .collect();
    let mut ready: BTreeSet<NodeIndex> = graph
        .node_indices()
        .filter(|at| missing[at.index()] == 0)
        .collect();
    let mut order = Vec::with_capacity(graph.node_count());
    while let Some(next) = ready.pop_first() {
        order.push(next);
        for edge in graph.edges(next) {
            let missing = &mut missing[edge.target().index()];
            *missing -= 1;
            if *missing == 0 {
                ready.insert(edge.target());
            }
        }
    }
    order
}

/// A path from the first node of a component back to it, if the component has a cycle.
fn cycle_in(graph: &DiGraph<Node, Reason>, component: &[NodeIndex]) -> Option<Vec<NodeIndex>> {
    let start = *component.iter().min()?;
    let members: BTreeSet<NodeIndex> = component.iter().copied().collect();
    let mut came_from: HashMap<NodeIndex, NodeIndex> = HashMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        let mut next: Vec<NodeIndex> = graph
            .neighbors_directed(at, petgraph::Incoming)
            .filter(|next| members.contains(next))
            .collect();
        next.sort();
        for next in next {
            if next == start {
                let mut path = vec![at];
                while let Some(before) = path
                    .last()
                    .filter(|last| **last != start)
                    .and_then(|last| came_from.get(last))
                {
                    path.push(*before);
                }
                path.reverse();
                path.push(start);
                return Some(path);
            }
            if let Entry::Vacant(first_visit) = came_from.entry(next) {
                first_visit.insert(at);
                queue.push_back(next);
            }
        }
    }
    None
}

fn describe_cycle(graph: &DiGraph<Node, Reason>, path: &[NodeIndex]) -> Diagnostic {
    let name = |at: &NodeIndex| graph[*at].subject.key.to_string();
    let path_text = path.iter().map(name).collect::<Vec<_>>().join(" → ");
    let span = path.first().map(|at| graph[*at].subject.span);
    let mut diagnostic = Diagnostic::error(
        Code::ReferenceCycle,
        span,
        format!("resources depend on each other in a cycle: {path_text}"),
    );
    for pair in path.windows(2) {
        let [dependent, on] = pair else { continue };
        // Of several reasons, one is enough.
        for edge in graph.edges_connecting(*on, *dependent).take(1) {
            diagnostic = diagnostic.related(
                graph[*dependent].subject.span,
                format!(
                    "`{}` depends on `{}`: {}",
                    name(dependent),
                    name(on),
                    edge.weight()
                ),
            );
        }
    }
    diagnostic.help("remove one of these references")
}
