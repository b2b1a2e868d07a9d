//! `lazuli plan`: the difference between the specs and Azure. Sends reads only.

use crate::{
    args::Plan,
    connection::Connection,
    error::{CommandError, Success},
    flow, input, preflight,
    terminal::Terminal,
};

pub(super) fn run(args: &Plan, terminal: &Terminal) -> Result<Success, CommandError> {
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
        preflight::look_ahead(&plan, false, &session, &loaded.sources, terminal).await;
        Ok(if args.detailed_exitcode && !plan.is_empty() {
            Success::Changes
        } else {
            Success::Done
        })
    })
}
