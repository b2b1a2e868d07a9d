//! The pipeline policies: tokens, and the headers that every request bears.

use crate::{auth::FreshToken, path::is_trusted};
use async_trait::async_trait;
use azure_core::{
    credentials::{AccessToken, TokenCredential, TokenRequestOptions},
    error::ErrorKind,
    http::{
        ClientMethodOptions, Context, Request, Url,
        headers::{AUTHORIZATION, HeaderName, USER_AGENT},
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

const CORRELATION_ID: HeaderName = HeaderName::from_static("x-ms-correlation-request-id");

/// A token is renewed this long before it ends, or halfway where it lives for less than the double of it.
const RENEW_BEFORE: Duration = Duration::from_secs(5 * 60);
/// A renewal that failed is tried again after this long, as long as the old token lasts.
const RENEW_AGAIN: Duration = Duration::from_secs(30);
/// No token is believed to last longer.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Puts a token for one endpoint on each request to it. A 401 is answered once with a fresh token.
#[derive(Debug)]
pub(crate) struct Authorize {
    credential: Arc<dyn TokenCredential>,
    scope: String,
    endpoint: Url,
    held: Mutex<Option<Held>>,
}

/// A token and when it passes.
#[derive(Debug)]
struct Held {
    token: AccessToken,
    renew: Moment,
    end: Moment,
}

/// A moment on two clocks: the wall's goes on while a machine sleeps, the runtime's is the one that simulations move.
#[derive(Debug, Clone, Copy)]
struct Moment {
    wall: SystemTime,
    runtime: Instant,
}

impl Moment {
    fn after(wait: Duration) -> Self {
        Self {
            wall: SystemTime::now() + wait,
            runtime: Instant::now() + wait,
        }
    }

    fn has_come(self) -> bool {
        SystemTime::now() >= self.wall || Instant::now() >= self.runtime
    }
}

impl Held {
    fn new(token: AccessToken) -> Self {
        let left = token.expires_on - OffsetDateTime::now_utc();
        // A token that has ended by this clock is used once: clocks differ.
        let left = Duration::try_from(left).unwrap_or_default().min(LONGEST);
        let renew = left.saturating_sub(RENEW_BEFORE).max(left / 2);
        Self {
            token,
            renew: Moment::after(renew),
            end: Moment::after(left),
        }
    }
}

impl Authorize {
    pub(crate) fn new(credential: Arc<dyn TokenCredential>, scope: String, endpoint: Url) -> Self {
        Self {
            credential,
            scope,
            endpoint,
            held: Mutex::new(None),
        }
    }

    /// What the tokens are for.
    pub(crate) fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    /// The token that is held, or a new one where it ends soon or is the one that ARM `refused`. While it lasts, a
    /// renewal that fails is no error.
    async fn token(&self, refused: Option<&AccessToken>) -> azure_core::Result<AccessToken> {
        let mut held = self.held.lock().await;
        let is_refused = |token: &AccessToken| refused.is_some_and(|it| it.token == token.token);
        if let Some(held) = held.as_ref()
            && !is_refused(&held.token)
            && !held.renew.has_come()
        {
            return Ok(held.token.clone());
        }
        match (self.new_token(held.is_some()).await, held.as_mut()) {
            (Ok(token), _) => {
                *held = Some(Held::new(token.clone()));
                Ok(token)
            }
            (Err(error), Some(old)) if !is_refused(&old.token) && !old.end.has_come() => {
                tracing::warn!(%error, "the token could not be renewed yet");
                old.renew = Moment::after(RENEW_AGAIN);
                Ok(old.token.clone())
            }
            (Err(error), _) => Err(error),
        }
    }

    /// A `renewal` logs in again, past all caches: assertions are fetched or signed anew.
    async fn new_token(&self, renewal: bool) -> azure_core::Result<AccessToken> {
        let mut context = Context::new();
        if renewal {
            context.insert(FreshToken);
        }
        let options = TokenRequestOptions {
            method_options: ClientMethodOptions { context },
        };
        self.credential
            .get_token(&[&self.scope], Some(options))
            .await
    }
}

impl Authorize {
    /// What the token says of itself; null where it cannot be read. Nobody checks the signature here: ARM does.
    pub(crate) async fn claims(&self) -> azure_core::Result<Value> {
        let token = self.token(None).await?;
        let payload = token.token.secret().split('.').nth(1).unwrap_or_default();
        let claims = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('='));
        let claims = claims
            .ok()
            .and_then(|claims| serde_json::from_slice(&claims).ok());
        Ok(claims.unwrap_or_default())
    }
}

/// Hands a request on to the policy that comes next; the last one is the transport.
async fn pass_on(
    ctx: &Context<'_>,
    request: &mut Request,
    next: &[Arc<dyn Policy>],
) -> PolicyResult {
    match next.split_first() {
        Some((policy, rest)) => policy.send(ctx, request, rest).await,
        None => Err(azure_core::Error::with_message(
            ErrorKind::Other,
            "no transport",
        )),
    }
}

#[async_trait]
impl Policy for Authorize {
    async fn send(
        &self,
        ctx: &Context,
        request: &mut Request,
        next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        if !is_trusted(&self.endpoint, request.url()) {
            return Err(azure_core::Error::with_message(
                ErrorKind::Other,
                "a token is for its own endpoint only",
            ));
        }
        let token = self.token(None).await?;
        request.insert_header(AUTHORIZATION, format!("Bearer {}", token.token.secret()));
        let response = pass_on(ctx, request, next).await?;
        if response.status() != 401 {
            return Ok(response);
        }
        let fresh = self.token(Some(&token)).await?;
        request.insert_header(AUTHORIZATION, format!("Bearer {}", fresh.token.secret()));
        pass_on(ctx, request, next).await
    }
}

/// Says who asks, and in which run. Encodings are left to the transport, which decodes what it asks
/// for; no language is asked for, so that messages come in English.
#[derive(Debug)]
pub(crate) struct Identify {
    pub(crate) user_agent: String,
    pub(crate) correlation_id: String,
}

#[async_trait]
impl Policy for Identify {
    async fn send(
        &self,
        ctx: &Context,
        request: &mut Request,
        next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        request.insert_header(USER_AGENT, self.user_agent.clone());
        request.insert_header(CORRELATION_ID, self.correlation_id.clone());
        pass_on(ctx, request, next).await
    }
}
