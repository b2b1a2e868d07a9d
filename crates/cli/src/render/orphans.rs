//! Orphans that a plan does not delete, and scopes that could not be searched for orphans.

use lazuli_core::plan::{Orphan, Plan, PruneEffect};

use super::{
    notice::{Notice, Weight},
    pluralize,
};

/// A notice per stack with orphans, per unreadable scope, and for other subscriptions if they could not be searched.
pub(crate) fn list_orphans(plan: &Plan) -> Vec<Notice> {
    let of_one_stack = |one: &Orphan, next: &Orphan| one.key.stack == next.key.stack;
    let orphans = plan.remarks.orphans.chunk_by(of_one_stack).map(|orphans| {
        let stack = orphans.first().map_or("", |orphan| &orphan.key.stack);
        let head = format!(
            "stack `{stack}` owns {} without an entry in the spec",
            pluralize(orphans.len(), "orphan")
        );
        let mut notice = Notice::new(Weight::Warning, "!", &head);
        for orphan in orphans {
            notice.add_text(&describe(orphan));
        }
        notice
            .add_help("add an entry to the spec to keep an orphan, or run `lazuli apply --prune` to delete orphans");
        notice
    });
    let unseen = plan.remarks.unreadable.iter().map(|unseen| {
        let is_subscription = unseen.scope.group().is_none();
        let outside = match is_subscription {
            true => " outside of the resource groups of the spec",
            false => "",
        };
        let head = format!(
            "cannot search {} for orphans{outside}: {}",
            unseen.scope.name(),
            unseen.why
        );
        Notice::new(Weight::Aside, "!", &head)
    });
    let unsearched = plan.remarks.unsearched.iter().map(|why| {
        let head = format!("cannot search other subscriptions for orphans: {why}");
        Notice::new(Weight::Aside, "!", &head)
    });
    orphans
        .chain(unseen)
        .chain(unsearched)
        .chain(list_unrecorded(plan))
        .collect()
}

/// A notice of the resources that would be forgotten.
fn list_unrecorded(plan: &Plan) -> Option<Notice> {
    let keys = &plan.remarks.unrecorded;
    if keys.is_empty() {
        return None;
    }
    let head = format!(
        "the ownership markers have no room for {}, which would not be found as orphans",
        pluralize(keys.len(), "more resource")
    );
    let mut notice = Notice::new(Weight::Aside, "!", &head);
    for key in keys {
        notice.add_text(&key.to_string());
    }
    notice.add_help("delete such a resource by hand when you remove its entry");
    Some(notice)
}

/// `storageAccount stold in rg-cameras`
fn describe(orphan: &Orphan) -> String {
    let group = match orphan.id.resource_group_name() {
        Some(group) if group != orphan.id.name() => format!(" in {group}"),
        _ => String::new(),
    };
    let remark = match orphan.prune {
        PruneEffect::Delete => "",
        PruneEffect::Release => ": --prune releases it (`onRemove: keep`)",
        PruneEffect::Protect => ": --prune keeps it (`protect: true`)",
        PruneEffect::KeepOutdated => {
            ": --prune keeps it (marker of an older version, which can be a copy)"
        }
        PruneEffect::KeepUnconfirmed => ": --prune keeps it (no GET confirms it)",
    };
    format!("{} {}{group}{remark}", orphan.what, orphan.title)
}
