//! Login: the methods, which of them are configured, and the credential that tries them.

mod certificate;
mod chain;
mod cli_profile;
mod github;
mod managed_identity;
mod method;
mod sources;

pub use cli_profile::{CliSubscription, azure_cli_subscription, parse_cli_profile};
pub use method::{AuthMethod, InvalidAuthMethod};

pub(crate) use chain::ForceRefresh;

use crate::cloud::Endpoints;
use azure_core::{credentials::TokenCredential, http::Transport};
use std::sync::Arc;

/// A credential for the cloud of `endpoints`.
///
/// With a `choice`, it tries only that method. Otherwise it tries all methods that the environment configures, in the
/// order of [`AuthMethod::ALL`], and keeps the first that yields a token. It does nothing before the first token is
/// requested. If every method fails, the error lists each with its reason.
///
/// Secrets and assertions go only to the authority of `endpoints`. `AZURE_AUTHORITY_HOST` is ignored, since it does not
/// name the Resource Manager that it belongs to.
pub fn credential(
    choice: Option<AuthMethod>,
    env: &dyn Fn(&str) -> Option<String>,
    endpoints: &Endpoints,
    transport: &Transport,
) -> Arc<dyn TokenCredential> {
    login(choice, env, endpoints, transport).credential()
}

/// As [`credential`], for callers that need to know which method succeeded.
pub fn login(
    choice: Option<AuthMethod>,
    env: &dyn Fn(&str) -> Option<String>,
    endpoints: &Endpoints,
    transport: &Transport,
) -> Login {
    let sources = sources::sources(choice, env, endpoints, transport);
    Login(Arc::new(chain::CredentialChain::new(sources)))
}

/// The login methods, and the one that succeeded.
#[derive(Debug, Clone)]
pub struct Login(Arc<chain::CredentialChain>);

impl Login {
    /// The credential, which keeps the first method that succeeds.
    pub fn credential(&self) -> Arc<dyn TokenCredential> {
        self.0.clone()
    }

    /// The display name of the method that succeeded, or `None` before the first token.
    pub async fn method(&self) -> Option<&'static str> {
        self.0.method().await
    }
}

#[cfg(test)]
mod renewal_tests;
