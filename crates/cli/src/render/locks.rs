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
    Names, sign,
    style::{Style, Tint, block, clean, wrap},
};

/// How far what belongs to a lock stands in.
const INDENT: usize = 4;

/// A section for each lock, and a line for each scope whose locks are not known; nothing for a plan without steps.
pub(crate) fn obstacles(
    plan: &Plan,
    obstacles: &[Obstacle],
    unread: &[UnreadLocks],
    style: &Style,
) -> String {
    if plan.is_empty() {
        return String::new();
    }
    let names = Names::of_plan(plan);
    let locks = obstacles
        .iter()
        .map(|obstacle| section(plan, obstacle, names, style));
    let unknown = unread.iter().map(|unread| unknown(unread, style));
    locks
        .chain(unknown)
        .map(|text| format!("\n{text}"))
        .collect()
}

fn section(plan: &Plan, obstacle: &Obstacle, names: Names, style: &Style) -> String {
    let lock = &obstacle.lock;
    let mut text = headline(
        &format!(
            "! lock {} ({}) on {} blocks:",
            lock.id.name(),
            lock.level.name(),
            place(&lock.scope)
        ),
        Tint::Yellow,
        style,
    );
    let steps = obstacle
        .blocks
        .iter()
        .filter_map(|step| plan.steps.get(step.0));
    for step in steps {
        let (sign, tint) = sign(step.action, style);
        let line = format!("{sign} {}", names.name(&step.key));
        for line in block(INDENT, &line, style.width).lines() {
            text.push_str(&style.paint(tint, line));
            text.push('\n');
        }
    }
    if let Some(notes) = lock.notes.as_deref().filter(|notes| !notes.is_empty()) {
        text.push_str(&block(
            INDENT,
            &format!("notes: {}", clean(notes)),
            style.width,
        ));
    }
    text.push_str(&block(INDENT, &lock.id.to_string(), style.width));
    text + &block(
        INDENT,
        &format!("help: {}", help(&obstacle.owner)),
        style.width,
    )
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

fn unknown(unread: &UnreadLocks, style: &Style) -> String {
    let line = format!(
        "! locks of {} could not be read ({}): what they block is not shown",
        place(&unread.scope),
        unread.why
    );
    let help = "help: reading them takes the right `Microsoft.Authorization/locks/read`, which the role Reader has";
    headline(&line, Tint::Yellow, style) + &block(INDENT, help, style.width)
}

/// A head in colour; its further lines stand in.
pub(super) fn headline(text: &str, tint: Tint, style: &Style) -> String {
    let mut lines = wrap(&clean(text), style.width.saturating_sub(INDENT)).into_iter();
    let first = lines.next().unwrap_or_default();
    let mut text = style.paint(tint, &first) + "\n";
    for line in lines {
        text.push_str(&style.paint(tint, &format!("{:INDENT$}{line}", "")));
        text.push('\n');
    }
    text
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
    use crate::render::testing::{plan_of, step};

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
            obstacles(&teardown(), &found, &[], &Style::default()),
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
            obstacles(&teardown(), &[], &unread, &Style::default()),
            "
! locks of the subscription 1 could not be read (AuthorizationFailed): what
    they block is not shown
    help: reading them takes the right `Microsoft.Authorization/locks/read`,
    which the role Reader has
"
        );
        let nothing = obstacles(&Plan::default(), &[], &unread, &Style::default());
        assert_eq!(nothing, "", "a plan without steps cannot be blocked");
    }

    #[test]
    fn nothing_foreign_acts_on_the_terminal() {
        let found = [obstacle(ACCOUNT, "\u{1b}[2J", LockOwner::Own, &[0])];
        let text = obstacles(&teardown(), &found, &[], &Style::default());
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
}
