//! The resources that stacks own, by resource group; child resources are listed below their parents.

use lazuli_core::{
    arm::ArmId,
    inventory::{ExtensionResource, Holdings, Inventory, Item, SpecMatch},
    marker::RemovalPolicy,
};

use super::{
    pluralize,
    style::{Style, Tint, escape_control, wrap_block, wrap_hanging},
};

/// Indent per level.
const INDENT: usize = 2;

/// Renders the inventory of all stacks and the scopes that could not be read.
pub(crate) fn inventory(inventory: &Inventory, style: &Style) -> String {
    let mut text = String::new();
    for (at, holdings) in inventory.stacks.iter().enumerate() {
        if at > 0 {
            text.push('\n');
        }
        text.push_str(&render_stack(holdings, style));
    }
    let unreadable = inventory.unreadable.iter().map(|unread| {
        let at = unread.scope.name();
        format!(
            "! cannot read which other resources are owned in {at}: {}",
            unread.why
        )
    });
    let unread = inventory.unread_locks.iter().map(|unread| {
        let at = unread.scope.name();
        format!(
            "! cannot read which locks are owned in {at}: {}",
            unread.why
        )
    });
    for note in unreadable.chain(unread) {
        text.push('\n');
        text.push_str(&style.paint_block(Tint::Faint, 0, &note));
    }
    text
}

fn render_stack(holdings: &Holdings, style: &Style) -> String {
    let Holdings { stack, items } = holdings;
    let name = escape_control(stack);
    if items.is_empty() {
        return format!("Stack `{name}` owns no resources.\n");
    }
    let head = format!(
        "Stack `{name}` owns {}:",
        pluralize(items.len(), "resource")
    );
    let mut text = style.paint(Tint::Strong, &head) + "\n";
    for items in items.chunk_by(|one, next| one.place().group() == next.place().group()) {
        let Some(first) = items.first() else {
            continue;
        };
        text.push_str(&format!("\n{}\n", escape_control(&describe_group(first))));
        for (at, item) in items.iter().enumerate() {
            let (above, _) = items.split_at(at);
            text.push_str(&render_item(item, above, style));
        }
    }
    let orphans = items
        .iter()
        .filter(|item| item.spec_match == SpecMatch::Orphan);
    match orphans.count() {
        0 => text,
        number => {
            let note = format!(
                "{} without an entry in the spec: see `lazuli plan --prune`.",
                pluralize(number, "orphan")
            );
            text + "\n" + &style.paint_block(Tint::Strong, 0, &note)
        }
    }
}

/// `rg-cameras`, or `subscription 1234…` for a resource outside of groups.
fn describe_group(item: &Item) -> String {
    let place = item.place();
    match (place.resource_group_name(), place.subscription_id()) {
        (Some(group), _) => group.to_owned(),
        (None, Some(subscription)) => format!("subscription {subscription}"),
        (None, None) => place.to_string(),
    }
}

/// `recordings  storageAccount stcameras: protected`; below a role assignment, its principal.
fn render_item(item: &Item, above: &[Item], style: &Style) -> String {
    let parent = above.iter().rev().find(|one| contains(one, item));
    let depth = if parent.is_some() { 2 } else { 1 };
    let description = describe(item, parent.map(|one| &one.id));
    let (name, tint) = match &item.spec_match {
        SpecMatch::Entry(key) => (Some(key.to_string()), None),
        SpecMatch::Orphan => (Some("!".to_owned()), Some(Tint::Yellow)),
        SpecMatch::NoSpec => (None, None),
    };
    let start = name.map_or_else(String::new, |name| format!("{name}  "));
    let text = format!("{start}{description}{}", describe_removal(item)).replace('\n', " ");
    let indent = depth * INDENT;
    let mut text = wrap_hanging(
        &escape_control(&text),
        tint,
        [indent, indent + 2 * INDENT],
        style,
    );
    if let Some(principal) = describe_principal(item) {
        text.push_str(&wrap_block((depth + 1) * INDENT, &principal, style.width));
    }
    text
}

/// Whether an item is listed below another. Items of a resource group are below its heading instead.
fn contains(outer: &Item, inner: &Item) -> bool {
    let is_group = outer.id.group().as_ref() == Some(&outer.id);
    let is_own = inner.extension.is_none() && inner.id == outer.id;
    outer.extension.is_none() && !is_group && !is_own && outer.id.covers(inner.place())
}

fn describe(item: &Item, parent: Option<&ArmId>) -> String {
    let mut text = format!("{} {}", item.kind, item.name);
    let Some(extension) = &item.extension else {
        return text;
    };
    if parent != Some(extension.scope()) {
        text.push_str(&format!(" on {}", extension.scope().name()));
    }
    if let ExtensionResource::Lock { level, .. } = extension {
        text.push_str(&format!(", {}", level.name()));
    }
    text
}

/// `principal: analyzer (ServicePrincipal 00000000-…)`
fn describe_principal(item: &Item) -> Option<String> {
    let Some(ExtensionResource::Grant {
        principal,
        principal_type,
        principal_entry,
        ..
    }) = &item.extension
    else {
        return None;
    };
    let id = match principal_type {
        Some(kind) => format!("{kind} {principal}"),
        None => principal.to_string(),
    };
    Some(match principal_entry {
        Some(key) => format!("principal: {key} ({id})"),
        None => format!("principal: {id}"),
    })
}

fn describe_removal(item: &Item) -> &'static str {
    match (&item.spec_match, item.removal_policy) {
        (SpecMatch::Orphan, RemovalPolicy::Delete) => ": orphan",
        (SpecMatch::Orphan, RemovalPolicy::Keep) => ": orphan, released on prune",
        (SpecMatch::Orphan, RemovalPolicy::Protect) => ": orphan, protected",
        (_, RemovalPolicy::Delete) => "",
        (_, RemovalPolicy::Keep) => ": kept when its entry is removed",
        (_, RemovalPolicy::Protect) => ": protected",
    }
}
