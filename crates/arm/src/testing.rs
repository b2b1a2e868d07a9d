//! A scripted `HttpClient` for the tests of this crate.

use async_trait::async_trait;
use azure_core::{
    credentials::{AccessToken, TokenCredential, TokenRequestOptions},
    error::ErrorKind,
    http::{
        AsyncRawResponse, Body, HttpClient, Request, Transport, Url,
        headers::{HeaderName, Headers},
    },
    time::{Duration, OffsetDateTime},
};
use serde_json::Value;
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use crate::headers::REQUEST_ID;

/// The next response of the fake transport.
#[derive(Debug)]
pub(crate) enum Reply {
    Response(u16, Headers, Vec<u8>),
    Broken(ErrorKind),
    Never,
}

/// A response with a JSON body; `null` means no body.
pub(crate) fn reply(status: u16, headers: &[(&'static str, &str)], body: Value) -> Reply {
    let body = if body.is_null() {
        Vec::new()
    } else {
        body.to_string().into_bytes()
    };
    let mut headers = headers_of(headers);
    if headers.get_optional_str(&REQUEST_ID).is_none() {
        headers.insert(REQUEST_ID, "00000000-0000-0000-0000-00000000000a");
    }
    Reply::Response(status, headers, body)
}

/// A response of a proxy between the client and Azure.
pub(crate) fn proxy_reply(status: u16, body: &str) -> Reply {
    let headers = headers_of(&[("content-type", "text/html")]);
    Reply::Response(status, headers, body.as_bytes().to_vec())
}

pub(crate) fn headers_of(pairs: &[(&'static str, &str)]) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in pairs {
        headers.insert(HeaderName::from_static(name), (*value).to_owned());
    }
    headers
}

/// A request that the fake transport received.
#[derive(Debug, Clone)]
pub(crate) struct ReceivedRequest {
    pub(crate) method: String,
    pub(crate) url: Url,
    pub(crate) headers: Headers,
    pub(crate) body: String,
}

impl ReceivedRequest {
    pub(crate) fn header(&self, name: &'static str) -> Option<&str> {
        self.headers
            .get_optional_str(&HeaderName::from_static(name))
    }
}

/// Returns scripted responses in order, then status 418, which differs from a broken connection.
#[derive(Debug, Clone)]
pub(crate) struct FakeTransport(Arc<Script>);

#[derive(Debug)]
struct Script {
    replies: Mutex<VecDeque<Reply>>,
    received: Mutex<Vec<ReceivedRequest>>,
}

impl FakeTransport {
    pub(crate) fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self(Arc::new(Script {
            replies: Mutex::new(replies.into_iter().collect()),
            received: Mutex::default(),
        }))
    }

    pub(crate) fn transport(&self) -> Transport {
        Transport::new(self.0.clone())
    }

    pub(crate) fn received(&self) -> Vec<ReceivedRequest> {
        self.0.received.lock().unwrap().clone()
    }

    pub(crate) fn urls(&self) -> Vec<String> {
        self.received()
            .iter()
            .map(|request| request.url.to_string())
            .collect()
    }

    /// `METHOD path` of each request.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.received()
            .iter()
            .map(|request| format!("{} {}", request.method, request.url.path()))
            .collect()
    }
}

#[async_trait]
impl HttpClient for Script {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let body = match request.body() {
            Body::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            _ => String::new(),
        };
        self.received.lock().unwrap().push(ReceivedRequest {
            method: request.method().to_string(),
            url: request.url().clone(),
            headers: request.headers().clone(),
            body,
        });
        // As on a network, other tasks run before the response arrives.
        tokio::task::yield_now().await;
        let reply = self.replies.lock().unwrap().pop_front();
        match reply {
            Some(Reply::Response(status, headers, body)) => {
                Ok(AsyncRawResponse::from_bytes(status.into(), headers, body))
            }
            Some(Reply::Broken(kind)) => Err(azure_core::Error::with_message(kind, "broken")),
            Some(Reply::Never) => std::future::pending().await,
            None => Ok(AsyncRawResponse::from_bytes(
                418.into(),
                Headers::new(),
                Vec::new(),
            )),
        }
    }
}

/// Returns `token-1`, `token-2`, ...
#[derive(Debug, Default)]
pub(crate) struct NumberedTokens(AtomicU32);

#[async_trait]
impl TokenCredential for NumberedTokens {
    async fn get_token(
        &self,
        _: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let number = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        Ok(AccessToken::new(
            format!("token-{number}"),
            OffsetDateTime::now_utc() + Duration::hours(1),
        ))
    }
}
