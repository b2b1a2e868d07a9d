//! The graph of resources as text, as a drawing, and in the languages of Mermaid and Graphviz; with a plan, also what
//! happens to each.

mod svg;

use std::collections::{BTreeSet, HashMap};

use lazuli_core::{
    graph::{Graph, NodeKey},
    kind::Registry,
    plan::{Action, Plan, Step},
};

use super::{
    Names, mark,
    style::{Style, Tint, clean, columns, wrap},
};

/// The resources in the order in which they are made, each with what it waits for.
pub(crate) fn text(graph: &Graph, plan: Option<&Plan>, style: &Style) -> String {
    Drawing::of(graph, plan).text(style)
}

/// A Mermaid flowchart; arrows point at what is waited for.
pub(crate) fn mermaid(graph: &Graph, plan: Option<&Plan>) -> String {
    Drawing::of(graph, plan).mermaid()
}

/// A Graphviz digraph; arrows point at what is waited for.
pub(crate) fn dot(graph: &Graph, plan: Option<&Plan>) -> String {
    Drawing::of(graph, plan).dot()
}

/// A drawing in layers, as SVG; arrows point at what is waited for.
pub(crate) fn svg(graph: &Graph, plan: Option<&Plan>, registry: Registry) -> String {
    svg::svg(&Drawing::of(graph, plan), registry)
}

pub(crate) use svg::STYLE as SVG_STYLE;

/// Up to so many resources are drawn on a page: a drawing of more is read by nobody, and takes long to lay out.
const DRAWN: usize = 300;

/// A drawing on a page that has [`SVG_STYLE`] itself.
pub(crate) enum Figure {
    /// Of all resources.
    Whole(String),
    /// Of what changes, and what is next to it.
    Changes {
        /// The drawing.
        svg: String,
        /// How many resources are not in it.
        left_out: usize,
    },
    /// There is none.
    TooLarge {
        /// Of so many resources.
        resources: usize,
    },
}

/// A drawing of a plan, in which resources are links to where `link` says.
pub(crate) fn figure(
    graph: &Graph,
    plan: &Plan,
    registry: Registry,
    link: &dyn Fn(&NodeKey) -> Option<String>,
) -> Figure {
    let whole = Drawing::linked(graph, Some(plan), link);
    let resources = whole.nodes.len();
    if resources <= DRAWN {
        return Figure::Whole(svg::figure(&whole, registry));
    }
    let changes = whole.around_changes();
    match changes.nodes.len() {
        0 => Figure::TooLarge { resources },
        drawn if drawn <= DRAWN => Figure::Changes {
            svg: svg::figure(&changes, registry),
            left_out: resources - drawn,
        },
        _ => Figure::TooLarge { resources },
    }
}

/// What every form shows.
struct Drawing {
    nodes: Vec<Drawn>,
}

struct Drawn {
    name: String,
    kind: String,
    is_existing: bool,
    /// What the plan does with it, if there is a plan.
    fate: Option<Fate>,
    /// Where it leads, if somewhere.
    link: Option<String>,
    /// The position of what it waits for, and why.
    waits: Vec<(usize, String)>,
}

/// What a plan does with a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Changes(Action),
    Stays,
}

impl Fate {
    const ALL: [Self; 7] = [
        Self::Changes(Action::Create),
        Self::Changes(Action::Adopt),
        Self::Changes(Action::Update),
        Self::Changes(Action::Replace),
        Self::Changes(Action::Delete),
        Self::Changes(Action::Release),
        Self::Stays,
    ];

    /// The sign, as in a plan.
    fn sign(self) -> &'static str {
        match self {
            Self::Changes(action) => mark(action).0,
            Self::Stays => "=",
        }
    }

    fn tint(self) -> Tint {
        match self {
            Self::Changes(action) => mark(action).1,
            Self::Stays => Tint::Faint,
        }
    }

    /// In one word, which is also what it is called in style sheets.
    fn word(self) -> &'static str {
        match self {
            Self::Changes(Action::Create) => "create",
            Self::Changes(Action::Adopt) => "adopt",
            Self::Changes(Action::Update) => "update",
            Self::Changes(Action::Replace) => "replace",
            Self::Changes(Action::Delete) => "delete",
            Self::Changes(Action::Release) => "release",
            Self::Stays => "unchanged",
        }
    }

    /// A colour that can be told from both a light and a dark ground.
    fn colour(self) -> &'static str {
        match self.tint() {
            Tint::Green => "#2da44e",
            Tint::Yellow => "#bf8700",
            Tint::Red => "#e5534b",
            Tint::Faint | Tint::Strong => "#848d97",
        }
    }
}

impl Drawing {
    fn of(graph: &Graph, plan: Option<&Plan>) -> Self {
        Self::linked(graph, plan, &|_| None)
    }

    fn linked(
        graph: &Graph,
        plan: Option<&Plan>,
        link: &dyn Fn(&NodeKey) -> Option<String>,
    ) -> Self {
        let steps: &[Step] = plan.map_or(&[], |plan| &plan.steps);
        let names = Names::of(
            graph
                .nodes()
                .map(|node| &node.subject.key)
                .chain(steps.iter().map(|step| &step.subject.key)),
        );
        let fates: HashMap<&NodeKey, Action> = steps
            .iter()
            .map(|step| (&step.subject.key, step.action))
            .collect();
        let positions: HashMap<&NodeKey, usize> = graph
            .nodes()
            .enumerate()
            .map(|(at, node)| (&node.subject.key, at))
            .collect();
        let fate = |key: &NodeKey| {
            plan?;
            let action = fates.get(key).copied();
            Some(action.map_or(Fate::Stays, Fate::Changes))
        };
        let drawn = graph.nodes().map(|node| Drawn {
            name: names.name(&node.subject.key),
            kind: node.subject.kind.to_owned(),
            is_existing: node.lifecycle.existing,
            fate: fate(&node.subject.key),
            link: link(&node.subject.key),
            waits: graph
                .dependencies(&node.subject.key)
                .into_iter()
                .filter_map(|(other, why)| {
                    Some((*positions.get(&other.subject.key)?, clean(&why.to_string())))
                })
                .collect(),
        });
        // What goes without being in the spec any more.
        let mut gone = BTreeSet::new();
        let going = steps
            .iter()
            .filter(|step| {
                !positions.contains_key(&step.subject.key) && gone.insert(&step.subject.key)
            })
            .map(|step| Drawn {
                name: names.name(&step.subject.key),
                kind: step.subject.kind.to_owned(),
                is_existing: false,
                fate: Some(Fate::Changes(step.action)),
                link: link(&step.subject.key),
                waits: Vec::new(),
            });
        Self {
            nodes: drawn.chain(going).collect(),
        }
    }

    /// What changes, what that waits for, and what waits for that.
    fn around_changes(self) -> Self {
        let changes = |at: usize| {
            let fate = self.nodes.get(at).and_then(|node| node.fate);
            matches!(fate, Some(Fate::Changes(_)))
        };
        let mut kept: BTreeSet<usize> = (0..self.nodes.len()).filter(|at| changes(*at)).collect();
        for (from, to, _) in self.edges() {
            if changes(from) || changes(to) {
                kept.extend([from, to]);
            }
        }
        let places: HashMap<usize, usize> = kept.iter().copied().zip(0..).collect();
        let nodes = self.nodes.into_iter().enumerate();
        let nodes = nodes.filter(|(at, _)| places.contains_key(at));
        let moved = nodes.map(|(_, node)| Drawn {
            waits: node
                .waits
                .into_iter()
                .filter_map(|(to, why)| Some((*places.get(&to)?, why)))
                .collect(),
            ..node
        });
        Self {
            nodes: moved.collect(),
        }
    }

    fn edges(&self) -> impl Iterator<Item = (usize, usize, &str)> {
        self.nodes.iter().enumerate().flat_map(|(from, node)| {
            node.waits
                .iter()
                .map(move |(to, why)| (from, *to, why.as_str()))
        })
    }

    /// The fates that there are.
    fn fates(&self) -> Vec<Fate> {
        let found: BTreeSet<Fate> = self.nodes.iter().filter_map(|node| node.fate).collect();
        let is_found = |fate: &Fate| found.contains(fate);
        Fate::ALL.into_iter().filter(is_found).collect()
    }

    fn text(&self, style: &Style) -> String {
        let mut text = String::new();
        for node in &self.nodes {
            let existing = if node.is_existing { " (existing)" } else { "" };
            let (tint, name) = match node.fate {
                None => (Tint::Strong, node.name.clone()),
                Some(fate) if style.plain => {
                    (fate.tint(), format!("{}: {}", fate.word(), node.name))
                }
                Some(fate) => (fate.tint(), node.marked(style.ascii)),
            };
            let kind = format!("{}{existing}", node.kind);
            let name_columns = columns(&name);
            let name = style.paint(tint, &name);
            match name_columns + 2 + columns(&kind) <= style.width {
                true => text.push_str(&format!("{name}  {kind}\n")),
                false => text.push_str(&format!("{name}\n    {kind}\n")),
            }
            for (to, why) in &node.waits {
                let to = self
                    .nodes
                    .get(*to)
                    .map(|node| node.name.as_str())
                    .unwrap_or_default();
                let line = format!("waits for {to}: {why}");
                for (at, piece) in wrap(&line, style.width.saturating_sub(4))
                    .iter()
                    .enumerate()
                {
                    text.push_str(&format!("{}{piece}\n", if at == 0 { "  " } else { "    " }));
                }
            }
        }
        let fates = self.fates();
        if !fates.is_empty() && !style.plain {
            let legend: Vec<String> = fates
                .into_iter()
                .map(|fate| format!("{} {}", sign(fate, style.ascii), fate.word()))
                .collect();
            text.push_str(&format!("\n{}\n", legend.join("   ")));
        }
        text
    }

    fn mermaid(&self) -> String {
        let mut text = "flowchart TD\n".to_owned();
        for (at, node) in self.nodes.iter().enumerate() {
            let (name, kind) = (
                mermaid_escaped(&node.marked(false)),
                mermaid_escaped(&node.kind),
            );
            let (open, close) = if node.is_existing {
                ("([", "])")
            } else {
                ("[", "]")
            };
            let class = node
                .fate
                .map_or(String::new(), |fate| format!(":::{}", fate.word()));
            text.push_str(&format!(
                "    n{at}{open}\"{name}<br>{kind}\"{close}{class}\n"
            ));
        }
        for (from, to, why) in self.edges() {
            text.push_str(&format!(
                "    n{from} -->|\"{}\"| n{to}\n",
                mermaid_escaped(why)
            ));
        }
        for fate in self.fates() {
            text.push_str(&format!(
                "    classDef {} stroke:{},stroke-width:2px\n",
                fate.word(),
                fate.colour()
            ));
        }
        text
    }

    fn dot(&self) -> String {
        let mut text = "digraph lazuli {\n    rankdir = BT;\n    node [shape = box];\n".to_owned();
        for (at, node) in self.nodes.iter().enumerate() {
            let (name, kind) = (dot_escaped(&node.marked(false)), dot_escaped(&node.kind));
            let mut look = String::new();
            if node.is_existing {
                look.push_str(", style = dashed");
            }
            if let Some(fate) = node.fate {
                look.push_str(&format!(", color = \"{}\", penwidth = 2", fate.colour()));
            }
            text.push_str(&format!("    n{at} [label = \"{name}\\n{kind}\"{look}];\n"));
        }
        for (from, to, why) in self.edges() {
            text.push_str(&format!(
                "    n{from} -> n{to} [label = \"{}\"];\n",
                dot_escaped(why)
            ));
        }
        text + "}\n"
    }
}

impl Drawn {
    /// `+ recordings`, or the name alone where there is no plan.
    fn marked(&self, ascii: bool) -> String {
        match self.fate {
            None => self.name.clone(),
            Some(fate) => format!("{} {}", sign(fate, ascii), self.name),
        }
    }
}

fn sign(fate: Fate, ascii: bool) -> &'static str {
    match fate.sign() {
        "±" if ascii => "-/+",
        sign => sign,
    }
}

/// Text in a quoted Mermaid label: what has a meaning there or in HTML becomes an entity code. (Mermaid docs,
/// "Entity codes to escape characters".)
fn mermaid_escaped(text: &str) -> String {
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

/// Text in a quoted Graphviz string.
fn dot_escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests;
