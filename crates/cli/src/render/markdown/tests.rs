//! Markdown pages: size limit, escaping and order of sections.

use std::time::Duration;

use lazuli_core::{
    graph::Graph,
    plan::{Action, Plan, Remarks, Step, StepId},
    value::Value,
};
use lazuli_engine::{Failure, Outcome, Report};
use proptest::prelude::*;
use pulldown_cmark::{Event, Parser, Tag, TagEnd};
use serde_json::json;

use super::{page::LONGEST, *};
use crate::render::{
    plan_view::PlanView,
    report::{ExecutionSummary, Purpose},
    testing::{
        arm_error, change, hostile, hostile_plan, key, plan_of, plan_view, role_assignment,
        sources, step, unresolved,
    },
};

fn render_plan(planned: &Plan) -> String {
    plan(&plan_view(planned, &Graph::default()))
}

fn cameras() -> Plan {
    let access = Step {
        changes: vec![change(
            "properties.principalId",
            None,
            unresolved("analyzer.principalId"),
        )],
        ..role_assignment(Action::Create)
    };
    let recordings = Step {
        changes: vec![
            change(
                "properties.minimumTlsVersion",
                json!("TLS1_0"),
                Value::from("TLS1_2"),
            ),
            change("properties.allowSharedKeyAccess", None, Value::from(false)),
            change("tags.old", json!("x"), None),
            change("properties.notes", json!("a\nb\n"), Value::from("a\n```\n")),
        ],
        ..step(Action::Update, "recordings", "storageAccount", "stcameras")
    };
    Plan {
        remarks: Remarks {
            unchanged: vec![key("group")],
            ..Remarks::default()
        },
        ..plan_of([
            access,
            recordings,
            step(Action::Delete, "old", "storageAccount", "stold"),
        ])
    }
}

#[test]
fn every_step_is_collapsed_with_its_properties() {
    let plan_of_cameras = cameras();
    let graph = Graph::default();
    let whole = PlanView {
        shows_unchanged: true,
        ..plan_view(&plan_of_cameras, &graph)
    };
    assert_eq!(
        plan(&whole),
        "\
<!-- lazuli plan: cameras -->

## Plan: 1 to create, 1 to update, 1 to delete, 1 unchanged

Stack `cameras`

<details>
<summary>+ create <code>access/Reader</code> <code>roleAssignment Reader on stcameras</code></summary>

```diff
# stack.yaml:1
# it does not exist
+ principalId: ${analyzer.principalId} (known after apply)
```

</details>

<details>
<summary>~ update <code>recordings</code> <code>storageAccount stcameras</code></summary>

````diff
# stack.yaml:2
# it differs
- minimumTlsVersion: TLS1_0
+ minimumTlsVersion: TLS1_2
+ allowSharedKeyAccess: false
- tags.old: x
  notes:
    a
-   b
+   ```
````

</details>

<details>
<summary>- delete <code>old</code> <code>storageAccount stold</code></summary>

```diff
# stack.yaml:3
# stack `cameras` is destroyed
```

</details>

<details>
<summary>= 1 unchanged</summary>

<ul>
<li><code>group</code> <code></code></li>
</ul>

</details>
"
    );
    let hidden = render_plan(&plan_of_cameras);
    assert!(!hidden.contains("= 1 unchanged"), "{hidden}");
}

#[test]
fn report_begins_with_failures_and_ends_with_the_next_step() {
    let plan = cameras();
    let outcomes = vec![
        Outcome::Blocked(StepId(1)),
        Outcome::Failed(Failure::Arm(arm_error(409, "Conflict", "@ada said ``` no"))),
        Outcome::Done {
            took: Duration::from_secs(2),
            already_there: None,
        },
    ];
    let run = ExecutionSummary {
        purpose: Purpose::Apply,
        plan: &plan,
        report: &Report {
            outcomes,
            stopped: false,
            took: Duration::ZERO,
        },
        took: Duration::from_secs(41),
        sources: &sources().0,
    };
    let graph = Graph::default();
    let text = report(&plan_view(&plan, &graph), &run, false, "");
    assert!(
        text.starts_with(
            "<!-- lazuli apply: cameras -->\n\n## Apply incomplete: 1 done, 1 failed, 1 not started\n\nStack `cameras`\n\n\
             <p>failed: ~ update <code>recordings</code> <code>storageAccount stcameras</code></p>\n\n````text\nConflict: \
             @ada said ``` no\n"
        ),
        "{text}"
    );
    assert!(
        text.contains(
            "stcameras</code>: not started, depends on <code>recordings</code>, which did not complete</summary>"
        ),
        "{text}"
    );
    assert!(
        text.contains("stold</code>: done in 2s</summary>"),
        "{text}"
    );
    assert!(
        text.ends_with(
            "\n\nFix the failures first. Run `lazuli apply` again: it skips the steps that are done.\n"
        ),
        "{text}"
    );
    let rejected = report(&plan_view(&plan, &graph), &run, true, "");
    assert!(
        rejected.contains("## Nothing was changed: preflight rejected the plan\n"),
        "{rejected}"
    );
    assert_sound(&text);
}

fn long(action: Action, name: &str, value: &str) -> Step {
    Step {
        changes: vec![change("properties.value", None, Value::from(value))],
        ..step(action, name, "resource", name)
    }
}

#[test]
fn giant_value_omits_only_the_details_of_its_step() {
    let giant = "`x` ".repeat(50_000);
    let text = render_plan(&plan_of([
        long(Action::Update, "first", "small"),
        long(Action::Create, "giant", &giant),
        long(Action::Create, "last", "small"),
    ]));
    assert_sound(&text);
    assert_eq!(text.matches("<details>").count(), 2);
    assert!(text.contains("<p>+ create <code>giant</code>"), "{text}");
    assert!(text.ends_with(
        "**Omitted to fit the size limit:** the details of 1 creation. Run `lazuli plan` for the full plan.\n"
    ), "{text}");
}

#[test]
fn creations_are_omitted_before_deletions() {
    let made = (0..5_000).map(|at| long(Action::Create, &format!("made{at}"), "v"));
    let gone = (0..20).map(|at| long(Action::Delete, &format!("gone{at}"), "v"));
    let all = Plan {
        remarks: Remarks {
            unchanged: vec![key("u"); 3_000],
            ..Remarks::default()
        },
        ..plan_of(made.chain(gone))
    };
    let graph = Graph::default();
    let text = plan(&PlanView {
        shows_unchanged: true,
        ..plan_view(&all, &graph)
    });
    assert_sound(&text);
    assert_eq!(text.matches("<summary>- delete").count(), 20);
    assert!(text.contains("<p>+ create <code>made0</code>"), "{text}");
    let note = text.rsplit("\n\n").next().unwrap().trim_end();
    let expected = "limit:** unchanged resources, the details of ";
    assert!(note.contains(expected), "{note}");
    assert!(
        note.contains(" creations, ") && !note.contains("deletion"),
        "{note}"
    );
}

#[test]
fn huge_plan_is_reduced_to_counts() {
    let name = "n".repeat(500);
    let gone = (0..30_000).map(|at| long(Action::Delete, &format!("{name}{at}"), "v"));
    let text = render_plan(&plan_of(gone));
    assert_sound(&text);
    assert!(text.contains("30000 to delete"), "{text}");
    assert!(text.contains("changes or deletions. "), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn hostile_text_is_not_interpreted_and_pages_fit_the_limit(
        all in hostile_plan(0..400),
        stacks in proptest::collection::vec(hostile(), 1..14),
    ) {
        let graph = Graph::default();
        let whole = PlanView { stacks: &stacks, shows_unchanged: true, ..plan_view(&all, &graph) };
        let text = plan(&whole);
        prop_assert_eq!(&text, &plan(&whole), "the output is deterministic");
        assert_sound(&text);
        if !text.contains("**Omitted") {
            prop_assert_eq!(text.matches("<summary>").count(), all.steps.len() + 1);
        }
    }
}

/// Asserts that the page has only known elements, all of them closed, and text from specs and Azure only in code.
fn assert_sound(text: &str) {
    assert!(text.len() <= LONGEST, "{} bytes", text.len());
    let mut html = String::new();
    let mut plain = String::new();
    let mut is_block = false;
    for event in Parser::new(text) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => is_block = true,
            Event::End(TagEnd::CodeBlock) => is_block = false,
            Event::Text(_) if is_block => {}
            Event::Text(words) => plain.push_str(&words),
            Event::Code(_) | Event::SoftBreak => {}
            Event::Html(words) | Event::InlineHtml(words) => html.push_str(&words),
            Event::Start(Tag::Paragraph | Tag::Heading { .. } | Tag::Strong | Tag::HtmlBlock)
            | Event::End(
                TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Strong | TagEnd::HtmlBlock,
            ) => {}
            other => panic!("{other:?} in {text}"),
        }
    }
    let html = html.split_once("-->\n").map_or("", |(_, rest)| rest);
    let mut open = Vec::new();
    for piece in html.split('<').skip(1) {
        let (tag, words) = piece.split_once('>').unwrap();
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "{html}"),
            None => open.push(tag),
        }
        let ours = ["details", "summary", "code", "p", "ul", "li"];
        assert!(
            ours.contains(&tag.trim_start_matches('/')),
            "{tag} in {html}"
        );
        if open.last() != Some(&"code") {
            plain.push_str(words);
        }
    }
    assert!(open.is_empty(), "{open:?} in {html}");
    for meaning in ["@", "#", "http", "://", "[", "GH-", "/"] {
        assert!(!plain.contains(meaning), "{meaning} in {plain}");
    }
}
