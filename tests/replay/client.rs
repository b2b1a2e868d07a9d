//! Every recorded write, sent by the real client: it ends as the recording shows that the write ended.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use lazuli_arm::{ArmError, ClientOptions, Quiet, WriteResult};
use serde_json::Value as Json;

use crate::{
    errors::{assert_tells, has_failed},
    recordings::{self, Interaction, Recording},
    transport::{ARM, Replay, end_of},
};

/// How a write ended, as the recording alone shows it.
#[derive(Debug)]
pub enum Ending<'a> {
    Well,
    /// By this document: a refusal, or the status of a failed operation.
    Badly(&'a Json),
    /// The resource says that it failed, and nothing why.
    FailedResource,
    /// The recording does not go on until the end.
    Unseen,
}

#[tokio::test(start_paused = true)]
async fn every_write_ends_as_its_recording_shows() {
    let Some(recordings) = recordings::all() else {
        return;
    };
    let mut forms: BTreeMap<String, BTreeMap<&str, u32>> = BTreeMap::new();
    let mut misses = Vec::new();
    let mut foreign = 0;
    let mut hosts = BTreeSet::new();
    let mut read_back: BTreeMap<String, u32> = BTreeMap::new();
    for recording in recordings {
        let recording = Arc::new(recording);
        for (at, write) in recording.interactions.iter().enumerate() {
            if !is_write(write) {
                continue;
            }
            foreign += u32::from(header(write, "Location").is_some_and(leads_elsewhere));
            let replay = Replay::from(&recording, at);
            let ended = send(&replay, write).await;
            hosts.extend(replay.hosts());
            let what = format!("{} #{at} {} {}", recording.name, write.method, write.path);
            let word = match (&ended, ending(&recording, replay.write())) {
                (_, Ending::Unseen) if replay.unrecorded().is_some() => "not recorded to its end",
                (Ok(completed), Ending::Well) => {
                    assert_eq!(
                        completed.status,
                        recording.interactions[replay.write()].status.min(404)
                    );
                    let is_post = write.method == "POST";
                    // Of a PUT that was followed to its end, no document is handed on as the resource.
                    let at_once = recording.interactions[replay.write()].status != 202;
                    assert!(completed.result.is_none() || is_post || at_once, "{what}");
                    if write.method == "PUT" {
                        let seen =
                            seen_after(&replay, &recording.interactions[replay.write()]).await;
                        *read_back.entry(seen).or_default() += 1;
                    }
                    "well"
                }
                (Err(error), Ending::Badly(document)) if replay.unrecorded().is_none() => {
                    assert_tells(error, document, &what);
                    if error.status.is_some() {
                        "refused"
                    } else {
                        "failed"
                    }
                }
                (Err(error), Ending::FailedResource) if error.status.is_none() => "failed",
                (ended, expected) => {
                    let told = ended.as_ref().map_err(ToString::to_string);
                    misses.push(format!(
                        "{what}\n    expected {expected:?}, got {told:?}, not recorded: {:?}",
                        replay.unrecorded()
                    ));
                    "MISS"
                }
            };
            *forms
                .entry(form(write))
                .or_default()
                .entry(word)
                .or_default() += 1;
        }
    }
    for (form, endings) in &forms {
        println!("{form:60} {endings:?}");
    }
    for (seen, n) in &read_back {
        println!("{n:5} {seen}");
    }
    println!("{foreign} writes name a Location on another host");
    for miss in &misses {
        println!("{miss}");
    }
    assert!(misses.is_empty(), "{} writes end otherwise", misses.len());
    assert_eq!(hosts, BTreeSet::from([ARM.to_owned()]));
}

pub async fn send(replay: &Replay, write: &Interaction) -> Result<WriteResult, ArmError> {
    let client = replay.client(ClientOptions::default()).await;
    let path = write.path.as_str();
    let api = write.api_version.as_deref().unwrap_or_default();
    let body = write.request_body.clone().unwrap_or_default();
    match write.method.as_str() {
        "PUT" => client.put(path, api, &body, &Quiet).await,
        "PATCH" => client.patch(path, api, &body, &Quiet).await,
        "DELETE" => client.delete(path, api, &Quiet).await,
        _ => client.post(path, api, Some(&body), &Quiet).await,
    }
}

/// What the first read after a PUT shows.
async fn seen_after(replay: &Replay, write: &Interaction) -> String {
    let client = replay.client(ClientOptions::default()).await;
    let api = write.api_version.as_deref().unwrap_or_default();
    let found = client.get(&write.path, api, &Quiet).await;
    if replay.unrecorded().is_some() {
        return "not read".to_owned();
    }
    let found = match found {
        Ok(Some(found)) => found,
        Ok(None) => return "not there".to_owned(),
        Err(error) => return format!("no GET: {:?}", error.status),
    };
    let state = found
        .pointer("/properties/provisioningState")
        .and_then(Json::as_str)
        .unwrap_or("-");
    let same = if write.response_body.as_ref() == Some(&found) {
        "as the PUT said"
    } else {
        "other than the PUT said"
    };
    format!("{state} {same}")
}

/// Reads off the recording how a write ended.
pub fn ending(recording: &Recording, at: usize) -> Ending<'_> {
    let write = &recording.interactions[at];
    let later = &recording.interactions[at + 1..end_of(recording, at)];
    if write.status >= 400 {
        return match &write.response_body {
            _ if write.status == 404 && write.method == "DELETE" => Ending::Well,
            Some(document) => Ending::Badly(document),
            None => Ending::Badly(&Json::Null),
        };
    }
    if let Some(operation) = operation(write) {
        let mut paths = BTreeSet::from([operation]);
        let mut last = None;
        for poll in later.iter().filter(|it| it.method == "GET") {
            if !paths.contains(&poll.path) {
                continue;
            }
            paths.extend(newer(poll));
            if has_failed(poll) {
                return Ending::Badly(poll.response_body.as_ref().unwrap_or(&Json::Null));
            }
            last = Some(poll);
            if ended_well(poll) {
                break;
            }
        }
        let says_succeeded = write.status != 202 && state(write) == Some("Succeeded");
        return match last {
            Some(poll) if ended_well(poll) => Ending::Well,
            None if says_succeeded && write.method == "PUT" => Ending::Well,
            _ => Ending::Unseen,
        };
    }
    if write.method != "PUT" {
        return Ending::Well;
    }
    let reads = later
        .iter()
        .filter(|it| it.method == "GET" && it.path == write.path && it.status == 200);
    match std::iter::once(write)
        .chain(reads)
        .find(|it| !is_underway(it))
    {
        Some(end) if state(end).is_some_and(|state| is_one_of(state, &["Failed", "Canceled"])) => {
            Ending::FailedResource
        }
        Some(_) => Ending::Well,
        None => Ending::Unseen,
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

fn leads_elsewhere(link: &str) -> bool {
    !link.starts_with('/') && !link.starts_with(&format!("https://{ARM}/"))
}

fn path_of(link: &str) -> Option<String> {
    let path = link.strip_prefix(&format!("https://{ARM}")).unwrap_or(link);
    path.starts_with('/')
        .then(|| path.split('?').next().unwrap_or_default().to_owned())
}

/// The path under which the operation of a write is asked for.
fn operation(write: &Interaction) -> Option<String> {
    let named = header(write, "Azure-AsyncOperation")
        .or(header(write, "Location").filter(|_| write.status == 202));
    named.and_then(path_of)
}

/// The path that the answer to a poll names instead.
fn newer(poll: &Interaction) -> Option<String> {
    header(poll, "Azure-AsyncOperation")
        .or(header(poll, "Location"))
        .and_then(path_of)
}

/// A status document says so; the result of an operation is there once it is not 202.
fn ended_well(poll: &Interaction) -> bool {
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

/// ARM facts 2.4: the words in which the recorded resources came to rest; all others were followed by one of them.
fn is_underway(resource: &Interaction) -> bool {
    state(resource)
        .is_some_and(|state| !is_one_of(state, &["Succeeded", "Ready", "Failed", "Canceled"]))
}

/// As the table of ARM facts 2.1 names it: status, headers (`L` an operation, `Lr` the resource), `-` without a body.
fn form(write: &Interaction) -> String {
    let mut form = format!("{} {}", write.method, write.status);
    if header(write, "Azure-AsyncOperation").is_some() {
        form += " A";
    }
    if let Some(location) = header(write, "Location") {
        let to_resource =
            path_of(location).is_some_and(|path| path.eq_ignore_ascii_case(&write.path));
        form += match () {
            () if leads_elsewhere(location) => " L(other host)",
            () if to_resource => " Lr",
            () => " L",
        };
    }
    if write.response_body.is_none() {
        form += " -";
    }
    if write.status < 202
        && write.method == "PUT"
        && is_underway(write)
        && operation(write).is_none()
    {
        form += " underway";
    }
    form
}
