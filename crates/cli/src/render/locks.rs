//! Notices about management locks that block steps of a plan.

use lazuli_core::{
    arm::ArmId,
    live::UnreadLocks,
    plan::{
        Plan,
        locks::{LockOwner, Obstacle},
    },
};

use super::{
    NodeNames,
    notice::{AffectedStep, Notice, Weight},
};

/// A notice per lock and per scope whose locks are unknown; none for a plan without steps.
pub(crate) fn list_obstacles(
    plan: &Plan,
    obstacles: &[Obstacle],
    unread: &[UnreadLocks],
) -> Vec<Notice> {
    if plan.is_empty() {
        return Vec::new();
    }
    let locks = obstacles
        .iter()
        .map(|obstacle| describe_obstacle(plan, obstacle));
    locks.chain(unread.iter().map(describe_unread)).collect()
}

fn describe_obstacle(plan: &Plan, obstacle: &Obstacle) -> Notice {
    let lock = &obstacle.lock;
    let head = format!(
        "lock {} ({}) on {} blocks:",
        lock.id.name(),
        lock.level.name(),
        describe_scope(&lock.scope)
    );
    let mut notice = Notice::new(Weight::Warning, "!", &head);
    let names = NodeNames::from_plan(plan);
    notice.add_steps(plan, &obstacle.blocks, |step| {
        AffectedStep::new(step, names)
    });
    if let Some(notes) = lock.notes.as_deref().filter(|notes| !notes.is_empty()) {
        notice.add_text(&format!("notes: {notes}"));
    }
    notice.add_text(lock.id.as_str());
    notice.add_help(&suggest_fix(&obstacle.owner));
    notice
}

fn suggest_fix(owner: &LockOwner) -> String {
    match owner {
        LockOwner::Own => {
            "this stack owns the lock, but this run does not remove it before these steps: remove it \
            and run again; `apply` recreates it if the spec declares it"
                .to_owned()
        }
        LockOwner::Stack(stack) => format!(
            "ask the owner of stack `{stack}` to remove the lock; lazuli never removes a lock of another stack"
        ),
        LockOwner::Unmarked => {
            "ask the owner of the lock to remove it, then run again; lazuli never removes a lock that \
            the stack does not own"
                .to_owned()
        }
    }
}

fn describe_unread(unread: &UnreadLocks) -> Notice {
    let head = format!(
        "cannot read the locks of {} ({}): steps that they block are not shown",
        describe_scope(&unread.scope),
        unread.why
    );
    let mut notice = Notice::new(Weight::Warning, "!", &head);
    notice.add_help(
        "assign a role with the permission `Microsoft.Authorization/locks/read`, such as Reader",
    );
    notice
}

/// The name of a scope, with its type if it is a subscription or a resource group.
pub(super) fn describe_scope(scope: &ArmId) -> String {
    let name = scope.name();
    match scope.parent() {
        None => format!("subscription {name}"),
        Some(_) if scope.group().as_ref() == Some(scope) => format!("resource group {name}"),
        Some(_) => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use lazuli_core::{
        live::LiveLock,
        plan::{Action, StepId},
    };
    use serde_json::json;

    use super::*;
    use crate::render::{
        notice::render_spaced,
        style::Style,
        testing::{plan_of, step},
    };

    const ACCOUNT: &str =
        "/subscriptions/1/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/stcameras";

    fn obstacle(scope: &str, notes: &str, owner: LockOwner, blocks: &[usize]) -> Obstacle {
        let id = format!("{scope}/providers/Microsoft.Authorization/locks/keep");
        let properties = json!({ "level": "CanNotDelete", "notes": notes });
        Obstacle {
            lock: LiveLock::parse(&json!({ "id": id, "properties": properties })).unwrap(),
            owner,
            blocks: blocks.iter().copied().map(StepId).collect(),
        }
    }

    fn teardown() -> Plan {
        plan_of([
            step(Action::Delete, "recordings", "storageAccount", "stcameras"),
            step(Action::Delete, "group", "resourceGroup", "rg"),
        ])
    }

    #[test]
    fn lock_is_shown_with_blocked_steps_notes_and_help() {
        let found = [
            obstacle(ACCOUNT, "Evidence.\nAsk Ada", LockOwner::Unmarked, &[0, 1]),
            obstacle(
                "/subscriptions/1/resourceGroups/rg",
                "",
                LockOwner::Stack("platform".into()),
                &[1],
            ),
        ];
        assert_eq!(
            render_spaced(&list_obstacles(&teardown(), &found, &[]), &Style::default()),
            "
! lock keep (CanNotDelete) on stcameras blocks:
    - recordings
    - group
    notes: Evidence.\\nAsk Ada
    /subscriptions/1/resourceGroups/rg/providers/Microsoft.Storage/
    storageAccounts/stcameras/providers/Microsoft.Authorization/locks/keep
    help: ask the owner of the lock to remove it, then run again; lazuli never
    removes a lock that the stack does not own

! lock keep (CanNotDelete) on resource group rg blocks:
    - group
    /subscriptions/1/resourceGroups/rg/providers/Microsoft.Authorization/locks/
    keep
    help: ask the owner of stack `platform` to remove the lock; lazuli never
    removes a lock of another stack
"
        );
    }

    #[test]
    fn unreadable_locks_are_reported() {
        let unread = [UnreadLocks {
            scope: ArmId::subscription("1"),
            why: "AuthorizationFailed".into(),
        }];
        assert_eq!(
            render_spaced(
                &list_obstacles(&teardown(), &[], &unread),
                &Style::default()
            ),
            "
! cannot read the locks of subscription 1 (AuthorizationFailed): steps that
    they block are not shown
    help: assign a role with the permission
    `Microsoft.Authorization/locks/read`, such as Reader
"
        );
        let nothing = list_obstacles(&Plan::default(), &[], &unread);
        assert_eq!(nothing, [], "a plan without steps cannot be blocked");
    }

    #[test]
    fn control_characters_are_escaped() {
        let found = [obstacle(ACCOUNT, "\u{1b}[2J", LockOwner::Own, &[0])];
        let text = render_spaced(&list_obstacles(&teardown(), &found, &[]), &Style::default());
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
}
