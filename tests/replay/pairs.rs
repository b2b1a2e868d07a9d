//! Every written body with the response to the next read of the resource.

use serde_json::Value as Json;

use crate::recordings::{Interaction, Recording};

/// A PUT that was accepted, and the last GET of the same path and api-version before the next write to the path that
/// shows the resource in a final state (ARM facts 1).
pub struct Pair<'a> {
    /// The recording's name.
    pub recording: &'a str,
    /// The path of the resource.
    pub path: &'a str,
    /// The api-version of both.
    pub api_version: &'a str,
    /// The type of the resource, as the path writes it: `Microsoft.Storage/storageAccounts`.
    pub arm_type: String,
    /// The body of the PUT.
    pub written: &'a Json,
    /// The body of the GET.
    pub read: &'a Json,
}

/// All pairs, in the order of the PUTs.
pub fn from_recordings(recordings: &[Recording]) -> Vec<Pair<'_>> {
    recordings.iter().flat_map(from_recording).collect()
}

fn from_recording(recording: &Recording) -> impl Iterator<Item = Pair<'_>> {
    let interactions = recording.interactions.iter().enumerate();
    interactions.filter_map(|(at, put)| {
        let written = put.request_body.as_ref().filter(|body| body.is_object())?;
        if put.method != "PUT" || !(200..300).contains(&put.status) {
            return None;
        }
        let read = recording.interactions[at + 1..]
            .iter()
            .filter(|later| same_path(&later.path, &put.path))
            .take_while(|later| !matches!(later.method.as_str(), "PUT" | "PATCH" | "DELETE"))
            .filter(|later| later.method == "GET" && later.status == 200)
            .filter(|later| later.api_version == put.api_version)
            .filter_map(body_in_final_state)
            .last()?;
        Some(Pair {
            recording: &recording.name,
            path: put.path.trim_end_matches('/'),
            api_version: put.api_version.as_deref()?,
            arm_type: arm_type(&put.path),
            written,
            read,
        })
    })
}

fn body_in_final_state(get: &Interaction) -> Option<&Json> {
    let body = get.response_body.as_ref().filter(|body| body.is_object())?;
    let state = body.pointer("/properties/provisioningState");
    let is_final = |state: &str| {
        ["Succeeded", "Failed", "Canceled"]
            .iter()
            .any(|word| word.eq_ignore_ascii_case(state))
    };
    state
        .and_then(Json::as_str)
        .is_none_or(is_final)
        .then_some(body)
}

fn same_path(left: &str, right: &str) -> bool {
    left.trim_end_matches('/')
        .eq_ignore_ascii_case(right.trim_end_matches('/'))
}

/// The type of what a path names: of `…/providers/A.B/c/x/d/y` it is `A.B/c/d`.
fn arm_type(path: &str) -> String {
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    let marker = segments
        .iter()
        .rposition(|segment| segment.eq_ignore_ascii_case("providers"));
    match marker.map(|at| &segments[at + 1..]) {
        Some([provider, rest @ ..]) => rest
            .iter()
            .step_by(2)
            .fold((*provider).to_owned(), |head, part| {
                format!("{head}/{part}")
            }),
        _ => "Microsoft.Resources/resourceGroups".to_owned(),
    }
}
