//! Arbitrary live state exports to a document that loads, contains no control characters and plans no changes.

use std::collections::BTreeSet;

use lazuli_core::{
    arm::ArmId,
    arm::types::ROLE_DEFINITION,
    diagnostic::Code,
    export::{self, Scene, only_adds_markers},
    live::{KnownType, Live, OwnedResource},
    plan::converge,
    text::is_shown,
};
use lazuli_handlers::{REGISTRY, known_types};
use serde_json::Value as Json;

use crate::{driver::Target, targets::graph};

#[test]
fn arbitrary_live_state_exports_to_a_spec_that_only_adds_markers() {
    Target {
        name: "exports",
        seeds: &[],
        words: &[
            "{",
            "}",
            "[",
            "]",
            "[[[[[[[[",
            ",",
            ":",
            "null",
            "true",
            "-0",
            "1e999",
            "\"\"",
            "\"~\"",
            "\"yes\"",
            "\"1.10\"",
            "\"- a: b # c\"",
            "\"${x}\"",
            "$${",
            "\"${group}\"",
            "\\n",
            "\\u0000",
            "\\u001b[2J",
            "\\u202e",
            "\\ud83d\\ude00",
            "\"id\":",
            "\"name\":",
            "\"type\":",
            "\"properties\":",
            "\"identity\":",
            "\"tags\":",
            "\"location\":",
            "\"lazuli-stack\":",
            "\"lazuli-on-remove\":\"keep\"",
            "\"description\":\"lazuli-stack: test; access; keep\"",
            "\"principalId\":",
            "/subscriptions/00000000-0000-0000-0000-0000000a2c05/resourceGroups/rg-test",
            "/providers/Microsoft.Storage/storageAccounts/",
            "/..",
            "\"password\":\"hunter2\"",
        ],
        cases: 128,
        check,
    }
    .run();
}

fn check(bytes: &[u8]) {
    let Ok(Json::Array(bodies)) = serde_json::from_slice(bytes) else {
        return;
    };
    let Some((live, group)) = live(bodies) else {
        return;
    };
    let groups = [group];
    let scene = Scene {
        groups: &groups,
        live: &live,
        registry: REGISTRY,
    };
    let stack = export::owner(&scene).unwrap_or_else(|| export::stack_from_group(&groups[0]));
    let export = export::export(&scene, &stack);
    let is_control = |c: char| c != '\n' && !is_shown(c);
    assert!(!export.text.contains(is_control), "{:?}", export.text);
    let (graph, found) = graph(&export.text);
    let unread = [
        Code::Syntax,
        Code::BadExpression,
        Code::UnknownReference,
        Code::ReferenceCycle,
        Code::UnknownKey,
    ];
    for diagnostic in found.iter() {
        assert!(
            !unread.contains(&diagnostic.code),
            "{diagnostic:#?}\n{}",
            export.text
        );
    }
    let (plan, rejected) = converge(&graph, &live);
    if found.has_errors() || rejected.has_errors() || !graph.open_roles().is_empty() {
        return;
    }
    let is_broken = |reason: &str| reason.contains("its last write ended");
    for step in plan.steps.iter().filter(|step| !is_broken(&step.reason)) {
        assert!(only_adds_markers(step), "{step:#?}\n{}", export.text);
    }
}

/// Live state with these bodies, and its first resource group.
fn live(bodies: Vec<Json>) -> Option<(Live, ArmId)> {
    let mut live = Live::default();
    let mut ids = BTreeSet::new();
    for body in bodies.into_iter().filter(Json::is_object) {
        let id = body.get("id").and_then(Json::as_str).and_then(ArmId::parse);
        // The first of two bodies with the same id counts.
        let Some(id) = id.filter(|id| ids.insert(id.clone())) else {
            continue;
        };
        live.insert_lock(&body);
        live.insert(body.clone());
        let role = OwnedResource::from_marked_text(body, "description")
            .filter(|one| one.is(&ROLE_DEFINITION));
        if let Some(role) = role.filter(|_| live.resource(&id).is_some()) {
            live.insert_owned(role);
        }
    }
    let is_group = |id: &&ArmId| id.group().as_ref() == Some(*id);
    let group = ids.iter().find(is_group)?.clone();
    live.resource(&group)?;
    let contents = ids.iter().filter(|id| id.parent().as_ref() == Some(&group));
    let contents: Vec<ArmId> = contents
        .filter(|id| live.resource(id).is_some() && id.arm_type().is_some())
        .filter(|id| {
            !id.as_str()
                .to_lowercase()
                .contains("/microsoft.authorization/")
        })
        .cloned()
        .collect();
    for (arm_type, known) in known_types(REGISTRY) {
        live.insert_type(arm_type, known);
    }
    for arm_type in contents.iter().filter_map(ArmId::arm_type) {
        if live.known_type(&arm_type).is_none() {
            let api_version = "2024-01-01".to_owned();
            let kind = "resource";
            live.insert_type(&arm_type, KnownType { kind, api_version });
        }
    }
    live.insert_contents(group.clone(), contents);
    Some((live, group))
}
