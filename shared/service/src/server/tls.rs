//! TLS at a listener, with a certificate that is read again when its files change.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use clap::Args;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// How long a client may take until a connection is secured.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How often it is looked whether the files have changed.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// The largest file that is read, in bytes.
const MAX_FILE_BYTES: u64 = 1024 * 1024;
/// What is spoken with clients, the best first (RFC 7301).
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// How clients are answered over TLS.
#[derive(Debug, Clone, Args)]
pub struct TlsArgs {
    /// File with the certificate that clients are shown, and those that vouch for it (PEM), for https. It is read again
    /// when it changes
    #[arg(long, value_name = "FILE", env = "JETBRIDGE_TLS_CERTIFICATE")]
    tls_certificate: Option<PathBuf>,
    /// File with the certificate's private key (PEM), which other users of the machine may not read
    #[arg(long, value_name = "FILE", env = "JETBRIDGE_TLS_KEY")]
    tls_key: Option<PathBuf>,
}

impl TlsArgs {
    /// What is in the files; nothing if none are set.
    ///
    /// # Errors
    /// [`TlsError`] if they cannot be used.
    pub fn tls(&self) -> Result<Option<Tls>, TlsError> {
        match (&self.tls_certificate, &self.tls_key) {
            (Some(certificate), Some(key)) => Tls::read(certificate, key).map(Some),
            (None, None) => Ok(None),
            _ => Err(TlsError::Half),
        }
    }
}

/// What the certificate that clients are shown is called in metrics.
const SHOWN: &str = "https";

/// A certificate and its key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// One file was given without the other.
    #[error("TLS takes both --tls-certificate (JETBRIDGE_TLS_CERTIFICATE) and --tls-key (JETBRIDGE_TLS_KEY)")]
    Half,
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others could have read the key, or changed it.
    #[error("other users can read or change the private key {}; take their rights away with: chmod o=,g-w", path.display())]
    NotPrivate {
        /// The file.
        path: PathBuf,
    },
    /// There is something else in a file.
    #[error("{} does not hold {wanted} in PEM: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What should be in it.
        wanted: &'static str,
        /// Why it cannot be read.
        reason: String,
    },
    /// They are not of one pair, or of a kind that is not known.
    #[error("the certificate and the private key cannot be used together: {0}")]
    Unusable(#[source] rustls::Error),
}

/// The request has come over TLS, which ends here: an extension of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverTls;

/// A certificate, its key, and what is made of them.
#[derive(Clone)]
pub struct Tls(Arc<Current>);

struct Current {
    config: ArcSwap<ServerConfig>,
    files: Files,
    /// What was in the files at the beginning.
    first: Pair,
}

#[derive(Clone)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

/// What is in the files.
#[derive(Clone, PartialEq, Eq)]
struct Pair {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tls").field(&self.0.files.certificate).finish()
    }
}

impl Tls {
    /// What is in these files.
    ///
    /// # Errors
    /// [`TlsError`] if they cannot be used.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let files = Files { certificate: certificate.to_owned(), key: key.to_owned() };
        let first = files.read()?;
        let config = ArcSwap::from_pointee(files.config(&first)?);
        Ok(Self(Arc::new(Current { config, files, first })))
    }

    /// Secures a connection.
    pub(super) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> io::Result<TlsStream<S>> {
        let accepting = TlsAcceptor::from(self.0.config.load_full()).accept(stream);
        tokio::time::timeout(HANDSHAKE, accepting).await?
    }

    /// Takes over what is in the files whenever that changes, for ever. Both are taken over together, and what cannot be used
    /// is not.
    pub(super) async fn follow(&self) {
        let Current { config, files, first } = &*self.0;
        let (mut used, mut refused) = (first.clone(), None::<(String, bool)>);
        loop {
            tokio::time::sleep(LOOK_INTERVAL).await;
            let looking = files.clone();
            let Ok(found) = tokio::task::spawn_blocking(move || looking.read()).await else { continue };
            let reason =
                match found.and_then(|pair| (pair != used).then(|| Ok((files.config(&pair)?, pair))).transpose()) {
                    Ok(None) => {
                        refused = None;
                        continue;
                    }
                    Ok(Some((fresh, pair))) => {
                        config.store(Arc::new(fresh));
                        (used, refused) = (pair, None);
                        tracing::info!("the certificate has changed; new connections get the new one");
                        continue;
                    }
                    Err(error) => crate::ErrorChain(&error).to_string(),
                };
            // One file after the other is replaced, so for a moment they may not belong together.
            let is_known = refused.as_ref().filter(|(known, _)| *known == reason).map(|(_, is_logged)| *is_logged);
            if is_known == Some(false) {
                tracing::warn!(reason, "the certificate has changed and cannot be used; the one from before is");
            }
            refused = Some((reason, is_known.is_some()));
        }
    }
}

impl Files {
    fn read(&self) -> Result<Pair, TlsError> {
        let certificate = content(&self.certificate, |_| true)?;
        let key = content(&self.key, is_private)?;
        Ok(Pair { certificate, key })
    }

    fn config(&self, pair: &Pair) -> Result<ServerConfig, TlsError> {
        let malformed =
            |path: &Path, wanted, reason: String| TlsError::Malformed { path: path.to_owned(), wanted, reason };
        let chain = CertificateDer::pem_slice_iter(&pair.certificate).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|error| malformed(&self.certificate, "certificates", error.to_string()))?;
        if chain.is_empty() {
            return Err(malformed(&self.certificate, "certificates", "there is none in it".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(&pair.key);
        let key = key.map_err(|error| malformed(&self.key, "a private key", error.to_string()))?;
        let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
        let builder = builder.map_err(TlsError::Unusable)?.with_no_client_auth();
        let mut config = builder.with_single_cert(chain.clone(), key).map_err(TlsError::Unusable)?;
        shared_telemetry::relies_on_certificates(SHOWN, chain.iter().map(|certificate| &**certificate));
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        Ok(config)
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// What is in a file whose rights are right.
fn content(path: &Path, is_allowed: impl Fn(&File) -> bool) -> Result<Vec<u8>, TlsError> {
    let unreadable = |source| TlsError::Unreadable { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    if !is_allowed(&file) {
        return Err(TlsError::NotPrivate { path: path.to_owned() });
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

/// Whether only its owner can change it, and besides them at most its group read it, as where secrets are mounted.
#[cfg(unix)]
fn is_private(file: &File) -> bool {
    use std::os::unix::fs::PermissionsExt;
    const OF_OTHERS: u32 = 0o027;
    file.metadata().is_ok_and(|status| status.permissions().mode() & OF_OTHERS == 0)
}

#[cfg(not(unix))]
fn is_private(_: &File) -> bool {
    true
}

/// Secures a connection to a server on this machine that is asked for nothing but how it is: whoever it is, nothing is said
/// that they could use.
pub(crate) async fn to_anybody(stream: TcpStream) -> io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let config = shared_tls::trusting_anybody().map_err(io::Error::other)?;
    let address = stream.peer_addr()?.ip();
    TlsConnector::from(Arc::new(config.with_no_client_auth())).connect(ServerName::from(address), stream).await
}

#[cfg(test)]
mod tests;
