//! The drawing: nothing overlaps, and nothing foreign has a meaning.

use lazuli_core::plan::Action;
use lazuli_handlers::REGISTRY;
use proptest::prelude::*;

use super::*;

fn node(name: &str, kind: &str, waits: &[usize]) -> Drawn {
    Drawn {
        name: name.to_owned(),
        kind: kind.to_owned(),
        is_existing: false,
        fate: None,
        link: None,
        waits: waits
            .iter()
            .map(|to| (*to, "it is in or on it".to_owned()))
            .collect(),
    }
}

#[test]
fn what_has_a_meaning_in_xml_is_escaped_and_signs_stand_beside_colours() {
    let mut hostile = node("a<b>&\"'", "storageAccount", &[]);
    hostile.fate = Some(Fate::Changes(Action::Adopt));
    let text = svg(
        &Drawing {
            nodes: vec![hostile],
        },
        REGISTRY,
    );
    assert!(text.contains("&gt; a&lt;b&gt;&amp;&quot;&#39;"), "{text}");
    assert!(text.contains("storageAccount: adopt"));
    assert!(text.contains("class=\"node adopt\""));
    assert!(text.contains("prefers-color-scheme:dark"));
}

#[test]
fn reasons_are_short_in_the_drawing_and_whole_in_the_tooltip() {
    let reason = Reason::of(&["`scope` refers to it", "dependsOn names it"]);
    assert_eq!(reason.short, "scope, dependsOn");
    let long = Reason::of(&["Azure takes the credentials of one identity one by one"]);
    assert_eq!(long.short, "Azure takes the…");
    assert!(long.long.ends_with("one by one"));
}

#[test]
fn nothing_is_a_drawing_too() {
    let text = svg(&Drawing { nodes: Vec::new() }, REGISTRY);
    assert!(text.contains("0 resources") && text.ends_with("</svg>\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn no_two_resources_overlap_and_none_is_cut_off(
        edges in proptest::collection::vec((0_usize..24, 0_usize..24), 0..60),
        count in 1_usize..24,
    ) {
        let nodes = (0..count).map(|at| {
            let waits: Vec<usize> = edges
                .iter()
                .filter(|(from, to)| *from == at && *to < at)
                .map(|(_, to)| *to)
                .collect();
            let kind = ["resourceGroup", "storageAccount", "roleAssignment"][at % 3];
            node(&format!("resource-{at}"), kind, &waits)
        });
        let drawing = Drawing { nodes: nodes.collect() };
        prop_assert_eq!(svg(&drawing, REGISTRY), svg(&drawing, REGISTRY), "the same every time");
        let plane = Plane::of(&drawing, REGISTRY);
        let (right, bottom) = plane.size();
        for (at, one) in plane.shapes.iter().enumerate() {
            let (x, y) = plane.place(at);
            prop_assert!(x - one.width / 2.0 >= 0.0 && x + one.width / 2.0 <= right);
            prop_assert!(y - one.height / 2.0 >= 0.0 && y + one.height / 2.0 <= bottom);
            for (other, two) in plane.shapes.iter().enumerate().skip(at + 1) {
                let (dx, dy) = (x - plane.place(other).0, y - plane.place(other).1);
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
    let drawing = Drawing {
        nodes: vec![node("vault", "keyVault", &[])],
    };
    let cylinder = format!(" {LID} 0 0 1 ");
    assert!(svg(&drawing, custom_kind::REGISTRY).contains(&cylinder));
    assert!(!svg(&drawing, REGISTRY).contains(&cylinder));
}
