//! `lazuli man`: writes a manual page for every command.

use std::{fs, path::PathBuf};

use clap::{Args, CommandFactory};

use crate::{
    commands::Cli,
    error::{CommandError, Success},
    output_file::cannot_write,
    terminal::write_output,
};

const EXAMPLES: &str = examples! {
    "lazuli man man1 && man man1/lazuli-plan.1"
};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ManArgs {
    /// The directory to write the pages to
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

pub(super) fn run(args: &ManArgs) -> Result<Success, CommandError> {
    let directory = &args.directory;
    let written = fs::create_dir_all(directory)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), directory));
    written.map_err(|error| cannot_write(directory.display(), &error))?;
    write_output(&format!(
        "Manual pages written to {0}: read them with man {0}/lazuli.1\n",
        directory.display()
    ))?;
    Ok(Success::Done)
}
