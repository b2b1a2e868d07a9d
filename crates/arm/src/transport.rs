//! HTTPS: reqwest with rustls and ring.

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
/// Resource Manager itself gives up on a provider after a minute.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);
/// The largest answer that is read, in bytes and unpacked: a page of 1000 resources has about one MiB.
const LARGEST_ANSWER: usize = 64 << 20;

/// What to trust beside the usual CAs.
#[derive(Debug, Clone, Default)]
pub struct TransportOptions {
    /// PEM bundle of further CAs, from `--ca-file` or `SSL_CERT_FILE`.
    pub ca_file: Option<PathBuf>,
}

/// Why there is no transport.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The CA file cannot be used.
    #[error("{}: {reason}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The TLS library refused its configuration.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The HTTP library refused its configuration.
    #[error("HTTPS cannot be set up: {0}")]
    Http(#[from] reqwest::Error),
}

/// A transport over the network: HTTP/2, gzip, pooled connections, timeouts, no redirects, answers of bounded size.
///
/// Roots are Mozilla's from `webpki-roots`, so that the static binary works in an empty container,
/// the operating system's, where companies put their own, and those of the CA file. The verifier is
/// rustls' own and the provider, ring, is named here: none is installed for the whole process.
///
/// # Errors
///
/// A CA file that cannot be read or has no certificate.
pub fn transport(options: &TransportOptions) -> Result<Transport, TransportError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots(options)?)
        .with_no_client_auth();
    let mut config = config;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(config)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(REQUEST_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .gzip(true)
        .build()?;
    Ok(Transport::new(Arc::new(Bounded(client))))
}

/// Lets no answer grow beyond [`LARGEST_ANSWER`], however little of it came over the wire.
#[derive(Debug)]
struct Bounded<C>(C);

#[async_trait]
impl<C: HttpClient> HttpClient for Bounded<C> {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let (status, headers, body) = self.0.execute_request(request).await?.deconstruct();
        let mut left = LARGEST_ANSWER;
        let body = body.map(move |chunk| {
            let chunk = chunk?;
            left = left.checked_sub(chunk.len()).ok_or_else(|| {
                let message = format!("The answer is larger than {} MiB", LARGEST_ANSWER >> 20);
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
    let bad = |reason: String| TransportError::CaFile {
        path: path.clone(),
        reason,
    };
    let pem = std::fs::read(path).map_err(|error| bad(error.to_string()))?;
    let mut added = 0;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| bad(format!("not a PEM bundle: {error}")))?;
        roots
            .add(certificate)
            .map_err(|error| bad(format!("certificate {} cannot be used: {error}", added + 1)))?;
        added += 1;
    }
    match added {
        0 => Err(bad("no certificate in it (PEM is expected)".to_owned())),
        _ => Ok(roots),
    }
}

#[cfg(test)]
#[path = "transport_tests.rs"]
mod tests;
