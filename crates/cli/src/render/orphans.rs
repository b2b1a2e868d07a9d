//! Orphans that a plan leaves alone, and where nobody knows of any.

use lazuli_core::{
    mark::Afterlife,
    plan::{Orphan, Plan},
};

use super::{
    count,
    style::{Style, Tint, block, clean},
};

const INDENT: usize = 4;

/// A section for each stack that has orphans, and a note for each subscription that could not be asked; nothing where
/// there is nothing to say.
pub(crate) fn left_alone(plan: &Plan, style: &Style) -> String {
    let mut text = String::new();
    let of_one_stack = |one: &Orphan, next: &Orphan| one.key.stack == next.key.stack;
    for orphans in plan.orphans.chunk_by(of_one_stack) {
        let stack = orphans.first().map(|orphan| orphan.key.stack.as_str());
        let head = format!(
            "! {} of the stack `{}`, in no entry of the spec",
            count(orphans.len(), "orphan"),
            clean(stack.unwrap_or_default())
        );
        text.push_str(&style.paint(Tint::Yellow, &head));
        text.push('\n');
        for orphan in orphans {
            text.push_str(&block(INDENT, &line(orphan), style.width));
        }
        let help = match orphans {
            [_] => "help: it stays until `lazuli apply --prune` takes it away",
            _ => "help: they stay until `lazuli apply --prune` takes them away",
        };
        text.push_str(&style.block(Tint::Faint, INDENT, help));
        text.push('\n');
    }
    for unseen in &plan.unseen {
        let note = format!(
            "! what the stacks own in {} outside of the resource groups of the spec is unknown: {}",
            unseen.scope.name(),
            clean(&unseen.why)
        );
        text.push_str(&style.block(Tint::Faint, 0, &note));
        text.push('\n');
    }
    text
}

/// `storageAccount stold in rg-cameras`
fn line(orphan: &Orphan) -> String {
    let place = match orphan.id.resource_group_name() {
        Some(group) if group != orphan.id.name() => format!(" in {group}"),
        _ => String::new(),
    };
    let fate = match orphan.afterlife {
        Afterlife::Delete => "",
        Afterlife::Keep => ": let go by --prune, as `onRemove: keep` was said",
        Afterlife::Protect => ": stays, as it was protected",
    };
    clean(&format!("{} {}{place}{fate}", orphan.what, orphan.subject))
}
