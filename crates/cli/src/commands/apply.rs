//! `lazuli apply`: makes Azure as the specs want it, after asking.

use lazuli_handlers::REGISTRY;

use crate::{
    aftermath::{self, Aftermath},
    answer::{Ending, Planned, ReportAnswer},
    args::Apply,
    confirm,
    connection::Connection,
    error::{CommandError, Success},
    flow::{self, Undertaking},
    input, preflight,
    render::report::Purpose,
    saved::Resumed,
    terminal::Terminal,
};

pub(super) fn run(args: Apply, terminal: &Terminal) -> Result<Success, CommandError> {
    let (args, resumed) = Resumed::of(args)?;
    confirm::can_ask(args.yes, "apply", terminal)?;
    let purpose = match resumed {
        Some(_) => Purpose::ApplySaved,
        None => Purpose::Apply,
    };
    let answer = ReportAnswer::new(args.output, purpose, terminal);
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
        let mut planned = Planned::new(&loaded, &live, &plan);
        if let Some(saved) = &resumed {
            saved.hold_against(&planned)?;
        }
        answer.intent(&planned, !args.yes)?;
        if plan.is_empty() {
            answer.end(&planned, &Ending::Nothing)?;
            return Ok(Success::Done);
        }
        let registers = args.preflight.register_providers;
        planned.registers = registers;
        if !args.preflight.skip_preflight {
            planned.found = lazuli_engine::preflight(&session.client, &plan, REGISTRY).await;
            answer.findings(&planned)?;
        }
        if let Err(refused) = preflight::refuse(&planned.found, registers) {
            answer.end(&planned, &Ending::Refused)?;
            return Err(refused);
        }
        confirm::razing(
            &plan.remarks.mass_deletions,
            &args.razing.yes_delete,
            terminal,
        )?;
        confirm::ask(args.yes, "\nApply these changes?")?;
        if registers {
            preflight::register(&planned.found, &session.client, terminal).await?;
        }
        let undertaking = Undertaking {
            plan: &plan,
            bounds: args.patience.bounds(),
        };
        let carried = flow::carry_out(undertaking, &session, terminal).await;
        answer.carried(&planned, &carried)?;
        let aftermath = match carried.report.is_complete() {
            true => aftermath::look_back(&plan, &loaded.graph, &session).await,
            false => Aftermath::default(),
        };
        answer.end(&planned, &Ending::Carried(&carried, &aftermath))?;
        carried.success()
    })
}
