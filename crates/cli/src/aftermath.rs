//! After an apply: whether Azure keeps values of its own, told once and remembered.

use lazuli_arm::{ArmError, Quiet};
use lazuli_core::{
    graph::Graph,
    live::Live,
    plan::{Action, Plan, ServerOverride, converge, overrides_after, reminders},
    reads,
};
use lazuli_engine::{observe, remind};

use crate::connection::Session;

/// What Azure made of a plan.
#[derive(Default)]
pub(crate) struct Aftermath {
    /// What Azure keeps although another value was sent.
    pub(crate) found: Vec<ServerOverride>,
    /// Why that could not be remembered, where it could not.
    pub(crate) refusals: Vec<ArmError>,
}

impl Aftermath {
    /// Why what Azure keeps could not be remembered.
    pub(crate) fn not_remembered(&self) -> Option<&ArmError> {
        self.refusals.first()
    }
}

/// Compares once more. What Azure does not keep as it was just sent is remembered by tags so that the next
/// plan does not take it for drift. That it cannot be told is no failure: what was to be done is done.
pub(crate) async fn look_back(plan: &Plan, graph: &Graph, session: &Session) -> Aftermath {
    let written: Vec<_> = plan
        .steps
        .iter()
        .filter(|step| step.action != Action::Delete)
        .map(|step| step.subject.key.clone())
        .collect();
    if written.is_empty() {
        return Aftermath::default();
    }
    let mut live = match observe(&session.client, graph, &reads::needed(graph)).await {
        Ok(live) => live,
        Err(errors) => {
            for error in errors {
                tracing::warn!("what Azure made of it could not be read: {error}");
            }
            return Aftermath::default();
        }
    };
    let again = |live: &Live| converge(graph, live).0;
    let suspects = overrides_after(&again(&live), &written);
    if suspects.is_empty() {
        return Aftermath::default();
    }
    read_each(graph, &suspects, session, &mut live).await;
    let again = again(&live);
    let found = overrides_after(&again, &written);
    let reminders = reminders(graph, &live, &again, &found);
    let refusals = remind(&session.client, &reminders)
        .await
        .err()
        .unwrap_or_default();
    Aftermath { found, refusals }
}

/// A list may lag behind; the resource itself does not (ARM facts 1.8).
async fn read_each(graph: &Graph, suspects: &[ServerOverride], session: &Session, live: &mut Live) {
    for node in suspects
        .iter()
        .filter_map(|suspect| graph.node(&suspect.key))
    {
        let Some(id) = node.id() else { continue };
        let api_version = &node.subject.arm_type.api_version;
        match session.client.get(id.as_str(), api_version, &Quiet).await {
            Ok(Some(body)) => live.insert_as(id.clone(), body),
            Ok(None) => {}
            Err(error) => tracing::warn!("{id} could not be read again: {error}"),
        }
    }
}
