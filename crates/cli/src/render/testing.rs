//! Plans and errors for tests of renderers.

use std::{
    ops::Range,
    sync::{Arc, LazyLock},
};

use lazuli_arm::{ArmError, Transport, Url, discover};
use lazuli_core::{
    arm::{ArmId, ArmType},
    diff::Change,
    graph::{Graph, NodeKey},
    plan::{Absence, Action, Call, CallTarget, KeptResource, Method, Plan, Remarks, Step, StepId},
    source::{SourceId, Sources, Span},
    spec::Address,
    subject::Subject,
    value::{Output, Unresolved, UnresolvedPart, Value},
};
use lazuli_sim::{Fault, Faults, InProcess, ManualClock, Simulator, World, WorldOptions};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::plan_view::PlanView;

/// The key of an entry, or of its part after a `/`, in the stack `cameras`.
pub(crate) fn key(name: &str) -> NodeKey {
    let (resource, part) = match name.split_once('/') {
        Some((resource, part)) => (resource, Some(part.to_owned())),
        None => (name, None),
    };
    NodeKey {
        stack: "cameras".to_owned(),
        address: Address {
            resource: resource.to_owned(),
            instance: None,
        },
        part,
    }
}

/// A source of ten lines; step N has its span in line N + 1.
pub(crate) fn sources() -> (Sources, SourceId) {
    let mut sources = Sources::default();
    let id = sources.add("stack.yaml", "123456789\n".repeat(10));
    (sources, id)
}

/// A step without changes. [`plan_of`] sets its id.
pub(crate) fn step(action: Action, name: &str, kind: &'static str, subject: &str) -> Step {
    let (_, source) = sources();
    Step {
        id: StepId(0),
        action,
        reason: match action {
            Action::Create => "it does not exist",
            Action::Adopt => "it exists and no stack owns it",
            Action::Update => "it differs",
            Action::Replace => "`location` is fixed at creation",
            Action::Release => "the spec has no entry for it",
            Action::Delete => "stack `cameras` is destroyed",
        }
        .to_owned(),
        changes: Vec::new(),
        call: Call {
            method: Method::Create(Absence::Certain),
            target: CallTarget::Id(ArmId::parse("/subscriptions/1/resourceGroups/rg").unwrap()),
            api_version: "2025-04-01".to_owned(),
            body: Value::Null,
        },
        outputs: Vec::new(),
        after: Vec::new(),
        retry_causes: Vec::new(),
        subject: Subject {
            key: key(name),
            kind,
            arm_type: ArmType::new("Test.Things/things", "2026-01-01"),
            title: subject.to_owned(),
            span: Span::new(source, 0..1),
            places: Default::default(),
        },
    }
}

/// A step for a role assignment.
pub(crate) fn role_assignment(action: Action) -> Step {
    step(
        action,
        "access/Reader",
        "roleAssignment",
        "Reader on stcameras",
    )
}

/// A plan of these steps in this order.
pub(crate) fn plan_of(steps: impl IntoIterator<Item = Step>) -> Plan {
    let (_, source) = sources();
    let steps = steps.into_iter().enumerate().map(|(at, step)| Step {
        id: StepId(at),
        subject: Subject {
            span: Span::new(source, at * 10..at * 10 + 1),
            ..step.subject
        },
        ..step
    });
    Plan {
        steps: steps.collect(),
        ..Plan::default()
    }
}

/// A view of a plan of the stack `cameras`, without findings.
pub(crate) fn plan_view<'a>(plan: &'a Plan, graph: &'a Graph) -> PlanView<'a> {
    static STACKS: LazyLock<Vec<String>> = LazyLock::new(|| vec!["cameras".to_owned()]);
    static SOURCES: LazyLock<Sources> = LazyLock::new(|| sources().0);
    PlanView {
        plan,
        graph,
        sources: &SOURCES,
        stacks: &STACKS,
        findings: Vec::new(),
        locks: Vec::new(),
        shows_unchanged: false,
    }
}

pub(crate) fn change(
    path: &str,
    before: impl Into<Option<Json>>,
    after: impl Into<Option<Value>>,
) -> Change {
    Change {
        path: path.into(),
        before: before.into(),
        after: after.into(),
        immutable: false,
    }
}

/// An output of a resource, as an author writes it: `analyzer.principalId`.
pub(crate) fn output(written: &str) -> Output {
    let node = key(written.split('.').next().unwrap());
    Output {
        of: node,
        path: "properties".into(),
        written: written.to_owned(),
    }
}

/// An unresolved output.
pub(crate) fn unresolved(written: &str) -> Value {
    Value::Unresolved(Unresolved(vec![UnresolvedPart::Output(output(written))]))
}

/// The error of `GET /metadata/endpoints` with this status, code and message.
pub(crate) fn arm_error(status: u16, code: &str, message: &str) -> ArmError {
    fault(Fault::Status {
        status,
        code: code.to_owned(),
        message: message.to_owned(),
        retry_after: None,
    })
}

/// The error of `GET /metadata/endpoints` with this fault.
pub(crate) fn fault(fault: Fault) -> ArmError {
    let simulator = Simulator::new(World::new(WorldOptions::default()), ManualClock::default())
        .with_faults(Faults::none().at(0, fault));
    let transport = Transport::new(Arc::new(InProcess::new(simulator)));
    let url = Url::parse("https://management.example").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(discover(&url, &transport)).unwrap_err()
}

/// Text with a meaning in Markdown, in HTML, or on sites that render them.
const HOSTILE: &[&str] = &[
    "```",
    "````",
    "~~~",
    "`",
    "</details>",
    "</summary>",
    "</code>",
    "<script>alert(1)</script>",
    "<!--",
    "-->",
    "<img src=x onerror=alert(1)>",
    "@ada",
    "@acme/ops",
    "#123",
    "GH-12",
    "acme/repo#7",
    "[a](https://bad.example)",
    "![a](https://bad.example/i.png)",
    "https://bad.example",
    "*a*",
    "__b__",
    "|",
    "| - |",
    "\\",
    "&lt;",
    "&#64;",
    "$x$",
    "\n",
    "\n\n",
    "    ",
    "- a",
    "1. a",
    "> a",
    "# a",
    "a",
    "\u{1b}[2J",
    "\u{202e}",
    "é",
];

/// A concatenation of hostile words.
pub(crate) fn hostile() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(HOSTILE), 0..6)
        .prop_map(|words| words.concat())
}

fn hostile_step() -> impl Strategy<Value = Step> {
    let actions = vec![
        Action::Create,
        Action::Adopt,
        Action::Update,
        Action::Replace,
        Action::Delete,
        Action::Release,
    ];
    let change_of = (
        hostile(),
        proptest::option::of(hostile()),
        hostile(),
        1_usize..200,
    )
        .prop_map(|(path, before, after, times)| {
            change(
                &path,
                before.map(|text| json!(text)),
                Value::string(after.repeat(times)),
            )
        });
    (
        proptest::sample::select(actions),
        [hostile(), hostile(), hostile()],
        proptest::collection::vec(change_of, 0..4),
    )
        .prop_map(|(action, [name, subject, reason], changes)| Step {
            reason,
            changes,
            ..step(action, &name, "resource", &subject)
        })
}

/// A plan with hostile text everywhere. A few steps are repeated to reach the number of steps.
pub(crate) fn hostile_plan(steps: Range<usize>) -> impl Strategy<Value = Plan> {
    let steps_to_repeat = proptest::collection::vec(hostile_step(), 1..12);
    (steps_to_repeat, steps, hostile()).prop_map(|(steps, count, text)| Plan {
        remarks: Remarks {
            unchanged: vec![key(&text)],
            kept: vec![KeptResource {
                key: key(&text),
                why: text.clone(),
            }],
            unread_directory: Some(text),
            ..Remarks::default()
        },
        ..plan_of(steps.iter().cycle().take(count).cloned())
    })
}
