//! `lazuli show`: what stacks own now, with their specs or by their names alone. Sends reads only.

use std::collections::BTreeSet;

use lazuli_core::{
    arm::ArmId,
    graph::{Graph, SecretsPolicy, StackScope},
    inventory::{document::ShowDocument, inventory},
    source::{Sources, Span},
};
use uuid::Uuid;

use crate::{
    answer::{ShowForm, json},
    args::Show,
    connection::Connection,
    error::{CommandError, Success},
    flow, render,
    terminal::{Terminal, answer},
};

pub(super) fn run(args: &Show, terminal: &Terminal) -> Result<Success, CommandError> {
    let connection = Connection::new(&args.azure, &args.specs.paths)?;
    let default = connection.default_subscription();
    if !args.stacks.is_empty() {
        let given = args.specs.subscription.clone().or(default);
        let homes = homes(&args.stacks, given)?;
        return connection.runtime()?.block_on(async {
            let session = connection.open().await?;
            let live = flow::find_owned(&session.client, &homes).await?;
            show(args.output, &homes, None, &live, terminal)?;
            Ok(Success::Done)
        });
    }
    let env = |name: &str| connection.environment(name);
    let specs = flow::read_specs(&args.specs, default, SecretsPolicy::default(), &env)?;
    connection.runtime()?.block_on(async {
        let session = connection.open().await?;
        let graph = specs.ask(&session, terminal).await?.graph;
        let live = flow::find_owned(&session.client, graph.stack_scopes()).await?;
        show(
            args.output,
            graph.stack_scopes(),
            Some(&graph),
            &live,
            terminal,
        )?;
        Ok(Success::Done)
    })
}

fn show(
    form: ShowForm,
    homes: &[StackScope],
    spec: Option<&Graph>,
    live: &lazuli_core::live::Live,
    terminal: &Terminal,
) -> Result<(), CommandError> {
    let found = inventory(homes, spec, live);
    answer(&match form {
        ShowForm::Text => render::inventory::inventory(&found, &terminal.out),
        ShowForm::Json => json(&ShowDocument::of(&found)),
    })
}

/// Stacks in one subscription, of which nothing else is known.
fn homes(stacks: &[String], subscription: Option<String>) -> Result<Vec<StackScope>, CommandError> {
    let subscription = subscription.ok_or_else(|| {
        CommandError::with_hint(
            "without a spec, the subscription has to be said",
            "pass --subscription, set AZURE_SUBSCRIPTION_ID, or `az account set`",
        )
    })?;
    let guid = Uuid::try_parse(&subscription).map_err(|_| {
        CommandError::new(format!(
            "`{subscription}` is no subscription id: it is a GUID"
        ))
    })?;
    let subscription = ArmId::subscription(&guid.hyphenated().to_string());
    let mut sources = Sources::default();
    let home = |stack: &String| StackScope {
        stack: stack.clone(),
        span: Span::new(sources.add("--stack", stack), 0..stack.len()),
        subscriptions: BTreeSet::from([subscription.clone()]),
        groups: BTreeSet::new(),
    };
    Ok(stacks.iter().map(home).collect())
}
