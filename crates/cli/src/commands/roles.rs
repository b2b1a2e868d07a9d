//! `lazuli roles`: Azure's built-in roles and what they allow, without asking Azure.

use lazuli_core::diagnostic::did_you_mean;
use lazuli_handlers::roles;

use crate::{
    args::Roles,
    error::{CommandError, Success},
    render::roles::{self as render, Shown},
    terminal::{Terminal, answer},
};

pub(super) fn run(args: &Roles, terminal: &Terminal) -> Result<Success, CommandError> {
    let search = args.search.join(" ");
    let by_action = search.contains('/');
    let found: Vec<Shown> = match by_action {
        true => roles::granting(search.trim())
            .into_iter()
            .map(|(role, by)| Shown { role, by })
            .collect(),
        false => roles::with_words(&search)
            .into_iter()
            .map(|role| Shown {
                role,
                by: Vec::new(),
            })
            .collect(),
    };
    if found.is_empty() {
        return Err(nothing(&search, by_action));
    }
    let is_named = |shown: &Shown| shown.role.name.eq_ignore_ascii_case(search.trim());
    let in_full = |shown: &Shown| args.actions || found.len() == 1 || is_named(shown);
    let mut text = render::list(&found, in_full, &terminal.out);
    if by_action {
        text.push('\n');
        text.push_str(&render::only_known(&terminal.out));
    }
    answer(&text)?;
    Ok(Success::Done)
}

fn nothing(search: &str, by_action: bool) -> CommandError {
    if by_action {
        return CommandError::with_hint(
            format!("no role is known to allow `{search}`"),
            format!(
                "lazuli knows what {} of {} built-in roles allow; the others are in {}",
                roles::known().len(),
                roles::all().len(),
                roles::REFERENCE
            ),
        );
    }
    let hint = did_you_mean(search, roles::names()).unwrap_or_else(|| {
        "built-in roles only are listed; `az role definition list --custom-role-only` lists custom roles"
            .to_owned()
    });
    CommandError::with_hint(format!("no built-in role is found by `{search}`"), hint)
}
