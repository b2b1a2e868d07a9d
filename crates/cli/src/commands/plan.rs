//! `lazuli plan`: the difference between the specs and Azure. Sends reads only.

use lazuli_engine::preflight;
use lazuli_handlers::REGISTRY;

use crate::{
    answer::{PlanAnswer, Planned},
    args::Plan,
    connection::Connection,
    error::{CommandError, Success},
    flow, input,
    saved::Out,
    terminal::Terminal,
};

pub(super) fn run(args: &Plan, terminal: &Terminal) -> Result<Success, CommandError> {
    let out = Out::of(args)?;
    let connection = Connection::new(&args.azure, &args.specs.paths)?;
    let env = |name: &str| connection.environment(name);
    let specs = flow::read_specs(
        &args.specs,
        connection.default_subscription(),
        input::secrets(&args.secrets),
        &env,
    )?;
    let consent = args.replacing.consent(&args.orphans);
    connection.runtime()?.block_on(async {
        let session = connection.open().await?;
        let loaded = specs.ask(&session, terminal).await?;
        let (plan, live) =
            flow::compare(&loaded, &session, &consent, &args.targets, terminal).await?;
        let answer = PlanAnswer::new(args.output, terminal);
        let mut planned = Planned::new(&loaded, &live, &plan);
        planned.shows_unchanged = args.show_unchanged;
        answer.plan(&planned)?;
        planned.found = preflight(&session.client, &plan, REGISTRY).await;
        if args.skip_rights {
            planned.found.retain(|finding| !finding.is_about_caller());
        }
        answer.end(&planned)?;
        if let Some(out) = &out {
            out.write(&planned, terminal)?;
        }
        Ok(if args.detailed_exitcode && !plan.is_empty() {
            Success::Changes
        } else {
            Success::Done
        })
    })
}
