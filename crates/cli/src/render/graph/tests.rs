//! The forms of a graph, of three resources and of none.

use super::*;

fn cameras() -> Drawing {
    let node = |name: &str, kind: &str, waits: &[(usize, &str)]| Drawn {
        name: name.to_owned(),
        kind: kind.to_owned(),
        is_existing: false,
        fate: None,
        link: None,
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
    assert_eq!(text(&graph, None, &Style::default()), "");
    assert_eq!(mermaid(&graph, None), "flowchart TD\n");
    assert_eq!(
        dot(&graph, None),
        "digraph lazuli {\n    rankdir = BT;\n    node [shape = box];\n}\n"
    );
}

#[test]
fn what_a_plan_does_is_a_sign_in_every_form() {
    let mut drawing = cameras();
    let fates = [
        Fate::Stays,
        Fate::Changes(Action::Replace),
        Fate::Changes(Action::Create),
    ];
    for (node, fate) in drawing.nodes.iter_mut().zip(fates) {
        node.fate = Some(fate);
    }
    let text = drawing.text(&Style::default());
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
    assert!(drawing.text(&ascii).contains("\n-/+ each"));
    let mermaid = drawing.mermaid();
    assert!(mermaid.contains("n2[\"+ access/Reader<br>roleAssignment\"]:::create\n"));
    assert!(mermaid.contains("classDef create stroke:#2da44e,stroke-width:2px\n"));
    let dot = drawing.dot();
    assert!(
        dot.contains("label = \"= group\\nresourceGroup\", style = dashed, color = \"#848d97\"")
    );
}

#[test]
fn around_changes_is_what_they_wait_for_and_what_waits_for_them() {
    let mut all = cameras();
    for node in &mut all.nodes {
        node.fate = Some(Fate::Stays);
    }
    all.nodes[0].fate = Some(Fate::Changes(Action::Update));
    let far = Drawn {
        name: "far".to_owned(),
        waits: vec![(2, "dependsOn names it".to_owned())],
        ..cameras().nodes.swap_remove(1)
    };
    let before = Drawn {
        name: "before".to_owned(),
        waits: Vec::new(),
        ..cameras().nodes.swap_remove(1)
    };
    all.nodes.push(far);
    all.nodes.push(before);
    let around = all.around_changes();
    let names: Vec<&str> = around.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["group", "each[\"a\\b\"]", "access/Reader"]);
    let edges: Vec<(usize, usize)> = around.edges().map(|(from, to, _)| (from, to)).collect();
    assert_eq!(edges, [(1, 0), (2, 0), (2, 1)]);
}
