//! The graph of resources as text, SVG, Mermaid and Graphviz; with a plan, also the action for each resource.

mod svg;

use std::collections::{BTreeSet, HashMap};

use lazuli_core::{
    graph::{Graph, NodeKey, Reason},
    kind::Registry,
    plan::{Action, Plan, Step},
};
use maud::Markup;

use super::{
    NodeNames, action_sign, render_pair,
    style::{Style, Tint, escape_control, wrap_hanging},
};

/// The resources in dependency order, each with its dependencies.
pub(crate) fn text(graph: &Graph, plan: Option<&Plan>, style: &Style) -> String {
    Diagram::new(graph, plan).to_text(style)
}

/// A Mermaid flowchart; arrows point to dependencies.
pub(crate) fn mermaid(graph: &Graph, plan: Option<&Plan>) -> String {
    Diagram::new(graph, plan).to_mermaid()
}

/// A Graphviz digraph; arrows point to dependencies.
pub(crate) fn dot(graph: &Graph, plan: Option<&Plan>) -> String {
    Diagram::new(graph, plan).to_dot()
}

/// A layered drawing as an SVG file; arrows point to dependencies.
pub(crate) fn svg(graph: &Graph, plan: Option<&Plan>, registry: Registry) -> String {
    svg::draw_document(&Diagram::new(graph, plan), registry)
}

pub(crate) use svg::STYLE as SVG_STYLE;

/// Drawings of more resources are not readable, and take long to lay out.
const MOST_DRAWN: usize = 300;

/// A drawing for a page that contains [`SVG_STYLE`].
pub(crate) enum Figure {
    /// All resources.
    Whole(Markup),
    /// Changed resources and their neighbors.
    Changes {
        svg: Markup,
        /// The number of resources that are not drawn.
        omitted: usize,
    },
    TooLarge {
        /// The number of resources.
        resources: usize,
    },
}

/// Draws a plan. Resources link to the targets that `link` returns.
pub(crate) fn draw_figure(
    graph: &Graph,
    plan: &Plan,
    registry: Registry,
    link: &dyn Fn(&NodeKey) -> Option<String>,
) -> Figure {
    let whole = Diagram::with_links(graph, Some(plan), link);
    let resources = whole.nodes.len();
    if resources <= MOST_DRAWN {
        return Figure::Whole(svg::draw_figure(&whole, registry));
    }
    let changes = whole.limit_to_changes();
    match changes.nodes.len() {
        0 => Figure::TooLarge { resources },
        drawn if drawn <= MOST_DRAWN => Figure::Changes {
            svg: svg::draw_figure(&changes, registry),
            omitted: resources - drawn,
        },
        _ => Figure::TooLarge { resources },
    }
}

/// The content of every output format.
struct Diagram {
    nodes: Vec<DiagramNode>,
}

struct DiagramNode {
    name: String,
    kind: String,
    is_existing: bool,
    /// `None` without a plan.
    change: Option<NodeChange>,
    /// The target of a link.
    link: Option<String>,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Dependency {
    /// The position of the node that is depended on.
    on: usize,
    /// The reason in a word or two.
    short: String,
    /// The reason in a clause.
    long: String,
}

impl Dependency {
    fn new(on: usize, reason: &Reason) -> Self {
        let long = escape_control(&reason.to_string());
        let short = match reason {
            Reason::Within => "in".to_owned(),
            Reason::DependsOn => "dependsOn".to_owned(),
            Reason::Refers(path) => escape_control(path.name()),
            Reason::NeedsGrant(_) => "needs role".to_owned(),
            Reason::Locks => "locks".to_owned(),
            Reason::Follows(_) => long.clone(),
        };
        Self { on, short, long }
    }
}

/// What a plan does with a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum NodeChange {
    Step(Action),
    Unchanged,
}

impl NodeChange {
    const ALL: [Self; 7] = [
        Self::Step(Action::Create),
        Self::Step(Action::Adopt),
        Self::Step(Action::Update),
        Self::Step(Action::Replace),
        Self::Step(Action::Delete),
        Self::Step(Action::Release),
        Self::Unchanged,
    ];

    /// The sign, as in a plan.
    fn sign(self) -> &'static str {
        match self {
            Self::Step(action) => action_sign(action).0,
            Self::Unchanged => "=",
        }
    }

    fn ascii_sign(self) -> &'static str {
        match self.sign() {
            "±" => "-/+",
            sign => sign,
        }
    }

    fn tint(self) -> Tint {
        match self {
            Self::Step(action) => action_sign(action).1,
            Self::Unchanged => Tint::Faint,
        }
    }

    /// The word for readers, which is also the class in style sheets.
    fn word(self) -> &'static str {
        match self {
            Self::Step(Action::Create) => "create",
            Self::Step(Action::Adopt) => "adopt",
            Self::Step(Action::Update) => "update",
            Self::Step(Action::Replace) => "replace",
            Self::Step(Action::Delete) => "delete",
            Self::Step(Action::Release) => "release",
            Self::Unchanged => "unchanged",
        }
    }

    /// A color with enough contrast on light and on dark backgrounds.
    fn color(self) -> &'static str {
        match self.tint() {
            Tint::Green => "#2da44e",
            Tint::Yellow => "#bf8700",
            Tint::Red => "#e5534b",
            Tint::Faint | Tint::Strong => "#848d97",
        }
    }
}

impl Diagram {
    fn new(graph: &Graph, plan: Option<&Plan>) -> Self {
        Self::with_links(graph, plan, &|_| None)
    }

    fn with_links(
        graph: &Graph,
        plan: Option<&Plan>,
        link: &dyn Fn(&NodeKey) -> Option<String>,
    ) -> Self {
        let steps: &[Step] = plan.map_or(&[], |plan| &plan.steps);
        let names = NodeNames::from_keys(
            graph
                .nodes()
                .map(|node| &node.subject.key)
                .chain(steps.iter().map(|step| &step.subject.key)),
        );
        let actions: HashMap<&NodeKey, Action> = steps
            .iter()
            .map(|step| (&step.subject.key, step.action))
            .collect();
        let positions: HashMap<&NodeKey, usize> = graph
            .nodes()
            .enumerate()
            .map(|(at, node)| (&node.subject.key, at))
            .collect();
        let change = |key: &NodeKey| {
            plan?;
            let action = actions.get(key).copied();
            Some(action.map_or(NodeChange::Unchanged, NodeChange::Step))
        };
        let dependencies = |key: &NodeKey| {
            let dependencies = graph.dependencies(key).into_iter();
            dependencies
                .filter_map(|(other, reason)| {
                    let on = *positions.get(&other.subject.key)?;
                    Some(Dependency::new(on, reason))
                })
                .collect()
        };
        let nodes = graph.nodes().map(|node| DiagramNode {
            name: names.name(&node.subject.key),
            kind: node.subject.kind.to_owned(),
            is_existing: node.lifecycle.existing,
            change: change(&node.subject.key),
            link: link(&node.subject.key),
            dependencies: dependencies(&node.subject.key),
        });
        // Deleted resources are not in the graph.
        let mut deleted = BTreeSet::new();
        let deletions = steps
            .iter()
            .filter(|step| {
                !positions.contains_key(&step.subject.key) && deleted.insert(&step.subject.key)
            })
            .map(|step| DiagramNode {
                name: names.name(&step.subject.key),
                kind: step.subject.kind.to_owned(),
                is_existing: false,
                change: Some(NodeChange::Step(step.action)),
                link: link(&step.subject.key),
                dependencies: Vec::new(),
            });
        Self {
            nodes: nodes.chain(deletions).collect(),
        }
    }

    /// Keeps changed resources, their dependencies and their dependents.
    fn limit_to_changes(self) -> Self {
        let is_changed = |at: usize| {
            let change = self.nodes.get(at).and_then(|node| node.change);
            matches!(change, Some(NodeChange::Step(_)))
        };
        let mut kept: BTreeSet<usize> =
            (0..self.nodes.len()).filter(|at| is_changed(*at)).collect();
        for (from, dependency) in self.edges() {
            if is_changed(from) || is_changed(dependency.on) {
                kept.extend([from, dependency.on]);
            }
        }
        let positions: HashMap<usize, usize> = kept.iter().copied().zip(0..).collect();
        let nodes = self.nodes.into_iter().enumerate();
        let nodes = nodes.filter(|(at, _)| positions.contains_key(at));
        let nodes = nodes.map(|(_, node)| DiagramNode {
            dependencies: node
                .dependencies
                .into_iter()
                .filter_map(|dependency| {
                    let on = *positions.get(&dependency.on)?;
                    Some(Dependency { on, ..dependency })
                })
                .collect(),
            ..node
        });
        Self {
            nodes: nodes.collect(),
        }
    }

    /// The dependencies, each with the position of its dependent.
    fn edges(&self) -> impl Iterator<Item = (usize, &Dependency)> {
        self.nodes.iter().enumerate().flat_map(|(from, node)| {
            node.dependencies
                .iter()
                .map(move |dependency| (from, dependency))
        })
    }

    /// The name of the node at a position; that of an edge always exists.
    fn name(&self, at: usize) -> &str {
        self.nodes.get(at).map_or("", |node| &node.name)
    }

    /// The kinds of changes that occur.
    fn changes(&self) -> Vec<NodeChange> {
        let found: BTreeSet<NodeChange> =
            self.nodes.iter().filter_map(|node| node.change).collect();
        let is_found = |change: &NodeChange| found.contains(change);
        NodeChange::ALL.into_iter().filter(is_found).collect()
    }

    fn to_text(&self, style: &Style) -> String {
        let mut text = String::new();
        for node in &self.nodes {
            let existing = if node.is_existing { " (existing)" } else { "" };
            let (tint, name) = match node.change {
                None => (Tint::Strong, node.name.clone()),
                Some(change) if style.plain => {
                    (change.tint(), format!("{}: {}", change.word(), node.name))
                }
                Some(change) if style.ascii => (
                    change.tint(),
                    format!("{} {}", change.ascii_sign(), node.name),
                ),
                Some(change) => (change.tint(), node.label()),
            };
            let kind = format!("{}{existing}", node.kind);
            text.push_str(&render_pair(&name, tint, &kind, style));
            for dependency in &node.dependencies {
                let name = self.name(dependency.on);
                let line = format!("depends on {name}: {}", dependency.long);
                text.push_str(&wrap_hanging(&line, None, [2, 4], style));
            }
        }
        let changes = self.changes();
        if !changes.is_empty() && !style.plain {
            let sign = |change: NodeChange| match style.ascii {
                true => change.ascii_sign(),
                false => change.sign(),
            };
            let legend: Vec<String> = changes
                .into_iter()
                .map(|change| format!("{} {}", sign(change), change.word()))
                .collect();
            text.push_str(&format!("\n{}\n", legend.join("   ")));
        }
        text
    }

    fn to_mermaid(&self) -> String {
        let mut text = "flowchart TD\n".to_owned();
        for (at, node) in self.nodes.iter().enumerate() {
            let (name, kind) = (escape_mermaid(&node.label()), escape_mermaid(&node.kind));
            let (open, close) = if node.is_existing {
                ("([", "])")
            } else {
                ("[", "]")
            };
            let class = node
                .change
                .map_or(String::new(), |change| format!(":::{}", change.word()));
            text.push_str(&format!(
                "    n{at}{open}\"{name}<br>{kind}\"{close}{class}\n"
            ));
        }
        for (from, Dependency { on, long, .. }) in self.edges() {
            let reason = escape_mermaid(long);
            text.push_str(&format!("    n{from} -->|\"{reason}\"| n{on}\n"));
        }
        for change in self.changes() {
            text.push_str(&format!(
                "    classDef {} stroke:{},stroke-width:2px\n",
                change.word(),
                change.color()
            ));
        }
        text
    }

    fn to_dot(&self) -> String {
        let mut text = "digraph lazuli {\n    rankdir = BT;\n    node [shape = box];\n".to_owned();
        for (at, node) in self.nodes.iter().enumerate() {
            let (name, kind) = (escape_dot(&node.label()), escape_dot(&node.kind));
            let mut attributes = String::new();
            if node.is_existing {
                attributes.push_str(", style = dashed");
            }
            if let Some(change) = node.change {
                let color = change.color();
                attributes.push_str(&format!(", color = \"{color}\", penwidth = 2"));
            }
            text.push_str(&format!(
                "    n{at} [label = \"{name}\\n{kind}\"{attributes}];\n"
            ));
        }
        for (from, Dependency { on, long, .. }) in self.edges() {
            let reason = escape_dot(long);
            text.push_str(&format!("    n{from} -> n{on} [label = \"{reason}\"];\n"));
        }
        text + "}\n"
    }
}

impl DiagramNode {
    /// `+ recordings`, or the name alone without a plan.
    fn label(&self) -> String {
        match self.change {
            None => self.name.clone(),
            Some(change) => format!("{} {}", change.sign(), self.name),
        }
    }
}

/// Escapes text for a quoted Mermaid label: special characters of Mermaid and HTML become entity codes. (Mermaid docs,
/// "Entity codes to escape characters".)
fn escape_mermaid(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '"' | '#' | '&' | '<' | '>' | '`' | '\\' | ';' | '|' | '{' | '}' => {
                escaped.push_str(&format!("#{};", u32::from(character)));
            }
            plain => escaped.push(plain),
        }
    }
    escaped
}

/// Escapes text for a quoted Graphviz string.
fn escape_dot(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests;
