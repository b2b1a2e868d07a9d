//! Pipeline policies: access tokens, and the headers of every request.

use crate::{auth::ForceRefresh, headers::CORRELATION_ID, path::is_trusted};
use async_trait::async_trait;
use azure_core::{
    credentials::{AccessToken, TokenCredential, TokenRequestOptions},
    error::ErrorKind,
    http::{
        ClientMethodOptions, Context, Request, Url,
        headers::{AUTHORIZATION, USER_AGENT},
        policies::{Policy, PolicyResult},
    },
    time::OffsetDateTime,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::{sync::Mutex, time::Instant};

/// A token is renewed this long before it expires, or after half of its lifetime if that is later.
const RENEW_BEFORE: Duration = Duration::from_secs(5 * 60);
/// The pause before a failed renewal is retried while the old token is valid.
const RENEWAL_PAUSE: Duration = Duration::from_secs(30);
/// Maximum lifetime that is assumed for a token.
const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// Adds a token for one endpoint to each request to it. After a 401, sends the request once more with a new token.
#[derive(Debug)]
pub(crate) struct AuthorizationPolicy {
    credential: Arc<dyn TokenCredential>,
    scope: String,
    endpoint: Url,
    cached: Mutex<Option<CachedToken>>,
}

/// A token and when to renew it.
#[derive(Debug)]
struct CachedToken {
    token: AccessToken,
    renew: Deadline,
    expiry: Deadline,
}

/// A deadline on two clocks: the wall clock runs on while a machine sleeps; simulations advance the runtime's clock.
#[derive(Debug, Clone, Copy)]
struct Deadline {
    wall: SystemTime,
    runtime: Instant,
}

impl Deadline {
    fn after(wait: Duration) -> Self {
        Self {
            wall: SystemTime::now() + wait,
            runtime: Instant::now() + wait,
        }
    }

    fn has_passed(self) -> bool {
        SystemTime::now() >= self.wall || Instant::now() >= self.runtime
    }
}

impl CachedToken {
    fn new(token: AccessToken) -> Self {
        let left = token.expires_on - OffsetDateTime::now_utc();
        // A token that is expired by the local clock is used once: clocks differ.
        let left = Duration::try_from(left)
            .unwrap_or(Duration::ZERO)
            .min(LONGEST_LIFETIME);
        let renew = left.saturating_sub(RENEW_BEFORE).max(left / 2);
        Self {
            token,
            renew: Deadline::after(renew),
            expiry: Deadline::after(left),
        }
    }
}

impl AuthorizationPolicy {
    pub(crate) fn new(credential: Arc<dyn TokenCredential>, scope: String, endpoint: Url) -> Self {
        Self {
            credential,
            scope,
            endpoint,
            cached: Mutex::new(None),
        }
    }

    /// The endpoint that the tokens are for.
    pub(crate) fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    /// The cached token, or a new one if it expires soon or is the one that ARM `rejected`. While the cached token is
    /// valid, a failed renewal is not an error.
    async fn token(&self, rejected: Option<&AccessToken>) -> azure_core::Result<AccessToken> {
        let mut cached = self.cached.lock().await;
        let is_rejected = |token: &AccessToken| rejected.is_some_and(|it| it.token == token.token);
        if let Some(current) = cached.as_ref()
            && !is_rejected(&current.token)
            && !current.renew.has_passed()
        {
            return Ok(current.token.clone());
        }
        match (self.new_token(cached.is_some()).await, cached.as_mut()) {
            (Ok(token), _) => {
                *cached = Some(CachedToken::new(token.clone()));
                Ok(token)
            }
            (Err(error), Some(old)) if !is_rejected(&old.token) && !old.expiry.has_passed() => {
                tracing::warn!(%error, "failed to renew the token: the current one stays in use");
                old.renew = Deadline::after(RENEWAL_PAUSE);
                Ok(old.token.clone())
            }
            (Err(error), _) => Err(error),
        }
    }

    /// A `renewal` logs in again and bypasses all caches: assertions are fetched or signed again.
    async fn new_token(&self, renewal: bool) -> azure_core::Result<AccessToken> {
        let mut context = Context::new();
        if renewal {
            context.insert(ForceRefresh);
        }
        let options = TokenRequestOptions {
            method_options: ClientMethodOptions { context },
        };
        self.credential
            .get_token(&[&self.scope], Some(options))
            .await
    }

    /// The claims of the token, or null if they cannot be read. The client does not verify the signature: ARM does.
    pub(crate) async fn claims(&self) -> azure_core::Result<Value> {
        let token = self.token(None).await?;
        Ok(decode_claims(token.token.secret()).unwrap_or(Value::Null))
    }
}

/// The claims of a JSON web token; `None` for an opaque token.
fn decode_claims(token: &str) -> Option<Value> {
    let payload = token.split('.').nth(1)?;
    let claims = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&claims).ok()
}

/// Sends a request to the next policy; the last one is the transport.
async fn send_to_next(
    ctx: &Context<'_>,
    request: &mut Request,
    next: &[Arc<dyn Policy>],
) -> PolicyResult {
    match next.split_first() {
        Some((policy, rest)) => policy.send(ctx, request, rest).await,
        None => Err(azure_core::Error::with_message(
            ErrorKind::Other,
            "the pipeline has no transport",
        )),
    }
}

#[async_trait]
impl Policy for AuthorizationPolicy {
    async fn send(
        &self,
        ctx: &Context,
        request: &mut Request,
        next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        if !is_trusted(&self.endpoint, request.url()) {
            return Err(azure_core::Error::with_message(
                ErrorKind::Other,
                "the URL is outside of the endpoint that the token is for",
            ));
        }
        let token = self.token(None).await?;
        request.insert_header(AUTHORIZATION, format!("Bearer {}", token.token.secret()));
        let response = send_to_next(ctx, request, next).await?;
        if response.status() != 401 {
            return Ok(response);
        }
        let renewed = self.token(Some(&token)).await?;
        request.insert_header(AUTHORIZATION, format!("Bearer {}", renewed.token.secret()));
        send_to_next(ctx, request, next).await
    }
}

/// Adds the user agent and the correlation id. The transport sets `Accept-Encoding`, since it decodes the response;
/// without `Accept-Language`, messages are in English.
#[derive(Debug)]
pub(crate) struct IdentificationPolicy {
    pub(crate) user_agent: String,
    pub(crate) correlation_id: String,
}

#[async_trait]
impl Policy for IdentificationPolicy {
    async fn send(
        &self,
        ctx: &Context,
        request: &mut Request,
        next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        request.insert_header(USER_AGENT, self.user_agent.clone());
        request.insert_header(CORRELATION_ID, self.correlation_id.clone());
        send_to_next(ctx, request, next).await
    }
}
