//! A client assertion that is signed with the key of a certificate.
//!
//! azure_identity supports this only with OpenSSL. Format: Microsoft identity platform, "application
//! authentication certificate credentials".

use async_trait::async_trait;
use azure_core::{
    base64::encode_url_safe,
    error::ErrorKind,
    http::{ClientMethodOptions, Url},
    time::OffsetDateTime,
};
use azure_identity::ClientAssertion;
use ring::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    rsa::KeyPair,
    signature::RSA_PSS_SHA256,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use serde_json::json;
use std::{fmt, path::Path};
use uuid::Uuid;

const LIFETIME_SECONDS: i64 = 600;
/// The assertion is valid from a little earlier, since clocks differ.
const CLOCK_SKEW_SECONDS: i64 = 60;

/// Signs assertions for one application.
pub(super) struct CertificateAssertion {
    key: KeyPair,
    thumbprint: String,
    client_id: String,
    audience: String,
}

impl fmt::Debug for CertificateAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateAssertion")
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

impl CertificateAssertion {
    /// Reads a PEM file with an RSA private key and its certificate. `audience` is the token
    /// endpoint of the tenant.
    pub(super) fn read(path: &Path, client_id: &str, audience: &Url) -> azure_core::Result<Self> {
        let failed = |reason: String| {
            azure_core::Error::with_message(
                ErrorKind::Credential,
                format!("{}: {reason}", path.display()),
            )
        };
        let pem = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
        Self::parse(&pem, client_id, audience).map_err(failed)
    }

    fn parse(pem: &[u8], client_id: &str, audience: &Url) -> Result<Self, String> {
        let certificate = CertificateDer::from_pem_slice(pem).map_err(|_| {
            "the file contains no certificate in PEM format: convert a PFX file with `openssl pkcs12 -nodes`".to_owned()
        })?;
        if pem.windows(9).any(|window| window == b"ENCRYPTED") {
            return Err("the private key is encrypted: decrypt it with `openssl pkey`".to_owned());
        }
        let key = PrivateKeyDer::from_pem_slice(pem)
            .map_err(|_| "the file contains no private key".to_owned())?;
        let key = match &key {
            PrivateKeyDer::Pkcs8(key) => KeyPair::from_pkcs8(key.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(key) => KeyPair::from_der(key.secret_pkcs1_der()),
            _ => return Err("the private key is not an RSA key".to_owned()),
        };
        let key = key.map_err(|error| {
            format!("the private key is not an RSA key of 2048 bits or more: {error}")
        })?;
        Ok(Self {
            key,
            thumbprint: base64url(digest(&SHA256, &certificate).as_ref()),
            client_id: client_id.to_owned(),
            audience: audience.to_string(),
        })
    }

    fn sign(&self, now: i64) -> Result<String, ring::error::Unspecified> {
        let header = json!({"alg": "PS256", "typ": "JWT", "x5t#S256": self.thumbprint});
        let claims = json!({
            "aud": self.audience,
            "iss": self.client_id,
            "sub": self.client_id,
            "jti": Uuid::new_v4().to_string(),
            "nbf": now - CLOCK_SKEW_SECONDS,
            "iat": now,
            "exp": now + LIFETIME_SECONDS,
        });
        let mut token = format!(
            "{}.{}",
            base64url(header.to_string().as_bytes()),
            base64url(claims.to_string().as_bytes())
        );
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key.sign(
            &RSA_PSS_SHA256,
            &SystemRandom::new(),
            token.as_bytes(),
            &mut signature,
        )?;
        token.push('.');
        token.push_str(&base64url(&signature));
        Ok(token)
    }
}

#[async_trait]
impl ClientAssertion for CertificateAssertion {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        self.sign(OffsetDateTime::now_utc().unix_timestamp())
            .map_err(|_| {
                azure_core::Error::with_message(
                    ErrorKind::Credential,
                    "the private key of the certificate cannot sign the assertion",
                )
            })
    }
}

/// Base64url without padding, as JWTs use it.
fn base64url(bytes: &[u8]) -> String {
    encode_url_safe(bytes).trim_end_matches('=').to_owned()
}

#[cfg(test)]
#[path = "certificate_tests.rs"]
mod tests;
