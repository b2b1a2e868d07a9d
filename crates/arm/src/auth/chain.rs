//! The credential that tries one way after the other and stays with the first that works.

use super::FreshToken;
use crate::error::{clean, entra};
use async_trait::async_trait;
use azure_core::{
    credentials::{AccessToken, TokenCredential, TokenRequestOptions},
    error::ErrorKind,
};
use std::{fmt, sync::Arc};
use tokio::sync::Mutex;

type Build = dyn Fn() -> azure_core::Result<Arc<dyn TokenCredential>> + Send + Sync;

/// One way to log in.
pub(super) struct Source {
    /// As messages name it.
    pub(super) label: &'static str,
    pub(super) state: State,
}

/// Whether a way can be tried.
pub(super) enum State {
    /// Configured; makes a credential without any cached token.
    Ready(Box<Build>),
    /// What is missing.
    Incomplete(String),
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label)
    }
}

/// Tries its sources in order.
#[derive(Debug)]
pub(super) struct Chain {
    sources: Vec<Source>,
    chosen: Mutex<Option<Chosen>>,
}

#[derive(Debug)]
struct Chosen {
    source: usize,
    credential: Arc<dyn TokenCredential>,
}

impl Chain {
    pub(super) fn new(sources: Vec<Source>) -> Self {
        Self {
            sources,
            chosen: Mutex::new(None),
        }
    }

    /// The label of the source that was chosen.
    pub(super) async fn method(&self) -> Option<&'static str> {
        let chosen = self.chosen.lock().await;
        let source = self.sources.get(chosen.as_ref()?.source)?;
        Some(source.label)
    }

    async fn choose(
        &self,
        scopes: &[&str],
        options: Option<&TokenRequestOptions<'_>>,
    ) -> azure_core::Result<(Chosen, AccessToken)> {
        let mut reasons = Vec::new();
        for (index, source) in self.sources.iter().enumerate() {
            match source.first_token(scopes, options).await {
                Ok((credential, token)) => {
                    tracing::info!(method = source.label, "logged in");
                    let chosen = Chosen {
                        source: index,
                        credential,
                    };
                    return Ok((chosen, token));
                }
                Err(reason) => {
                    tracing::info!(method = source.label, reason, "not logged in");
                    reasons.push(format!("{}: {reason}", source.label));
                }
            }
        }
        Err(failed(&reasons))
    }
}

impl Source {
    async fn first_token(
        &self,
        scopes: &[&str],
        options: Option<&TokenRequestOptions<'_>>,
    ) -> Result<(Arc<dyn TokenCredential>, AccessToken), String> {
        let build = match &self.state {
            State::Ready(build) => build,
            State::Incomplete(missing) => return Err(missing.clone()),
        };
        let credential = build().map_err(|error| reason(&error))?;
        let token = credential.get_token(scopes, options.cloned()).await;
        token
            .map(|token| (credential, token))
            .map_err(|error| reason(&error))
    }
}

#[async_trait]
impl TokenCredential for Chain {
    async fn get_token(
        &self,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let mut chosen = self.chosen.lock().await;
        let fresh = options.as_ref().is_some_and(|options| {
            options
                .method_options
                .context
                .value::<FreshToken>()
                .is_some()
        });
        if let Some(chosen) = chosen.as_mut() {
            let source = self.sources.get(chosen.source);
            let label = source.map_or("login", |source| source.label);
            let explained =
                |error: azure_core::Error| failed(&[format!("{label}: {}", reason(&error))]);
            // The credentials of azure_identity cache their tokens and assertions: a new one has none.
            if fresh
                && let Some(Source {
                    state: State::Ready(build),
                    ..
                }) = source
            {
                chosen.credential = build().map_err(explained)?;
            }
            let token = chosen.credential.get_token(scopes, options).await;
            return token.map_err(explained);
        }
        let (first, token) = self.choose(scopes, options.as_ref()).await?;
        *chosen = Some(first);
        Ok(token)
    }
}

/// One error for all that was tried. The cause is left out: its debug form holds the raw response.
fn failed(reasons: &[String]) -> azure_core::Error {
    let message = match reasons {
        [] => "No way to log in is configured".to_owned(),
        [only] => format!("Login failed: {only}"),
        several => format!("Login failed:\n- {}", several.join("\n- ")),
    };
    azure_core::Error::with_message(ErrorKind::Credential, message)
}

/// The essence of an azure_identity error: without its frame, trace ids and links.
fn reason(error: &azure_core::Error) -> String {
    let text = error.to_string();
    let text = text
        .split("To troubleshoot, visit")
        .next()
        .unwrap_or_default();
    let text = text
        .split_once("authentication failed.")
        .map_or(text, |(_, rest)| rest);
    let text = text.split(" Trace ID:").next().unwrap_or_default();
    let essence = clean(text);
    let essence = essence.trim_end_matches('.');
    match entra(&text.replace('\n', " ")) {
        Some(advice) => format!("{essence}. {advice}"),
        None => essence.to_owned(),
    }
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
    struct Fixed(Result<String, &'static str>);

    #[async_trait]
    impl TokenCredential for Fixed {
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

    fn source(label: &'static str, error: &'static str) -> Source {
        Source {
            label,
            state: State::Ready(Box::new(move || Ok(Arc::new(Fixed(Err(error)))))),
        }
    }

    /// Yields `token-1` from its first credential, `token-2` from the second.
    fn working(label: &'static str) -> Source {
        let built = AtomicU32::new(0);
        Source {
            label,
            state: State::Ready(Box::new(move || {
                let number = built.fetch_add(1, Ordering::SeqCst) + 1;
                Ok(Arc::new(Fixed(Ok(format!("token-{number}")))))
            })),
        }
    }

    async fn token(chain: &Chain, context: Context<'static>) -> azure_core::Result<String> {
        let options = TokenRequestOptions {
            method_options: ClientMethodOptions { context },
        };
        let token = chain.get_token(&["scope"], Some(options)).await?;
        Ok(token.token.secret().to_owned())
    }

    #[tokio::test]
    async fn the_first_that_works_is_kept_and_made_anew_on_demand() {
        let chain = Chain::new(vec![source("a", "no"), working("b"), working("c")]);
        assert_eq!(chain.method().await, None);
        assert_eq!(token(&chain, Context::new()).await.unwrap(), "token-1");
        assert_eq!(token(&chain, Context::new()).await.unwrap(), "token-1");
        assert_eq!(chain.method().await, Some("b"));
        let fresh = Context::new().with_value(FreshToken);
        assert_eq!(token(&chain, fresh).await.unwrap(), "token-2");
    }

    #[tokio::test]
    async fn every_reason_is_listed_with_advice() {
        let chain = Chain::new(vec![
            source(
                "client secret",
                "ClientSecretCredential authentication failed. AADSTS7000215: Invalid client secret provided. Trace ID: 1 Correlation ID: 2\nTo troubleshoot, visit https://aka.ms/x",
            ),
            Source {
                label: "workload identity",
                state: State::Incomplete("AZURE_TENANT_ID is not set".to_owned()),
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
             - client secret: AADSTS7000215: Invalid client secret provided. The client secret is wrong: \
             AZURE_CLIENT_SECRET must be the secret's value, not its ID\n\
             - workload identity: AZURE_TENANT_ID is not set\n\
             - Azure CLI: az not found on PATH"
        );
    }
}
