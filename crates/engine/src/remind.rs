//! Sets the tags that remember what Azure keeps.

use futures::{StreamExt, stream};
use lazuli_arm::{ArmError, Client, Quiet};
use lazuli_core::{mark::OVERRULED_TAG, plan::Reminder};
use serde_json::json;

/// The api-version of `Microsoft.Resources/tags`.
const TAGS_API: &str = "2021-04-01";
/// How many tags are under way at once.
const AT_ONCE: usize = 8;

/// Sets each tag beside those that are there.
///
/// # Errors
/// Every refusal; the other tags are set all the same.
pub async fn remind(client: &Client, reminders: &[Reminder]) -> Result<(), Vec<ArmError>> {
    let refusals: Vec<ArmError> = stream::iter(reminders)
        .map(|reminder| async move {
            let path = format!("{}/providers/Microsoft.Resources/tags/default", reminder.on);
            let body = json!({
                "operation": "Merge",
                "properties": { "tags": { OVERRULED_TAG: reminder.tag } },
            });
            client.patch(&path, TAGS_API, &body, &Quiet).await.err()
        })
        .buffered(AT_ONCE)
        .filter_map(|refusal| async { refusal })
        .collect()
        .await;
    if refusals.is_empty() {
        Ok(())
    } else {
        Err(refusals)
    }
}
