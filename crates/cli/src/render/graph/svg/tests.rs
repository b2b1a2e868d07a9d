//! The drawing: no overlaps, and escaped text.

use lazuli_core::{graph::Reason, plan::Action};
use lazuli_handlers::REGISTRY;
use proptest::prelude::*;

use super::*;
use crate::render::graph::{Dependency, tests::node};

#[test]
fn text_is_escaped_and_colors_come_with_signs_and_words() {
    let mut hostile = node("a<b>&\"'", "storageAccount", Vec::new());
    hostile.change = Some(NodeChange::Step(Action::Adopt));
    hostile.link = Some("#\"><script>".to_owned());
    let diagram = Diagram {
        nodes: vec![hostile],
    };
    let text = draw_document(&diagram, REGISTRY);
    assert!(text.contains("&gt; a&lt;b&gt;&amp;&quot;'"), "{text}");
    assert!(
        text.contains("<a href=\"#&quot;&gt;&lt;script&gt;\">"),
        "{text}"
    );
    assert!(text.contains("storageAccount: adopt"));
    assert!(text.contains("class=\"node adopt\""));
    assert!(text.contains("prefers-color-scheme:dark"));
}

#[test]
fn reasons_are_short_in_the_drawing_and_complete_in_the_tooltip() {
    let edge_reason = |reasons: &[Reason]| {
        let mut edge = EdgeReason::default();
        for reason in reasons {
            let dependency = Dependency::new(0, reason);
            edge.add(&dependency.short, &dependency.long);
        }
        edge
    };
    let reason = edge_reason(&[
        Reason::Refers("properties.scope".into()),
        Reason::DependsOn,
        Reason::Within,
    ]);
    assert_eq!(reason.to_label(), "scope, dependsOn, in");
    let long = edge_reason(&[Reason::Follows(
        "Azure accepts the credentials of an identity one by one",
    )]);
    assert_eq!(long.to_label(), "Azure accepts the…");
    assert!(long.long.ends_with("one by one"));
}

#[test]
fn sign_is_on_the_first_line_of_a_wrapped_name() {
    let mut long = node(
        "planner/federatedCredentials/pull-request",
        "userAssignedIdentity",
        Vec::new(),
    );
    long.change = Some(NodeChange::Step(Action::Create));
    let shape = NodeShape::new(&long, Family::Identity);
    assert_eq!(
        shape.lines,
        ["+ planner/federatedCredentials/", "pull-request"]
    );
}

#[test]
fn empty_graph_is_a_valid_drawing() {
    let text = draw_document(&Diagram { nodes: Vec::new() }, REGISTRY);
    assert!(text.contains("0 resources") && text.ends_with("</svg>\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn resources_do_not_overlap_and_are_inside_the_drawing(
        edges in proptest::collection::vec((0_usize..24, 0_usize..24), 0..60),
        count in 1_usize..24,
    ) {
        let nodes = (0..count).map(|at| {
            let dependencies = edges
                .iter()
                .filter(|(from, to)| *from == at && *to < at)
                .map(|(_, to)| Dependency::new(*to, &Reason::Within))
                .collect();
            let kind = ["resourceGroup", "storageAccount", "roleAssignment"][at % 3];
            node(&format!("resource-{at}"), kind, dependencies)
        });
        let diagram = Diagram { nodes: nodes.collect() };
        prop_assert_eq!(draw_document(&diagram, REGISTRY), draw_document(&diagram, REGISTRY), "the output is deterministic");
        let layout = DiagramLayout::new(&diagram, REGISTRY);
        let (right, bottom) = layout.size();
        for (at, one) in layout.shapes.iter().enumerate() {
            let (x, y) = layout.center(at);
            prop_assert!(x - one.width / 2.0 >= 0.0 && x + one.width / 2.0 <= right);
            prop_assert!(y - one.height / 2.0 >= 0.0 && y + one.height / 2.0 <= bottom);
            for (other, two) in layout.shapes.iter().enumerate().skip(at + 1) {
                let (dx, dy) = (x - layout.center(other).0, y - layout.center(other).1);
                let apart = dx.abs() >= (one.width + two.width) / 2.0 - 0.01
                    || dy.abs() >= (one.height + two.height) / 2.0 - 0.01;
                prop_assert!(apart, "{} and {}", at, other);
            }
        }
    }
}

/// The kind is defined outside of the product.
#[path = "../../../../../../tests/custom_kind.rs"]
mod custom_kind;

#[test]
fn registered_kind_has_the_shape_of_its_family() {
    let diagram = Diagram {
        nodes: vec![node("vault", "keyVault", Vec::new())],
    };
    let cylinder = format!(" {LID} 0 0 1 ");
    assert!(draw_document(&diagram, custom_kind::REGISTRY).contains(&cylinder));
    assert!(!draw_document(&diagram, REGISTRY).contains(&cylinder));
}
