//! `lazuli roles`: lists Azure's built-in roles and their permissions, as compiled in or as Azure returns them.

use clap::Args;
use lazuli_arm::ignore_waits;
use lazuli_core::arm::types::ROLE_DEFINITION;
use lazuli_core::diagnostic::did_you_mean;
use lazuli_handlers::roles::{self, RoleCatalog};
use serde_json::Value as Json;

use crate::{
    args::AzureArgs,
    connection::Connection,
    error::{CommandError, Success},
    render::roles::{self as render, RoleMatch},
    terminal::{Terminal, write_output},
};

/// The filter of built-in roles (Microsoft docs "List Azure role definitions", REST).
const BUILT_IN: (&str, &str) = ("$filter", "type eq 'BuiltInRole'");

const EXAMPLES: &str = examples! {
    "lazuli roles blob data               search by words of the name"
    "lazuli roles blobs/read              search by permission"
    "lazuli roles --live --actions        list all roles as Azure returns them"
};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RolesArgs {
    /// Words of a role name, a GUID, or an action or a part of it (blobs/read) [default: all roles]
    search: Vec<String>,
    /// Show the permissions of each role
    #[arg(long)]
    actions: bool,
    /// Read the permissions of all built-in roles from Azure
    #[arg(long)]
    live: bool,
    #[command(flatten)]
    azure: AzureArgs,
}

pub(super) fn run(args: &RolesArgs, terminal: &Terminal) -> Result<Success, CommandError> {
    if !args.live {
        return search(args, &RoleCatalog::built_in(), terminal);
    }
    let definitions = list_definitions(args)?;
    search(args, &RoleCatalog::from_definitions(&definitions), terminal)
}

/// The built-in roles as Azure returns them.
fn list_definitions(args: &RolesArgs) -> Result<Vec<Json>, CommandError> {
    let connection = Connection::new(&args.azure, &[])?;
    connection.runtime()?.block_on(async {
        let session = connection.open().await?;
        let client = &session.client;
        let definitions = ROLE_DEFINITION;
        let path = format!("/providers/{}", definitions.name);
        let listed = client.list_all(&path, &definitions.api_version, &[BUILT_IN], &ignore_waits);
        Ok(listed.await?)
    })
}

fn search(
    args: &RolesArgs,
    catalog: &RoleCatalog<'_>,
    terminal: &Terminal,
) -> Result<Success, CommandError> {
    let search = args.search.join(" ");
    let by_action = search.contains('/');
    let found: Vec<RoleMatch<'_>> = match by_action {
        true => catalog
            .find_by_action(search.trim())
            .into_iter()
            .map(|(role, by)| RoleMatch { role, by })
            .collect(),
        false => catalog
            .find_by_words(&search)
            .into_iter()
            .map(|role| RoleMatch {
                role,
                by: Vec::new(),
            })
            .collect(),
    };
    if found.is_empty() {
        return Err(not_found(&search, by_action, catalog));
    }
    let is_named = |shown: &RoleMatch<'_>| shown.role.name.eq_ignore_ascii_case(search.trim());
    let in_full = |shown: &RoleMatch<'_>| args.actions || found.len() == 1 || is_named(shown);
    let mut text = render::list(&found, in_full, &terminal.out);
    if by_action {
        text.push_str(&render::only_known(catalog, &terminal.out));
    }
    write_output(&text)?;
    Ok(Success::Done)
}

fn not_found(search: &str, by_action: bool, catalog: &RoleCatalog<'_>) -> CommandError {
    let (known, all) = (catalog.known(), catalog.roles().len());
    if by_action {
        let message = format!("no known role allows `{search}`");
        return match known == all {
            true => CommandError::new(message),
            false => CommandError::with_hint(
                message,
                format!(
                    "lazuli knows the permissions of {known} of {all} built-in roles: run `lazuli roles --live` to read all \
                     from Azure, or see {}",
                    roles::REFERENCE
                ),
            ),
        };
    }
    let names = catalog.roles().iter().map(|role| role.name);
    let hint = did_you_mean(search, names).unwrap_or_else(|| {
        "for custom roles, run `az role definition list --custom-role-only`".to_owned()
    });
    CommandError::with_hint(format!("no built-in role matches `{search}`"), hint)
}
