//! A transport that answers from one recording, from one of its writes on.

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

/// What a request that the recording has no answer to is answered.
const UNRECORDED: u16 = 418;

/// Answers a write with what was recorded from its index on, and each GET with the next recorded answer of its URL:
/// never with one from before what was answered last, nor with one from after a later write of the same resource.
#[derive(Debug, Clone)]
pub struct Replay(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    recording: Arc<Recording>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The write that was answered last, or is the first to be.
    write: usize,
    writes: u32,
    /// What was answered last, and how often.
    last: usize,
    times: u32,
    unrecorded: Option<String>,
    hosts: BTreeSet<String>,
}

impl Replay {
    pub fn from(recording: &Arc<Recording>, write: usize) -> Self {
        Self(Arc::new(Inner {
            recording: recording.clone(),
            state: Mutex::new(State {
                write,
                writes: 0,
                last: write,
                times: 1,
                unrecorded: None,
                hosts: BTreeSet::new(),
            }),
        }))
    }

    /// A client whose requests all come here.
    pub async fn client(&self, options: ClientOptions) -> Client {
        client_of(Transport::new(self.0.clone()), options).await
    }

    /// The write that was answered last.
    pub fn write(&self) -> usize {
        self.0.state.lock().unwrap().write
    }

    /// How often the write was sent.
    pub fn writes(&self) -> u32 {
        self.0.state.lock().unwrap().writes
    }

    /// The first request that the recording had no answer to.
    pub fn unrecorded(&self) -> Option<String> {
        self.0.state.lock().unwrap().unrecorded.clone()
    }

    /// The hosts that were sent anything: each request bears a token.
    pub fn hosts(&self) -> BTreeSet<String> {
        self.0.state.lock().unwrap().hosts.clone()
    }
}

impl Inner {
    fn answer(&self, method: &str, url: &Url) -> Option<&Interaction> {
        let mut state = self.state.lock().unwrap();
        let all = &self.recording.interactions;
        let at = match method {
            "GET" => {
                let again = &all[state.last];
                if is_get_of(again, url) && state.times < again.repeated.unwrap_or(1) {
                    state.times += 1;
                    return Some(again);
                }
                let end = end_of(&self.recording, state.write);
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

/// Where what was recorded of a written resource ends: at its next write, or at the deletion of what it is in.
pub fn end_of(recording: &Recording, write: usize) -> usize {
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

/// Recorded paths are not encoded, but for those that Azure named itself. The recorded client put parameters into
/// some of its writes that are its own affair.
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
impl HttpClient for Inner {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let method = request.method();
        let (method, url) = (method.as_ref(), request.url());
        assert!(request.headers().get_optional_str(&AUTHORIZATION).is_some());
        let host = url.host_str().unwrap_or_default().to_owned();
        self.state.lock().unwrap().hosts.insert(host);
        let Some(answer) = self.answer(method, url) else {
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
        Ok(response(answer))
    }
}

/// An answer as it was on the wire, but for the blanks in its body.
pub fn response(answer: &Interaction) -> AsyncRawResponse {
    let mut headers = Headers::new();
    for (name, value) in &answer.response_headers {
        headers.insert(name.to_ascii_lowercase(), value.clone());
    }
    let body = match &answer.response_body {
        None => Vec::new(),
        Some(Json::String(text)) => text.clone().into_bytes(),
        Some(json) => json.to_string().into_bytes(),
    };
    AsyncRawResponse::from_bytes(answer.status.into(), headers, body)
}

/// A client of the public cloud behind this transport.
pub async fn client_of(transport: Transport, options: ClientOptions) -> Client {
    let endpoints = Cloud::Public.endpoints(&transport).await.unwrap();
    Client::new(&endpoints, Arc::new(Token), transport, options)
}

#[derive(Debug)]
struct Token;

#[async_trait]
impl TokenCredential for Token {
    async fn get_token(
        &self,
        _: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let expires = OffsetDateTime::now_utc() + Duration::hours(12);
        Ok(AccessToken::new("token".to_owned(), expires))
    }
}
