//! A transport that replays one recording, starting at one of its writes.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use azure_core::{
    credentials::{AccessToken, TokenCredential, TokenRequestOptions},
    http::{
        AsyncRawResponse, HttpClient, Request, Transport, Url,
        headers::{AUTHORIZATION, Headers},
    },
    time::{Duration, OffsetDateTime},
};
use lazuli_arm::{Client, ClientOptions, Cloud};
use serde_json::Value as Json;

use crate::recordings::{Interaction, Recording};

pub const ARM: &str = "management.azure.com";

/// The status of a response that the recording does not contain.
const UNRECORDED: u16 = 418;

/// Replays the recorded response to a write from its index on, and to each GET the next recorded response of its URL:
/// never one from before the last replayed response, nor one from after a later write of the same resource.
#[derive(Debug, Clone)]
pub struct Replay(Arc<ReplayTransport>);

#[derive(Debug)]
struct ReplayTransport {
    recording: Arc<Recording>,
    state: Mutex<ReplayState>,
}

#[derive(Debug)]
struct ReplayState {
    /// Index of the last replayed write, initially of the first one.
    write: usize,
    writes: u32,
    /// Index of the last replayed response, and how often it was replayed.
    last: usize,
    times: u32,
    unrecorded: Option<String>,
    hosts: BTreeSet<String>,
}

impl Replay {
    pub fn new(recording: &Arc<Recording>, write: usize) -> Self {
        Self(Arc::new(ReplayTransport {
            recording: recording.clone(),
            state: Mutex::new(ReplayState {
                write,
                writes: 0,
                last: write,
                times: 1,
                unrecorded: None,
                hosts: BTreeSet::new(),
            }),
        }))
    }

    /// A client that sends all requests to this replay.
    pub async fn client(&self, options: ClientOptions) -> Client {
        public_cloud_client(Transport::new(self.0.clone()), options).await
    }

    /// Index of the last replayed write.
    pub fn write(&self) -> usize {
        self.0.state.lock().unwrap().write
    }

    /// How often the write was sent.
    pub fn writes(&self) -> u32 {
        self.0.state.lock().unwrap().writes
    }

    /// The first request without a recorded response.
    pub fn unrecorded(&self) -> Option<String> {
        self.0.state.lock().unwrap().unrecorded.clone()
    }

    /// The hosts that received a request: each request has a token.
    pub fn hosts(&self) -> BTreeSet<String> {
        self.0.state.lock().unwrap().hosts.clone()
    }
}

impl ReplayTransport {
    fn response_to(&self, method: &str, url: &Url) -> Option<&Interaction> {
        let mut state = self.state.lock().unwrap();
        let all = &self.recording.interactions;
        let at = match method {
            "GET" => {
                let last = &all[state.last];
                if is_get_of(last, url) && state.times < last.repeated.unwrap_or(1) {
                    state.times += 1;
                    return Some(last);
                }
                let end = end_of_record(&self.recording, state.write);
                (state.last + 1..end).find(|&at| is_get_of(&all[at], url))?
            }
            _ => {
                let from = state.write + usize::from(state.writes > 0);
                let at = (from..all.len())
                    .find(|&at| all[at].method == method && is_at(&all[at], url))?;
                state.write = at;
                state.writes += 1;
                at
            }
        };
        state.last = at;
        state.times = 1;
        Some(&all[at])
    }
}

/// Index at which the record of a written resource ends: at its next write, or at the deletion of a resource that
/// contains it.
pub fn end_of_record(recording: &Recording, write: usize) -> usize {
    let all = &recording.interactions;
    let path = all[write].path.to_ascii_lowercase();
    let ends = |later: &Interaction| {
        let other = later.path.to_ascii_lowercase();
        let within = path
            .strip_prefix(&other)
            .is_some_and(|rest| rest.starts_with('/'));
        later.method != "GET"
            && later.method != "HEAD"
            && (other == path || later.method == "DELETE" && within)
    };
    (write + 1..all.len())
        .find(|&at| ends(&all[at]))
        .unwrap_or(all.len())
}

/// Recorded paths are not encoded, except for those that Azure returned. Parameters of writes are ignored, since the
/// recorded client added some of its own.
fn is_at(interaction: &Interaction, url: &Url) -> bool {
    let encoded = |byte: u8| match byte {
        b'/' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    let path = &interaction.path;
    let same_path = path.eq_ignore_ascii_case(url.path())
        || path
            .bytes()
            .map(encoded)
            .collect::<String>()
            .eq_ignore_ascii_case(url.path());
    if interaction.method != "GET" {
        return same_path;
    }
    let has = |(name, value): (&str, &str)| {
        url.query_pairs()
            .any(|(key, text)| key == name && text == value)
    };
    let api = interaction.api_version.as_deref();
    let parameters = interaction.query.iter();
    same_path
        && api.is_none_or(|api| has(("api-version", api)))
        && parameters
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .all(has)
}

fn is_get_of(interaction: &Interaction, url: &Url) -> bool {
    interaction.method == "GET"
        && is_at(interaction, url)
        && Some(interaction.host.as_deref().unwrap_or(ARM)) == url.host_str()
}

#[async_trait]
impl HttpClient for ReplayTransport {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let method = request.method();
        let (method, url) = (method.as_ref(), request.url());
        assert!(request.headers().get_optional_str(&AUTHORIZATION).is_some());
        let host = url.host_str().unwrap_or_default().to_owned();
        self.state.lock().unwrap().hosts.insert(host);
        let Some(next) = self.response_to(method, url) else {
            let mut state = self.state.lock().unwrap();
            state
                .unrecorded
                .get_or_insert_with(|| format!("{method} {}", url.path()));
            return Ok(AsyncRawResponse::from_bytes(
                UNRECORDED.into(),
                Headers::new(),
                Vec::new(),
            ));
        };
        Ok(response(next))
    }
}

/// A response as received, except for whitespace in its body.
pub fn response(recorded: &Interaction) -> AsyncRawResponse {
    let mut headers = Headers::new();
    // The recorder removes it.
    headers.insert("x-ms-request-id", "00000000-0000-0000-0000-000000000000");
    for (name, value) in &recorded.response_headers {
        headers.insert(name.to_ascii_lowercase(), value.clone());
    }
    let body = match &recorded.response_body {
        None => Vec::new(),
        Some(Json::String(text)) => text.clone().into_bytes(),
        Some(json) => json.to_string().into_bytes(),
    };
    AsyncRawResponse::from_bytes(recorded.status.into(), headers, body)
}

/// A client of the public cloud over this transport.
pub async fn public_cloud_client(transport: Transport, options: ClientOptions) -> Client {
    let endpoints = Cloud::Public.endpoints(&transport).await.unwrap();
    Client::new(&endpoints, Arc::new(FixedToken), transport, options)
}

#[derive(Debug)]
struct FixedToken;

#[async_trait]
impl TokenCredential for FixedToken {
    async fn get_token(
        &self,
        _: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let expires = OffsetDateTime::now_utc() + Duration::hours(12);
        Ok(AccessToken::new("token".to_owned(), expires))
    }
}
