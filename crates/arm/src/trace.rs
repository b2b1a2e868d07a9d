//! Records requests and responses without secrets, so that a trace can be shared.

use crate::error::describe;
use async_trait::async_trait;
use azure_core::{
    Bytes,
    http::{
        AsyncRawResponse, Body, Context, Request, Transport,
        headers::Headers,
        policies::{Policy, PolicyResult},
    },
    time::{OffsetDateTime, to_rfc3339},
};
use lazuli_core::{redact::Redaction, secret::Secret};
use serde::Serialize;
use serde_json::{Map, Value};
use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};
use tokio::time::Instant;

/// Of a body above this size, only the size is recorded.
const LARGEST_BODY: usize = 256 << 10;

/// The headers that are recorded. Other headers are left out completely.
const HEADERS: &[&str] = &[
    "accept",
    "azure-asyncoperation",
    "content-length",
    "content-type",
    "date",
    "etag",
    "if-match",
    "if-none-match",
    "location",
    "retry-after",
    "user-agent",
    "x-ms-correlation-request-id",
    "x-ms-error-code",
    "x-ms-failure-cause",
    "x-ms-request-id",
    "x-ms-routing-request-id",
];
/// Headers with this prefix are recorded too.
const RATE_LIMITS: &str = "x-ms-ratelimit-";

/// Marks a request of the client, so that its body and the body of its response are recorded. Bodies of other requests,
/// such as those for tokens, are never recorded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestAttempt {
    /// The number of the attempt, from 1.
    pub(crate) number: u32,
}

/// One attempt at a request with its response or error, without secrets.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exchange {
    /// When the request was sent, in RFC 3339 format.
    pub at: String,
    /// `GET`, `PUT`, ...
    pub method: String,
    /// The URL. Values of parameters that may be secret are masked.
    pub url: String,
    /// The number of the attempt, from 1. Absent for requests for tokens and cloud metadata.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The status of the response. Absent without a response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why the response is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Time until the response or the failure, in milliseconds.
    pub took_ms: u64,
    /// The request.
    pub request: ExchangeMessage,
    /// The response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<ExchangeMessage>,
}

/// The headers and body of a request or response.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExchangeMessage {
    /// The recorded headers, by name in lowercase.
    pub headers: Map<String, Value>,
    /// The body, with secrets masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Why the body is left out, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub omitted: Option<String>,
}

type Now = dyn Fn() -> SystemTime + Send + Sync;
type Record = dyn Fn(&Exchange) + Send + Sync;

/// Records the requests of transports.
pub struct Trace {
    now: Box<Now>,
    record: Box<Record>,
    redaction: RwLock<Redaction>,
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace").finish_non_exhaustive()
    }
}

impl Trace {
    /// A trace that passes each exchange to `record` when it ends.
    pub fn new(
        now: impl Fn() -> SystemTime + Send + Sync + 'static,
        record: impl Fn(&Exchange) + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            now: Box::new(now),
            record: Box::new(record),
            redaction: RwLock::default(),
        })
    }

    /// Masks these secrets in every later exchange, wherever they occur.
    pub fn conceal<'s>(&self, secrets: impl IntoIterator<Item = &'s Secret>) {
        let mut redaction = self
            .redaction
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        redaction.add_secrets(secrets);
    }

    /// The same transport, with all its requests recorded.
    pub fn over(self: &Arc<Self>, transport: Transport) -> Transport {
        Transport::with_policy(Arc::new(TracePolicy {
            transport,
            trace: self.clone(),
        }))
    }

    fn with_redaction<T>(&self, read: impl FnOnce(&Redaction) -> T) -> T {
        read(
            &self
                .redaction
                .read()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    fn start(&self, ctx: &Context<'_>, request: &Request) -> Exchange {
        let attempt = ctx.value::<RequestAttempt>().copied();
        let body = match request.body() {
            Body::Bytes(bytes) => Some(bytes),
            Body::SeekableStream(_) => None,
        };
        Exchange {
            at: to_rfc3339(&OffsetDateTime::from((self.now)())),
            method: request.method().as_ref().to_owned(),
            url: self.with_redaction(|redaction| redaction.text(request.url().as_str())),
            attempt: attempt.map(|attempt| attempt.number),
            status: None,
            error: None,
            took_ms: 0,
            request: self.message(attempt, request.url().path(), request.headers(), body),
            response: None,
        }
    }

    fn message(
        &self,
        attempt: Option<RequestAttempt>,
        path: &str,
        headers: &Headers,
        body: Option<&Bytes>,
    ) -> ExchangeMessage {
        let (body, omitted) = match body.map(|bytes| (bytes.len(), bytes)) {
            None => (None, Some("a stream".to_owned())),
            Some((0, _)) => (None, None),
            Some((size, _)) if attempt.is_none() => (
                None,
                Some(format!(
                    "{size} bytes of a request for a token or cloud metadata"
                )),
            ),
            Some((size, _)) if size > LARGEST_BODY => (None, Some(format!("{size} bytes"))),
            Some((size, bytes)) => match serde_json::from_slice::<Value>(bytes) {
                Ok(json) => (
                    Some(self.with_redaction(|redaction| redaction.body(path, &json))),
                    None,
                ),
                Err(_) => (None, Some(format!("{size} bytes that are not JSON"))),
            },
        };
        ExchangeMessage {
            headers: self.headers(headers),
            body,
            omitted,
        }
    }

    fn headers(&self, headers: &Headers) -> Map<String, Value> {
        let recorded = headers.iter().filter_map(|(name, value)| {
            let name = name.as_str().to_ascii_lowercase();
            let is_recorded = HEADERS.contains(&name.as_str()) || name.starts_with(RATE_LIMITS);
            is_recorded.then(|| {
                let value = self.with_redaction(|redaction| redaction.text(value.as_str()));
                (name, Value::from(value))
            })
        });
        let mut recorded: Vec<(String, Value)> = recorded.collect();
        recorded.sort_by(|(left, _), (right, _)| left.cmp(right));
        recorded.into_iter().collect()
    }
}

/// The last policy of a pipeline: records the requests of a transport.
#[derive(Debug)]
struct TracePolicy {
    transport: Transport,
    trace: Arc<Trace>,
}

#[async_trait]
impl Policy for TracePolicy {
    async fn send(
        &self,
        ctx: &Context,
        request: &mut Request,
        _next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        let mut exchange = self.trace.start(ctx, request);
        let started = Instant::now();
        let response = match self.transport.send(ctx, request).await {
            Ok(response) => response.try_into_raw_response().await,
            Err(error) => Err(error),
        };
        exchange.took_ms = millis(started.elapsed());
        let result = match response {
            Ok(response) => {
                let (status, headers, body) = response.deconstruct();
                let (attempt, path) =
                    (ctx.value::<RequestAttempt>().copied(), request.url().path());
                let body = Bytes::from(body);
                exchange.status = Some(status.into());
                exchange.response = Some(self.trace.message(attempt, path, &headers, Some(&body)));
                Ok(AsyncRawResponse::from_bytes(status, headers, body))
            }
            Err(error) => {
                let reason = describe(&error);
                exchange.error = Some(
                    self.trace
                        .with_redaction(|redaction| redaction.text(&reason)),
                );
                Err(error)
            }
        };
        (self.trace.record)(&exchange);
        result
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "trace_tests.rs"]
mod tests;
