//! Follows an operation that Azure accepted to its end.

use std::time::Duration;

use azure_core::http::{Method, Url, headers::Headers};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::{
    client::{Answer, Client, Write},
    error::{ArmError, ErrorKind},
    operation::{Operation, Seen, Step},
    progress::Progress,
};

/// Waits between polls of an operation that does not say when to come back.
const FIRST_POLL: Duration = Duration::from_secs(1);
const SLOWEST_POLL: Duration = Duration::from_secs(15);
/// A service that asks for no wait at all is polled once without one, and then no faster than this.
const FASTEST_POLL: Duration = Duration::from_millis(100);

/// An operation that ended well.
pub(crate) struct Ended {
    /// The last document.
    pub(crate) last: Option<Value>,
    /// Whether the first answer was the end already.
    pub(crate) at_once: bool,
}

impl Client {
    /// Follows the operation that `first` accepts to its end.
    pub(crate) async fn follow(
        &self,
        write: &Write<'_>,
        url: &Url,
        first: Answer,
        progress: &dyn Progress,
    ) -> Result<Ended, ArmError> {
        let Write { method, path, .. } = *write;
        let mut waits = self.waits(method, path, progress);
        let mut at_once = true;
        let mut body = first.json();
        let (mut operation, mut step) =
            Operation::begin(method, self.endpoint(), url, seen(&first, body.as_ref()));
        let mut headers = first.headers;
        let sibling = match (&step, write.beside) {
            (Step::Poll { .. }, Some(beside)) if !operation.has_status() => {
                beside.join(path, write.api_version)
            }
            _ => None,
        };
        loop {
            let (url, after, status) = match step {
                Step::Poll { url, after, status } => (url, after, status),
                Step::Done => {
                    return Ok(Ended {
                        last: body,
                        at_once,
                    });
                }
                Step::Failed(status) => {
                    let document = body.as_ref();
                    return Err(self.concealed().strip(ArmError::operation_failed(
                        method, path, &status, &headers, document,
                    )));
                }
                Step::Foreign => {
                    let message =
                        "The operation can only be followed on a host that is not Azure's";
                    return Err(ArmError::told(method, path, ErrorKind::Protocol, message));
                }
            };
            waits.pause(after, &status).await?;
            at_once = false;
            if let Some(sibling) = &sibling
                && let Some(state) = sibling.state(self).await
                && let Some(next) = operation.listed(&state, &url, after)
            {
                body = None;
                step = next;
                continue;
            }
            match self
                .send(Method::Get, &url, url.path(), None, progress)
                .await
            {
                Ok(answer) => {
                    body = answer.json();
                    step = operation.next(seen(&answer, body.as_ref()));
                    headers = answer.headers;
                }
                Err(error) if matches!(error.status, Some(404 | 410)) => {
                    body = None;
                    headers = Headers::new();
                    step = operation.next(Seen {
                        status: 404,
                        headers: &headers,
                        body: None,
                    });
                }
                Err(error) => return Err(error.while_following(method, path)),
            }
        }
    }

    pub(crate) fn waits<'a>(
        &self,
        method: Method,
        path: &'a str,
        progress: &'a dyn Progress,
    ) -> Waits<'a> {
        Waits {
            method,
            path,
            progress,
            started: Instant::now(),
            limit: self.operation_timeout(),
            pace: FIRST_POLL,
            shortest: Duration::ZERO,
        }
    }
}

/// The waits of following one operation.
pub(crate) struct Waits<'a> {
    method: Method,
    path: &'a str,
    progress: &'a dyn Progress,
    started: Instant,
    limit: Duration,
    pace: Duration,
    /// No wait is shorter.
    shortest: Duration,
}

impl Waits<'_> {
    /// The same, but no longer than that.
    pub(crate) fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Waits as long as the service asks, or by a pace that slows down, unless the limit is reached.
    pub(crate) async fn pause(
        &mut self,
        after: Option<Duration>,
        status: &str,
    ) -> Result<(), ArmError> {
        let wait = after.unwrap_or(self.pace).max(self.shortest);
        self.shortest = FASTEST_POLL;
        self.pace = self.pace.mul_f64(1.5).min(SLOWEST_POLL);
        if self.started.elapsed().saturating_add(wait) > self.limit {
            let minutes = self.limit.as_secs() / 60;
            let message = match self.method {
                Method::Get => format!(
                    "Azure is not done with it after {minutes} minutes: it is still {status}. Where that \
                     never ends, delete it"
                ),
                _ => format!(
                    "The operation has not ended in {minutes} minutes, and is still {status}"
                ),
            };
            return Err(ArmError::told(
                self.method,
                self.path,
                ErrorKind::Timeout,
                &message,
            ));
        }
        self.progress.polling(status, wait);
        sleep(wait).await;
        Ok(())
    }
}

pub(crate) fn seen<'a>(answer: &'a Answer, body: Option<&'a Value>) -> Seen<'a> {
    Seen {
        status: answer.status,
        headers: &answer.headers,
        body,
    }
}
