//! `lazuli doctor`: checks whether lazuli can work here. Sends reads only.

use std::path::PathBuf;

use clap::Args;

use crate::{
    args::{self, AzureArgs},
    connection::Connection,
    doctor,
    error::{CommandError, Success},
    render::doctor::{CheckStatus::Fail, checks},
    terminal::{Terminal, write_output},
};

const EXAMPLES: &str = examples! {
    "lazuli doctor"
    "lazuli doctor --auth azure-cli --subscription GUID"
};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DoctorArgs {
    /// The spec or directory that the simulator's world belongs to
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    #[command(flatten)]
    azure: AzureArgs,
    /// Check this subscription; may be repeated [default: the default subscription, or all visible ones]
    #[arg(long = "subscription", value_name = "GUID", value_parser = args::parse_subscription)]
    subscriptions: Vec<String>,
}

pub(super) fn run(args: &DoctorArgs, terminal: &Terminal) -> Result<Success, CommandError> {
    let connection = Connection::new(&args.azure, std::slice::from_ref(&args.path))?;
    let found = connection.runtime()?.block_on(async {
        match connection.open().await {
            Ok(session) => {
                let mut subscriptions = args.subscriptions.clone();
                if subscriptions.is_empty() {
                    subscriptions.extend(connection.default_subscription());
                }
                Ok(doctor::run_checks(&session, &subscriptions).await)
            }
            Err(CommandError::Azure(requests)) => Ok(requests
                .iter()
                .map(|request| doctor::report_error(Fail, "azure", &request.error))
                .collect()),
            Err(other) => Err(other),
        }
    })?;
    write_output(&checks(&found, &terminal.out))?;
    match found.iter().any(|check| check.status == Fail) {
        true => Err(CommandError::Incomplete),
        false => Ok(Success::Done),
    }
}
