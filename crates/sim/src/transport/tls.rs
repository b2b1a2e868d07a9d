//! The certificate authority of `serve`: it is created once, stored in two files, and signs a new certificate at each start.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// The host names in every certificate.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Why the server has no certificate.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file system reported an error.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A key or certificate could not be read or created.
    #[error("cannot create a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The TLS configuration was rejected.
    #[error("cannot use the certificate: {0}")]
    Server(#[from] rustls::Error),
}

/// The TLS configuration of a server.
#[derive(Clone, Debug)]
pub struct Tls {
    pub(crate) config: Arc<ServerConfig>,
}

impl Tls {
    /// Reads or creates the authority in `ca_file` and signs a certificate for localhost, 127.0.0.1, ::1 and `hosts`.
    /// The key of the authority is in `{ca_file}.key`, which only its owner can read.
    ///
    /// # Errors
    ///
    /// If a file cannot be read or written, or is not a key.
    pub fn with_authority(ca_file: &Path, hosts: &[String]) -> Result<Self, TlsError> {
        let mut key_file = ca_file.as_os_str().to_owned();
        key_file.push(".key");
        let key_file = PathBuf::from(key_file);
        let exists = ca_file.exists() && key_file.exists();
        let key = if exists {
            let pem = fs::read_to_string(&key_file).map_err(failed(&key_file))?;
            KeyPair::from_pem(&pem)?
        } else {
            let key = KeyPair::generate()?;
            if let Some(parent) = ca_file.parent() {
                fs::create_dir_all(parent).map_err(failed(parent))?;
            }
            write_secret(&key_file, &key.serialize_pem()).map_err(failed(&key_file))?;
            let certificate = authority().self_signed(&key)?;
            fs::write(ca_file, certificate.pem()).map_err(failed(ca_file))?;
            key
        };
        sign(&Issuer::new(authority(), key), hosts)
    }
}

/// Constant parameters, so that the issuer of a certificate always equals the authority on disk.
fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "Lazuli simulator authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn sign(issuer: &Issuer<'_, KeyPair>, hosts: &[String]) -> Result<Tls, TlsError> {
    let names: Vec<String> = LOOPBACK
        .iter()
        .map(|&name| name.to_owned())
        .chain(hosts.iter().cloned())
        .collect();
    let mut params = CertificateParams::new(names)?;
    params
        .distinguished_name
        .push(DnType::CommonName, "Lazuli simulator");
    params.use_authority_key_identifier_extension = true;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, issuer)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Tls {
        config: Arc::new(config),
    })
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> TlsError + use<> {
    let path = path.to_owned();
    move |source| TlsError::Io { path, source }
}

/// Writes a file that only its owner can read.
fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)?.write_all(text.as_bytes())
}
