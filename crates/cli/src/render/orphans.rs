//! Orphans that a plan leaves alone, and where nobody knows of any.

use lazuli_core::{
    mark::Afterlife,
    plan::{Orphan, Plan},
};

use super::{
    count,
    notice::{Notice, Weight},
};

/// A notice for each stack that has orphans, and for each subscription that could not be asked.
pub(crate) fn left_alone(plan: &Plan) -> Vec<Notice> {
    let of_one_stack = |one: &Orphan, next: &Orphan| one.key.stack == next.key.stack;
    let orphans = plan.remarks.orphans.chunk_by(of_one_stack).map(|orphans| {
        let stack = orphans.first().map(|orphan| orphan.key.stack.as_str());
        let head = format!(
            "{} of the stack `{}`, in no entry of the spec",
            count(orphans.len(), "orphan"),
            stack.unwrap_or_default()
        );
        let mut notice = Notice::new(Weight::Warning, "!", &head);
        orphans.iter().for_each(|orphan| notice.say(&line(orphan)));
        notice.help(match orphans {
            [_] => "it stays until `lazuli apply --prune` takes it away",
            _ => "they stay until `lazuli apply --prune` takes them away",
        });
        notice
    });
    let unseen = plan.remarks.unreadable.iter().map(|unseen| {
        let head = format!(
            "what the stacks own in {} outside of the resource groups of the spec is unknown: {}",
            unseen.scope.name(),
            unseen.why
        );
        Notice::new(Weight::Aside, "!", &head)
    });
    orphans.chain(unseen).collect()
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
    format!("{} {}{place}{fate}", orphan.what, orphan.title)
}
