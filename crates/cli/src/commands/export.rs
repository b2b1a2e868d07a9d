//! `lazuli export`: writes a spec for the resources in resource groups, and shows its plan. Sends reads only.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use clap::Args;
use lazuli_core::{arm::ArmId, diagnostic::did_you_mean};
use lazuli_handlers::REGISTRY;
use lazuli_reconcile::{ExportError, ExportScope, Intent, LoadContext, SpecTexts, load};

use crate::{
    args::{self, AzureArgs},
    connection::Connection,
    error::{CommandError, Success},
    flow::{CATALOG, Flow},
    input,
    output_file::{self, cannot_write},
    render,
    terminal::{Terminal, Tone, write_output},
};

const EXAMPLES: &str = examples! {
    "lazuli export --resource-group rg-shop > stack.yaml"
    "lazuli export --resource-group rg-shop --stack shop --out shop/stack.yaml"
};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExportArgs {
    /// Export this resource group; may be repeated
    #[arg(long = "resource-group", value_name = "NAME", required = true)]
    resource_groups: Vec<String>,
    /// Export from this subscription [env: AZURE_SUBSCRIPTION_ID]
    #[arg(long, value_name = "GUID")]
    subscription: Option<String>,
    /// Set the name of the stack [default: the owner of most resources, or the name of the first group]
    #[arg(long, value_name = "STACK", value_parser = args::parse_stack)]
    stack: Option<String>,
    /// Write the spec to a new file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    azure: AzureArgs,
}

pub(super) fn run(args: &ExportArgs, terminal: &Terminal) -> Result<Success, CommandError> {
    let neighbors: Vec<PathBuf> = args.out.iter().cloned().collect();
    let connection = Connection::new(&args.azure, &neighbors)?;
    let subscription = connection.subscription_or_default(args.subscription.clone())?;
    let scope = ExportScope {
        groups: parse_groups(args, &subscription)?,
        stack: args.stack.clone(),
    };
    if let Some(out) = args.out.as_deref().filter(|out| exists(out)) {
        return Err(already_exists(out));
    }
    connection.runtime()?.block_on(async {
        let session = connection.open().await?;
        let flow = Flow::new(&session, terminal);
        let live = flow.reconciler().export(&scope).await?;
        let export = &live.export;
        match &args.out {
            Some(out) => write_new(out, &export.text)?,
            None => write_output(&export.text)?,
        }
        let notes = render::export::notes(export, &live.unreadable, &terminal.err);
        terminal.write_message(&notes, Tone::Warning);
        let name = args.out.as_ref().map(|out| out.display().to_string());
        let name = name.unwrap_or_else(|| "<stdout>".to_owned());
        let context = LoadContext {
            env: &|name| connection.environment(name),
            file: &input::read_neighbor,
            ..LoadContext::isolated(None)
        };
        let specs = load(&CATALOG, SpecTexts::from_spec(name, &export.text), context)?;
        let stacks = flow.resolve(specs).await?;
        let plan = flow.plan(&stacks, &Intent::converge()).await?.plan;
        let outcome = render::export::outcome(export, &plan, args.out.as_deref(), &terminal.err);
        terminal.write_message(&outcome, Tone::Note);
        Ok(Success::Done)
    })
}

/// The ids of the groups, each once.
fn parse_groups(args: &ExportArgs, subscription: &str) -> Result<Vec<ArmId>, CommandError> {
    let kind = REGISTRY.get("resourceGroup");
    let rule = kind.and_then(|kind| kind.facts().name.as_ref());
    let mut groups = Vec::new();
    for name in &args.resource_groups {
        if let Some(rule) = rule.filter(|rule| !rule.accepts(name)) {
            return Err(CommandError::with_hint(
                format!("`{name}` is not a valid resource group name"),
                format!("use {}", rule.description),
            ));
        }
        let id = ArmId::resource_group(subscription, name);
        if !groups.contains(&id) {
            groups.push(id);
        }
    }
    Ok(groups)
}

impl From<ExportError> for CommandError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Unreadable(errors) => {
                Self::Azure(errors.into_iter().map(Into::into).collect())
            }
            ExportError::NoGroups => Self::new(error.to_string()),
            ExportError::GroupNotFound { group, others } => {
                let message = format!(
                    "resource group `{}` does not exist in subscription {}",
                    group.name(),
                    group.subscription_id().unwrap_or("unknown")
                );
                let hint = did_you_mean(group.name(), others.iter().map(String::as_str));
                let visible = || {
                    match others.as_slice() {
                    [] => "the caller can read no resource group there: check the subscription and the permissions".to_owned(),
                    names => format!("use one of: {}", names.join(", ")),
                }
                };
                Self::with_hint(message, hint.unwrap_or_else(visible))
            }
        }
    }
}

/// Whether something is at a path, even a broken link.
fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn write_new(path: &Path, text: &str) -> Result<(), CommandError> {
    output_file::create(path, text).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => already_exists(path),
        _ => cannot_write(path.display(), &error),
    })
}

fn already_exists(path: &Path) -> CommandError {
    CommandError::with_hint(
        format!(
            "{} already exists: export does not overwrite files",
            path.display()
        ),
        "choose another file, or compare: `lazuli export ... | diff FILE -`",
    )
}
