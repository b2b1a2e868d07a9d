//! Built-in roles as text: a line or two each, or all that they allow.

use lazuli_handlers::roles::{self, Allowed, Catalogue, Listed, RolePermission};

use super::style::{Style, Tint, block, clean, wrap};

/// A role, and the patterns by which it was found, if it was found by an action.
pub(crate) struct Shown<'a> {
    pub(crate) role: &'a Listed<'a>,
    pub(crate) by: Vec<&'a str>,
}

/// What stands between the GUID and the name.
const GAP: usize = 2;
const INDENT: usize = 4;

/// The roles, some in full with what they allow.
pub(crate) fn list(
    found: &[Shown<'_>],
    in_full: impl Fn(&Shown<'_>) -> bool,
    style: &Style,
) -> String {
    let mut text = String::new();
    let mut is_apart = false;
    for shown in found {
        let in_full = in_full(shown);
        if (is_apart || in_full) && !text.is_empty() {
            text.push('\n');
        }
        is_apart = in_full;
        text.push_str(&row(shown, in_full, style));
        if in_full {
            text.push_str(&permissions(shown.role, style));
        }
    }
    text
}

/// `GUID  NAME`, and beneath the name what the role is for and by what it was found.
fn row(shown: &Shown<'_>, in_full: bool, style: &Style) -> String {
    let Listed {
        guid,
        name,
        allowed,
    } = shown.role;
    let (guid, name) = (clean(guid), clean(name));
    let column = guid.len() + GAP;
    let room = style.width.saturating_sub(column);
    let mut text = String::new();
    for (at, line) in wrap(&name, room).iter().enumerate() {
        let start = if at == 0 { guid.as_str() } else { "" };
        let line = style.paint(Tint::Strong, line);
        text.push_str(&format!("{start:column$}{line}\n"));
    }
    if let Some(Allowed { says, .. }) = allowed.as_ref().filter(|it| !it.says.is_empty()) {
        text.push_str(&block(column, &clean(says), style.width));
    }
    if let (false, Some(by)) = (in_full, shown.by.first()) {
        let more = match shown.by.len() - 1 {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        text.push_str(&block(INDENT, &format!("by {by}{more}"), style.width));
    }
    text
}

fn permissions(role: &Listed<'_>, style: &Style) -> String {
    let Some(allowed) = &role.allowed else {
        let says = format!(
            "What it allows is not among what lazuli carries: `lazuli roles --live` asks Azure, and it is in\n{}",
            roles::REFERENCE
        );
        return block(INDENT, &says, style.width);
    };
    let mut text = String::new();
    for permission in &allowed.permissions {
        let RolePermission {
            actions,
            not_actions,
            data_actions,
            not_data_actions,
        } = permission;
        for (name, list) in [
            ("actions", actions),
            ("notActions", not_actions),
            ("dataActions", data_actions),
            ("notDataActions", not_data_actions),
        ] {
            if list.is_empty() {
                continue;
            }
            text.push_str(&format!("{:INDENT$}{name}:\n", ""));
            for action in list {
                text.push_str(&block(INDENT + 2, &clean(action), style.width));
            }
        }
    }
    text
}

/// Which roles a search by action saw, where that is not all.
pub(crate) fn only_known(catalogue: &Catalogue<'_>, style: &Style) -> String {
    let (known, all) = (catalogue.known(), catalogue.roles().len());
    if known == all {
        return String::new();
    }
    let says = format!(
        "Searched were the {known} of {all} roles whose actions lazuli carries. `--live` asks Azure for all."
    );
    format!("\n{}", block(0, &says, style.width))
}
