//! `lazuli show`: lists what stacks own, by their specs or by their names alone. Sends reads only.

use std::collections::BTreeSet;

use clap::Args;
use lazuli_core::{
    arm::ArmId,
    graph::{Graph, SecretsPolicy, StackScope},
    inventory::document::ShowDocument,
    source::{Sources, Span},
    stack::StackIdentity,
};

use crate::{
    args::{self, AzureArgs, SpecArgs},
    connection::Connection,
    error::{CommandError, Success},
    flow::{Flow, load_specs},
    output::{ShowOutput, json},
    render,
    terminal::{Terminal, write_output},
};

const EXAMPLES: &str = examples! {
    "lazuli show stacks                   match each resource with its entry"
    "lazuli show --stack cameras --subscription GUID"
};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
#[command(mut_arg("paths", |paths| paths.required(false).required_unless_present("stacks")))]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    specs: SpecArgs,
    /// List a stack by its name, without its spec; may be repeated
    #[arg(long = "stack", value_name = "STACK", value_parser = args::parse_stack, conflicts_with = "paths")]
    stacks: Vec<String>,
    #[command(flatten)]
    azure: AzureArgs,
    /// Set the output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = ShowOutput::Text)]
    output: ShowOutput,
}

pub(super) fn run(args: &ShowArgs, terminal: &Terminal) -> Result<Success, CommandError> {
    let connection = Connection::new(&args.azure, &args.specs.paths)?;
    if !args.stacks.is_empty() {
        let given = args.specs.subscription.clone();
        let subscription = connection.subscription_or_default(given)?;
        let homes = search_scopes(&args.stacks, &ArmId::subscription(&subscription));
        return connection.runtime()?.block_on(async {
            let session = connection.open().await?;
            show(args, &Flow::new(&session, terminal), &homes, None, terminal).await
        });
    }
    let specs = load_specs(&args.specs, &connection, SecretsPolicy::default())?;
    connection.runtime()?.block_on(async {
        let session = connection.open().await?;
        let flow = Flow::new(&session, terminal);
        let graph = flow.resolve(specs).await?.graph;
        show(args, &flow, graph.stack_scopes(), Some(&graph), terminal).await
    })
}

async fn show(
    args: &ShowArgs,
    flow: &Flow<'_>,
    stacks: &[StackScope],
    graph: Option<&Graph>,
    terminal: &Terminal,
) -> Result<Success, CommandError> {
    let found = flow.reconciler().inventory(stacks, graph).await?;
    write_output(&match args.output {
        ShowOutput::Text => render::inventory::inventory(&found, &terminal.out),
        ShowOutput::Json => json(&ShowDocument::from_inventory(&found)),
    })?;
    Ok(Success::Done)
}

/// Stacks in one subscription of which only the names are known.
fn search_scopes(stacks: &[String], subscription: &ArmId) -> Vec<StackScope> {
    let mut sources = Sources::default();
    let home = |stack: &String| StackScope {
        stack: StackIdentity::from_name(stack),
        span: Span::new(sources.add("--stack", stack), 0..stack.len()),
        subscriptions: BTreeSet::from([subscription.clone()]),
        groups: BTreeSet::new(),
    };
    stacks.iter().map(home).collect()
}
