//! `lazuli destroy`: deletes what the stacks own, after asking. Nothing that is not marked as theirs.

use lazuli_core::{
    graph::{Along, SecretsPolicy},
    plan::{inseparable, teardown_part},
    reads,
};
use lazuli_engine::Bounds;

use crate::{
    aftermath::Aftermath,
    answer::{Output, Planned},
    args::Destroy,
    confirm,
    connection::Connection,
    error::{CommandError, Success},
    flow::{self, Undertaking},
    preflight,
    render::{report::Purpose, style::clean},
    terminal::Terminal,
};

pub(super) fn run(args: &Destroy, terminal: &Terminal) -> Result<Success, CommandError> {
    confirm::can_ask(args.yes, "destroy", terminal)?;
    let connection = Connection::new(&args.azure, &args.specs.paths)?;
    let env = |name: &str| connection.environment(name);
    let specs = flow::read_specs(
        &args.specs,
        connection.default_subscription(),
        SecretsPolicy::default(),
        &env,
    )?;
    connection.runtime()?.block_on(async {
        let session = connection.open().await?;
        let loaded = specs.ask(&session.client, terminal).await?;
        let part = flow::part(&loaded, &args.targets, Along::Dependents, terminal)?;
        let alone = inseparable(&loaded.graph, &args.targets.names(), &part);
        flow::pass(&loaded.sources, alone, terminal)?;
        let reads = reads::needed_to_destroy(&loaded.graph);
        let live = match part.is_whole() {
            true => flow::observe_with_owned(&session.client, &loaded.graph, &reads).await?,
            false => flow::observe_all(&session.client, &loaded.graph, &reads).await?,
        };
        let plan = teardown_part(&loaded.graph, &live, &part);
        let mut planned = Planned::new(&loaded, &live, &plan);
        let stacks = clean(&loaded.stacks.join(", "));
        let is_absent = plan.is_empty() && plan.kept.is_empty() && plan.orphans.is_empty();
        if is_absent && part.is_whole() && args.output == Output::Text {
            match loaded.stacks.as_slice() {
                [] => println!("Nothing to destroy: the specs have no stack."),
                _ => println!("Nothing to destroy: nothing of {stacks} is there."),
            }
            return Ok(Success::Done);
        }
        args.output.intent(&planned, !args.yes, terminal);
        if plan.is_empty() {
            args.output.nothing(&planned);
            return Ok(Success::Done);
        }
        if !args.skip_preflight {
            planned.found = lazuli_engine::preflight(&session.client, &plan).await;
            args.output.findings(&planned, false, terminal);
        }
        if let Err(refused) = preflight::refuse(&planned.found, false) {
            args.output.refused(&planned);
            return Err(refused);
        }
        if args.yes && part.is_whole() {
            confirm::several(&plan, &args.razing.yes_delete)?;
        }
        confirm::ask(args.yes, &format!("\nDelete all this of {stacks}?"))?;
        let undertaking = Undertaking {
            purpose: Purpose::Destroy,
            plan: &plan,
            bounds: Bounds::default(),
        };
        let carried = flow::carry_out(undertaking, &session, terminal).await;
        args.output.carried(&planned, &carried, terminal);
        args.output
            .end(&planned, &carried, &Aftermath::default(), terminal);
        carried.success()
    })
}
