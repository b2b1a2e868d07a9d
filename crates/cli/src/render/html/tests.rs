//! The HTML page: escaping, content security policy and masked secrets.

use lazuli_core::{
    graph::Graph,
    plan::{Action, Plan, Step},
    secret::Secret,
    value::Value,
};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::render::testing::{change, hostile_plan, key, plan_of, plan_view, step, unresolved};

const BAD: &str = "</script></style><img src=x onerror=alert(1)>\" onclick='x' \u{1b}[2J\u{202e}";

fn render_page(planned: &Plan) -> String {
    plan(&plan_view(planned, &Graph::default()))
}

fn update_with(changes: Vec<lazuli_core::diff::Change>) -> Plan {
    plan_of([Step {
        changes,
        ..step(Action::Update, "recordings", "storageAccount", "stcameras")
    }])
}

#[test]
fn hostile_text_is_escaped() {
    let mut bad = update_with(vec![change(
        BAD,
        json!(BAD),
        Value::string(format!("{BAD}\n{BAD}")),
    )]);
    bad.steps[0].subject.key = key(BAD);
    bad.steps[0].reason = BAD.to_owned();
    bad.steps[0].subject.title = BAD.to_owned();
    bad.remarks.unread_directory = Some(BAD.to_owned());
    bad.remarks.unchanged.push(key(BAD));
    let stacks = [BAD.to_owned()];
    let graph = Graph::default();
    let text = plan(&PlanView {
        stacks: &stacks,
        ..plan_view(&bad, &graph)
    });
    assert!(!text.contains("<img"), "{text}");
    assert_eq!(text.matches("</script>").count(), 1);
    assert_eq!(text.matches("</style>").count(), 1);
    assert!(text.matches("&lt;img src=x").count() >= 8, "{text}");
    assert!(!text.contains("\u{1b}") && !text.contains("\u{202e}"));
}

#[test]
fn content_security_policy_allows_only_the_own_style_and_script() {
    let text = render_page(&Plan::default());
    let part = |start: &str, end: &str| {
        let (_, rest) = text.split_once(start).unwrap();
        rest.split_once(end).unwrap().0
    };
    let allowed = part("content=\"default-src", "\"");
    for (what, inside) in [
        ("style", part("<style>", "</style>")),
        ("script", part("<script>", "</script>")),
    ] {
        let digest = BASE64_STANDARD.encode(digest(&SHA256, inside.as_bytes()));
        let rule = format!("{what}-src 'sha256-{digest}'");
        assert!(allowed.contains(&rule), "{rule} in {allowed}");
    }
    assert!(allowed.starts_with(" 'none';"), "{allowed}");
    assert!(
        !text.contains("http://")
            || text.matches("http://").count()
                == text.matches("http://www.w3.org/2000/svg").count()
    );
    assert!(!text.contains("https://") && !text.contains(" style=") && !text.contains(" onclick="));
}

#[test]
fn changes_show_both_values_and_secrets_are_masked() {
    let text = render_page(&update_with(vec![
        change(
            "sku.name",
            json!("Standard_LRS"),
            Value::from("Standard_ZRS"),
        ),
        change(
            "properties.key",
            json!("(secret)"),
            Value::Secret(Secret::new("hunter2")),
        ),
        change(
            "properties.principalId",
            None,
            unresolved("analyzer.principalId"),
        ),
        change("properties.script", json!("a\nb\n"), Value::from("a\nc\n")),
    ]));
    for expected in [
        "<span class=\"sign\">~</span> <span class=\"word\">update</span>",
        "<code>- Standard_LRS</code>",
        "<code>+ Standard_ZRS</code>",
        "<code>+ (secret)</code>",
        "<code>+ ${analyzer.principalId} (known after apply)</code>",
        "<span>  a</span><span class=\"removed\">- b</span><span class=\"added\">+ c</span>",
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    assert!(!text.contains("hunter2"));
}

#[test]
fn step_links_to_its_dependencies() {
    let mut both = plan_of([
        step(Action::Create, "group", "resourceGroup", "rg"),
        step(Action::Create, "app", "userAssignedIdentity", "id"),
    ]);
    both.steps[1].after = vec![both.steps[0].id];
    let text = render_page(&both);
    assert!(
        text.contains("<div class=\"inside\" id=\"step-0\">"),
        "{text}"
    );
    assert!(
        text.contains("Depends on <a href=\"#step-0\">group</a>"),
        "{text}"
    );
    assert!(
        text.contains("<a href=\"#step-1\"><g class=\"node create\">"),
        "{text}"
    );
}

#[test]
fn too_many_resources_are_not_drawn() {
    let many = (0..2_000).map(|at| step(Action::Create, &format!("r{at}"), "resource", "r"));
    let text = render_page(&plan_of(many));
    assert!(text.contains("Too many resources to draw: 2000"));
    assert_eq!(text.matches("<details").count(), 2_000);
    assert!(!text.contains("<svg"));
}

/// Asserts that the page has known elements only and closes them in order.
fn assert_well_formed(page: &str) {
    let (_, page) = page.split_once("<body>").unwrap();
    let (page, _) = page.rsplit_once("<script>").unwrap();
    let mut open = vec!["body"];
    for tag in page.split('<').skip(1) {
        let (tag, words) = tag.split_once('>').expect("tags are closed");
        assert!(
            words.split('&').skip(1).all(|rest| rest.contains(';')),
            "{words}"
        );
        let name = tag.split(' ').next().unwrap();
        let ours = [
            "a", "button", "circle", "code", "defs", "del", "details", "div", "footer", "g", "h1",
            "h2", "header", "ins", "li", "main", "marker", "p", "path", "pre", "rect", "section",
            "span", "summary", "svg", "text", "title", "ul",
        ];
        assert!(ours.contains(&name.trim_start_matches('/')), "{tag}");
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if tag.ends_with('/') => {}
            None => open.push(name),
        }
    }
    assert_eq!(open, ["body"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn hostile_plans_render_well_formed_pages(all in hostile_plan(0..40)) {
        let text = render_page(&all);
        prop_assert_eq!(&text, &render_page(&all), "the output is deterministic");
        assert_well_formed(&text);
        let is_safe = |character: char| character == '\n' || crate::render::style::is_shown(character);
        prop_assert!(text.chars().all(is_safe));
    }
}
