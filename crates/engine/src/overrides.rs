//! Records server overrides in tags, so that later plans do not report them as drift.

use futures::{StreamExt, stream};
use lazuli_arm::{ArmError, Client, ignore_waits};
use lazuli_core::{marker::OVERRIDES_TAG, plan::Reminder};
use serde_json::Value as Json;

use crate::tags::{TagsOperation, write_tags};

/// The number of tags that are written at once.
const CONCURRENCY: usize = 8;

/// Merges each tag into the tags of its resource.
///
/// # Errors
/// Every tag that Azure rejected. The other tags are set.
pub async fn remember(client: &Client, reminders: &[Reminder]) -> Result<(), Vec<ArmError>> {
    let errors: Vec<ArmError> = stream::iter(reminders)
        .map(|reminder| async move {
            let tag = (OVERRIDES_TAG.to_owned(), Json::from(reminder.tag.clone()));
            let tags = [tag].into_iter().collect();
            let merge = TagsOperation::Merge;
            write_tags(client, &reminder.on, merge, tags, &ignore_waits)
                .await
                .err()
        })
        .buffered(CONCURRENCY)
        .filter_map(|error| async { error })
        .collect()
        .await;
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}
