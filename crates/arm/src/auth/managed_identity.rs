//! Managed identity, with a short probe for the metadata service first.

use async_trait::async_trait;
use azure_core::{
    credentials::{AccessToken, TokenCredential, TokenRequestOptions},
    error::ErrorKind,
    http::{ClientOptions, Context, Method, Request, Transport, Url},
};
use azure_identity::{ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

use crate::well_known::INSTANCE_METADATA_URL;

/// The metadata service is on the same host: it responds at once, or does not exist.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// The identity of this machine or app. With `probe`, the metadata service must respond first: on
/// other machines the request would hang until its retries are exhausted.
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
        Some(transport) => Arc::new(ProbedIdentity {
            identity,
            transport,
        }),
        None => identity,
    })
}

#[derive(Debug)]
struct ProbedIdentity {
    identity: Arc<ManagedIdentityCredential>,
    transport: Transport,
}

impl ProbedIdentity {
    /// Without its `Metadata` header the service returns 400, which proves that it exists. The
    /// statuses of proxies do not count.
    async fn has_metadata_service(&self) -> bool {
        let Ok(url) = Url::parse(INSTANCE_METADATA_URL) else {
            return false;
        };
        let mut request = Request::new(url, Method::Get);
        let context = Context::new();
        match timeout(PROBE_TIMEOUT, self.transport.send(&context, &mut request)).await {
            Ok(Ok(response)) => !matches!(u16::from(response.status()), 403 | 407 | 502..=504),
            _ => false,
        }
    }
}

#[async_trait]
impl TokenCredential for ProbedIdentity {
    async fn get_token(
        &self,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        if !self.has_metadata_service().await {
            return Err(azure_core::Error::with_message(
                ErrorKind::Credential,
                "the metadata service does not respond: run on an Azure machine or app that has a managed identity",
            ));
        }
        self.identity.get_token(scopes, options).await
    }
}
