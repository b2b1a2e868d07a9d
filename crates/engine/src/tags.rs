//! Writes tags of a resource without its body, and leaves all other tags (REST reference, "Tags - Update At Scope").

use lazuli_arm::{ArmError, Client, OnWait};
use lazuli_core::arm::{ArmId, types::TAGS};
use serde_json::{Map, Value as Json, json};

/// What happens to tags.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TagsOperation {
    /// They are added or changed.
    Merge,
    /// They are removed; their values have to be the present ones.
    Delete,
}

/// Sends no request without tags.
pub(crate) async fn write_tags(
    client: &Client,
    on: &ArmId,
    operation: TagsOperation,
    tags: Map<String, Json>,
    on_wait: &OnWait<'_>,
) -> Result<(), ArmError> {
    if tags.is_empty() {
        return Ok(());
    }
    let operation = match operation {
        TagsOperation::Merge => "Merge",
        TagsOperation::Delete => "Delete",
    };
    let body = json!({ "operation": operation, "properties": { "tags": tags } });
    let path = on.provider_child(&TAGS.name, "default");
    client
        .patch(path.as_str(), &TAGS.api_version, &body, on_wait)
        .await?;
    Ok(())
}
