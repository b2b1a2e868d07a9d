//! `lazuli man`: a page of the manual for every command.

use std::{fs, path::Path};

use clap::CommandFactory;

use crate::{
    args::Cli,
    error::{CommandError, Success},
    input::why,
    terminal::answer,
};

pub(super) fn run(directory: &Path) -> Result<Success, CommandError> {
    let written = fs::create_dir_all(directory)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), directory));
    written.map_err(|error| {
        CommandError::new(format!(
            "{} cannot be written: {}",
            directory.display(),
            why(&error)
        ))
    })?;
    answer(&format!(
        "The pages are in {0}: man {0}/lazuli.1\n",
        directory.display()
    ))?;
    Ok(Success::Done)
}
