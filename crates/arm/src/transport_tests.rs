//! Trusted roots, and real handshakes over the loopback interface.

use super::*;
use crate::{ArmError, ErrorKind, Method, Url, discover};
use azure_core::http::headers::Headers;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

/// A file in the temporary directory, deleted with its owner.
struct TempFile(PathBuf);

impl TempFile {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lazuli-arm-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    fn options(&self) -> TransportOptions {
        TransportOptions {
            ca_file: Some(self.0.clone()),
        }
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn certificate(name: &str) -> rcgen::CertifiedKey<rcgen::KeyPair> {
    rcgen::generate_simple_self_signed([name.to_owned()]).unwrap()
}

/// Serves metadata with this certificate. Returns the port.
async fn serve(certified: &rcgen::CertifiedKey<rcgen::KeyPair>) -> u16 {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(
        certified.signing_key.serialize_der(),
    ));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(connection).await else {
                continue;
            };
            let body = json!({"authentication": {"loginEndpoint": "https://login.local", "audiences": ["https://arm.local"]}});
            let body = body.to_string();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all((head + &body).as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    port
}

fn localhost(port: u16) -> Url {
    Url::parse(&format!("https://127.0.0.1:{port}/")).unwrap()
}

#[tokio::test]
async fn unknown_ca_is_a_tls_error_and_a_ca_file_fixes_it() {
    let certified = certificate("127.0.0.1");
    let url = localhost(serve(&certified).await);
    let without_ca_file = transport(&TransportOptions::default()).unwrap();
    let error = discover(&url, &without_ca_file).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Tls, "{error}");
    assert!(error.to_string().contains("unknown CA"), "{error}");
    assert!(error.hint().unwrap().contains("--ca-file"));

    let file = TempFile::new("ca", &certified.cert.pem());
    let with_ca_file = transport(&file.options()).unwrap();
    assert_eq!(
        discover(&url, &with_ca_file).await.unwrap().scope,
        "https://arm.local/.default"
    );
}

#[tokio::test]
async fn certificate_for_another_host_is_a_tls_error() {
    let certified = certificate("arm.local");
    let url = localhost(serve(&certified).await);
    let file = TempFile::new("host", &certified.cert.pem());
    let error = discover(&url, &transport(&file.options()).unwrap())
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Tls, "{error}");
    assert!(error.to_string().contains("another host name"), "{error}");
}

#[tokio::test]
async fn refused_connection_is_a_network_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = localhost(listener.local_addr().unwrap().port());
    drop(listener);
    let transport = transport(&TransportOptions::default()).unwrap();
    let error = discover(&url, &transport).await.unwrap_err();
    assert_eq!(
        (error.kind.clone(), error.is_unsent),
        (ErrorKind::Network, true),
        "{error}"
    );
}

#[test]
fn ca_file_adds_to_the_default_roots() {
    let default_count = roots(&TransportOptions::default()).unwrap().len();
    let pem = certificate("a.local").cert.pem() + &certificate("b.local").cert.pem();
    let file = TempFile::new("two", &pem);
    assert_eq!(roots(&file.options()).unwrap().len(), default_count + 2);
    assert!(default_count > 50);
}

#[test]
fn unusable_ca_file_is_an_error() {
    for (name, text, words) in [
        ("empty", "", "contains no certificate"),
        (
            "broken",
            "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
            "not a PEM bundle",
        ),
    ] {
        let file = TempFile::new(name, text);
        let error = transport(&file.options()).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    let absent = TransportOptions {
        ca_file: Some("/no/such/file".into()),
    };
    assert!(transport(&absent).is_err());
}

#[test]
fn no_process_wide_provider_is_needed() {
    assert!(transport(&TransportOptions::default()).is_ok());
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
}

/// Responds with this number of bytes.
#[derive(Debug)]
struct LargeResponse(usize);

#[async_trait]
impl HttpClient for LargeResponse {
    async fn execute_request(&self, _: &Request) -> azure_core::Result<AsyncRawResponse> {
        let body = vec![b' '; self.0];
        Ok(AsyncRawResponse::from_bytes(
            200.into(),
            Headers::new(),
            body,
        ))
    }
}

#[tokio::test]
async fn response_above_the_size_limit_is_an_error() {
    let request = Request::new(Url::parse("https://arm.local/").unwrap(), Method::Get);
    let read = async |bytes| {
        let response = SizeLimitedClient(LargeResponse(bytes))
            .execute_request(&request)
            .await?;
        response.try_into_raw_response().await
    };
    assert!(read(LARGEST_RESPONSE).await.is_ok());
    let error = read(LARGEST_RESPONSE + 1).await.unwrap_err();
    let error = ArmError::from_transport(Method::Get, "/", &error);
    assert_eq!(error.kind, ErrorKind::Protocol);
    assert_eq!(error.message, "The response is larger than 64 MiB");
}
