//! `lazuli graph`: what waits for what, and why; with `--plan`, also what would happen to each.

use lazuli_core::{
    graph::{Graph, SecretsPolicy},
    plan::Plan,
};

use lazuli_handlers::REGISTRY;

use super::validate::NO_SUBSCRIPTION;
use crate::{
    args::{self, GraphFormat},
    connection::Connection,
    error::{CommandError, Success},
    flow,
    input::{self, environment},
    render::graph::{dot, mermaid, svg, text},
    terminal::{Terminal, answer},
};

pub(super) fn run(args: &args::Graph, terminal: &Terminal) -> Result<Success, CommandError> {
    if args.plan {
        return planned(args, terminal);
    }
    let specs = flow::read_specs(
        &args.specs,
        Some(NO_SUBSCRIPTION.to_owned()),
        SecretsPolicy::default(),
        &environment,
    )?;
    let loaded = specs.unasked(terminal)?;
    show(args.format, &loaded.graph, None, terminal)?;
    Ok(Success::Done)
}

fn planned(args: &args::Graph, terminal: &Terminal) -> Result<Success, CommandError> {
    let connection = Connection::new(&args.azure, &args.specs.paths)?;
    let env = |name: &str| connection.environment(name);
    let specs = flow::read_specs(
        &args.specs,
        connection.default_subscription(),
        input::secrets(&args::Secrets {
            rewrite_secrets: false,
        }),
        &env,
    )?;
    let consent = args.replacing.consent(&args.orphans);
    connection.runtime()?.block_on(async {
        let session = connection.open().await?;
        let loaded = specs.ask(&session, terminal).await?;
        let (plan, _) = flow::compare(&loaded, &session, &consent, &args.targets, terminal).await?;
        show(args.format, &loaded.graph, Some(&plan), terminal)?;
        Ok(Success::Done)
    })
}

fn show(
    format: GraphFormat,
    graph: &Graph,
    plan: Option<&Plan>,
    terminal: &Terminal,
) -> Result<(), CommandError> {
    answer(&match format {
        GraphFormat::Text => text(graph, plan, &terminal.out),
        GraphFormat::Mermaid => mermaid(graph, plan),
        GraphFormat::Dot => dot(graph, plan),
        GraphFormat::Svg => svg(graph, plan, REGISTRY),
    })
}
