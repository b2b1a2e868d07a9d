//! Managed identity, with a short question first whether there is one at all.

use async_trait::async_trait;
use azure_core::{
    credentials::{AccessToken, TokenCredential, TokenRequestOptions},
    error::ErrorKind,
    http::{ClientOptions, Context, Method, Request, Transport, Url},
};
use azure_identity::{ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

const METADATA_SERVICE: &str = "http://169.254.169.254/metadata/identity/oauth2/token";
/// The metadata service is on the same host: it answers at once, or there is none.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// The identity of this machine or app. With `probe`, the metadata service must answer first: on
/// other machines the request would hang until the retries are used up.
pub(super) fn credential(
    client_id: Option<String>,
    client_options: ClientOptions,
    probe: Option<Transport>,
) -> azure_core::Result<Arc<dyn TokenCredential>> {
    let options = ManagedIdentityCredentialOptions {
        user_assigned_id: client_id.map(UserAssignedId::ClientId),
        client_options,
    };
    let identity = ManagedIdentityCredential::new(Some(options))?;
    Ok(match probe {
        Some(transport) => Arc::new(Probed {
            identity,
            transport,
        }),
        None => identity,
    })
}

#[derive(Debug)]
struct Probed {
    identity: Arc<ManagedIdentityCredential>,
    transport: Transport,
}

impl Probed {
    /// Without its `Metadata` header the service answers 400, which is all that is asked for. The
    /// statuses of proxies do not count.
    async fn is_there(&self) -> bool {
        let Ok(url) = Url::parse(METADATA_SERVICE) else {
            return false;
        };
        let mut request = Request::new(url, Method::Get);
        let context = Context::new();
        match timeout(PROBE_TIMEOUT, self.transport.send(&context, &mut request)).await {
            Ok(Ok(answer)) => !matches!(u16::from(answer.status()), 403 | 407 | 502..=504),
            _ => false,
        }
    }
}

#[async_trait]
impl TokenCredential for Probed {
    async fn get_token(
        &self,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        if !self.is_there().await {
            return Err(azure_core::Error::with_message(
                ErrorKind::Credential,
                "no metadata service answers here, so this is no Azure machine with an identity",
            ));
        }
        self.identity.get_token(scopes, options).await
    }
}
