//! `lazuli apply`: makes Azure as the specs want it, after asking.

use crate::{
    aftermath,
    args::Apply,
    confirm,
    connection::Connection,
    error::{CommandError, Success},
    flow::{self, Undertaking},
    input, preflight,
    render::report::Purpose,
    terminal::Terminal,
};

pub(super) fn run(args: &Apply, terminal: &Terminal) -> Result<Success, CommandError> {
    confirm::can_ask(args.yes, "apply", terminal)?;
    let connection = Connection::new(&args.azure, &args.specs.paths)?;
    let env = |name: &str| connection.environment(name);
    let specs = flow::read_specs(
        &args.specs,
        connection.default_subscription(),
        input::secrets(&args.secrets),
        &env,
    )?;
    connection.runtime()?.block_on(async {
        let session = connection.open().await?;
        let loaded = specs.ask(&session.client, terminal).await?;
        let (plan, live) = flow::compare(&loaded, &session, terminal).await?;
        flow::show(&plan, &loaded.graph, &live, terminal);
        if plan.is_empty() {
            return Ok(Success::Done);
        }
        let registers = args.preflight.register_providers;
        let found = match args.preflight.skip_preflight {
            true => Vec::new(),
            false => {
                let sources = &loaded.sources;
                preflight::look_ahead(&plan, registers, &session, sources, terminal).await
            }
        };
        preflight::refuse(&found, registers)?;
        confirm::ask(args.yes, "\nApply these changes?")?;
        if registers {
            preflight::register(&found, &session.client).await?;
        }
        let undertaking = Undertaking {
            purpose: Purpose::Apply,
            plan: &plan,
            bounds: args.patience.bounds(),
        };
        let success = flow::carry_out(undertaking, &session, &loaded.sources, terminal).await?;
        aftermath::look_back(&plan, &loaded.graph, &session, terminal).await;
        Ok(success)
    })
}
