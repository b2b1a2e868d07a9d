//! Plans as text.

use lazuli_core::{
    diff::Change,
    plan::{KeptResource, Remarks, StepId},
    value::Value,
};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::render::{
    notice::AffectedStep,
    testing::{change, hostile_plan, key, plan_of, plan_view, role_assignment, step, unresolved},
};

fn plan(plan: &Plan, style: &Style) -> String {
    plan_view(plan, &Graph::default()).render_text(style)
}

fn cameras() -> Plan {
    let group = Step {
        changes: vec![change("location", None, Value::from("westeurope"))],
        ..step(Action::Create, "group", "resourceGroup", "rg-cameras")
    };
    let access = Step {
        reason: "the role assignment does not exist".to_owned(),
        changes: vec![
            change(
                "properties.principalId",
                None,
                unresolved("analyzer.principalId"),
            ),
            change(
                "properties.principalType",
                None,
                Value::from("ServicePrincipal"),
            ),
        ],
        ..role_assignment(Action::Create)
    };
    let recordings = Step {
        reason: "3 properties differ".to_owned(),
        changes: vec![
            change(
                "properties.minimumTlsVersion",
                json!("TLS1_0"),
                Value::from("TLS1_2"),
            ),
            change("properties.allowSharedKeyAccess", None, Value::from(false)),
            Change {
                immutable: true,
                ..change("kind", json!("StorageV2"), Value::from("BlobStorage"))
            },
        ],
        ..step(Action::Update, "recordings", "storageAccount", "stcameras")
    };
    let old = step(Action::Delete, "old", "storageAccount", "stold");
    Plan {
        remarks: Remarks {
            unchanged: vec![key("analyzer")],
            kept: vec![KeptResource {
                key: key("lock"),
                why: "it is protected (`protect: true`)".to_owned(),
            }],
            ..Remarks::default()
        },
        ..plan_of([group, access, recordings, old])
    }
}

#[test]
fn every_action_has_its_block() {
    assert_eq!(
        plan(&cameras(), &Style::default()),
        "\
+ group  resourceGroup rg-cameras
    it does not exist
    location: westeurope

+ access/Reader  roleAssignment Reader on stcameras
    the role assignment does not exist
    principalId:   ${analyzer.principalId} (known after apply)
    principalType: ServicePrincipal

~ recordings  storageAccount stcameras
    3 properties differ
    minimumTlsVersion:    TLS1_0 → TLS1_2
    allowSharedKeyAccess: (none) → false
    kind:                 StorageV2 → BlobStorage (fixed at creation)

- old  storageAccount stold
    stack `cameras` is destroyed

= lock: kept: it is protected (`protect: true`)

Plan: 2 to create, 1 to update, 1 to delete, 1 unchanged, 1 kept.
"
    );
}

#[test]
fn plan_of_several_stacks_names_them() {
    let mut hub = step(Action::Delete, "hub", "resourceGroup", "rg-hub");
    hub.subject.key.stack = "network".to_owned();
    let both = plan_of([hub, step(Action::Delete, "group", "resourceGroup", "rg")]);
    assert_eq!(
        plan(&both, &Style::default()),
        "\
- network:hub  resourceGroup rg-hub
    stack `cameras` is destroyed

- cameras:group  resourceGroup rg
    stack `cameras` is destroyed

Plan: 0 to create, 0 to update, 2 to delete, 0 unchanged.
"
    );
}

#[test]
fn plan_without_changes_is_one_sentence() {
    let unchanged = |count| Plan {
        remarks: Remarks {
            unchanged: vec![key("a"); count],
            ..Remarks::default()
        },
        ..Plan::default()
    };
    let style = Style::default();
    assert_eq!(
        plan(&unchanged(7), &style),
        "No changes: 7 resources match the spec.\n"
    );
    assert_eq!(
        plan(&unchanged(1), &style),
        "No changes: 1 resource matches the spec.\n"
    );
    assert_eq!(plan(&unchanged(0), &style), "No changes.\n");
}

fn updated(changes: Vec<Change>) -> Plan {
    plan_of([Step {
        changes,
        ..step(Action::Update, "recordings", "storageAccount", "stcameras")
    }])
}

#[test]
fn changed_lines_are_shown_with_context() {
    let before = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n";
    let after = "one\ntwo\n3\nfour\nfive\nsix\nseven\neight\n9";
    assert_eq!(
        plan(
            &updated(vec![change(
                "properties.script",
                json!(before),
                Value::from(after)
            )]),
            &Style::default()
        ),
        "\
~ recordings  storageAccount stcameras
    it differs
    script:
        one
        two
      - three
      + 3
        four
        five
      ...
        seven
        eight
      - nine
      + 9 (no newline at end)

Plan: 0 to create, 1 to update, 0 to delete, 0 unchanged.
"
    );
}

#[test]
fn long_values_are_compared_line_by_line() {
    let id = |name: &str| {
        format!("/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/{name}")
    };
    let rules = Value::from(json!([{ "value": "203.0.113.0/24", "action": "Allow" }]));
    let long = updated(vec![
        change(
            "properties.workspace",
            json!(id("one")),
            Value::string(id("two")),
        ),
        change(
            "properties.networkAcls.ipRules",
            json!([{ "value": "198.51.100.7", "action": "Allow" }]),
            rules,
        ),
    ]);
    assert_eq!(
        plan(
            &long,
            &Style {
                width: 60,
                ..Style::default()
            }
        ),
        "\
~ recordings  storageAccount stcameras
    it differs
    workspace:
      - /subscriptions/00000000-0000-0000-0000-000000000001/
        resourceGroups/rg/one
      + /subscriptions/00000000-0000-0000-0000-000000000001/
        resourceGroups/rg/two
    networkAcls.ipRules:
        [
          {
      -     \"value\": \"198.51.100.7\",
      +     \"value\": \"203.0.113.0/24\",
            \"action\": \"Allow\"
          }

Plan: 0 to create, 1 to update, 0 to delete, 0 unchanged.
"
    );
}

#[test]
fn creation_shows_multiline_text_without_signs() {
    let made = plan_of([Step {
        changes: vec![
            change("properties.script", None, Value::from("a: 1\n  b: 2\n")),
            change("properties.empty", None, Value::from("")),
            change("properties.version", None, Value::from("7")),
            change("properties.count", None, Value::from(json!(7))),
        ],
        ..step(Action::Create, "job", "resource", "job")
    }]);
    assert_eq!(
        plan(&made, &Style::default()),
        "\
+ job  Test.Things/things job
    it does not exist
    script:
      a: 1
        b: 2
    empty:   \"\"
    version: \"7\"
    count:   7

Plan: 1 to create, 0 to update, 0 to delete, 0 unchanged.
"
    );
}

#[test]
fn every_line_fits_60_columns() {
    let style = Style {
        width: 60,
        ..Style::default()
    };
    let grant = step(
        Action::Create,
        "access/Storage Blob Data Contributor",
        "roleAssignment",
        "Storage Blob Data Contributor on stcameras",
    );
    let gone = "access/Reader grant of 63a8f806-fd30-5f27-b615-ac3278e5b542 of old";
    let gone = step(
        Action::Delete,
        gone,
        "roleAssignment",
        "Reader on stcameras",
    );
    let mut all = cameras();
    all.steps.extend([grant, gone]);
    let text = plan(&all, &style);
    assert!(text.lines().all(|line| columns(line) <= 60), "{text}");
    assert!(
        text.contains(
            "\
+ access/Storage Blob Data Contributor
    roleAssignment Storage Blob Data Contributor on
    stcameras
"
        ),
        "{text}"
    );
    assert!(
        text.contains(
            "\
- access/Reader grant of
  63a8f806-fd30-5f27-b615-ac3278e5b542 of old
    roleAssignment Reader on stcameras
"
        ),
        "{text}"
    );
    assert!(
        text.contains(
            "    kind: (fixed at creation)
      - StorageV2
      + BlobStorage
"
        ),
        "{text}"
    );
}

#[test]
fn ascii_writes_signs_and_arrows_in_ascii() {
    let mut all = cameras();
    let replaced = step(Action::Replace, "app", "userAssignedIdentity", "id-app");
    all.steps.extend([replaced]);
    let style = Style {
        ascii: true,
        ..Style::default()
    };
    let text = plan(&all, &style);
    assert!(
        text.contains("\n-/+ app  userAssignedIdentity id-app\n"),
        "{text}"
    );
    let mut notice = Notice::new(Weight::Warning, "!", "a lock blocks:");
    let names = NodeNames::from_plan(&all);
    notice.add_steps(&all, &[StepId(4)], |step| AffectedStep::new(step, names));
    assert_eq!(notice.render(&style), "! a lock blocks:\n    -/+ app\n");
    assert!(
        text.contains("minimumTlsVersion:    TLS1_0 -> TLS1_2\n"),
        "{text}"
    );
    assert!(text.is_ascii(), "{text}");
}

#[test]
fn no_control_character_of_azure_or_the_spec_reaches_the_terminal() {
    let wild = "\u{1b}[2J\u{202e}x\r\ny";
    let mut all = updated(vec![
        change(wild, json!(wild), Value::from("one")),
        change(
            "properties.b",
            json!({ "\u{1b}c": "\u{9b}" }),
            Value::from(json!([wild])),
        ),
        change("properties.c", json!("\u{7}"), unresolved("\u{1b}[31m.x")),
    ]);
    all.steps[0].reason = wild.to_owned();
    all.steps[0].subject.title = wild.to_owned();
    all.remarks.kept.push(KeptResource {
        key: key(wild),
        why: wild.to_owned(),
    });
    let text = plan(&all, &Style::default());
    assert!(
        text.chars()
            .all(|shown| shown == '\n' || style::is_shown(shown)),
        "{text:?}"
    );
    assert!(
        text.contains(" \\u{7} → ${\\u{1b}[31m.x} (known after apply)\n"),
        "{text}"
    );
}

#[test]
fn color_only_adds_escape_sequences() {
    let style = Style {
        color: true,
        ..Style::default()
    };
    let mut all = cameras();
    all.steps[2].changes.push(change(
        "properties.script",
        json!("a\nb\n"),
        Value::from("a\nc\n"),
    ));
    let colored = plan(&all, &style);
    let mut bare = String::new();
    let mut in_escape = false;
    for character in colored.chars() {
        match character {
            '\u{1b}' => in_escape = true,
            'm' if in_escape => in_escape = false,
            other if !in_escape => bare.push(other),
            _ => {}
        }
    }
    assert!(colored.contains("\u{1b}[32m+ group\u{1b}[0m"), "{colored}");
    assert_eq!(bare, plan(&all, &Style::default()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_line_is_longer_than_the_terminal_is_wide(all in hostile_plan(0..20), width in 40_usize..120) {
        let style = Style { width, ..Style::default() };
        for line in plan(&all, &style).lines() {
            prop_assert!(columns(line) <= width, "{line}");
            prop_assert!(line.chars().all(style::is_shown), "{line:?}");
        }
    }
}
