//! A service whose responses are those of an input.
//!
//! An input is a sequence of responses: `### STATUS`, headers, an empty line, a body. The service returns them in order,
//! starts again at the first, and returns 404 after a limit.

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
/// The number of requests after which every response is 404.
const MAX_SCRIPTED: usize = 300;
/// More requests than any input may cause.
const MAX_REQUESTS: usize = 20_000;

#[derive(Debug)]
pub struct Script {
    responses: Vec<(u16, Headers, Vec<u8>)>,
    urls: Mutex<Vec<Url>>,
}

impl Script {
    pub fn parse(input: &[u8]) -> Arc<Self> {
        let text = String::from_utf8_lossy(input);
        // Bytes that are not UTF-8 are kept in bodies only.
        let responses = text.split("### ").skip(1).map(parse_response).collect();
        Arc::new(Self {
            responses,
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

    /// The URLs of all requests. Panics if one is for another host.
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

fn parse_response(text: &str) -> (u16, Headers, Vec<u8>) {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.trim().parse().ok());
    let mut headers = Headers::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        // The HTTP parser rejects other names.
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
        let number = {
            let mut urls = self.urls.lock().unwrap();
            urls.push(request.url().clone());
            urls.len() - 1
        };
        assert!(number < MAX_REQUESTS, "unbounded number of requests");
        let (status, headers, body) = match self.responses.len() {
            known if known > 0 && number < MAX_SCRIPTED => self.responses[number % known].clone(),
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
