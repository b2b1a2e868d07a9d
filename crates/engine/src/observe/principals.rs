//! Looks up principals in the directory. They only add advice to a plan, so a failed read is recorded and is not an error.

use std::time::Duration;

use lazuli_arm::{ArmError, Directory, ErrorKind};
use lazuli_core::live::Live;
use tokio::time::timeout;

/// How long a plan waits for the directory: a network may reach ARM, but not the directory.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Records which of these principals exist, or why that is unknown. Sends no request for an empty list.
pub async fn observe_principals(directory: Option<&Directory>, live: &mut Live, ids: &[String]) {
    if ids.is_empty() {
        return;
    }
    let answer = match directory {
        None => Err("this cloud has no directory endpoint".to_owned()),
        Some(directory) => match timeout(TIMEOUT, directory.existing(ids)).await {
            Ok(answer) => answer.map_err(|error| why(&error)),
            Err(_) => Err("the directory did not respond in time".to_owned()),
        },
    };
    match answer {
        Ok(existing) => live.insert_principals(ids, &existing),
        Err(why) => live.insert_unread_directory(why),
    }
}

fn why(error: &ArmError) -> String {
    match error.kind {
        ErrorKind::Forbidden { .. } => {
            "the caller has no permission to read the directory".to_owned()
        }
        _ => format!(
            "the directory returned an error: {}",
            error.code.as_deref().unwrap_or(&error.message)
        ),
    }
}
