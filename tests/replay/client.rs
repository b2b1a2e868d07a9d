//! Sends every recorded write with the real client: the result matches the recorded one.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use lazuli_arm::{ArmError, ClientOptions, WriteResult, ignore_waits};
use serde_json::Value as Json;

use crate::{
    errors::{assert_reports, has_failed},
    recordings::{self, Interaction, Recording},
    transport::{ARM, Replay, end_of_record},
};

/// The result of a write according to the recording alone.
#[derive(Debug)]
pub enum RecordedResult<'a> {
    Success,
    /// Failed with this document: an error response, or the status of a failed operation.
    Failure(&'a Json),
    /// The state of the resource is a failure, without a reason.
    FailedResource,
    /// The recording stops before the end of the operation.
    Incomplete,
}

#[tokio::test(start_paused = true)]
async fn every_write_has_its_recorded_result() {
    let Some(recordings) = recordings::load_all() else {
        return;
    };
    let mut counts: BTreeMap<String, BTreeMap<&str, u32>> = BTreeMap::new();
    let mut mismatches = Vec::new();
    let mut foreign = 0;
    let mut hosts = BTreeSet::new();
    let mut read_back: BTreeMap<String, u32> = BTreeMap::new();
    for recording in recordings {
        let recording = Arc::new(recording);
        for (at, write) in recording.interactions.iter().enumerate() {
            if !is_write(write) {
                continue;
            }
            foreign += u32::from(header(write, "Location").is_some_and(is_on_another_host));
            let replay = Replay::new(&recording, at);
            let result = send(&replay, write).await;
            hosts.extend(replay.hosts());
            let what = format!("{} #{at} {} {}", recording.name, write.method, write.path);
            let category = match (&result, recorded_result(&recording, replay.write())) {
                (_, RecordedResult::Incomplete) if replay.unrecorded().is_some() => {
                    "recording incomplete"
                }
                (Ok(completed), RecordedResult::Success) => {
                    assert_eq!(
                        completed.status,
                        recording.interactions[replay.write()].status.min(404)
                    );
                    let is_post = write.method == "POST";
                    // After polling a PUT, no document is returned as the resource.
                    let was_not_polled = recording.interactions[replay.write()].status != 202;
                    assert!(
                        completed.result.is_none() || is_post || was_not_polled,
                        "{what}"
                    );
                    if write.method == "PUT" {
                        let found =
                            read_after(&replay, &recording.interactions[replay.write()]).await;
                        *read_back.entry(found).or_default() += 1;
                    }
                    "succeeded"
                }
                (Err(error), RecordedResult::Failure(document))
                    if replay.unrecorded().is_none() =>
                {
                    assert_reports(error, document, &what);
                    if error.status.is_some() {
                        "error response"
                    } else {
                        "failed"
                    }
                }
                (Err(error), RecordedResult::FailedResource) if error.status.is_none() => "failed",
                (result, expected) => {
                    let result = result.as_ref().map_err(ToString::to_string);
                    mismatches.push(format!(
                        "{what}\n    expected {expected:?}, got {result:?}, not recorded: {:?}",
                        replay.unrecorded()
                    ));
                    "MISMATCH"
                }
            };
            *counts
                .entry(response_format(write))
                .or_default()
                .entry(category)
                .or_default() += 1;
        }
    }
    for (format, results) in &counts {
        println!("{format:60} {results:?}");
    }
    for (found, n) in &read_back {
        println!("{n:5} {found}");
    }
    println!("{foreign} writes have a Location on another host");
    for mismatch in &mismatches {
        println!("{mismatch}");
    }
    assert!(
        mismatches.is_empty(),
        "{} writes have another result",
        mismatches.len()
    );
    assert_eq!(hosts, BTreeSet::from([ARM.to_owned()]));
}

pub async fn send(replay: &Replay, write: &Interaction) -> Result<WriteResult, ArmError> {
    let client = replay.client(ClientOptions::default()).await;
    let path = write.path.as_str();
    let api = write.api_version.as_deref().unwrap_or_default();
    let body = write.request_body.clone().unwrap_or_default();
    match write.method.as_str() {
        "PUT" => client.put(path, api, &body, &ignore_waits).await,
        "PATCH" => client.patch(path, api, &body, &ignore_waits).await,
        "DELETE" => client.delete(path, api, &ignore_waits).await,
        _ => client.post(path, api, Some(&body), &ignore_waits).await,
    }
}

/// Describes what the first read after a PUT returns.
async fn read_after(replay: &Replay, write: &Interaction) -> String {
    let client = replay.client(ClientOptions::default()).await;
    let api = write.api_version.as_deref().unwrap_or_default();
    let found = client.get(&write.path, api, &ignore_waits).await;
    if replay.unrecorded().is_some() {
        return "not recorded".to_owned();
    }
    let found = match found {
        Ok(Some(found)) => found,
        Ok(None) => return "not found".to_owned(),
        Err(error) => return format!("GET failed: {:?}", error.status),
    };
    let state = found
        .pointer("/properties/provisioningState")
        .and_then(Json::as_str)
        .unwrap_or("-");
    let same = if write.response_body.as_ref() == Some(&found) {
        "same as the response to PUT"
    } else {
        "differs from the response to PUT"
    };
    format!("{state} {same}")
}

/// The result of a write according to the recording.
pub fn recorded_result(recording: &Recording, at: usize) -> RecordedResult<'_> {
    let write = &recording.interactions[at];
    let later = &recording.interactions[at + 1..end_of_record(recording, at)];
    if write.status >= 400 {
        return match &write.response_body {
            _ if write.status == 404 && write.method == "DELETE" => RecordedResult::Success,
            Some(document) => RecordedResult::Failure(document),
            None => RecordedResult::Failure(&Json::Null),
        };
    }
    if let Some(operation) = operation(write) {
        let mut paths = BTreeSet::from([operation]);
        let mut last = None;
        for poll in later.iter().filter(|it| it.method == "GET") {
            if !paths.contains(&poll.path) {
                continue;
            }
            paths.extend(redirect(poll));
            if has_failed(poll) {
                return RecordedResult::Failure(poll.response_body.as_ref().unwrap_or(&Json::Null));
            }
            last = Some(poll);
            if has_succeeded(poll) {
                break;
            }
        }
        let is_succeeded = write.status != 202 && state(write) == Some("Succeeded");
        return match last {
            Some(poll) if has_succeeded(poll) => RecordedResult::Success,
            None if is_succeeded && write.method == "PUT" => RecordedResult::Success,
            _ => RecordedResult::Incomplete,
        };
    }
    if write.method != "PUT" {
        return RecordedResult::Success;
    }
    let reads = later
        .iter()
        .filter(|it| it.method == "GET" && it.path == write.path && it.status == 200);
    match std::iter::once(write)
        .chain(reads)
        .find(|it| !is_in_progress(it))
    {
        Some(end) if state(end).is_some_and(|state| is_one_of(state, &["Failed", "Canceled"])) => {
            RecordedResult::FailedResource
        }
        Some(_) => RecordedResult::Success,
        None => RecordedResult::Incomplete,
    }
}

pub fn is_write(interaction: &Interaction) -> bool {
    matches!(
        interaction.method.as_str(),
        "PUT" | "PATCH" | "DELETE" | "POST"
    )
}

fn header<'a>(interaction: &'a Interaction, name: &str) -> Option<&'a str> {
    interaction
        .response_headers
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

fn is_on_another_host(link: &str) -> bool {
    !link.starts_with('/') && !link.starts_with(&format!("https://{ARM}/"))
}

fn path_of(link: &str) -> Option<String> {
    let path = link.strip_prefix(&format!("https://{ARM}")).unwrap_or(link);
    path.starts_with('/')
        .then(|| path.split('?').next().unwrap_or_default().to_owned())
}

/// The path at which the operation of a write is polled.
fn operation(write: &Interaction) -> Option<String> {
    let named = header(write, "Azure-AsyncOperation")
        .or(header(write, "Location").filter(|_| write.status == 202));
    named.and_then(path_of)
}

/// The path that the response to a poll names for the next one.
fn redirect(poll: &Interaction) -> Option<String> {
    header(poll, "Azure-AsyncOperation")
        .or(header(poll, "Location"))
        .and_then(path_of)
}

/// By the status document; without one, an operation ends with any status but 202.
fn has_succeeded(poll: &Interaction) -> bool {
    let word = poll
        .response_body
        .as_ref()
        .and_then(|body| body.get("status"));
    match word.and_then(Json::as_str) {
        Some(word) => word.eq_ignore_ascii_case("succeeded"),
        None => matches!(poll.status, 200 | 204 | 404),
    }
}

fn state(resource: &Interaction) -> Option<&str> {
    let body = resource.response_body.as_ref()?;
    body.pointer("/properties/provisioningState")?.as_str()
}

fn is_one_of(state: &str, words: &[&str]) -> bool {
    words.iter().any(|word| state.eq_ignore_ascii_case(word))
}

/// ARM facts 2.4: the final states of the recorded resources; all others were followed by one of them.
fn is_in_progress(resource: &Interaction) -> bool {
    state(resource)
        .is_some_and(|state| !is_one_of(state, &["Succeeded", "Ready", "Failed", "Canceled"]))
}

/// The format as the table of ARM facts 2.1 names it: status, headers (`L` for an operation, `Lr` for the resource), `-`
/// without a body.
fn response_format(write: &Interaction) -> String {
    let mut format = format!("{} {}", write.method, write.status);
    if header(write, "Azure-AsyncOperation").is_some() {
        format += " A";
    }
    if let Some(location) = header(write, "Location") {
        let to_resource =
            path_of(location).is_some_and(|path| path.eq_ignore_ascii_case(&write.path));
        format += match () {
            () if is_on_another_host(location) => " L(other host)",
            () if to_resource => " Lr",
            () => " L",
        };
    }
    if write.response_body.is_none() {
        format += " -";
    }
    if write.status < 202
        && write.method == "PUT"
        && is_in_progress(write)
        && operation(write).is_none()
    {
        format += " in progress";
    }
    format
}
