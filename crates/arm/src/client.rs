//! The client: reads, writes that wait for their end, and the loop that sends.

use crate::{
    cloud::Endpoints,
    concealed::Concealed,
    error::{ArmError, CORRELATION_ID, ErrorKind, REQUEST_ID},
    follow::{Ended, seen},
    operation::{Operation, Step},
    pace::{Pacer, Permit},
    path,
    policy::{Authorize, Identify},
    progress::Progress,
    retry::{Attempts, Jitter, RandomJitter, RetryLimits},
    siblings::Siblings,
    trace::Sending,
};
use azure_core::{
    Bytes,
    credentials::TokenCredential,
    http::{
        Context, Method, Pipeline, PipelineSendOptions, Request, RetryOptions, Transport, Url,
        headers::{ACCEPT, CONTENT_TYPE, Headers},
    },
};
use lazuli_core::secret::Secret;
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};
use tracing::Instrument as _;
use uuid::Uuid;

/// How a [`Client`] behaves.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// What follows `lazuli/VERSION` in the user agent.
    pub user_agent_suffix: Option<String>,
    /// Sent as `x-ms-correlation-request-id` with every request, so that a run can be found in the
    /// activity log.
    pub correlation_id: Uuid,
    /// Bounds of repeating what fails by failing services and broken connections.
    pub transient: RetryLimits,
    /// Bounds of repeating what Azure throttles.
    pub throttled: RetryLimits,
    /// Bounds of repeating what finds a resource busy.
    pub busy: RetryLimits,
    /// Bounds of repeating a delete that something nested or a user blocks.
    pub blocked: RetryLimits,
    /// How long an operation is followed before it counts as timed out.
    pub operation_timeout: Duration,
    /// Spreads the waits that Azure does not prescribe.
    pub jitter: Arc<dyn Jitter>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            user_agent_suffix: None,
            correlation_id: Uuid::new_v4(),
            transient: RetryLimits::TRANSIENT,
            throttled: RetryLimits::THROTTLED,
            busy: RetryLimits::BUSY,
            blocked: RetryLimits::BLOCKED,
            // ARM facts: the slowest recorded operation took 51 minutes.
            operation_timeout: Duration::from_secs(2 * 60 * 60),
            jitter: Arc::new(RandomJitter),
        }
    }
}

/// A client of one Resource Manager endpoint. Clones share connections and token.
///
/// Paths are resource ids as ARM writes them: they begin with `/` and are not encoded.
#[derive(Debug, Clone)]
pub struct Client {
    pipeline: Pipeline,
    endpoint: Url,
    authorize: Arc<Authorize>,
    options: Arc<ClientOptions>,
    pacer: Arc<Pacer>,
    siblings: Arc<Siblings>,
    concealed: Concealed,
}

/// A write that ended well.
#[derive(Debug, Clone, PartialEq)]
pub struct Completed {
    /// What happened, as far as Azure says.
    pub outcome: Outcome,
    /// HTTP status of the first answer.
    pub status: u16,
    /// What Azure answered: of a POST its result, of a PUT or PATCH that was done at once the resource, as far as it
    /// is told. ARM facts 1.8: that need not be all of its state, which [`Client::get`] reads.
    pub result: Option<Value>,
}

/// What a write did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Status 201.
    Created,
    /// Status 200 to PUT or PATCH.
    Updated,
    /// Status 202 to PUT or PATCH: created or updated, Azure does not say which.
    Written,
    /// A delete that was accepted, and has ended.
    Deleted,
    /// A delete of what was not there.
    Absent,
    /// A POST.
    Answered,
}

/// A write, as it is asked for.
pub(crate) struct Write<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) api_version: &'a str,
    body: Option<&'a Value>,
    /// Of what was not there before: what else is being made.
    pub(crate) beside: Option<&'a Siblings>,
}

impl<'a> Write<'a> {
    fn of(method: Method, path: &'a str, api_version: &'a str, body: Option<&'a Value>) -> Self {
        Self {
            method,
            path,
            api_version,
            body,
            beside: None,
        }
    }
}

/// A successful answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The body as JSON, if that is what it is.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

impl Client {
    /// A client for the Resource Manager of `endpoints`.
    pub fn new(
        endpoints: &Endpoints,
        credential: Arc<dyn TokenCredential>,
        transport: Transport,
        options: ClientOptions,
    ) -> Self {
        let authorize = Authorize::new(
            credential,
            endpoints.scope.clone(),
            endpoints.resource_manager.clone(),
        );
        Self::of(authorize, transport, options)
    }

    /// A client for the endpoint that the tokens are for.
    pub(crate) fn of(authorize: Authorize, transport: Transport, options: ClientOptions) -> Self {
        let mut user_agent = concat!("lazuli/", env!("CARGO_PKG_VERSION")).to_owned();
        if let Some(suffix) = &options.user_agent_suffix {
            user_agent.push(' ');
            user_agent.extend(suffix.chars().filter(|c| c.is_ascii_graphic() || *c == ' '));
        }
        let identify = Identify {
            user_agent,
            correlation_id: options.correlation_id.to_string(),
        };
        let endpoint = authorize.endpoint().clone();
        let authorize = Arc::new(authorize);
        // azure_core's retry policy knows neither progress nor busy codes: `send` repeats instead.
        let pipeline = Pipeline::new(
            Some(env!("CARGO_PKG_NAME")),
            Some(env!("CARGO_PKG_VERSION")),
            azure_core::http::ClientOptions {
                transport: Some(transport),
                retry: RetryOptions::none(),
                ..Default::default()
            },
            Vec::new(),
            vec![Arc::new(identify), authorize.clone()],
            None,
        );
        Self {
            pipeline,
            endpoint,
            authorize,
            options: Arc::new(options),
            pacer: Arc::default(),
            siblings: Arc::default(),
            concealed: Concealed::default(),
        }
    }

    /// Keeps these secrets out of every error from now on: Azure may repeat what it refuses.
    pub fn conceal<'s>(&self, secrets: impl IntoIterator<Item = &'s Secret>) {
        self.concealed.add(secrets);
    }

    /// What goes with every request, so that a run can be found in the activity log.
    pub fn correlation_id(&self) -> Uuid {
        self.options.correlation_id
    }

    /// The object id of who is logged in, as the token says it (claim `oid`); none where there is no token.
    pub async fn caller(&self) -> Option<String> {
        let claims = self.claims().await.ok()?;
        Some(claims.get("oid")?.as_str()?.to_owned())
    }

    /// What the token says of itself.
    pub(crate) async fn claims(&self) -> azure_core::Result<Value> {
        self.authorize.claims().await
    }

    /// Reads a resource. Every 404 is `None`, whatever its code: providers name absence in many ways.
    ///
    /// # Errors
    ///
    /// All other failures, after the retries that the options allow.
    pub async fn get(
        &self,
        path: &str,
        api_version: &str,
        progress: &dyn Progress,
    ) -> Result<Option<Value>, ArmError> {
        let url = self.url(Method::Get, path, api_version, &[])?;
        match self.send(Method::Get, &url, path, None, progress).await {
            Ok(answer) if answer.status == 204 => Ok(None),
            Ok(answer) => json_of(Method::Get, path, &answer).map(Some),
            Err(error) if error.is_absence() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Creates or replaces a resource, and waits until the operation has ended.
    ///
    /// # Errors
    ///
    /// A refusal, or the failure of the operation with its innermost reason.
    pub async fn put(
        &self,
        path: &str,
        api_version: &str,
        body: &Value,
        progress: &dyn Progress,
    ) -> Result<Completed, ArmError> {
        let write = Write::of(Method::Put, path, api_version, Some(body));
        self.write(write, progress).await
    }

    /// As [`Client::put`], of a resource that is not there yet. Of many of one type in one place, all that Azure is still
    /// working on are looked at by one list, and not each by itself.
    ///
    /// # Errors
    ///
    /// As [`Client::put`].
    pub async fn create(
        &self,
        path: &str,
        api_version: &str,
        body: &Value,
        progress: &dyn Progress,
    ) -> Result<Completed, ArmError> {
        let write = Write {
            beside: Some(&self.siblings),
            ..Write::of(Method::Put, path, api_version, Some(body))
        };
        self.write(write, progress).await
    }

    /// Changes parts of a resource, and waits until the operation has ended.
    ///
    /// # Errors
    ///
    /// As [`Client::put`].
    pub async fn patch(
        &self,
        path: &str,
        api_version: &str,
        body: &Value,
        progress: &dyn Progress,
    ) -> Result<Completed, ArmError> {
        let write = Write::of(Method::Patch, path, api_version, Some(body));
        self.write(write, progress).await
    }

    /// Deletes a resource, and waits until it is gone. One that is not there counts as done.
    ///
    /// # Errors
    ///
    /// As [`Client::put`].
    pub async fn delete(
        &self,
        path: &str,
        api_version: &str,
        progress: &dyn Progress,
    ) -> Result<Completed, ArmError> {
        let write = Write::of(Method::Delete, path, api_version, None);
        self.write(write, progress).await
    }

    /// Runs an action, and waits until it has ended. It is repeated only where it had no effect.
    ///
    /// # Errors
    ///
    /// As [`Client::put`].
    pub async fn post(
        &self,
        path: &str,
        api_version: &str,
        body: Option<&Value>,
        progress: &dyn Progress,
    ) -> Result<Completed, ArmError> {
        let write = Write::of(Method::Post, path, api_version, body);
        self.write(write, progress).await
    }

    /// Reads a resource until its `provisioningState` is final, and returns it, also when that state
    /// is `Failed`; `None` once it is not there. Resumes waiting for what another run began.
    ///
    /// # Errors
    ///
    /// As [`Client::get`], and a timeout when it does not settle within `longest`.
    pub async fn wait_for_resource(
        &self,
        path: &str,
        api_version: &str,
        longest: Duration,
        progress: &dyn Progress,
    ) -> Result<Option<Value>, ArmError> {
        let url = self.url(Method::Get, path, api_version, &[])?;
        let mut waits = self.waits(Method::Get, path, progress).within(longest);
        loop {
            let answer = match self.send(Method::Get, &url, path, None, progress).await {
                Ok(answer) if answer.status == 204 => return Ok(None),
                Ok(answer) => answer,
                Err(error) if error.is_absence() => return Ok(None),
                Err(error) => return Err(error),
            };
            let body = json_of(Method::Get, path, &answer)?;
            match Operation::watch(&self.endpoint, &url, seen(&answer, Some(&body))) {
                (_, Step::Poll { after, status, .. }) => waits.pause(after, &status).await?,
                _ => return Ok(Some(body)),
            }
        }
    }

    async fn write(
        &self,
        write: Write<'_>,
        progress: &dyn Progress,
    ) -> Result<Completed, ArmError> {
        let Write { method, path, .. } = write;
        let url = self.url(method, path, write.api_version, &[])?;
        let body = write.body.map(|body| Bytes::from(body.to_string()));
        let mut attempts = None;
        loop {
            let first = match self.send(method, &url, path, body.clone(), progress).await {
                Err(error) if method == Method::Delete && error.is_absence() => {
                    return Ok(Completed {
                        outcome: Outcome::Absent,
                        status: 404,
                        result: None,
                    });
                }
                sent => sent?,
            };
            let status = first.status;
            let error = match self.follow(&write, &url, first, progress).await {
                Ok(Ended { last, at_once }) => {
                    return Ok(Completed {
                        outcome: outcome(method, status),
                        status,
                        // Of what was followed to its end, the last document can be one of the operation.
                        result: last.filter(|_| at_once || method == Method::Post),
                    });
                }
                Err(error) => error,
            };
            // Only an operation that ended badly is begun again, not one that could not be followed.
            if error.status.is_some() || error.wait_for.is_none() {
                return Err(error);
            }
            let attempts = attempts.get_or_insert_with(|| Attempts::new(&self.options));
            pause_before_next(attempts, method, error, progress).await?;
        }
    }

    pub(crate) fn url(
        &self,
        method: Method,
        path: &str,
        api_version: &str,
        query: &[(&str, &str)],
    ) -> Result<Url, ArmError> {
        path::url(&self.endpoint, path, api_version, query)
            .map_err(|message| ArmError::told(method, path, ErrorKind::Refused, &message))
    }

    pub(crate) fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    pub(crate) fn concealed(&self) -> &Concealed {
        &self.concealed
    }

    pub(crate) fn operation_timeout(&self) -> Duration {
        self.options.operation_timeout
    }

    /// Sends until there is a successful answer or a final error. `path` is for messages.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: &Url,
        path: &str,
        body: Option<Bytes>,
        progress: &dyn Progress,
    ) -> Result<Answer, ArmError> {
        let mut attempts = Attempts::new(&self.options);
        loop {
            let span = tracing::debug_span!("arm", method = method.as_ref(), path);
            let permit = self
                .pacer
                .admit(method, url.path(), |wait| progress.pacing(wait))
                .await;
            let sending = attempts.sending();
            let error = match self
                .send_once(method, url, path, body.clone(), sending, &permit)
                .instrument(span)
                .await
            {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            drop(permit);
            pause_before_next(&mut attempts, method, error, progress).await?;
        }
    }

    async fn send_once(
        &self,
        method: Method,
        url: &Url,
        path: &str,
        body: Option<Bytes>,
        sending: Sending,
        permit: &Permit,
    ) -> Result<Answer, ArmError> {
        let mut request = Request::new(url.clone(), method);
        request.insert_header(ACCEPT, "application/json");
        if let Some(body) = body {
            request.insert_header(CONTENT_TYPE, "application/json");
            request.set_body(body);
        }
        let started = Instant::now();
        let unchecked = PipelineSendOptions {
            skip_checks: true,
            ..Default::default()
        };
        let sent = self
            .pipeline
            .send(
                &Context::new().with_value(sending),
                &mut request,
                Some(unchecked),
            )
            .await;
        let ms = started.elapsed().as_millis();
        match sent {
            Ok(response) => {
                let (status, headers, body) = response.deconstruct();
                let status = u16::from(status);
                permit.learn(status, &headers);
                let id = |name| headers.get_optional_str(name);
                tracing::debug!(
                    status,
                    ms,
                    attempt = sending.attempt,
                    request_id = id(&REQUEST_ID),
                    correlation_id = id(&CORRELATION_ID),
                    "answered"
                );
                let body: Bytes = body.into();
                if (200..300).contains(&status) {
                    return Ok(Answer {
                        status,
                        headers,
                        body,
                    });
                }
                Err(self.concealed.strip(ArmError::from_response(
                    method, path, status, &headers, &body,
                )))
            }
            Err(error) => {
                let error = ArmError::from_transport(method, path, &error);
                tracing::debug!(kind = ?error.kind, ms, attempt = sending.attempt, "no answer");
                Err(error)
            }
        }
    }
}

/// Waits until the request may be sent again; gives the error back where it is final.
async fn pause_before_next(
    attempts: &mut Attempts<'_>,
    method: Method,
    error: ArmError,
    progress: &dyn Progress,
) -> Result<(), ArmError> {
    let Some(pause) = attempts.after(method, &error) else {
        return Err(error);
    };
    progress.retrying(&pause.reason, pause.wait, pause.attempt);
    sleep(pause.wait).await;
    Ok(())
}

/// The JSON that an answer must have.
pub(crate) fn json_of(method: Method, path: &str, answer: &Answer) -> Result<Value, ArmError> {
    answer.json().ok_or_else(|| {
        let message = format!("The answer ({}) is not JSON", answer.status);
        ArmError::told(method, path, ErrorKind::Protocol, &message)
    })
}

fn outcome(method: Method, status: u16) -> Outcome {
    match (method, status) {
        (Method::Delete, 204) => Outcome::Absent,
        (Method::Delete, _) => Outcome::Deleted,
        (Method::Post, _) => Outcome::Answered,
        (_, 201) => Outcome::Created,
        (_, 202) => Outcome::Written,
        _ => Outcome::Updated,
    }
}

#[cfg(test)]
#[path = "client_tests.rs"]
pub(crate) mod tests;
