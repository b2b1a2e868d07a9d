//! `lazuli schema`: prints the JSON Schema of specs, for editors, and of JSON output, for programs.

use clap::{Args, ValueEnum};
use lazuli_core::{document::PlanDocument, inventory::document::ShowDocument, saved::SavedPlan};
use lazuli_engine::document::ReportDocument;

use lazuli_handlers::REGISTRY;

use crate::{
    error::{CommandError, Success},
    terminal::write_output,
};

const EXAMPLES: &str = examples! {
    "lazuli schema > lazuli.schema.json   validate specs in an editor"
    "lazuli schema plan                   read `plan --output json`"
};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SchemaArgs {
    /// The document: specs, the JSON output of plan, of apply and destroy, of show, or the file of plan --out
    #[arg(value_enum, default_value_t = SchemaOf::Spec)]
    of: SchemaOf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SchemaOf {
    Spec,
    Plan,
    Report,
    Show,
    SavedPlan,
}

pub(super) fn run(args: &SchemaArgs) -> Result<Success, CommandError> {
    let schema = match args.of {
        SchemaOf::Spec => lazuli_handlers::schema(REGISTRY),
        SchemaOf::Plan => PlanDocument::schema(),
        SchemaOf::SavedPlan => SavedPlan::schema(),
        SchemaOf::Report => ReportDocument::schema(),
        SchemaOf::Show => ShowDocument::schema(),
    };
    write_output(&format!("{schema:#}\n"))?;
    Ok(Success::Done)
}
