//! The HTTPS transport: reqwest with rustls and ring.

use async_trait::async_trait;
use azure_core::{
    error::ErrorKind as CoreErrorKind,
    http::{AsyncRawResponse, HttpClient, Request, Transport},
};
use futures::StreamExt as _;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use std::{path::PathBuf, sync::Arc, time::Duration};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// Resource Manager itself stops waiting for a provider after a minute.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);
/// The largest response that is read, in decompressed bytes: a page of 1000 resources has about 1 MiB.
const LARGEST_RESPONSE: usize = 64 << 20;

/// Options of the HTTPS transport.
#[derive(Debug, Clone, Default)]
pub struct TransportOptions {
    /// PEM bundle of additional CAs, from `--ca-file` or `SSL_CERT_FILE`.
    pub ca_file: Option<PathBuf>,
}

/// Why the transport cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The CA file cannot be used.
    #[error("CA file `{}` {reason}", path.display())]
    CaFile {
        /// Path of the file.
        path: PathBuf,
        /// What is wrong with the file, as a predicate.
        reason: String,
    },
    /// The TLS library rejected its configuration.
    #[error("TLS cannot be configured: {0}")]
    Tls(#[from] rustls::Error),
    /// The HTTP library rejected its configuration.
    #[error("HTTPS cannot be configured: {0}")]
    Http(#[from] reqwest::Error),
}

/// A transport over the network: HTTP/2, gzip, pooled connections, timeouts, no redirects, responses of limited size.
///
/// Trusts Mozilla's roots from `webpki-roots`, so that the static binary works in an empty container, the roots of the
/// operating system, where companies install their own, and those of the CA file. The verifier is the one of rustls, and
/// the crypto provider is ring: none is installed for the whole process.
///
/// # Errors
///
/// The CA file cannot be read or contains no certificate.
pub fn transport(options: &TransportOptions) -> Result<Transport, TransportError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots(options)?)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(config)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(REQUEST_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .gzip(true)
        .build()?;
    Ok(Transport::new(Arc::new(SizeLimitedClient(client))))
}

/// Fails a response that is larger than [`LARGEST_RESPONSE`] when decompressed.
#[derive(Debug)]
struct SizeLimitedClient<C>(C);

#[async_trait]
impl<C: HttpClient> HttpClient for SizeLimitedClient<C> {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let (status, headers, body) = self.0.execute_request(request).await?.deconstruct();
        let mut left = LARGEST_RESPONSE;
        let body = body.map(move |chunk| {
            let chunk = chunk?;
            left = left.checked_sub(chunk.len()).ok_or_else(|| {
                let message = format!("The response is larger than {} MiB", LARGEST_RESPONSE >> 20);
                azure_core::Error::with_message(CoreErrorKind::DataConversion, message)
            })?;
            Ok(chunk)
        });
        Ok(AsyncRawResponse::new(status, headers, Box::pin(body)))
    }
}

fn roots(options: &TransportOptions) -> Result<RootCertStore, TransportError> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let Some(path) = &options.ca_file else {
        return Ok(roots);
    };
    let invalid = |reason: String| TransportError::CaFile {
        path: path.clone(),
        reason,
    };
    let pem = std::fs::read(path).map_err(|error| invalid(format!("cannot be read: {error}")))?;
    let mut added = 0;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate =
            certificate.map_err(|error| invalid(format!("is not a PEM bundle: {error}")))?;
        roots.add(certificate).map_err(|error| {
            invalid(format!(
                "has an unusable certificate, number {}: {error}",
                added + 1
            ))
        })?;
        added += 1;
    }
    match added {
        0 => Err(invalid(
            "contains no certificate: use a bundle in PEM format".to_owned(),
        )),
        _ => Ok(roots),
    }
}

#[cfg(test)]
#[path = "transport_tests.rs"]
mod tests;
