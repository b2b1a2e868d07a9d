//! `lazuli plan`: shows the difference between the specs and Azure. Sends reads only.

use std::path::PathBuf;

use clap::Args;
use lazuli_reconcile::Intent;

use crate::{
    args::{AzureArgs, OrphanArgs, ReplaceArgs, SecretArgs, SpecArgs, TargetArgs},
    connection::Connection,
    error::{CommandError, Success},
    flow::{Flow, load_specs},
    input::secrets_policy,
    output::{PlanContext, PlanOutput, PlanPrinter},
    saved::PlanFile,
    terminal::Terminal,
};

const EXAMPLES: &str = examples! {
    "lazuli plan stack.yaml --cloud sim   use the simulator instead of Azure"
    "lazuli plan stacks --detailed-exitcode"
    "lazuli plan stacks --out plan.json   save the plan, to review and apply it later"
    "lazuli plan stacks --prune           delete resources that no spec declares"
};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) specs: SpecArgs,
    #[command(flatten)]
    pub(crate) azure: AzureArgs,
    #[command(flatten)]
    pub(crate) secrets: SecretArgs,
    /// Set the output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = PlanOutput::Text)]
    pub(crate) output: PlanOutput,
    /// List unchanged resources too
    #[arg(long)]
    pub(crate) show_unchanged: bool,
    #[command(flatten)]
    pub(crate) targets: TargetArgs,
    #[command(flatten)]
    pub(crate) orphans: OrphanArgs,
    #[command(flatten)]
    pub(crate) replacing: ReplaceArgs,
    /// Skip findings about the caller's permissions, if another principal applies the plan
    #[arg(long)]
    pub(crate) skip_permissions: bool,
    /// Save the plan to a file for apply
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Exit with code 2 if there are changes
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,
}

pub(super) fn run(args: &PlanArgs, terminal: &Terminal) -> Result<Success, CommandError> {
    let out = PlanFile::from_args(args)?;
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
        let printer = PlanPrinter::new(args.output, terminal);
        let mut view = PlanContext::new(&stacks, &difference);
        view.shows_unchanged = args.show_unchanged;
        printer.plan(&view)?;
        view.findings = flow.reconciler().preflight(view.plan).await;
        if args.skip_permissions {
            view.findings.retain(|finding| !finding.is_about_caller());
        }
        printer.end(&view)?;
        if let Some(out) = &out {
            out.write(&view, terminal)?;
        }
        Ok(match args.detailed_exitcode && !view.plan.is_empty() {
            true => Success::Changes,
            false => Success::Done,
        })
    })
}
