//! Management locks that stand in the way of a plan: what each blocks, and what can be done.

use lazuli_core::{
    arm::ArmId,
    live::UnreadLocks,
    plan::{
        Plan,
        locks::{LockOwner, Obstacle},
    },
};

use super::{
    Names,
    notice::{Concerned, Notice, Weight},
};

/// A notice for each lock, and for each scope whose locks are not known; none for a plan without steps.
pub(crate) fn obstacles(
    plan: &Plan,
    obstacles: &[Obstacle],
    unread: &[UnreadLocks],
) -> Vec<Notice> {
    if plan.is_empty() {
        return Vec::new();
    }
    let locks = obstacles.iter().map(|obstacle| in_the_way(plan, obstacle));
    locks.chain(unread.iter().map(unknown)).collect()
}

fn in_the_way(plan: &Plan, obstacle: &Obstacle) -> Notice {
    let lock = &obstacle.lock;
    let head = format!(
        "lock {} ({}) on {} blocks:",
        lock.id.name(),
        lock.level.name(),
        place(&lock.scope)
    );
    let mut notice = Notice::new(Weight::Warning, "!", &head);
    let names = Names::of_plan(plan);
    notice.steps(plan, &obstacle.blocks, |step| Concerned::new(step, names));
    if let Some(notes) = lock.notes.as_deref().filter(|notes| !notes.is_empty()) {
        notice.say(&format!("notes: {notes}"));
    }
    notice.say(lock.id.as_str());
    notice.help(&help(&obstacle.owner));
    notice
}

fn help(owner: &LockOwner) -> String {
    match owner {
        LockOwner::Own => {
            "it is marked as a lock of this stack, and this run does not take it off before these \
            steps: remove it yourself and run again; `apply` puts back what the spec names"
                .to_owned()
        }
        LockOwner::Stack(stack) => format!(
            "it belongs to the stack `{stack}`: ask its owner to remove it; lazuli never removes a lock that the \
             stack at hand does not own"
        ),
        LockOwner::Unmarked => {
            "ask its owner to remove it, then run again; lazuli never removes a lock that the \
            stack at hand does not own"
                .to_owned()
        }
    }
}

fn unknown(unread: &UnreadLocks) -> Notice {
    let head = format!(
        "locks of {} could not be read ({}): what they block is not shown",
        place(&unread.scope),
        unread.why
    );
    let mut notice = Notice::new(Weight::Warning, "!", &head);
    notice.help(
        "reading them takes the right `Microsoft.Authorization/locks/read`, which the role Reader has",
    );
    notice
}

/// A scope by its name, and what it is if that is no resource.
pub(super) fn place(scope: &ArmId) -> String {
    let name = scope.name();
    match scope.parent() {
        None => format!("the subscription {name}"),
        Some(_) if scope.group().as_ref() == Some(scope) => format!("the resource group {name}"),
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
        notice::apart,
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
    fn a_lock_is_told_with_what_it_blocks_its_notes_and_what_to_do() {
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
            apart(&obstacles(&teardown(), &found, &[]), &Style::default()),
            "
! lock keep (CanNotDelete) on stcameras blocks:
    - recordings
    - group
    notes: Evidence.\\nAsk Ada
    /subscriptions/1/resourceGroups/rg/providers/Microsoft.Storage/
    storageAccounts/stcameras/providers/Microsoft.Authorization/locks/keep
    help: ask its owner to remove it, then run again; lazuli never removes a
    lock that the stack at hand does not own

! lock keep (CanNotDelete) on the resource group rg blocks:
    - group
    /subscriptions/1/resourceGroups/rg/providers/Microsoft.Authorization/locks/
    keep
    help: it belongs to the stack `platform`: ask its owner to remove it; lazuli
    never removes a lock that the stack at hand does not own
"
        );
    }

    #[test]
    fn locks_that_could_not_be_read_are_told() {
        let unread = [UnreadLocks {
            scope: ArmId::subscription("1"),
            why: "AuthorizationFailed".into(),
        }];
        assert_eq!(
            apart(&obstacles(&teardown(), &[], &unread), &Style::default()),
            "
! locks of the subscription 1 could not be read (AuthorizationFailed): what
    they block is not shown
    help: reading them takes the right `Microsoft.Authorization/locks/read`,
    which the role Reader has
"
        );
        let nothing = obstacles(&Plan::default(), &[], &unread);
        assert_eq!(nothing, [], "a plan without steps cannot be blocked");
    }

    #[test]
    fn nothing_foreign_acts_on_the_terminal() {
        let found = [obstacle(ACCOUNT, "\u{1b}[2J", LockOwner::Own, &[0])];
        let text = apart(&obstacles(&teardown(), &found, &[]), &Style::default());
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
}
