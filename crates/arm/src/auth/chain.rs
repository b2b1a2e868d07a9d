//! The credential that tries the login methods in order and keeps the first that succeeds.

use crate::error::{clean, entra};
use async_trait::async_trait;
use azure_core::{
    credentials::{AccessToken, TokenCredential, TokenRequestOptions},
    error::ErrorKind,
};
use std::{fmt, sync::Arc};
use tokio::sync::Mutex;

/// In the context of a token request: the last token expires soon or was rejected, so caches must not be used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ForceRefresh;

type Build = dyn Fn() -> azure_core::Result<Arc<dyn TokenCredential>> + Send + Sync;

/// One login method.
pub(super) struct CredentialSource {
    /// Its name in messages.
    pub(super) label: &'static str,
    pub(super) state: SourceState,
}

/// Whether a login method can be tried.
pub(super) enum SourceState {
    /// Configured; creates a credential without a cached token.
    Ready(Box<Build>),
    /// Not configured, with what is missing.
    Incomplete(String),
}

impl fmt::Debug for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label)
    }
}

/// Tries its sources in order.
#[derive(Debug)]
pub(super) struct CredentialChain {
    sources: Vec<CredentialSource>,
    active: Mutex<Option<ActiveCredential>>,
}

/// The credential of the source that succeeded.
#[derive(Debug)]
struct ActiveCredential {
    source: usize,
    credential: Arc<dyn TokenCredential>,
}

impl CredentialChain {
    pub(super) fn new(sources: Vec<CredentialSource>) -> Self {
        Self {
            sources,
            active: Mutex::new(None),
        }
    }

    /// The label of the source that succeeded.
    pub(super) async fn method(&self) -> Option<&'static str> {
        let active = self.active.lock().await;
        let source = self.sources.get(active.as_ref()?.source)?;
        Some(source.label)
    }

    async fn choose(
        &self,
        scopes: &[&str],
        options: Option<&TokenRequestOptions<'_>>,
    ) -> azure_core::Result<(ActiveCredential, AccessToken)> {
        let mut reasons = Vec::new();
        for (index, source) in self.sources.iter().enumerate() {
            match source.first_token(scopes, options).await {
                Ok((credential, token)) => {
                    tracing::info!(method = source.label, "logged in");
                    let active = ActiveCredential {
                        source: index,
                        credential,
                    };
                    return Ok((active, token));
                }
                Err(reason) => {
                    tracing::info!(method = source.label, reason, "login method failed");
                    reasons.push(format!("{}: {reason}", source.label));
                }
            }
        }
        Err(failed(&reasons))
    }
}

impl CredentialSource {
    async fn first_token(
        &self,
        scopes: &[&str],
        options: Option<&TokenRequestOptions<'_>>,
    ) -> Result<(Arc<dyn TokenCredential>, AccessToken), String> {
        let build = match &self.state {
            SourceState::Ready(build) => build,
            SourceState::Incomplete(missing) => return Err(missing.clone()),
        };
        let credential = build().map_err(|error| reason(&error))?;
        let token = credential.get_token(scopes, options.cloned()).await;
        token
            .map(|token| (credential, token))
            .map_err(|error| reason(&error))
    }
}

#[async_trait]
impl TokenCredential for CredentialChain {
    async fn get_token(
        &self,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let mut active = self.active.lock().await;
        let is_refresh = options.as_ref().is_some_and(|options| {
            options
                .method_options
                .context
                .value::<ForceRefresh>()
                .is_some()
        });
        if let Some(active) = active.as_mut() {
            let source = self.sources.get(active.source);
            let label = source.map_or("login", |source| source.label);
            let explain =
                |error: azure_core::Error| failed(&[format!("{label}: {}", reason(&error))]);
            // The credentials of azure_identity cache their tokens and assertions; a new one has an empty cache.
            if is_refresh
                && let Some(CredentialSource {
                    state: SourceState::Ready(build),
                    ..
                }) = source
            {
                active.credential = build().map_err(explain)?;
            }
            let token = active.credential.get_token(scopes, options).await;
            return token.map_err(explain);
        }
        let (first, token) = self.choose(scopes, options.as_ref()).await?;
        *active = Some(first);
        Ok(token)
    }
}

/// One error for all sources. The cause is left out: its debug output contains the raw response.
fn failed(reasons: &[String]) -> azure_core::Error {
    let message = match reasons {
        [] => "Login failed: no login method is configured".to_owned(),
        [only] => format!("Login failed: {only}"),
        several => format!("Login failed:\n- {}", several.join("\n- ")),
    };
    azure_core::Error::with_message(ErrorKind::Credential, message)
}

/// The reason in an azure_identity error, without its frame, trace ids and links.
fn reason(error: &azure_core::Error) -> String {
    let text = error.to_string();
    let text = text_before(&text, "To troubleshoot, visit");
    let text = text
        .split_once("authentication failed.")
        .map_or(text, |(_, rest)| rest);
    let reason = clean(text_before(text, " Trace ID:"));
    let reason = reason.trim_end_matches('.');
    match entra(&text.replace('\n', " ")) {
        Some(advice) => format!("{reason}. {advice}"),
        None => reason.to_owned(),
    }
}

/// The text before the first `end`, or all of it.
fn text_before<'t>(text: &'t str, end: &str) -> &'t str {
    text.split_once(end).map_or(text, |(before, _)| before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use azure_core::{
        http::{ClientMethodOptions, Context},
        time::{Duration, OffsetDateTime},
    };
    use std::sync::atomic::{AtomicU32, Ordering};

    #[derive(Debug)]
    struct FixedToken(Result<String, &'static str>);

    #[async_trait]
    impl TokenCredential for FixedToken {
        async fn get_token(
            &self,
            _: &[&str],
            _: Option<TokenRequestOptions<'_>>,
        ) -> azure_core::Result<AccessToken> {
            match &self.0 {
                Ok(token) => Ok(AccessToken::new(
                    token.clone(),
                    OffsetDateTime::now_utc() + Duration::hours(1),
                )),
                Err(text) => Err(azure_core::Error::with_message(
                    ErrorKind::Credential,
                    *text,
                )),
            }
        }
    }

    fn source(label: &'static str, error: &'static str) -> CredentialSource {
        CredentialSource {
            label,
            state: SourceState::Ready(Box::new(move || Ok(Arc::new(FixedToken(Err(error)))))),
        }
    }

    /// Returns `token-1` from its first credential, `token-2` from the second.
    fn working(label: &'static str) -> CredentialSource {
        let built = AtomicU32::new(0);
        CredentialSource {
            label,
            state: SourceState::Ready(Box::new(move || {
                let number = built.fetch_add(1, Ordering::SeqCst) + 1;
                Ok(Arc::new(FixedToken(Ok(format!("token-{number}")))))
            })),
        }
    }

    async fn token(
        chain: &CredentialChain,
        context: Context<'static>,
    ) -> azure_core::Result<String> {
        let options = TokenRequestOptions {
            method_options: ClientMethodOptions { context },
        };
        let token = chain.get_token(&["scope"], Some(options)).await?;
        Ok(token.token.secret().to_owned())
    }

    #[tokio::test]
    async fn first_credential_source_that_succeeds_is_reused_and_refreshed_on_demand() {
        let chain = CredentialChain::new(vec![source("a", "no"), working("b"), working("c")]);
        assert_eq!(chain.method().await, None);
        assert_eq!(token(&chain, Context::new()).await.unwrap(), "token-1");
        assert_eq!(token(&chain, Context::new()).await.unwrap(), "token-1");
        assert_eq!(chain.method().await, Some("b"));
        let refresh = Context::new().with_value(ForceRefresh);
        assert_eq!(token(&chain, refresh).await.unwrap(), "token-2");
    }

    #[tokio::test]
    async fn every_reason_is_listed_with_advice() {
        let chain = CredentialChain::new(vec![
            source(
                "client secret",
                "ClientSecretCredential authentication failed. AADSTS7000215: Invalid client secret provided. Trace ID: 1 Correlation ID: 2\nTo troubleshoot, visit https://aka.ms/x",
            ),
            CredentialSource {
                label: "workload identity",
                state: SourceState::Incomplete("AZURE_TENANT_ID is not set".to_owned()),
            },
            source(
                "Azure CLI",
                "AzureCliCredential authentication failed. az not found on PATH\nTo troubleshoot, visit x",
            ),
        ]);
        let error = token(&chain, Context::new()).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "Login failed:\n\
             - client secret: AADSTS7000215: Invalid client secret provided. Set AZURE_CLIENT_SECRET to \
             the value of the client secret, not to its ID\n\
             - workload identity: AZURE_TENANT_ID is not set\n\
             - Azure CLI: az not found on PATH"
        );
    }
}
