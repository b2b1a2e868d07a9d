//! `lazuli destroy`: deletes what the stacks own, after asking. Nothing that is not marked as theirs.

use lazuli_core::{
    graph::{Closure, SecretsPolicy},
    plan::{inseparable, teardown_part},
    reads,
};
use lazuli_engine::Bounds;
use lazuli_handlers::REGISTRY;

use crate::{
    aftermath::Aftermath,
    answer::{Ending, Planned, ReportAnswer},
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
    let answer = ReportAnswer::new(args.output, Purpose::Destroy, terminal);
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
        let loaded = specs.ask(&session, terminal).await?;
        let part = flow::part(&loaded, &args.targets, Closure::Dependents, terminal)?;
        let alone = inseparable(&loaded.graph, &args.targets.names(), &part);
        flow::pass(&loaded.sources, alone, terminal)?;
        let reads = reads::needed_to_destroy(&loaded.graph);
        let live = match part.is_all() {
            true => flow::observe_with_owned(&session.client, &loaded, &reads, terminal).await?,
            false => flow::observe_all(&session.client, &loaded, &reads, terminal).await?,
        };
        let plan = teardown_part(&loaded.graph, &live, &part);
        let mut planned = Planned::new(&loaded, &live, &plan);
        let stacks = clean(&loaded.stacks.join(", "));
        let is_absent =
            plan.is_empty() && plan.remarks.kept.is_empty() && plan.remarks.orphans.is_empty();
        if is_absent && part.is_all() {
            let told = format!("Nothing to destroy: nothing of {stacks} is there.");
            answer.absent(&planned, &told)?;
            return Ok(Success::Done);
        }
        answer.intent(&planned, !args.yes)?;
        if plan.is_empty() {
            answer.end(&planned, &Ending::Nothing)?;
            return Ok(Success::Done);
        }
        if !args.skip_preflight {
            planned.found = lazuli_engine::preflight(&session.client, &plan, REGISTRY).await;
            answer.findings(&planned)?;
        }
        if let Err(refused) = preflight::refuse(&planned.found, false) {
            answer.end(&planned, &Ending::Refused)?;
            return Err(refused);
        }
        if args.yes && part.is_all() {
            confirm::several(&plan, &args.razing.yes_delete)?;
        }
        confirm::ask(args.yes, &format!("\nDelete all this of {stacks}?"))?;
        let undertaking = Undertaking {
            plan: &plan,
            bounds: Bounds::default(),
        };
        let carried = flow::carry_out(undertaking, &session, terminal).await;
        answer.carried(&planned, &carried)?;
        answer.end(&planned, &Ending::Carried(&carried, &Aftermath::default()))?;
        carried.success()
    })
}
