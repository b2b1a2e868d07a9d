//! Polls long-running operations until they end.

use std::{collections::HashMap, time::Duration};

use azure_core::http::{Method, Url, headers::Headers};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::{
    backoff::{Backoff, BackoffLimits, NoJitter},
    client::{Client, Content},
    error::{ArmError, ErrorKind},
    operation::{LongRunningOperation, PollDecision, PollResponse, provisioning_state},
    request::{ArmResponse, WriteRequest},
    wait::{OnWait, Wait, ignore_waits},
};

/// An operation that succeeded.
pub(crate) struct FinishedOperation {
    /// The body of the last response.
    pub(crate) last_body: Option<Value>,
    /// False if the first response already was the end.
    pub(crate) was_polled: bool,
}

impl Client {
    /// Reads a resource until its `provisioningState` is final, and returns it even if that state is `Failed`; `None`
    /// once it does not exist. Resumes waiting for an operation that another run started.
    ///
    /// # Errors
    ///
    /// As [`Client::get`], and a timeout if the state is not final within `longest`.
    pub async fn wait_for_resource(
        &self,
        path: &str,
        api_version: &str,
        longest: Duration,
        on_wait: &OnWait<'_>,
    ) -> Result<Option<Value>, ArmError> {
        let url = self.url(Method::Get, path, api_version, &[])?;
        let mut timer = PollTimer::new(Method::Get, path, longest, on_wait);
        loop {
            let Some(response) = self.read_existing(&url, path, on_wait).await? else {
                return Ok(None);
            };
            let body = response.require_json(Method::Get, path)?;
            let (_, decision) = LongRunningOperation::observe(
                self.endpoint(),
                &url,
                PollResponse::new(&response, Some(&body)),
            );
            match decision {
                PollDecision::Poll { after, status, .. } => timer.pause(after, &status).await?,
                _ => return Ok(Some(body)),
            }
        }
    }

    /// Polls the operation that the response `first` accepts until it ends.
    pub(crate) async fn follow(
        &self,
        request: &WriteRequest<'_>,
        url: &Url,
        first: ArmResponse,
        on_wait: &OnWait<'_>,
    ) -> Result<FinishedOperation, ArmError> {
        let WriteRequest { method, path, .. } = *request;
        let timeout = self.options().operation_timeout;
        let mut timer = PollTimer::new(method, path, timeout, on_wait);
        let mut was_polled = false;
        let mut body = first.json();
        let (mut operation, mut decision) = LongRunningOperation::start(
            method,
            self.endpoint(),
            url,
            PollResponse::new(&first, body.as_ref()),
        );
        let mut headers = first.headers;
        let is_running = matches!(decision, PollDecision::Poll { .. });
        let member = match is_running && request.is_batched && !operation.has_status_document() {
            true => self.batch_poller().join(path, request.api_version),
            false => None,
        };
        loop {
            let (url, after, status) = match decision {
                PollDecision::Poll { url, after, status } => (url, after, status),
                PollDecision::Succeeded => {
                    return Ok(FinishedOperation {
                        last_body: body,
                        was_polled,
                    });
                }
                PollDecision::Failed(status) => {
                    let document = body.as_ref();
                    return Err(self.mask().apply(ArmError::operation_failed(
                        method, path, &status, &headers, document,
                    )));
                }
                PollDecision::UntrustedHost => {
                    let message = "The URL for polling the operation is on a host outside of Azure";
                    return Err(ArmError::new(method, path, ErrorKind::Protocol, message));
                }
            };
            timer.pause(after, &status).await?;
            was_polled = true;
            if let Some(member) = &member
                && let Some(state) = member
                    .state(async |list, api_version| self.list_states(list, api_version).await)
                    .await
                && let Some(next) = operation.decide_by_listed_state(&state, &url, after)
            {
                body = None;
                decision = next;
                continue;
            }
            match self
                .send(Method::Get, &url, url.path(), Content::default(), on_wait)
                .await
            {
                Ok(response) => {
                    body = response.json();
                    decision = operation.next(PollResponse::new(&response, body.as_ref()));
                    headers = response.headers;
                }
                Err(error) if error.is_gone() => {
                    body = None;
                    headers = Headers::new();
                    decision = operation.next(PollResponse {
                        status: 404,
                        headers: &headers,
                        body: None,
                    });
                }
                Err(error) => return Err(error.with_request(method, path)),
            }
        }
    }

    /// The provisioning states of a collection by resource id in lowercase, or `None` if it cannot be listed.
    async fn list_states(&self, path: &str, api_version: &str) -> Option<HashMap<String, String>> {
        let mut states = HashMap::new();
        let mut keep = |item: Value| {
            let id = item.get("id").and_then(Value::as_str);
            if let (Some(id), Some(state)) = (id, provisioning_state(&item)) {
                states.insert(id.to_ascii_lowercase(), state.to_owned());
            }
        };
        let listed = self
            .list(path, api_version, &[], &mut keep, &ignore_waits)
            .await;
        listed.is_ok_and(|summary| summary.found).then_some(states)
    }
}

/// The pauses between the polls of one operation.
struct PollTimer<'a> {
    method: Method,
    path: &'a str,
    on_wait: &'a OnWait<'a>,
    started: Instant,
    limits: BackoffLimits,
    backoff: Backoff<'a>,
}

impl<'a> PollTimer<'a> {
    fn new(method: Method, path: &'a str, timeout: Duration, on_wait: &'a OnWait<'a>) -> Self {
        Self {
            method,
            path,
            on_wait,
            started: Instant::now(),
            limits: BackoffLimits {
                total: timeout,
                ..BackoffLimits::POLLING
            },
            backoff: Backoff::new(&NoJitter),
        }
    }

    /// Pauses for as long as the service asks, otherwise with growing pauses, until the timeout.
    async fn pause(&mut self, after: Option<Duration>, status: &str) -> Result<(), ArmError> {
        let elapsed = self.started.elapsed();
        let Some(pause) = self.backoff.next_pause(&self.limits, after, elapsed) else {
            return Err(self.timeout(status));
        };
        (self.on_wait)(Wait::Poll { status, pause });
        sleep(pause).await;
        Ok(())
    }

    fn timeout(&self, status: &str) -> ArmError {
        let minutes = self.limits.total.as_secs() / 60;
        let message = match self.method {
            Method::Get => format!(
                "The resource did not reach a final state within {minutes} minutes: its state is still {status}. \
                 If that does not change, delete the resource"
            ),
            _ => format!(
                "The operation did not finish within {minutes} minutes: its status is still {status}"
            ),
        };
        ArmError::new(self.method, self.path, ErrorKind::Timeout, &message)
    }
}
