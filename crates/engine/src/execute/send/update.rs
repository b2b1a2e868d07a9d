//! Sends an update: a fresh read, the content merged onto it, and the request.

use lazuli_arm::OnWait;
use lazuli_core::{
    arm::{ArmId, types::etag},
    plan::{Step, Update, UpdateConflict, UpdateContent},
};
use serde_json::Value as Json;

use super::{DELETION_READS, Execution, read_repeatedly};
use crate::{
    report::Failure,
    tags::{TagsOperation, write_tags},
};

/// How often an update is merged again because the resource changed between the read and the request.
const MERGES: u32 = 3;

/// Returns the state of the resource if the response has it.
pub(super) async fn send(
    execution: &Execution<'_>,
    step: &Step,
    target: &ArmId,
    update: &Update,
    on_wait: &OnWait<'_>,
) -> Result<Option<Json>, Failure> {
    let conflict = |conflict| Failure::Conflict(Box::new(conflict));
    let mut merges = 1;
    loop {
        // The plan found it: one read that does not may lag behind.
        let fresh = read_repeatedly(execution, step, target, DELETION_READS).await?;
        let fresh = fresh.ok_or_else(|| conflict(UpdateConflict::Gone(target.clone())))?;
        let content = match update.merge_onto(target, &fresh) {
            Ok(content) => content,
            Err(UpdateConflict::MissingOutput(output)) => {
                return Err(Failure::MissingOutput(output));
            }
            Err(found) => return Err(conflict(found)),
        };
        let body = match content {
            UpdateContent::Body(body) => body,
            UpdateContent::Tags { set, removed } => {
                for (operation, tags) in [
                    (TagsOperation::Merge, set),
                    (TagsOperation::Delete, removed),
                ] {
                    let tags = tags.into_iter().collect();
                    write_tags(execution.client, target, operation, tags, on_wait).await?;
                }
                return Ok(Some(fresh));
            }
        };
        let etag = etag(&step.subject.arm_type.name, &fresh);
        let sent = execution
            .client
            .put_if_match(
                target.as_str(),
                &step.call.api_version,
                &body,
                etag,
                on_wait,
            )
            .await;
        match sent {
            Ok(written) => return Ok(written.result),
            Err(error) if error.status == Some(412) && merges < MERGES => merges += 1,
            Err(error) => return Err(error.into()),
        }
    }
}
