//! `lazuli roles`: Azure's built-in roles and what they allow: as lazuli carries them, or as Azure tells.

use lazuli_arm::Quiet;
use lazuli_core::diagnostic::did_you_mean;
use lazuli_handlers::roles::{self, Catalogue};
use serde_json::Value as Json;

use crate::{
    args::Roles,
    connection::Connection,
    error::{CommandError, Success},
    render::roles::{self as render, RoleMatch},
    terminal::{Terminal, answer},
};

/// All built-in roles of a tenant (Microsoft docs "List Azure role definitions", REST).
const DEFINITIONS: &str = "/providers/Microsoft.Authorization/roleDefinitions";
const API_VERSION: &str = "2022-04-01";
const BUILT_IN: (&str, &str) = ("$filter", "type eq 'BuiltInRole'");

pub(super) fn run(args: &Roles, terminal: &Terminal) -> Result<Success, CommandError> {
    if !args.live {
        return search(args, &Catalogue::built_in(), terminal);
    }
    let definitions = definitions(args)?;
    search(args, &Catalogue::from_definitions(&definitions), terminal)
}

/// What Azure tells of its built-in roles.
fn definitions(args: &Roles) -> Result<Vec<Json>, CommandError> {
    let connection = Connection::new(&args.azure, &[])?;
    connection.runtime()?.block_on(async {
        let session = connection.open().await?;
        let asked = session
            .client
            .list_all(DEFINITIONS, API_VERSION, &[BUILT_IN], &Quiet);
        Ok(asked.await?)
    })
}

fn search(
    args: &Roles,
    catalogue: &Catalogue<'_>,
    terminal: &Terminal,
) -> Result<Success, CommandError> {
    let search = args.search.join(" ");
    let by_action = search.contains('/');
    let found: Vec<RoleMatch<'_>> = match by_action {
        true => catalogue
            .granting(search.trim())
            .into_iter()
            .map(|(role, by)| RoleMatch { role, by })
            .collect(),
        false => catalogue
            .with_words(&search)
            .into_iter()
            .map(|role| RoleMatch {
                role,
                by: Vec::new(),
            })
            .collect(),
    };
    if found.is_empty() {
        return Err(nothing(&search, by_action, catalogue));
    }
    let is_named = |shown: &RoleMatch<'_>| shown.role.name.eq_ignore_ascii_case(search.trim());
    let in_full = |shown: &RoleMatch<'_>| args.actions || found.len() == 1 || is_named(shown);
    let mut text = render::list(&found, in_full, &terminal.out);
    if by_action {
        text.push_str(&render::only_known(catalogue, &terminal.out));
    }
    answer(&text)?;
    Ok(Success::Done)
}

fn nothing(search: &str, by_action: bool, catalogue: &Catalogue<'_>) -> CommandError {
    let (known, all) = (catalogue.known(), catalogue.roles().len());
    if by_action {
        let message = format!("no role is known to allow `{search}`");
        return match known == all {
            true => CommandError::new(message),
            false => CommandError::with_hint(
                message,
                format!(
                    "lazuli knows what {known} of {all} built-in roles allow; `lazuli roles --live` asks Azure for all, \
                     and they are in {}",
                    roles::REFERENCE
                ),
            ),
        };
    }
    let names = catalogue.roles().iter().map(|role| role.name);
    let hint = did_you_mean(search, names).unwrap_or_else(|| {
        "built-in roles only are listed; `az role definition list --custom-role-only` lists custom roles"
            .to_owned()
    });
    CommandError::with_hint(format!("no built-in role is found by `{search}`"), hint)
}
