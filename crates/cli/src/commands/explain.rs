//! `lazuli explain`: explains a kind, a property or an error code, from the same source as the reference.

use clap::Args;

use crate::{
    error::{CommandError, Success},
    render::explain as render,
    terminal::{Terminal, write_output},
    topic::Topic,
};

const EXAMPLES: &str = examples! {
    "lazuli explain                       list the kinds"
    "lazuli explain storageAccount.sku    explain a property"
    "lazuli explain LZ0016                explain an error code of lazuli"
    "lazuli explain ScopeLocked           explain an error code of Azure"
};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExplainArgs {
    /// A kind, KIND.PROPERTY, or a code such as LZ0012 or ScopeLocked [default: the list of kinds]
    #[arg(value_name = "TOPIC")]
    topic: Option<String>,
}

pub(super) fn run(args: &ExplainArgs, terminal: &Terminal) -> Result<Success, CommandError> {
    let style = &terminal.out;
    let topic = args.topic.as_deref().map(Topic::find).transpose()?;
    write_output(&match topic {
        None => render::kinds(style),
        Some(Topic::Code(code)) => render::code(code, style),
        Some(Topic::AzureCode(known)) => render::azure_code(&known, style),
        Some(Topic::Kind(kind)) => render::kind(kind, style),
        Some(Topic::Output { kind, output }) => render::output(kind, output),
        Some(Topic::Document(all)) => render::document(&all, style),
        Some(Topic::Property(topic)) => {
            render::property(topic.owner, topic.property(), &topic.all, style)
        }
    })?;
    Ok(Success::Done)
}
