//! Built-in roles as text: a line or two each, or all that they allow.

use lazuli_handlers::roles::{self, Permission, Role};

use super::style::{Style, Tint, block, wrap};

/// A role, and the patterns by which it was found, if it was found by an action.
pub(crate) struct Shown {
    pub(crate) role: Role,
    pub(crate) by: Vec<&'static str>,
}

/// What stands between the GUID and the name.
const GAP: usize = 2;
const INDENT: usize = 4;

/// The roles, some in full with what they allow.
pub(crate) fn list(found: &[Shown], in_full: impl Fn(&Shown) -> bool, style: &Style) -> String {
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
            text.push_str(&allowed(shown.role, style));
        }
    }
    text
}

/// `GUID  NAME`, and beneath the name what the role is for and by what it was found.
fn row(shown: &Shown, in_full: bool, style: &Style) -> String {
    let Role { guid, name } = shown.role;
    let column = guid.len() + GAP;
    let room = style.width.saturating_sub(column);
    let mut text = String::new();
    for (at, line) in wrap(name, room).iter().enumerate() {
        let start = if at == 0 { guid } else { "" };
        let line = style.paint(Tint::Strong, line);
        text.push_str(&format!("{start:column$}{line}\n"));
    }
    if let Some(allowed) = roles::allowed(guid) {
        text.push_str(&block(column, allowed.says, style.width));
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

fn allowed(role: Role, style: &Style) -> String {
    let Some(allowed) = roles::allowed(role.guid) else {
        let says = format!(
            "What it allows is not among what lazuli carries: see `az role definition list --name \"{}\"` or\n{}",
            role.name,
            roles::REFERENCE
        );
        return block(INDENT, &says, style.width);
    };
    let mut text = String::new();
    for permission in &allowed.permissions {
        let Permission {
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
                text.push_str(&block(INDENT + 2, action, style.width));
            }
        }
    }
    text
}

/// Which roles a search by action saw.
pub(crate) fn only_known(style: &Style) -> String {
    let says = format!(
        "Searched were the {} of {} roles whose actions lazuli carries. All are in\n{}",
        roles::known().len(),
        roles::all().len(),
        roles::REFERENCE
    );
    block(0, &says, style.width)
}
