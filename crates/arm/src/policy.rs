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
    time::{Duration, OffsetDateTime},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use std::sync::Arc;
use tokio::sync::Mutex;

const CORRELATION_ID: HeaderName = HeaderName::from_static("x-ms-correlation-request-id");

/// A token is renewed this long before it ends.
const RENEW_BEFORE: Duration = Duration::minutes(5);

/// Puts a token for one endpoint on each request to it. A 401 is answered once with a fresh token.
#[derive(Debug)]
pub(crate) struct Authorize {
    credential: Arc<dyn TokenCredential>,
    scope: String,
    endpoint: Url,
    token: Mutex<Option<AccessToken>>,
}

impl Authorize {
    pub(crate) fn new(credential: Arc<dyn TokenCredential>, scope: String, endpoint: Url) -> Self {
        Self {
            credential,
            scope,
            endpoint,
            token: Mutex::new(None),
        }
    }

    /// What the tokens are for.
    pub(crate) fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    /// The cached token, or a new one where it ends soon or is the one that ARM `refused`.
    async fn token(&self, refused: Option<&AccessToken>) -> azure_core::Result<AccessToken> {
        let mut cached = self.token.lock().await;
        if let Some(token) = cached.as_ref() {
            let lasts = token.expires_on > OffsetDateTime::now_utc() + RENEW_BEFORE;
            if lasts && refused.is_none_or(|refused| refused.token != token.token) {
                return Ok(token.clone());
            }
        }
        let mut context = Context::new();
        if refused.is_some() {
            context.insert(FreshToken);
        }
        let options = TokenRequestOptions {
            method_options: ClientMethodOptions { context },
        };
        let token = self
            .credential
            .get_token(&[&self.scope], Some(options))
            .await?;
        *cached = Some(token.clone());
        Ok(token)
    }
}

impl Authorize {
    /// The `oid` claim of the token. Nobody checks the signature here: ARM does.
    pub(crate) async fn caller(&self) -> Option<String> {
        let token = self.token(None).await.ok()?;
        let payload = token.token.secret().split('.').nth(1)?;
        let claims = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
        let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
        Some(claims.get("oid")?.as_str()?.to_owned())
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
