//! Assertions signed with a self-signed certificate that only these tests use.

use super::*;
use azure_core::base64::decode_url_safe;
use ring::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::Value;

const PEM: &str = include_str!("testdata/client.pem");
/// SHA-256 of the certificate, as OpenSSL computes it.
const THUMBPRINT: &str = "lCX2mjwoe8pemrrAbjuRBcFFT-RE4eVt4tlxUu2EQWo";

fn parse(pem: &str) -> Result<CertificateAssertion, String> {
    let audience = Url::parse("https://login.local/tenant/oauth2/v2.0/token").unwrap();
    CertificateAssertion::parse(pem.as_bytes(), "client", &audience)
}

fn part(token: &str, index: usize) -> Vec<u8> {
    let text = token.split('.').nth(index).unwrap();
    let padding = "=".repeat((4 - text.len() % 4) % 4);
    decode_url_safe(format!("{text}{padding}")).unwrap()
}

#[test]
fn assertion_verifies_under_the_certificate() {
    let assertion = parse(PEM).unwrap();
    let token = assertion.sign(1_000_000).unwrap();
    let header: Value = serde_json::from_slice(&part(&token, 0)).unwrap();
    assert_eq!(
        header,
        json!({"alg": "PS256", "typ": "JWT", "x5t#S256": THUMBPRINT})
    );
    let claims: Value = serde_json::from_slice(&part(&token, 1)).unwrap();
    assert_eq!(
        claims["aud"],
        "https://login.local/tenant/oauth2/v2.0/token"
    );
    assert_eq!(
        (&claims["iss"], &claims["sub"]),
        (&json!("client"), &json!("client"))
    );
    assert_eq!(
        (&claims["nbf"], &claims["exp"]),
        (&json!(999_940), &json!(1_000_600))
    );
    let (signed, _) = token.rsplit_once('.').unwrap();
    UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, assertion.key.public())
        .verify(signed.as_bytes(), &part(&token, 2))
        .unwrap();
    assert_ne!(token, assertion.sign(1_000_000).unwrap());
}

#[test]
fn errors_explain_why_a_file_is_unusable() {
    let (key, certificate) = PEM.split_at(PEM.find("-----BEGIN CERTIFICATE").unwrap());
    let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY") + certificate;
    let ec = rcgen::KeyPair::generate().unwrap().serialize_pem() + certificate;
    for (pem, words) in [
        ("", "no certificate"),
        (key, "no certificate"),
        (certificate, "no private key"),
        (encrypted.as_str(), "encrypted"),
        (ec.as_str(), "not an RSA key"),
    ] {
        let error = parse(pem).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn private_key_is_not_shown() {
    assert_eq!(
        format!("{:?}", parse(PEM).unwrap()),
        r#"CertificateAssertion { client_id: "client", .. }"#
    );
}
