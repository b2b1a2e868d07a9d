//! Comments: within their length, whole, and nothing foreign has a meaning in them.

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
    report::{Purpose, Run},
    sheet::Sheet,
    testing::{arm_error, change, hole, hostile, hostile_plan, key, plan_of, sheet, sources, step},
};

fn shown(of: &Plan) -> String {
    plan(&sheet(of, &Graph::default()))
}

fn cameras() -> Plan {
    let access = Step {
        changes: vec![change(
            "properties.principalId",
            None,
            hole("analyzer.principalId"),
        )],
        ..step(
            Action::Create,
            "access/Reader",
            "roleAssignment",
            "Reader on stcameras",
        )
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
fn every_step_can_be_opened() {
    let plan_of_cameras = cameras();
    let graph = Graph::default();
    let whole = Sheet {
        shows_unchanged: true,
        ..sheet(&plan_of_cameras, &graph)
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
# the stack `cameras` is taken away
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
    let hidden = shown(&plan_of_cameras);
    assert!(!hidden.contains("= 1 unchanged"), "{hidden}");
}

#[test]
fn a_report_begins_with_what_failed_and_says_what_is_next() {
    let plan = cameras();
    let outcomes = vec![
        Outcome::Blocked(StepId(1)),
        Outcome::Failed(Failure::Arm(arm_error(409, "Conflict", "@ada said ``` no"))),
        Outcome::Done {
            took: Duration::from_secs(2),
            already_there: None,
        },
    ];
    let run = Run {
        purpose: Purpose::Apply,
        plan: &plan,
        report: &Report {
            outcomes,
            stopped: false,
        },
        took: Duration::from_secs(41),
        sources: &sources().0,
    };
    let graph = Graph::default();
    let text = report(&sheet(&plan, &graph), &run, false, "");
    assert!(
        text.starts_with(
            "<!-- lazuli apply: cameras -->\n\n## Not complete: 1 done, 1 failed, 1 not begun\n\nStack `cameras`\n\n\
             <p>failed: ~ update <code>recordings</code> <code>storageAccount stcameras</code></p>\n\n````text\nConflict: \
             @ada said ``` no\n"
        ),
        "{text}"
    );
    assert!(
        text.contains(
            "stcameras</code>: not begun, it waits for <code>recordings</code></summary>"
        ),
        "{text}"
    );
    assert!(
        text.contains("stold</code>: done in 2s</summary>"),
        "{text}"
    );
    assert!(
        text.ends_with(
            "\n\nMend what failed first. Run `lazuli apply` again: what is done stays done.\n"
        ),
        "{text}"
    );
    let refused = report(&sheet(&plan, &graph), &run, true, "");
    assert!(
        refused.contains("## Nothing was changed: Azure would refuse steps of this plan\n"),
        "{refused}"
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
fn of_one_giant_value_only_its_step_is_closed() {
    let giant = "`x` ".repeat(50_000);
    let text = shown(&plan_of([
        long(Action::Update, "first", "small"),
        long(Action::Create, "giant", &giant),
        long(Action::Create, "last", "small"),
    ]));
    assert_sound(&text);
    assert_eq!(text.matches("<details>").count(), 2);
    assert!(text.contains("<p>+ create <code>giant</code>"), "{text}");
    assert!(text.ends_with(
        "**Left out, as there is no room here:** the details of 1 step that creates. `lazuli plan` shows all of it.\n"
    ), "{text}");
}

#[test]
fn what_is_made_is_left_out_before_what_goes() {
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
    let text = plan(&Sheet {
        shows_unchanged: true,
        ..sheet(&all, &graph)
    });
    assert_sound(&text);
    assert_eq!(text.matches("<summary>- delete").count(), 20);
    assert!(text.contains("<p>+ create <code>made0</code>"), "{text}");
    let note = text.rsplit("\n\n").next().unwrap().trim_end();
    let told = "here:** what is unchanged, the details of ";
    assert!(note.contains(told), "{note}");
    assert!(
        note.contains(" steps that create, ") && !note.contains("change something"),
        "{note}"
    );
}

#[test]
fn at_the_end_there_are_only_counts() {
    let name = "n".repeat(500);
    let gone = (0..30_000).map(|at| long(Action::Delete, &format!("{name}{at}"), "v"));
    let text = shown(&plan_of(gone));
    assert_sound(&text);
    assert!(text.contains("30000 to delete"), "{text}");
    assert!(text.contains("steps that change something. "), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn nothing_foreign_has_a_meaning_and_no_page_is_too_long(
        all in hostile_plan(0..400),
        stacks in proptest::collection::vec(hostile(), 1..14),
    ) {
        let graph = Graph::default();
        let whole = Sheet { stacks: &stacks, shows_unchanged: true, ..sheet(&all, &graph) };
        let text = plan(&whole);
        prop_assert_eq!(&text, &plan(&whole), "the same every time");
        assert_sound(&text);
        if !text.contains("**Left out") {
            prop_assert_eq!(text.matches("<summary>").count(), all.steps.len() + 1);
        }
    }
}

/// As those who show it read it: our own elements only, all of them closed, and all that is foreign in code.
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
