//! Tests of the inventory of resources with ownership markers.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::source::{Sources, Span};

const GROUP: &str = "/subscriptions/s/resourceGroups/g";

fn home() -> StackScope {
    StackScope {
        stack: crate::stack::StackIdentity::from_name("cameras"),
        span: Span::new(Sources::default().add("spec.yaml", ""), 0..0),
        subscriptions: BTreeSet::from([ArmId::subscription("s")]),
        groups: [GROUP, "/subscriptions/t/resourceGroups/h"]
            .iter()
            .filter_map(|group| ArmId::parse(group))
            .collect(),
    }
}

fn marked(id: &str) -> OwnedResource {
    let body = json!({ "id": id, "location": "westeurope" });
    OwnedResource::from_tagged(body, "cameras").unwrap()
}

#[test]
fn resources_precede_their_locks_and_groups_are_not_mixed() {
    let mut live = Live::default();
    let account =
        |name: &str| format!("{GROUP}/providers/Microsoft.Storage/storageAccounts/{name}");
    for id in [
        &account("a-b"),
        &account("a"),
        &format!("{GROUP}-old"),
        GROUP,
    ] {
        live.insert_owned(marked(id));
    }
    for (scope, notes) in [
        (account("a"), "lazuli-stack: cameras; lock; protect"),
        (account("a-b"), "lazuli-stack: doors; lock"),
    ] {
        live.insert_lock(&json!({
            "id": format!("{scope}/providers/Microsoft.Authorization/locks/keep"),
            "properties": { "level": "ReadOnly", "notes": notes },
        }));
    }
    let found = inventory(&[home()], None, &live);
    let names: Vec<_> = found.stacks[0]
        .items
        .iter()
        .map(|item| &*item.name)
        .collect();
    assert_eq!(names, ["g", "a", "keep", "a-b", "g-old"]);
    let lock = &found.stacks[0].items[2];
    assert_eq!(lock.removal_policy, RemovalPolicy::Protect);
    assert_eq!(lock.extension.as_ref().unwrap().scope().name(), "a");
    assert_eq!(lock.spec_match, SpecMatch::NoSpec);
    assert_eq!(
        found.stacks[0].items[1].location.as_deref(),
        Some("westeurope")
    );
}

#[test]
fn custom_role_of_the_stack_names_its_grants_without_a_spec() {
    let mut live = Live::default();
    let role = "/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/R1";
    let marker = "lazuli-stack: cameras; operator";
    let body =
        json!({ "id": role, "properties": { "roleName": "Operator", "description": marker } });
    live.insert_owned(OwnedResource::from_marked_text(body, "description").unwrap());
    live.insert(json!({
        "id": format!("{GROUP}/providers/Microsoft.Authorization/roleAssignments/n"),
        "type": ROLE_ASSIGNMENT.name,
        "properties": { "roleDefinitionId": role.to_lowercase(), "principalId": "p", "description": marker },
    }));
    let found = inventory(&[home()], None, &live);
    let names: Vec<_> = found.stacks[0]
        .items
        .iter()
        .map(|item| &*item.name)
        .collect();
    assert_eq!(names, ["Operator", "Operator"]);
}

#[test]
fn grants_and_locks_are_read_once_per_subscription() {
    let mut two = [home(), home()];
    two[1].groups = BTreeSet::from([ArmId::resource_group("s", "g2")]);
    let reads = list_reads(&two);
    let [Read::Wide { list, instead }, Read::Locks { groups, .. }] = reads.as_slice() else {
        panic!("{reads:?}");
    };
    assert_eq!(**list, Read::Grants(ArmId::subscription("s")));
    assert_eq!(
        (instead.len(), groups.len()),
        (2, 2),
        "the groups of the subscription"
    );
}
