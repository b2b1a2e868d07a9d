//! A trace of requests that can be given to strangers: what was sent and answered, without secrets.

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

/// A larger body is not recorded, only its size.
const LARGEST_BODY: usize = 256 << 10;

/// The headers that are recorded; the others are not even named.
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
const RATE_LIMITS: &str = "x-ms-ratelimit-";

/// A request of the client, so that its body and that of its answer may be recorded; of all others, those for tokens
/// among them, they never are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sending {
    /// How often the request has been sent, with this time.
    pub(crate) attempt: u32,
}

/// One sending of a request, and what came of it. Secrets are left out.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exchange {
    /// When it was sent, as RFC 3339 says it.
    pub at: String,
    /// `GET`, `PUT`, ...
    pub method: String,
    /// Where to. Of its parameters those that could be secret are named only.
    pub url: String,
    /// How often the same request has been sent, with this time; absent for requests that log in or look around.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The status of the answer; absent where none came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why no answer came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How long the answer, or the failure, took.
    pub took_ms: u64,
    /// What was sent.
    pub request: Content,
    /// What was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<Content>,
}

/// Headers and body of one direction.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Content {
    /// The headers that are recorded, by their names in lower case.
    pub headers: Map<String, Value>,
    /// The body, without secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Why there is no body here although there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub omitted: Option<String>,
}

type Now = dyn Fn() -> SystemTime + Send + Sync;
type Record = dyn Fn(&Exchange) + Send + Sync;

/// Records what goes over transports.
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
    /// A trace whose exchanges are handed to `record`, in the order of their ends.
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

    /// Leaves these secrets out from now on, wherever they turn up.
    pub fn conceal<'s>(&self, secrets: impl IntoIterator<Item = &'s Secret>) {
        let mut redaction = self
            .redaction
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        redaction.learn(secrets);
    }

    /// The transport, with everything that goes over it recorded.
    pub fn over(self: &Arc<Self>, transport: Transport) -> Transport {
        Transport::with_policy(Arc::new(Traced {
            transport,
            trace: self.clone(),
        }))
    }

    fn redacted<T>(&self, look: impl FnOnce(&Redaction) -> T) -> T {
        look(
            &self
                .redaction
                .read()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    fn begin(&self, ctx: &Context<'_>, request: &Request) -> Exchange {
        let sending = ctx.value::<Sending>().copied();
        let body = match request.body() {
            Body::Bytes(bytes) => Some(bytes),
            Body::SeekableStream(_) => None,
        };
        Exchange {
            at: to_rfc3339(&OffsetDateTime::from((self.now)())),
            method: request.method().as_ref().to_owned(),
            url: self.redacted(|redaction| redaction.text(request.url().as_str())),
            attempt: sending.map(|sending| sending.attempt),
            status: None,
            error: None,
            took_ms: 0,
            request: self.content(sending, request.url().path(), request.headers(), body),
            response: None,
        }
    }

    fn content(
        &self,
        sending: Option<Sending>,
        path: &str,
        headers: &Headers,
        body: Option<&Bytes>,
    ) -> Content {
        let (body, omitted) = match body.map(|bytes| (bytes.len(), bytes)) {
            None => (None, Some("a stream".to_owned())),
            Some((0, _)) => (None, None),
            Some((size, _)) if sending.is_none() => (
                None,
                Some(format!("{size} bytes of logging in or looking around")),
            ),
            Some((size, _)) if size > LARGEST_BODY => (None, Some(format!("{size} bytes"))),
            Some((size, bytes)) => match serde_json::from_slice::<Value>(bytes) {
                Ok(json) => (Some(self.redacted(|it| it.body(path, &json))), None),
                Err(_) => (None, Some(format!("{size} bytes that are not JSON"))),
            },
        };
        Content {
            headers: self.headers(headers),
            body,
            omitted,
        }
    }

    fn headers(&self, headers: &Headers) -> Map<String, Value> {
        let recorded = headers.iter().filter_map(|(name, value)| {
            let name = name.as_str().to_ascii_lowercase();
            let is_open = HEADERS.contains(&name.as_str()) || name.starts_with(RATE_LIMITS);
            is_open.then(|| {
                let value = self.redacted(|redaction| redaction.text(value.as_str()));
                (name, Value::from(value))
            })
        });
        let mut recorded: Vec<(String, Value)> = recorded.collect();
        recorded.sort_by(|(left, _), (right, _)| left.cmp(right));
        recorded.into_iter().collect()
    }
}

/// The last policy of a pipeline: a transport that is watched.
#[derive(Debug)]
struct Traced {
    transport: Transport,
    trace: Arc<Trace>,
}

#[async_trait]
impl Policy for Traced {
    async fn send(
        &self,
        ctx: &Context,
        request: &mut Request,
        _next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        let mut exchange = self.trace.begin(ctx, request);
        let began = Instant::now();
        let answer = match self.transport.send(ctx, request).await {
            Ok(response) => response.try_into_raw_response().await,
            Err(error) => Err(error),
        };
        exchange.took_ms = millis(began.elapsed());
        let passed_on = match answer {
            Ok(response) => {
                let (status, headers, body) = response.deconstruct();
                let (sending, path) = (ctx.value::<Sending>().copied(), request.url().path());
                let body = Bytes::from(body);
                exchange.status = Some(status.into());
                exchange.response = Some(self.trace.content(sending, path, &headers, Some(&body)));
                Ok(AsyncRawResponse::from_bytes(status, headers, body))
            }
            Err(error) => {
                let why = describe(&error);
                exchange.error = Some(self.trace.redacted(|redaction| redaction.text(&why)));
                Err(error)
            }
        };
        (self.trace.record)(&exchange);
        passed_on
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "trace_tests.rs"]
mod tests;
