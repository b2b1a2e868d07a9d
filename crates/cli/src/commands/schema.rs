//! `lazuli schema`: the JSON Schema of a spec, for editors, and of what lazuli answers, for programs.

use lazuli_core::{document::PlanDocument, inventory::document::ShowDocument, saved::SavedPlan};
use lazuli_engine::document::ReportDocument;

use lazuli_handlers::REGISTRY;

use crate::{
    args::SchemaOf,
    error::{CommandError, Success},
    terminal::answer,
};

pub(super) fn run(of: SchemaOf) -> Result<Success, CommandError> {
    let schema = match of {
        SchemaOf::Spec => lazuli_handlers::schema(REGISTRY),
        SchemaOf::Plan => PlanDocument::schema(),
        SchemaOf::SavedPlan => SavedPlan::schema(),
        SchemaOf::Report => ReportDocument::schema(),
        SchemaOf::Show => ShowDocument::schema(),
    };
    answer(&format!("{schema:#}\n"))?;
    Ok(Success::Done)
}
