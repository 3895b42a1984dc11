//! Encrypted connections: PostgreSQL and an event store behind a server that ends TLS in front of them.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jetbridge_testing::{TestDatabase, TestEventStore, eventually};
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use shared_infrastructure::event_store::{EventStore, StoreError};
use shared_infrastructure::postgres::Database;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio_postgres::config::Host;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::AbortOnDropHandle;

const LIMIT: Duration = Duration::from_secs(10);
/// What a client of PostgreSQL sends before it speaks TLS: a length, and the request's number.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// A certificate authority of the test's own, with its certificate in a file.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn acceptor(&self, name: &str) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"postgresql".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Ends TLS, and passes what is in it on to a server.
struct TlsFront {
    port: u16,
    _accepting: AbortOnDropHandle<()>,
}

impl TlsFront {
    async fn start<F, Fut>(acceptor: TlsAcceptor, is_postgres: bool, connect: F) -> Self
    where
        F: Fn() -> Fut + Send + 'static,
        Fut: Future<Output = Box<dyn Stream>> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let accepting = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let (acceptor, server) = (acceptor.clone(), connect());
                connections.spawn(async move {
                    // A client that does not trust the server ends the connection.
                    if let Some(mut client) = encrypted(client, &acceptor, is_postgres).await {
                        let _ = copy_bidirectional(&mut client, &mut server.await).await;
                    }
                });
            }
        });
        Self { port, _accepting: AbortOnDropHandle::new(accepting) }
    }
}

async fn encrypted(mut client: TcpStream, acceptor: &TlsAcceptor, is_postgres: bool) -> Option<impl Stream + use<>> {
    if is_postgres {
        let mut request = [0; 8];
        client.read_exact(&mut request).await.ok()?;
        // One that does not ask for TLS has no business here.
        assert_eq!(request, SSL_REQUEST);
        client.write_all(b"S").await.ok()?;
    }
    acceptor.accept(client).await.ok()
}

async fn postgres_behind(acceptor: TlsAcceptor, database: &TestDatabase) -> TlsFront {
    let config = database.config();
    TlsFront::start(acceptor, true, move || {
        let (host, port) = (config.get_hosts()[0].clone(), config.get_ports()[0]);
        async move {
            match host {
                Host::Unix(folder) => {
                    let socket = folder.join(format!(".s.PGSQL.{port}"));
                    Box::new(UnixStream::connect(socket).await.unwrap()) as Box<dyn Stream>
                }
                Host::Tcp(host) => Box::new(TcpStream::connect((host, port)).await.unwrap()),
            }
        }
    })
    .await
}

fn url(database: &TestDatabase, front: &TlsFront, parameters: &str) -> String {
    let (user, password) = (database.config().get_user().unwrap().to_owned(), database.config());
    let password = str::from_utf8(password.get_password().unwrap()).unwrap().to_owned();
    format!("postgres://{user}:{password}@localhost:{}/{}?{parameters}", front.port, database.name())
}

async fn connect(url: &str) -> Result<(), String> {
    let database = Database::new(url).map_err(|error| error.to_string())?;
    let client = database.client().await.map_err(|error| error.to_string())?;
    client.query_one("SELECT 1", &[]).await.map(drop).map_err(|error| error.to_string())
}

#[tokio::test]
async fn postgresql_is_spoken_to_encrypted_and_only_if_it_is_who_it_should_be() {
    let (database, authority) = (TestDatabase::create().await, Authority::new());
    let front = postgres_behind(authority.acceptor("localhost"), &database).await;
    let ca = authority.file().display().to_string();
    assert_eq!(connect(&url(&database, &front, "sslmode=require")).await, Ok(()));
    assert_eq!(connect(&url(&database, &front, &format!("sslmode=verify-full&sslrootcert={ca}"))).await, Ok(()));

    let stranger = Authority::new().file().display().to_string();
    let missing = connect(&url(&database, &front, &format!("sslmode=verify-full&sslrootcert={stranger}"))).await;
    assert!(missing.unwrap_err().contains(&format!("cannot use the certificate authorities in {stranger}")));
    let other = Authority::new();
    let (ca_of_other, no_ca) = (other.file().display().to_string(), "sslmode=verify-full".to_owned());
    for parameters in [format!("sslmode=verify-full&sslrootcert={ca_of_other}"), no_ca] {
        let refused = connect(&url(&database, &front, &parameters)).await.unwrap_err();
        assert!(refused.contains("invalid peer certificate"), "{parameters}: {refused}");
    }

    let elsewhere = postgres_behind(authority.acceptor("other.example"), &database).await;
    let refused = connect(&url(&database, &elsewhere, &format!("sslmode=verify-full&sslrootcert={ca}"))).await;
    assert!(refused.as_ref().unwrap_err().contains("localhost"), "{refused:?}");
    assert_eq!(connect(&url(&database, &elsewhere, "sslmode=require")).await, Ok(()));
}

#[tokio::test]
async fn a_server_without_encryption_is_not_spoken_to_where_it_is_required() {
    // Whatever answers no to the request for TLS.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let _server = AbortOnDropHandle::new(tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut request = [0; 8];
            client.read_exact(&mut request).await.unwrap();
            client.write_all(b"N").await.unwrap();
            let mut rest = Vec::new();
            client.read_to_end(&mut rest).await.unwrap();
            assert!(rest.is_empty(), "it goes on unencrypted");
        }
    }));
    let refused = connect(&format!("postgres://ada:s3cret@localhost:{port}/x?sslmode=require")).await.unwrap_err();
    assert!(refused.contains("server does not support TLS"), "{refused}");
}

#[tokio::test]
async fn an_event_store_with_tls_has_to_prove_its_name() {
    let (store, authority) = (TestEventStore::start().await, Authority::new());
    let address = store.address();
    let behind = |acceptor| {
        TlsFront::start(acceptor, false, move || async move {
            Box::new(TcpStream::connect(address).await.unwrap()) as Box<dyn Stream>
        })
    };
    let front = behind(authority.acceptor("localhost")).await;
    let ca = authority.file().display().to_string();
    let url = |front: &TlsFront, ca: &str| format!("esdb://ada:s3cret@localhost:{}?tlsCAFile={ca}", front.port);

    let trusted = EventStore::new(&url(&front, &ca)).unwrap();
    eventually("the event store answers", LIMIT, async || trusted.last_revision("a-stream").await).await;

    let reason = async |address: &str| {
        let event_store = EventStore::new(address).unwrap();
        match event_store.last_revision("a-stream").await {
            Err(StoreError::Unavailable(reason)) => reason,
            other => panic!("{other:?}"),
        }
    };
    let appending = async |address: &str| match EventStore::new(address).unwrap().appender("a-stream").check().await {
        Err(StoreError::Unavailable(reason)) => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(trusted.appender("a-stream").check().await, Ok(None));

    let other = Authority::new();
    let elsewhere = behind(authority.acceptor("other.example")).await;
    let (host, plain) = (format!("localhost:{}", front.port), format!("127.0.0.1:{}", address.port()));
    for (address, words) in [
        (
            url(&front, &other.file().display().to_string()),
            format!("{host} was signed by an authority that is not trusted"),
        ),
        (url(&elsewhere, &ca), "is for another name".to_owned()),
        (format!("esdb://{plain}?tlsCAFile={ca}"), format!("{plain} does not speak TLS")),
        (format!("esdb://{host}?tls=false"), format!("{host} speaks TLS, but the address says tls=false")),
        ("esdb://127.0.0.1:1?tls=false".to_owned(), "127.0.0.1:1 cannot be reached".to_owned()),
    ] {
        for reason in [reason(&address).await, appending(&address).await] {
            assert!(reason.contains(&words), "{address}: {reason}");
        }
    }
    let unverified = EventStore::new(&format!("{}&tlsVerifyCert=false", url(&elsewhere, &ca))).unwrap();
    assert_eq!(unverified.appender("a-stream").check().await, Ok(None));
}
