//! What stacks own, group by group; what is on or in something stands beneath it.

use lazuli_core::{
    arm::ArmId,
    inventory::{Holdings, Inventory, Item, Naming, Right},
    mark::Afterlife,
};

use super::{
    count,
    style::{Style, Tint, block, clean},
};

/// How far things stand in below the place that they are in.
const INDENT: usize = 2;

/// Every stack, and what could not be asked.
pub(crate) fn inventory(inventory: &Inventory, style: &Style) -> String {
    let mut text = String::new();
    for (at, holdings) in inventory.stacks.iter().enumerate() {
        if at > 0 {
            text.push('\n');
        }
        text.push_str(&stack(holdings, style));
    }
    let unseen = inventory.unseen.iter().map(|unseen| {
        let at = unseen.scope.name();
        format!("! what else is owned in {at} is unknown: {}", unseen.why)
    });
    let unread = inventory.unread_locks.iter().map(|unread| {
        let at = unread.scope.name();
        format!("! which locks are owned in {at} is unknown: {}", unread.why)
    });
    for note in unseen.chain(unread) {
        text.push('\n');
        text.push_str(&style.block(Tint::Faint, 0, &note));
    }
    text
}

fn stack(holdings: &Holdings, style: &Style) -> String {
    let Holdings { stack, items } = holdings;
    let name = clean(stack);
    if items.is_empty() {
        return format!("The stack `{name}` owns nothing.\n");
    }
    let head = format!(
        "The stack `{name}` owns {}.",
        count(items.len(), "resource")
    );
    let mut text = style.paint(Tint::Strong, &head) + "\n";
    for items in items.chunk_by(|one, next| one.place().group() == next.place().group()) {
        let heading = items.first().map(place_of).unwrap_or_default();
        text.push_str(&format!("\n{}\n", clean(&heading)));
        for (at, item) in items.iter().enumerate() {
            let above = items.get(..at).unwrap_or_default();
            text.push_str(&line(item, above, style));
        }
    }
    let orphans = items.iter().filter(|item| item.naming == Naming::Orphan);
    match orphans.count() {
        0 => text,
        number => {
            let note = format!(
                "{} that no entry of the spec names: see `lazuli plan --prune`.",
                count(number, "resource")
            );
            text + "\n" + &style.block(Tint::Strong, 0, &note)
        }
    }
}

/// `rg-cameras`, or `subscription 1234…` for what is in no group.
fn place_of(item: &Item) -> String {
    let place = item.place();
    match (place.resource_group_name(), place.subscription_id()) {
        (Some(group), _) => group.to_owned(),
        (None, Some(subscription)) => format!("subscription {subscription}"),
        (None, None) => place.to_string(),
    }
}

/// `recordings  storageAccount stcameras: protected`, and beneath a grant who has it.
fn line(item: &Item, above: &[Item], style: &Style) -> String {
    let holder = above.iter().rev().find(|one| holds(one, item));
    let depth = if holder.is_some() { 2 } else { 1 };
    let object = object(item, holder.map(|one| &one.id));
    let (name, tint) = match &item.naming {
        Naming::Entry(key) => (Some(key.to_string()), None),
        Naming::Orphan => (Some("!".to_owned()), Some(Tint::Yellow)),
        Naming::Unasked => (None, None),
    };
    let start = name.map(|name| format!("{name}  ")).unwrap_or_default();
    let text = format!("{start}{object}{}", remark(item)).replace('\n', " ");
    let mut text = match tint {
        Some(tint) => style.block(tint, depth * INDENT, &text),
        None => block(depth * INDENT, &text, style.width),
    };
    if let Some(holder) = holder_of(item) {
        text.push_str(&block((depth + 1) * INDENT, &holder, style.width));
    }
    text
}

/// Whether one thing stands beneath another. That all of a group is in it is said by its heading.
fn holds(outer: &Item, inner: &Item) -> bool {
    let is_group = outer.id.group().as_ref() == Some(&outer.id);
    let is_own = inner.right.is_none() && inner.id == outer.id;
    outer.right.is_none() && !is_group && !is_own && outer.id.covers(inner.place())
}

fn object(item: &Item, holder: Option<&ArmId>) -> String {
    let mut text = format!("{} {}", item.what, item.name);
    let Some(right) = &item.right else {
        return text;
    };
    if holder != Some(right.scope()) {
        text.push_str(&format!(" on {}", right.scope().name()));
    }
    if let Right::Lock { level, .. } = right {
        text.push_str(&format!(", {}", level.name()));
    }
    text
}

/// `for analyzer, ServicePrincipal 00000000-…`
fn holder_of(item: &Item) -> Option<String> {
    let Some(Right::Grant {
        principal,
        principal_type,
        principal_of,
        ..
    }) = &item.right
    else {
        return None;
    };
    let key = principal_of.as_ref().map(|key| format!("{key}, "));
    let kind = principal_type.as_deref().unwrap_or("principal");
    Some(format!("for {}{kind} {principal}", key.unwrap_or_default()))
}

fn remark(item: &Item) -> &'static str {
    match (&item.naming, item.afterlife) {
        (Naming::Orphan, Afterlife::Delete) => ": no entry names it",
        (Naming::Orphan, Afterlife::Keep) => ": no entry names it, to be let go",
        (Naming::Orphan, Afterlife::Protect) => ": no entry names it, protected",
        (_, Afterlife::Delete) => "",
        (_, Afterlife::Keep) => ": kept when its entry goes",
        (_, Afterlife::Protect) => ": protected",
    }
}
