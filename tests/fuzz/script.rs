//! A service that answers what an input says.
//!
//! An input is answers one after the other: `### STATUS`, headers, an empty line, a body. They are given in turn and
//! then once more from the first, until the service has enough and knows nothing any more.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use azure_core::{
    credentials::{AccessToken, TokenCredential, TokenRequestOptions},
    http::{
        AsyncRawResponse, HttpClient, Request, Transport, Url,
        headers::{HeaderName, HeaderValue, Headers},
    },
    time::{Duration, OffsetDateTime},
};
use lazuli_arm::{Client, ClientOptions, Endpoints};

pub const ENDPOINT: &str = "https://arm.local/";
/// After so many requests everything is answered with 404.
const ENOUGH: usize = 300;
/// More requests than any input may lead to.
const TOO_MANY: usize = 20_000;

#[derive(Debug)]
pub struct Script {
    answers: Vec<(u16, Headers, Vec<u8>)>,
    urls: Mutex<Vec<Url>>,
}

impl Script {
    pub fn of(input: &[u8]) -> Arc<Self> {
        let text = String::from_utf8_lossy(input);
        // A body keeps the bytes that are no text; only headers must be some.
        let answers = text.split("### ").skip(1).map(answer).collect();
        Arc::new(Self {
            answers,
            urls: Mutex::default(),
        })
    }

    pub fn client(self: &Arc<Self>) -> Client {
        let endpoints = Endpoints {
            resource_manager: Url::parse(ENDPOINT).unwrap(),
            authority: Url::parse("https://login.local/").unwrap(),
            scope: "scope".to_owned(),
            graph: None,
        };
        let transport = Transport::new(self.clone());
        Client::new(
            &endpoints,
            Arc::new(Token),
            transport,
            ClientOptions::default(),
        )
    }

    /// Everything that was asked for; all of it of the one service.
    pub fn urls(&self) -> Vec<Url> {
        let urls = self.urls.lock().unwrap().clone();
        for url in &urls {
            let host = url.host_str().unwrap();
            assert!(host == "arm.local" || host.ends_with(".arm.local"), "{url}");
            assert_eq!((url.scheme(), url.port()), ("https", None), "{url}");
        }
        urls
    }
}

fn answer(text: &str) -> (u16, Headers, Vec<u8>) {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.trim().parse().ok());
    let mut headers = Headers::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        // Others do not pass the parser of HTTP.
        let is_name = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let name = name.trim().to_ascii_lowercase();
        if !name.is_empty() && is_name(&name) {
            let value = HeaderValue::from(value.trim().to_owned());
            headers.insert(HeaderName::from(name), value);
        }
    }
    (status.unwrap_or(200), headers, body.trim_end().into())
}

#[async_trait]
impl HttpClient for Script {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let asked = {
            let mut urls = self.urls.lock().unwrap();
            urls.push(request.url().clone());
            urls.len() - 1
        };
        assert!(asked < TOO_MANY, "no end of requests");
        let (status, headers, body) = match self.answers.len() {
            known if known > 0 && asked < ENOUGH => self.answers[asked % known].clone(),
            _ => (404, Headers::new(), Vec::new()),
        };
        Ok(AsyncRawResponse::from_bytes(status.into(), headers, body))
    }
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
        let expires = OffsetDateTime::now_utc() + Duration::hours(240);
        Ok(AccessToken::new("token".to_owned(), expires))
    }
}
