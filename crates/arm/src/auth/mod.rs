//! Logging in: which ways there are, which are configured, and the credential that tries them.

mod certificate;
mod chain;
mod cli_profile;
mod github;
mod managed_identity;
mod method;
mod sources;

pub use cli_profile::{CliSubscription, azure_cli_subscription, parse_cli_profile};
pub use method::{AuthMethod, InvalidAuthMethod};

use crate::cloud::Endpoints;
use azure_core::{credentials::TokenCredential, http::Transport};
use std::sync::Arc;

/// In the context of a token request: the last token ends soon or was refused, so caches must not answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FreshToken;

/// A credential for the cloud of `endpoints`.
///
/// With a `choice`, only that way is tried. Without, all that are configured in the environment are,
/// in the order of [`AuthMethod::ALL`]; the first that yields a token is kept. Nothing happens before
/// the first token is asked for. When no way works, the error lists each with its own reason.
///
/// Secrets and assertions go to the authority of `endpoints` only: `AZURE_AUTHORITY_HOST` is not
/// read, since it cannot say which Resource Manager it belongs to.
pub fn credential(
    choice: Option<AuthMethod>,
    env: &dyn Fn(&str) -> Option<String>,
    endpoints: &Endpoints,
    transport: &Transport,
) -> Arc<dyn TokenCredential> {
    login(choice, env, endpoints, transport).credential()
}

/// The same as [`credential`], for who wants to know by which way it succeeds.
pub fn login(
    choice: Option<AuthMethod>,
    env: &dyn Fn(&str) -> Option<String>,
    endpoints: &Endpoints,
    transport: &Transport,
) -> Login {
    let sources = sources::sources(choice, env, endpoints, transport);
    Login(Arc::new(chain::Chain::new(sources)))
}

/// The ways to log in, and the one that worked.
#[derive(Debug, Clone)]
pub struct Login(Arc<chain::Chain>);

impl Login {
    /// The credential, which keeps to the way that works first.
    pub fn credential(&self) -> Arc<dyn TokenCredential> {
        self.0.clone()
    }

    /// The way that worked, for people; none before a token was asked for with success.
    pub async fn method(&self) -> Option<&'static str> {
        self.0.method().await
    }
}

#[cfg(test)]
mod renewal_tests;
