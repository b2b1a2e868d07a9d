//! `lazuli destroy`: deletes the resources that the stacks own, after confirmation. Resources without their ownership
//! marker stay.

use clap::Args;
use lazuli_core::graph::SecretsPolicy;
use lazuli_reconcile::{Intent, PropagationLimits, ProviderPolicy, Recheck};

use crate::{
    args::{AzureArgs, MassDeletionArgs, SpecArgs, TargetArgs},
    confirm,
    connection::Connection,
    error::{CommandError, Success},
    flow::{self, Flow, load_specs},
    output::{ExecutionResult, PlanContext, ReportOutput, ReportPrinter},
    preflight,
    render::{report::Purpose, style::escape_control},
    terminal::Terminal,
};

const EXAMPLES: &str = examples! {
    "lazuli destroy stack.yaml            show the plan, ask, and delete"
    "lazuli destroy stack.yaml --target recordings"
};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DestroyArgs {
    #[command(flatten)]
    specs: SpecArgs,
    #[command(flatten)]
    azure: AzureArgs,
    /// Set the output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = ReportOutput::Text)]
    output: ReportOutput,
    #[command(flatten)]
    targets: TargetArgs,
    #[command(flatten)]
    mass_deletion: MassDeletionArgs,
    /// Delete without preflight checks: deletions that Azure rejects fail, and all others are executed
    #[arg(long)]
    skip_preflight: bool,
    /// Delete without confirmation
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(args: &DestroyArgs, terminal: &Terminal) -> Result<Success, CommandError> {
    confirm::fail_unless_possible(args.yes, "destroy", terminal)?;
    let printer = ReportPrinter::new(args.output, Purpose::Destroy, terminal);
    let connection = Connection::new(&args.azure, &args.specs.paths)?;
    let specs = load_specs(&args.specs, &connection, SecretsPolicy::default())?;
    let targets = args.targets.names();
    let is_whole = targets.is_empty();
    connection.runtime()?.block_on(async {
        let session = connection.open().await?;
        let flow = Flow::new(&session, terminal);
        let stacks = flow.resolve(specs).await?;
        let difference = flow.plan(&stacks, &Intent::Destroy { targets }).await?;
        let mut view = PlanContext::new(&stacks, &difference);
        let plan = view.plan;
        let names = escape_control(&stacks.names.join(", "));
        let is_absent =
            plan.is_empty() && plan.remarks.kept.is_empty() && plan.remarks.orphans.is_empty();
        if is_absent && is_whole {
            let message = match stacks.names.len() {
                1 => format!("Nothing to destroy: stack {names} owns no resources."),
                _ => format!("Nothing to destroy: stacks {names} own no resources."),
            };
            printer.absent(&view, &message)?;
            return Ok(Success::Done);
        }
        printer.plan(&view, !args.yes)?;
        if plan.is_empty() {
            printer.end(&view, &ExecutionResult::NoSteps)?;
            return Ok(Success::Done);
        }
        if !args.skip_preflight {
            view.findings = flow.reconciler().preflight(plan).await;
            printer.findings(&view)?;
        }
        if let Err(blocked) = preflight::fail_on_blocking(&view.findings, ProviderPolicy::Report) {
            printer.end(&view, &ExecutionResult::Rejected)?;
            return Err(blocked);
        }
        if args.yes && is_whole {
            confirm::several_stacks(plan, &args.mass_deletion.yes_delete)?;
        }
        confirm::ask(args.yes, &format!("\nDelete these resources of {names}?"))?;
        let report = flow.execute(plan, PropagationLimits::default()).await;
        printer.report(&view, &report)?;
        printer.end(
            &view,
            &ExecutionResult::Executed(&report, &Recheck::default()),
        )?;
        flow::check_report(&report)
    })
}
