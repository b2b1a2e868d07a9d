//! Output formats of graphs.

use super::*;

/// A node without a plan, for tests of this module and of the diagram.
pub(super) fn node(name: &str, kind: &str, dependencies: Vec<Dependency>) -> DiagramNode {
    DiagramNode {
        name: name.to_owned(),
        kind: kind.to_owned(),
        is_existing: false,
        change: None,
        link: None,
        dependencies,
    }
}

fn cameras() -> Diagram {
    let node = |name: &str, kind: &str, dependencies: &[(usize, &str)]| {
        let dependencies = dependencies.iter().map(|(on, long)| Dependency {
            on: *on,
            short: String::new(),
            long: (*long).to_owned(),
        });
        node(name, kind, dependencies.collect())
    };
    Diagram {
        nodes: vec![
            DiagramNode {
                is_existing: true,
                ..node("group", "resourceGroup", &[])
            },
            node(
                "each[\"a\\b\"]",
                "storageAccount",
                &[(0, "contained in it or attached to it")],
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
fn text_lists_the_dependencies_of_each_resource() {
    assert_eq!(
        cameras().to_text(&Style::default()),
        "\
group  resourceGroup (existing)
each[\"a\\b\"]  storageAccount
  depends on group: contained in it or attached to it
access/Reader  roleAssignment
  depends on group: dependsOn names it
  depends on each[\"a\\b\"]: `scope` refers to it
"
    );
}

#[test]
fn mermaid_labels_are_escaped() {
    assert_eq!(
        cameras().to_mermaid(),
        "\
flowchart TD
    n0([\"group<br>resourceGroup\"])
    n1[\"each[#34;a#92;b#34;]<br>storageAccount\"]
    n2[\"access/Reader<br>roleAssignment\"]
    n1 -->|\"contained in it or attached to it\"| n0
    n2 -->|\"dependsOn names it\"| n0
    n2 -->|\"#96;scope#96; refers to it\"| n1
"
    );
}

#[test]
fn dot_labels_are_escaped() {
    assert_eq!(
        cameras().to_dot(),
        "\
digraph lazuli {
    rankdir = BT;
    node [shape = box];
    n0 [label = \"group\\nresourceGroup\", style = dashed];
    n1 [label = \"each[\\\"a\\\\b\\\"]\\nstorageAccount\"];
    n2 [label = \"access/Reader\\nroleAssignment\"];
    n1 -> n0 [label = \"contained in it or attached to it\"];
    n2 -> n0 [label = \"dependsOn names it\"];
    n2 -> n1 [label = \"`scope` refers to it\"];
}
"
    );
}

#[test]
fn empty_graph_is_valid_in_every_format() {
    let graph = Graph::default();
    assert_eq!(text(&graph, None, &Style::default()), "");
    assert_eq!(mermaid(&graph, None), "flowchart TD\n");
    assert_eq!(
        dot(&graph, None),
        "digraph lazuli {\n    rankdir = BT;\n    node [shape = box];\n}\n"
    );
}

#[test]
fn actions_of_a_plan_are_signs_in_every_format() {
    let mut diagram = cameras();
    let changes = [
        NodeChange::Unchanged,
        NodeChange::Step(Action::Replace),
        NodeChange::Step(Action::Create),
    ];
    for (node, change) in diagram.nodes.iter_mut().zip(changes) {
        node.change = Some(change);
    }
    let text = diagram.to_text(&Style::default());
    assert!(
        text.starts_with("= group  resourceGroup (existing)\n± each"),
        "{text}"
    );
    assert!(
        text.ends_with("\n+ create   ± replace   = unchanged\n"),
        "{text}"
    );
    let ascii = Style {
        ascii: true,
        ..Style::default()
    };
    assert!(diagram.to_text(&ascii).contains("\n-/+ each"));
    let mermaid = diagram.to_mermaid();
    assert!(mermaid.contains("n2[\"+ access/Reader<br>roleAssignment\"]:::create\n"));
    assert!(mermaid.contains("classDef create stroke:#2da44e,stroke-width:2px\n"));
    let dot = diagram.to_dot();
    assert!(
        dot.contains("label = \"= group\\nresourceGroup\", style = dashed, color = \"#848d97\"")
    );
}

#[test]
fn diagram_limited_to_changes_keeps_their_neighbors() {
    let mut all = cameras();
    for node in &mut all.nodes {
        node.change = Some(NodeChange::Unchanged);
    }
    all.nodes[0].change = Some(NodeChange::Step(Action::Update));
    let far = DiagramNode {
        name: "far".to_owned(),
        dependencies: vec![Dependency::new(2, &Reason::DependsOn)],
        ..cameras().nodes.swap_remove(1)
    };
    let before = DiagramNode {
        name: "before".to_owned(),
        dependencies: Vec::new(),
        ..cameras().nodes.swap_remove(1)
    };
    all.nodes.push(far);
    all.nodes.push(before);
    let limited = all.limit_to_changes();
    let names: Vec<&str> = limited
        .nodes
        .iter()
        .map(|node| node.name.as_str())
        .collect();
    assert_eq!(names, ["group", "each[\"a\\b\"]", "access/Reader"]);
    let edges: Vec<(usize, usize)> = limited
        .edges()
        .map(|(from, dependency)| (from, dependency.on))
        .collect();
    assert_eq!(edges, [(1, 0), (2, 0), (2, 1)]);
}
