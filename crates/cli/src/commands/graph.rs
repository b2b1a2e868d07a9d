//! `lazuli graph`: shows which resources depend on which; with `--plan`, also what would happen to each.

use clap::{Args, ValueEnum};
use lazuli_core::{
    graph::{Graph, SecretsPolicy},
    plan::Plan,
};
use lazuli_handlers::REGISTRY;
use lazuli_reconcile::Intent;

use crate::{
    args::{AzureArgs, OrphanArgs, ReplaceArgs, SecretArgs, SpecArgs, TargetArgs},
    connection::Connection,
    error::{CommandError, Success},
    flow::{Flow, load_offline, load_specs},
    input,
    render::graph::{dot, mermaid, svg, text},
    terminal::{Terminal, write_output},
};

const EXAMPLES: &str = examples! {
    "lazuli graph stack.yaml"
    "lazuli graph stack.yaml --plan --format svg > graph.svg"
};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct GraphArgs {
    #[command(flatten)]
    specs: SpecArgs,
    /// Set the output format
    #[arg(long, value_enum, default_value_t = GraphOutput::Text)]
    format: GraphOutput,
    /// Compare with Azure, and show what apply would do to each resource
    #[arg(long)]
    plan: bool,
    #[command(flatten)]
    azure: AzureArgs,
    #[command(flatten)]
    targets: TargetArgs,
    #[command(flatten)]
    orphans: OrphanArgs,
    #[command(flatten)]
    replacing: ReplaceArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum GraphOutput {
    /// Plain text
    Text,
    /// A Mermaid flowchart
    Mermaid,
    /// A Graphviz file
    Dot,
    /// An SVG image
    Svg,
}

pub(super) fn run(args: &GraphArgs, terminal: &Terminal) -> Result<Success, CommandError> {
    if args.plan {
        return run_with_plan(args, terminal);
    }
    let stacks = load_offline(&args.specs, terminal)?;
    show(args.format, &stacks.graph, None, terminal)
}

fn run_with_plan(args: &GraphArgs, terminal: &Terminal) -> Result<Success, CommandError> {
    let connection = Connection::new(&args.azure, &args.specs.paths)?;
    let specs = load_specs(&args.specs, &connection, secrets())?;
    let intent = Intent::Converge {
        consent: args.replacing.consent(&args.orphans),
        targets: args.targets.names(),
    };
    connection.runtime()?.block_on(async {
        let session = connection.open().await?;
        let flow = Flow::new(&session, terminal);
        let stacks = flow.resolve(specs).await?;
        let plan = flow.plan(&stacks, &intent).await?.plan;
        show(args.format, &stacks.graph, Some(&plan), terminal)
    })
}

fn secrets() -> SecretsPolicy {
    input::secrets_policy(&SecretArgs {
        rewrite_secrets: false,
    })
}

fn show(
    format: GraphOutput,
    graph: &Graph,
    plan: Option<&Plan>,
    terminal: &Terminal,
) -> Result<Success, CommandError> {
    write_output(&match format {
        GraphOutput::Text => text(graph, plan, &terminal.out),
        GraphOutput::Mermaid => mermaid(graph, plan),
        GraphOutput::Dot => dot(graph, plan),
        GraphOutput::Svg => svg(graph, plan, REGISTRY),
    })?;
    Ok(Success::Done)
}
