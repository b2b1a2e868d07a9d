//! `lazuli apply`: makes Azure match the specs, after confirmation.

use clap::Args;
use lazuli_reconcile::{Intent, ProviderPolicy, Recheck};

use crate::{
    args::{
        AzureArgs, MassDeletionArgs, OrphanArgs, PreflightArgs, PropagationArgs, ReplaceArgs,
        SecretArgs, SpecArgs, TargetArgs,
    },
    confirm,
    connection::Connection,
    error::{CommandError, Success},
    flow::{self, Flow, load_specs},
    input::secrets_policy,
    output::{ExecutionResult, PlanContext, ReportOutput, ReportPrinter},
    preflight,
    render::report::Purpose,
    saved::ResumedPlan,
    terminal::Terminal,
};

const EXAMPLES: &str = examples! {
    "lazuli apply stack.yaml              show the plan, ask, and execute it"
    "lazuli apply plan.json --yes         execute exactly a saved plan"
    "lazuli apply stacks --target recordings --yes"
    "lazuli apply stacks --allow-replace recordings"
};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ApplyArgs {
    #[command(flatten)]
    pub(crate) specs: SpecArgs,
    #[command(flatten)]
    pub(crate) azure: AzureArgs,
    #[command(flatten)]
    pub(crate) secrets: SecretArgs,
    #[command(flatten)]
    pub(crate) propagation: PropagationArgs,
    #[command(flatten)]
    pub(crate) preflight: PreflightArgs,
    /// Set the output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = ReportOutput::Text)]
    pub(crate) output: ReportOutput,
    #[command(flatten)]
    pub(crate) targets: TargetArgs,
    #[command(flatten)]
    pub(crate) orphans: OrphanArgs,
    #[command(flatten)]
    pub(crate) replacing: ReplaceArgs,
    #[command(flatten)]
    pub(crate) mass_deletion: MassDeletionArgs,
    /// Apply without confirmation
    #[arg(long)]
    pub(crate) yes: bool,
}

pub(super) fn run(args: ApplyArgs, terminal: &Terminal) -> Result<Success, CommandError> {
    let (args, resumed) = ResumedPlan::from_args(args)?;
    confirm::fail_unless_possible(args.yes, "apply", terminal)?;
    let purpose = match resumed {
        Some(_) => Purpose::ApplySaved,
        None => Purpose::Apply,
    };
    let printer = ReportPrinter::new(args.output, purpose, terminal);
    let connection = Connection::new(&args.azure, &args.specs.paths)?;
    let specs = load_specs(&args.specs, &connection, secrets_policy(&args.secrets))?;
    let intent = Intent::Converge {
        consent: args.replacing.consent(&args.orphans),
        targets: args.targets.names(),
    };
    connection.runtime()?.block_on(async {
        let session = connection.open().await?;
        let flow = Flow::new(&session, terminal);
        let stacks = flow.resolve(specs).await?;
        let difference = flow.plan(&stacks, &intent).await?;
        let mut view = PlanContext::new(&stacks, &difference);
        if let Some(resumed) = &resumed {
            resumed.fail_on_difference(&view)?;
        }
        printer.plan(&view, !args.yes)?;
        let plan = view.plan;
        if plan.is_empty() {
            printer.end(&view, &ExecutionResult::NoSteps)?;
            return Ok(Success::Done);
        }
        view.providers = args.preflight.providers();
        if !args.preflight.skip_preflight {
            view.findings = flow.reconciler().preflight(plan).await;
            printer.findings(&view)?;
        }
        if let Err(blocked) = preflight::fail_on_blocking(&view.findings, view.providers) {
            printer.end(&view, &ExecutionResult::Rejected)?;
            return Err(blocked);
        }
        confirm::mass_deletion(
            &plan.remarks.mass_deletions,
            &args.mass_deletion.yes_delete,
            terminal,
        )?;
        confirm::ask(args.yes, "\nApply these changes?")?;
        if view.providers == ProviderPolicy::Register {
            flow.reconciler().register_providers(&view.findings).await?;
        }
        let report = flow.execute(plan, args.propagation.limits()).await;
        printer.report(&view, &report)?;
        let recheck = match report.is_complete() {
            true => flow.recheck(&stacks, plan).await,
            false => Recheck::default(),
        };
        printer.end(&view, &ExecutionResult::Executed(&report, &recheck))?;
        flow::check_report(&report)
    })
}
