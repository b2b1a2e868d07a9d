//! Asks the directory which principals exist. That is advice on a plan, so a failure to ask is told and ends nothing.

use std::time::Duration;

use lazuli_arm::{ArmError, Directory, ErrorKind};
use lazuli_core::live::Live;
use tokio::time::timeout;

/// How long a plan waits for the directory: a network may lead to ARM and not to it.
const LONGEST: Duration = Duration::from_secs(20);

/// Takes in which of these principals exist, or why that stays unknown. Sends nothing if there are none.
pub async fn observe_principals(directory: Option<&Directory>, live: &mut Live, ids: &[String]) {
    if ids.is_empty() {
        return;
    }
    let answer = match directory {
        None => Err("this cloud names no directory to ask".to_owned()),
        Some(directory) => match timeout(LONGEST, directory.existing(ids)).await {
            Ok(answer) => answer.map_err(|error| why(&error)),
            Err(_) => Err("the directory did not answer in time".to_owned()),
        },
    };
    match answer {
        Ok(existing) => live.insert_principals(ids, &existing),
        Err(why) => live.insert_unread_directory(why),
    }
}

fn why(error: &ArmError) -> String {
    match error.kind {
        ErrorKind::Forbidden { .. } => "the caller may not read the directory".to_owned(),
        _ => format!(
            "the directory did not say: {}",
            error.code.as_deref().unwrap_or(&error.message)
        ),
    }
}
