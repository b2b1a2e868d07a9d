//! The client: reads, writes, and the loop that sends a request until it succeeds or fails for good.

use crate::{
    batch_poll::BatchPoller,
    cloud::Endpoints,
    error::{ArmError, ErrorKind, has_arm_id},
    headers::{CORRELATION_ID, REQUEST_ID},
    masking::SecretMask,
    options::ClientOptions,
    pace::{Pacer, Permit},
    path,
    policy::{AuthorizationPolicy, IdentificationPolicy},
    request::{ArmResponse, WriteOutcome, WriteRequest, WriteResult},
    retry::RetrySchedule,
    trace::RequestAttempt,
    wait::{OnWait, Wait},
};
use azure_core::{
    Bytes,
    credentials::TokenCredential,
    http::{
        Context, Method, Pipeline, PipelineSendOptions, Request, RetryOptions, Transport, Url,
        headers::{ACCEPT, CONTENT_TYPE, IF_MATCH},
    },
};
use lazuli_core::secret::Secret;
use serde_json::Value;
use std::sync::Arc;
use tokio::time::{Instant, sleep};
use tracing::Instrument as _;
use uuid::Uuid;

/// A client of one Resource Manager endpoint. Clones share connections and token.
///
/// Paths are resource ids as ARM writes them: they begin with `/` and are not encoded.
#[derive(Debug, Clone)]
pub struct Client {
    pipeline: Pipeline,
    endpoint: Url,
    authorize: Arc<AuthorizationPolicy>,
    options: Arc<ClientOptions>,
    pacer: Arc<Pacer>,
    batch_poller: Arc<BatchPoller>,
    mask: SecretMask,
}

impl Client {
    /// A client for the Resource Manager of `endpoints`.
    pub fn new(
        endpoints: &Endpoints,
        credential: Arc<dyn TokenCredential>,
        transport: Transport,
        options: ClientOptions,
    ) -> Self {
        let authorize = AuthorizationPolicy::new(
            credential,
            endpoints.scope.clone(),
            endpoints.resource_manager.clone(),
        );
        Self::with_authorization(authorize, transport, options)
    }

    /// A client for the endpoint that the tokens of `authorize` are for.
    pub(crate) fn with_authorization(
        authorize: AuthorizationPolicy,
        transport: Transport,
        options: ClientOptions,
    ) -> Self {
        let mut user_agent = concat!("lazuli/", env!("CARGO_PKG_VERSION")).to_owned();
        if let Some(suffix) = &options.user_agent_suffix {
            user_agent.push(' ');
            user_agent.extend(suffix.chars().filter(|c| c.is_ascii_graphic() || *c == ' '));
        }
        let identify = IdentificationPolicy {
            user_agent,
            correlation_id: options.correlation_id.to_string(),
        };
        let endpoint = authorize.endpoint().clone();
        let authorize = Arc::new(authorize);
        // azure_core's retry policy reports no progress and knows no codes of busy resources: `send` retries instead.
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
            batch_poller: Arc::default(),
            mask: SecretMask::default(),
        }
    }

    /// Masks these secrets in every later error: Azure may repeat values of a request that it rejects.
    pub fn conceal<'s>(&self, secrets: impl IntoIterator<Item = &'s Secret>) {
        self.mask.add(secrets);
    }

    /// Sent with every request: finds a run in the activity log.
    pub fn correlation_id(&self) -> Uuid {
        self.options.correlation_id
    }

    /// The caller's object id from the claim `oid` of the token, or `None` without a token.
    pub async fn caller(&self) -> Option<String> {
        let claims = self.claims().await.ok()?;
        Some(claims.get("oid")?.as_str()?.to_owned())
    }

    /// The claims of the token, or null if they cannot be read.
    pub(crate) async fn claims(&self) -> azure_core::Result<Value> {
        self.authorize.claims().await
    }

    /// Reads a resource. Every 404 of Azure is `None`, regardless of its code: providers use many codes for absence.
    ///
    /// # Errors
    ///
    /// All other failures, after the retries that the options allow: also a success without a document.
    pub async fn get(
        &self,
        path: &str,
        api_version: &str,
        on_wait: &OnWait<'_>,
    ) -> Result<Option<Value>, ArmError> {
        let url = self.url(Method::Get, path, api_version, &[])?;
        let response = self.read_existing(&url, path, on_wait).await?;
        response
            .map(|response| response.require_json(Method::Get, path))
            .transpose()
    }

    /// Creates or replaces a resource: [`Client::write`] with PUT.
    ///
    /// # Errors
    ///
    /// As [`Client::write`].
    pub async fn put(
        &self,
        path: &str,
        api_version: &str,
        body: &Value,
        on_wait: &OnWait<'_>,
    ) -> Result<WriteResult, ArmError> {
        let request = WriteRequest::new(Method::Put, path, api_version).with_body(body);
        self.write(request, on_wait).await
    }

    /// Replaces a resource if it still has an etag, as [`Client::put`] does. Without an etag, there is no condition.
    ///
    /// # Errors
    ///
    /// As [`Client::write`]; status 412 if the resource has changed.
    pub async fn put_if_match(
        &self,
        path: &str,
        api_version: &str,
        body: &Value,
        etag: Option<&str>,
        on_wait: &OnWait<'_>,
    ) -> Result<WriteResult, ArmError> {
        let request = WriteRequest::new(Method::Put, path, api_version).with_body(body);
        self.write(request.if_match(etag), on_wait).await
    }

    /// Creates a resource that does not exist yet: [`Client::put`] with a [batched](WriteRequest::batched) request.
    ///
    /// # Errors
    ///
    /// As [`Client::write`].
    pub async fn create(
        &self,
        path: &str,
        api_version: &str,
        body: &Value,
        on_wait: &OnWait<'_>,
    ) -> Result<WriteResult, ArmError> {
        let request = WriteRequest::new(Method::Put, path, api_version).with_body(body);
        self.write(request.batched(), on_wait).await
    }

    /// Changes parts of a resource: [`Client::write`] with PATCH.
    ///
    /// # Errors
    ///
    /// As [`Client::write`].
    pub async fn patch(
        &self,
        path: &str,
        api_version: &str,
        body: &Value,
        on_wait: &OnWait<'_>,
    ) -> Result<WriteResult, ArmError> {
        let request = WriteRequest::new(Method::Patch, path, api_version).with_body(body);
        self.write(request, on_wait).await
    }

    /// Deletes a resource: [`Client::write`] with DELETE. Succeeds if the resource does not exist.
    ///
    /// # Errors
    ///
    /// As [`Client::write`].
    pub async fn delete(
        &self,
        path: &str,
        api_version: &str,
        on_wait: &OnWait<'_>,
    ) -> Result<WriteResult, ArmError> {
        let request = WriteRequest::new(Method::Delete, path, api_version);
        self.write(request, on_wait).await
    }

    /// Deletes a resource if it still has an etag, as [`Client::delete`] does. Without an etag, there is no condition.
    ///
    /// # Errors
    ///
    /// As [`Client::write`]; status 412 if the resource has changed.
    pub async fn delete_if_match(
        &self,
        path: &str,
        api_version: &str,
        etag: Option<&str>,
        on_wait: &OnWait<'_>,
    ) -> Result<WriteResult, ArmError> {
        let request = WriteRequest::new(Method::Delete, path, api_version);
        self.write(request.if_match(etag), on_wait).await
    }

    /// Runs an action: [`Client::write`] with POST, which is retried only if it had no effect.
    ///
    /// # Errors
    ///
    /// As [`Client::write`].
    pub async fn post(
        &self,
        path: &str,
        api_version: &str,
        body: Option<&Value>,
        on_wait: &OnWait<'_>,
    ) -> Result<WriteResult, ArmError> {
        let request = WriteRequest::new(Method::Post, path, api_version);
        let request = body.map_or(request, |body| request.with_body(body));
        self.write(request, on_wait).await
    }

    /// Sends a write and polls its long-running operation until that ends. Restarts an operation that failed for a
    /// transient reason.
    ///
    /// # Errors
    ///
    /// An error response, or the failure of the operation with its innermost reason.
    pub async fn write(
        &self,
        request: WriteRequest<'_>,
        on_wait: &OnWait<'_>,
    ) -> Result<WriteResult, ArmError> {
        let WriteRequest { method, path, .. } = request;
        let url = self.url(method, path, request.api_version, &[])?;
        let content = Content {
            body: request.body.map(|body| Bytes::from(body.to_string())),
            if_match: request.if_match.map(str::to_owned),
        };
        let mut restarts = None;
        loop {
            let first = match self
                .send(method, &url, path, content.clone(), on_wait)
                .await
            {
                Err(error) if method == Method::Delete && error.is_absence() => {
                    return Ok(WriteResult {
                        outcome: WriteOutcome::Absent,
                        status: 404,
                        result: None,
                    });
                }
                sent => sent?,
            };
            // Some results of actions have no request id, and an action cannot be repeated.
            if method != Method::Post && !has_arm_id(&first.headers) {
                let error = ArmError::from_proxy(method, path, &first);
                let schedule = restarts.get_or_insert_with(|| RetrySchedule::new(&self.options));
                pause_before_retry(schedule, method, error, on_wait).await?;
                continue;
            }
            let status = first.status;
            let error = match self.follow(&request, &url, first, on_wait).await {
                Ok(finished) => {
                    // After polling, the last document can be the status of the operation instead of the resource.
                    let has_result = !finished.was_polled || method == Method::Post;
                    return Ok(WriteResult {
                        outcome: WriteOutcome::from_status(method, status),
                        status,
                        result: finished.last_body.filter(|_| has_result),
                    });
                }
                Err(error) => error,
            };
            // Only an operation that failed is restarted, not one whose polls failed.
            if error.status.is_some() || error.transient_cause.is_none() {
                return Err(error);
            }
            let restarts = restarts.get_or_insert_with(|| RetrySchedule::new(&self.options));
            pause_before_retry(restarts, method, error, on_wait).await?;
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
            .map_err(|message| ArmError::new(method, path, ErrorKind::InvalidRequest, &message))
    }

    pub(crate) fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    pub(crate) fn options(&self) -> &ClientOptions {
        &self.options
    }

    pub(crate) fn batch_poller(&self) -> &BatchPoller {
        &self.batch_poller
    }

    pub(crate) fn mask(&self) -> &SecretMask {
        &self.mask
    }

    /// Sends a request until it succeeds or fails for good. `path` names it in errors.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: &Url,
        path: &str,
        content: Content,
        on_wait: &OnWait<'_>,
    ) -> Result<ArmResponse, ArmError> {
        let mut schedule = RetrySchedule::new(&self.options);
        loop {
            let span = tracing::debug_span!("arm", method = method.as_ref(), path);
            let permit = self
                .pacer
                .admit(method, url.path(), |pause| on_wait(Wait::Pace { pause }))
                .await;
            let attempt = schedule.next_attempt();
            let error = match self
                .send_once(method, url, path, content.clone(), attempt, &permit)
                .instrument(span)
                .await
            {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            drop(permit);
            pause_before_retry(&mut schedule, method, error, on_wait).await?;
        }
    }

    async fn send_once(
        &self,
        method: Method,
        url: &Url,
        path: &str,
        content: Content,
        attempt: RequestAttempt,
        permit: &Permit,
    ) -> Result<ArmResponse, ArmError> {
        let mut request = Request::new(url.clone(), method);
        request.insert_header(ACCEPT, "application/json");
        if let Some(etag) = content.if_match {
            request.insert_header(IF_MATCH, etag);
        }
        if let Some(body) = content.body {
            request.insert_header(CONTENT_TYPE, "application/json");
            request.set_body(body);
        }
        let started = Instant::now();
        // The client itself decides which statuses are errors.
        let without_checks = PipelineSendOptions {
            skip_checks: true,
            ..Default::default()
        };
        let sent = self
            .pipeline
            .send(
                &Context::new().with_value(attempt),
                &mut request,
                Some(without_checks),
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
                    attempt = attempt.number,
                    request_id = id(&REQUEST_ID),
                    correlation_id = id(&CORRELATION_ID),
                    "response"
                );
                let body: Bytes = body.into();
                if (200..300).contains(&status) {
                    return Ok(ArmResponse {
                        status,
                        headers,
                        body,
                    });
                }
                Err(self.mask.apply(ArmError::from_response(
                    method, path, status, &headers, &body,
                )))
            }
            Err(error) => {
                let error = ArmError::from_transport(method, path, &error);
                tracing::debug!(kind = ?error.kind, ms, attempt = attempt.number, "no response");
                Err(error)
            }
        }
    }
}

/// The part of a request that it has in addition to method and URL.
#[derive(Debug, Clone, Default)]
pub(crate) struct Content {
    pub(crate) body: Option<Bytes>,
    /// The etag that the resource must still have.
    pub(crate) if_match: Option<String>,
}

/// Waits until the request may be sent again, or returns the error if it is final.
pub(crate) async fn pause_before_retry(
    schedule: &mut RetrySchedule<'_>,
    method: Method,
    error: ArmError,
    on_wait: &OnWait<'_>,
) -> Result<(), ArmError> {
    let Some(pause) = schedule.pause_after(method, &error) else {
        return Err(error);
    };
    on_wait(Wait::Retry {
        reason: &pause.reason,
        pause: pause.duration,
        attempt: pause.attempt,
    });
    sleep(pause.duration).await;
    Ok(())
}

#[cfg(test)]
#[path = "client_tests.rs"]
pub(crate) mod tests;
