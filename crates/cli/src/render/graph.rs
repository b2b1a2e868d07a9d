//! The graph of resources as text, and in the languages of Mermaid and Graphviz.

use std::collections::HashMap;

use lazuli_core::graph::{Graph, NodeKey};

use super::{
    Names,
    style::{Style, Tint, clean, wrap},
};

/// The resources in the order in which they are made, each with what it waits for.
pub(crate) fn text(graph: &Graph, style: &Style) -> String {
    Drawing::of(graph).text(style)
}

/// A Mermaid flowchart; arrows point at what is waited for.
pub(crate) fn mermaid(graph: &Graph) -> String {
    Drawing::of(graph).mermaid()
}

/// A Graphviz digraph; arrows point at what is waited for.
pub(crate) fn dot(graph: &Graph) -> String {
    Drawing::of(graph).dot()
}

/// What every form shows.
struct Drawing {
    nodes: Vec<Drawn>,
}

struct Drawn {
    name: String,
    kind: String,
    is_existing: bool,
    /// The position of what it waits for, and why.
    waits: Vec<(usize, String)>,
}

impl Drawing {
    fn of(graph: &Graph) -> Self {
        let names = Names::of(graph.nodes().map(|node| &node.key));
        let positions: HashMap<&NodeKey, usize> = graph
            .nodes()
            .enumerate()
            .map(|(at, node)| (&node.key, at))
            .collect();
        let drawn = graph.nodes().map(|node| Drawn {
            name: names.name(&node.key),
            kind: node.kind.to_owned(),
            is_existing: node.lifecycle.existing,
            waits: graph
                .dependencies(&node.key)
                .into_iter()
                .filter_map(|(other, why)| {
                    Some((*positions.get(&other.key)?, clean(&why.to_string())))
                })
                .collect(),
        });
        Self {
            nodes: drawn.collect(),
        }
    }

    fn edges(&self) -> impl Iterator<Item = (usize, usize, &str)> {
        self.nodes.iter().enumerate().flat_map(|(from, node)| {
            node.waits
                .iter()
                .map(move |(to, why)| (from, *to, why.as_str()))
        })
    }

    fn text(&self, style: &Style) -> String {
        let mut text = String::new();
        for node in &self.nodes {
            let existing = if node.is_existing { " (existing)" } else { "" };
            text.push_str(&format!(
                "{}  {}{existing}\n",
                style.paint(Tint::Strong, &node.name),
                node.kind
            ));
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
        text
    }

    fn mermaid(&self) -> String {
        let mut text = "flowchart TD\n".to_owned();
        for (at, node) in self.nodes.iter().enumerate() {
            let (name, kind) = (mermaid_escaped(&node.name), mermaid_escaped(&node.kind));
            let (open, close) = if node.is_existing {
                ("([", "])")
            } else {
                ("[", "]")
            };
            text.push_str(&format!("    n{at}{open}\"{name}<br>{kind}\"{close}\n"));
        }
        for (from, to, why) in self.edges() {
            text.push_str(&format!(
                "    n{from} -->|\"{}\"| n{to}\n",
                mermaid_escaped(why)
            ));
        }
        text
    }

    fn dot(&self) -> String {
        let mut text = "digraph lazuli {\n    rankdir = BT;\n    node [shape = box];\n".to_owned();
        for (at, node) in self.nodes.iter().enumerate() {
            let (name, kind) = (dot_escaped(&node.name), dot_escaped(&node.kind));
            let look = if node.is_existing {
                ", style = dashed"
            } else {
                ""
            };
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
mod tests {
    use super::*;

    fn cameras() -> Drawing {
        let node = |name: &str, kind: &str, waits: &[(usize, &str)]| Drawn {
            name: name.to_owned(),
            kind: kind.to_owned(),
            is_existing: false,
            waits: waits
                .iter()
                .map(|(to, why)| (*to, (*why).to_owned()))
                .collect(),
        };
        Drawing {
            nodes: vec![
                Drawn {
                    is_existing: true,
                    ..node("group", "resourceGroup", &[])
                },
                node(
                    "each[\"a\\b\"]",
                    "storageAccount",
                    &[(0, "it is in or on it")],
                ),
                node(
                    "access/Reader",
                    "roleAssignment",
                    &[(0, "dependsOn names it"), (1, "`scope` refers to it")],
                ),
            ],
        }
    }

    #[test]
    fn text_lists_what_each_waits_for() {
        assert_eq!(
            cameras().text(&Style::default()),
            "\
group  resourceGroup (existing)
each[\"a\\b\"]  storageAccount
  waits for group: it is in or on it
access/Reader  roleAssignment
  waits for group: dependsOn names it
  waits for each[\"a\\b\"]: `scope` refers to it
"
        );
    }

    #[test]
    fn mermaid_labels_are_escaped() {
        assert_eq!(
            cameras().mermaid(),
            "\
flowchart TD
    n0([\"group<br>resourceGroup\"])
    n1[\"each[#34;a#92;b#34;]<br>storageAccount\"]
    n2[\"access/Reader<br>roleAssignment\"]
    n1 -->|\"it is in or on it\"| n0
    n2 -->|\"dependsOn names it\"| n0
    n2 -->|\"#96;scope#96; refers to it\"| n1
"
        );
    }

    #[test]
    fn dot_labels_are_escaped() {
        assert_eq!(
            cameras().dot(),
            "\
digraph lazuli {
    rankdir = BT;
    node [shape = box];
    n0 [label = \"group\\nresourceGroup\", style = dashed];
    n1 [label = \"each[\\\"a\\\\b\\\"]\\nstorageAccount\"];
    n2 [label = \"access/Reader\\nroleAssignment\"];
    n1 -> n0 [label = \"it is in or on it\"];
    n2 -> n0 [label = \"dependsOn names it\"];
    n2 -> n1 [label = \"`scope` refers to it\"];
}
"
        );
    }

    #[test]
    fn an_empty_graph_is_valid_in_every_form() {
        let graph = Graph::default();
        assert_eq!(text(&graph, &Style::default()), "");
        assert_eq!(mermaid(&graph), "flowchart TD\n");
        assert_eq!(
            dot(&graph),
            "digraph lazuli {\n    rankdir = BT;\n    node [shape = box];\n}\n"
        );
    }
}
