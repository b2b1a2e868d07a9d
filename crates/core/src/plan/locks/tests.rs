//! The rules of which steps a lock blocks, on constructed plans.

use serde_json::json;

use super::*;
use crate::{
    arm::ArmType,
    arm::types::ROLE_ASSIGNMENT,
    key::NodeKey,
    plan::{Absence, Action, Call, NewGrant, Principal},
    source::{Sources, Span},
    spec::Address,
    subject::Subject,
    value::Value,
};

const GROUP: &str = "/subscriptions/s/resourceGroups/g";
const ACCOUNT: &str =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a";
const NAMESAKE: &str =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a2";

fn lock_id(scope: &str) -> String {
    format!("{scope}/providers/{}/keep", MANAGEMENT_LOCK.name)
}

fn live(scope: &str, level: &str, notes: &str) -> Live {
    let mut live = Live::default();
    let properties = json!({ "level": level, "notes": notes });
    live.insert_lock(&json!({ "id": lock_id(scope), "properties": properties }));
    live
}

/// A step that depends on the one before it in the plan.
fn step(method: Method, target: CallTarget, arm_type: ArmType) -> Step {
    let address = Address {
        resource: "r".into(),
        instance: None,
    };
    Step {
        id: StepId(0),
        subject: Subject {
            key: NodeKey {
                stack: "cameras".into(),
                address,
                part: None,
            },
            kind: "resource",
            arm_type,
            title: String::new(),
            places: Default::default(),
            span: Span::new(Sources::default().add("spec.yaml", ""), 0..0),
        },
        action: match method {
            Method::Create(_) | Method::Update(_) => Action::Update,
            Method::Replace(_) => Action::Replace,
            Method::Delete(_) => Action::Delete,
        },
        reason: String::new(),
        changes: Vec::new(),
        call: Call {
            method,
            target,
            api_version: String::new(),
            body: Value::Null,
        },
        outputs: Vec::new(),
        after: Vec::new(),
        retry_causes: Vec::new(),
    }
}

fn step_on(method: Method, id: &str) -> Step {
    let target = CallTarget::Id(ArmId::parse(id).unwrap());
    let lock = MANAGEMENT_LOCK;
    let arm_type = match id.contains(&*lock.name) {
        true => lock,
        false => ArmType::new("T/t", "1"),
    };
    step(method, target, arm_type)
}

fn put(id: &str) -> Step {
    step_on(Method::Create(Absence::Certain), id)
}

fn delete(id: &str) -> Step {
    step_on(Method::Delete(crate::plan::Deletion::by_tag("cameras")), id)
}

fn grant_on(scope: &str) -> Step {
    let grant = NewGrant {
        scope: ArmId::parse(scope).unwrap(),
        role: "reader".into(),
        role_name: "Reader".into(),
        principal: Principal::Id("p".into()),
    };
    step(
        Method::Create(Absence::Certain),
        CallTarget::Grant(grant),
        ROLE_ASSIGNMENT,
    )
}

fn plan_of(steps: impl IntoIterator<Item = Step>) -> Plan {
    let numbered = |(at, step)| Step {
        id: StepId(at),
        ..step
    };
    Plan {
        steps: steps.into_iter().enumerate().map(numbered).collect(),
        ..Plan::default()
    }
}

/// The positions of the steps that a lock blocks, where no step depends on another.
fn blocked<const N: usize>(scope: &str, level: &str, steps: [Step; N]) -> Vec<usize> {
    let found = obstacles(&plan_of(steps), &Graph::default(), &live(scope, level, ""));
    found
        .into_iter()
        .flat_map(|obstacle| obstacle.blocks)
        .map(|step| step.0)
        .collect()
}

#[test]
fn read_only_blocks_every_write_and_deletion_at_and_below() {
    let container = format!("{ACCOUNT}/blobServices/default/containers/c");
    let steps = || {
        [
            put(GROUP),
            put(ACCOUNT),
            put(&container),
            delete(&container),
            put(NAMESAKE),
            grant_on(ACCOUNT),
            grant_on(GROUP),
        ]
    };
    assert_eq!(blocked(ACCOUNT, "ReadOnly", steps()), [1, 2, 3, 5]);
    assert_eq!(blocked(GROUP, "ReadOnly", steps()), [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(blocked("/subscriptions/s", "ReadOnly", steps()).len(), 7);
    assert_eq!(blocked("/subscriptions/s2", "ReadOnly", steps()), [0; 0]);
}

#[test]
fn can_not_delete_blocks_deletions_at_and_below_and_no_write() {
    let assignment = format!("{ACCOUNT}/providers/{}/x", ROLE_ASSIGNMENT.name);
    let steps = [
        put(ACCOUNT),
        grant_on(ACCOUNT),
        delete(ACCOUNT),
        delete(&assignment),
        delete(NAMESAKE),
    ];
    assert_eq!(blocked(ACCOUNT, "CanNotDelete", steps), [2, 3]);
}

#[test]
fn both_levels_block_deletions_above_but_no_other_writes_there() {
    for level in ["CanNotDelete", "ReadOnly"] {
        let steps = [
            put(GROUP),
            delete(GROUP),
            delete("/subscriptions/s/resourceGroups/g2"),
        ];
        assert_eq!(blocked(ACCOUNT, level, steps), [1], "{level}");
    }
}

#[test]
fn ids_are_compared_without_case() {
    let steps = [delete(&ACCOUNT.to_uppercase()), put(&GROUP.to_lowercase())];
    assert_eq!(blocked(ACCOUNT, "readonly", steps), [0]);
    let steps = [delete(&GROUP.to_lowercase()), put(ACCOUNT)];
    let shouted = GROUP.replace("resourceGroups/g", "RESOURCEGROUPS/G");
    assert_eq!(blocked(&shouted, "READONLY", steps), [0, 1]);
}

#[test]
fn locks_do_not_block_locks() {
    let steps = [put(&lock_id(ACCOUNT)), delete(&lock_id(GROUP))];
    assert_eq!(blocked(GROUP, "ReadOnly", steps), [0; 0]);
}

#[test]
fn deleted_lock_does_not_block_steps_that_depend_on_its_deletion() {
    let mut plan = plan_of([
        delete(&lock_id(&GROUP.to_uppercase())),
        delete(ACCOUNT),
        delete(GROUP),
        delete(NAMESAKE),
    ]);
    plan.steps[1].after = vec![StepId(0)];
    plan.steps[2].after = vec![StepId(1), StepId(3)];
    let live = live(GROUP, "CanNotDelete", "");
    let found = obstacles(&plan, &Graph::default(), &live);
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0].blocks,
        [StepId(3)],
        "it could come before the lock is off"
    );
}

#[test]
fn planned_change_of_a_lock_does_not_unblock_steps() {
    let mut plan = plan_of([put(ACCOUNT), put(&lock_id(ACCOUNT))]);
    plan.steps[1].after = vec![StepId(0)];
    let found = obstacles(&plan, &Graph::default(), &live(ACCOUNT, "ReadOnly", ""));
    assert_eq!(found[0].blocks, [StepId(0)]);
}

#[test]
fn owner_of_a_lock_is_in_its_notes() {
    let owner = |notes: &str| {
        let live = live(GROUP, "CanNotDelete", notes);
        let found = obstacles(&plan_of([delete(GROUP)]), &Graph::default(), &live);
        found[0].owner.clone()
    };
    assert_eq!(owner("by hand"), LockOwner::Unmarked);
    assert_eq!(
        owner("Evidence (lazuli-stack: platform; keep)"),
        LockOwner::Stack("platform".into())
    );
}

#[test]
fn plan_outside_of_locked_scopes_has_no_obstacles() {
    assert_eq!(blocked(ACCOUNT, "CanNotDelete", [put(ACCOUNT)]), [0; 0]);
    let free = obstacles(
        &plan_of([delete(GROUP)]),
        &Graph::default(),
        &Live::default(),
    );
    assert_eq!(free, []);
}
