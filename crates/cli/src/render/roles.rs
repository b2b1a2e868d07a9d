//! Built-in roles as text, in short or with all permissions.

use lazuli_handlers::roles::{self, CatalogRole, RoleCatalog, RoleDetails, RolePermission};

use super::style::{Style, Tint, escape_control, wrap, wrap_block};

/// A role that matches a search.
pub(crate) struct RoleMatch<'a> {
    pub(crate) role: &'a CatalogRole<'a>,
    /// The action patterns that match, if the search is for an action.
    pub(crate) by: Vec<&'a str>,
}

/// Columns between the GUID and the name.
const GAP: usize = 2;
const INDENT: usize = 4;

/// Renders roles, those that satisfy `in_full` with their permissions.
pub(crate) fn list(
    found: &[RoleMatch<'_>],
    in_full: impl Fn(&RoleMatch<'_>) -> bool,
    style: &Style,
) -> String {
    let mut text = String::new();
    let mut was_in_full = false;
    for found in found {
        let in_full = in_full(found);
        if (was_in_full || in_full) && !text.is_empty() {
            text.push('\n');
        }
        was_in_full = in_full;
        text.push_str(&render_role(found, in_full, style));
        if in_full {
            text.push_str(&render_permissions(found.role, style));
        }
    }
    text
}

/// `GUID  NAME`, with the description and the matching pattern below.
fn render_role(found: &RoleMatch<'_>, in_full: bool, style: &Style) -> String {
    let CatalogRole {
        guid,
        name,
        details,
    } = found.role;
    let (guid, name) = (escape_control(guid), escape_control(name));
    let column = guid.len() + GAP;
    let room = style.width.saturating_sub(column);
    let mut text = String::new();
    for (at, line) in wrap(&name, room).iter().enumerate() {
        let start = if at == 0 { guid.as_str() } else { "" };
        let line = style.paint(Tint::Strong, line);
        text.push_str(&format!("{start:column$}{line}\n"));
    }
    if let Some(RoleDetails { purpose, .. }) = details.as_ref().filter(|it| !it.purpose.is_empty())
    {
        text.push_str(&wrap_block(column, &escape_control(purpose), style.width));
    }
    if let (false, Some(by)) = (in_full, found.by.first()) {
        let more = match found.by.len() - 1 {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        text.push_str(&wrap_block(
            INDENT,
            &format!("matches {by}{more}"),
            style.width,
        ));
    }
    text
}

fn render_permissions(role: &CatalogRole<'_>, style: &Style) -> String {
    let Some(details) = &role.details else {
        let hint = format!(
            "lazuli does not know its permissions: run `lazuli roles --live` to read them from Azure, or see\n{}",
            roles::REFERENCE
        );
        return wrap_block(INDENT, &hint, style.width);
    };
    let mut text = String::new();
    for permission in &details.permissions {
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
                text.push_str(&wrap_block(
                    INDENT + 2,
                    &escape_control(action),
                    style.width,
                ));
            }
        }
    }
    text
}

/// The number of roles that a search by action covered, if not all.
pub(crate) fn only_known(catalog: &RoleCatalog<'_>, style: &Style) -> String {
    let (known, all) = (catalog.known(), catalog.roles().len());
    if known == all {
        return String::new();
    }
    let note = format!(
        "Searched {known} of {all} roles: lazuli does not know the permissions of the others. Pass `--live` to read all \
         roles from Azure."
    );
    format!("\n{}", wrap_block(0, &note, style.width))
}
