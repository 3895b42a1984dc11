//! TLS for one test: a certificate authority of its own, and a server that ends TLS in front of another.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::AbortOnDropHandle;

use crate::database::TestDatabase;
use crate::scratch::temporary_folder;
use crate::upstream::Upstream;

/// What a client of PostgreSQL sends before it speaks TLS: a length, and the request's number.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// A certificate authority, with its certificate in a file that ends with it.
pub struct TestAuthority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
    /// Whether what it signs has expired.
    is_late: bool,
}

impl TestAuthority {
    /// An authority that nobody else knows.
    ///
    /// # Panics
    ///
    /// When it cannot be made.
    #[expect(clippy::new_without_default, reason = "two of them are not the same")]
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("an authority");
        let folder = temporary_folder();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).expect("a file for the authority");
        Self { issuer, folder, is_late: false }
    }

    /// The same one, whose certificates for servers have all expired.
    #[must_use]
    pub fn too_late(self) -> Self {
        Self { is_late: true, ..self }
    }

    /// The PEM file with its certificate.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A certificate for a server with these names, and its key, both in PEM.
    ///
    /// # Panics
    ///
    /// When one of them is no name.
    pub fn issue(&self, names: &[&str]) -> (String, String) {
        let (certificate, key) = self.certified(names);
        (certificate.pem(), key.serialize_pem())
    }

    fn certified(&self, names: &[&str]) -> (Certificate, KeyPair) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        let mut params = params.expect("names");
        if self.is_late {
            (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
        }
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        (certificate, key)
    }

    /// What a server with this name proves it with.
    fn acceptor(&self, name: &str) -> TlsAcceptor {
        let (certificate, key) = self.certified(&[name]);
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions of TLS")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("a key that fits the certificate");
        config.alpn_protocols = vec![b"h2".to_vec(), b"postgresql".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }
}

/// Ends TLS in front of a server, on a port of its own, and passes on what is in it. It runs on the runtime of the test
/// that started it, and ends with it.
#[derive(Debug)]
pub struct TlsFront {
    port: u16,
    _accepting: AbortOnDropHandle<()>,
}

impl TlsFront {
    /// In front of the PostgreSQL of a database, with a certificate for `name`.
    ///
    /// # Panics
    ///
    /// When there is no free port.
    pub async fn of_database(database: &TestDatabase, authority: &TestAuthority, name: &str) -> Self {
        Self::start(Upstream::of(database), authority.acceptor(name)).await
    }

    /// In front of another server, with a certificate for `name`.
    ///
    /// # Panics
    ///
    /// When there is no free port.
    pub async fn of_server(server: SocketAddr, authority: &TestAuthority, name: &str) -> Self {
        Self::start(Upstream::Server(server), authority.acceptor(name)).await
    }

    async fn start(behind: Upstream, acceptor: TlsAcceptor) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("a listener has an address").port();
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                while connections.try_join_next().is_some() {}
                let (acceptor, behind) = (acceptor.clone(), behind.clone());
                // A client that does not trust the server ends the connection.
                connections.spawn(async move { pass_on(client, &acceptor, &behind).await.ok() });
            }
        });
        Self { port, _accepting: AbortOnDropHandle::new(accepting) }
    }

    /// Where it listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The `postgres://` address of a database behind it, at `localhost`, with these parameters.
    pub fn database_url(&self, database: &TestDatabase, parameters: &str) -> String {
        format!("{}?{parameters}", database.url_at(&format!("localhost:{}", self.port)))
    }
}

async fn pass_on(mut client: TcpStream, acceptor: &TlsAcceptor, behind: &Upstream) -> std::io::Result<()> {
    if matches!(behind, Upstream::Database(..)) {
        let mut request = [0; SSL_REQUEST.len()];
        client.read_exact(&mut request).await?;
        if request != SSL_REQUEST {
            // One that does not ask for TLS has no business here.
            return Ok(());
        }
        client.write_all(b"S").await?;
    }
    let mut client = acceptor.accept(client).await?;
    let mut server = behind.connect().await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}
