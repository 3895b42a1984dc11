//! Connections of our own to the nodes of an event store, and why there is none.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use eventstore::ClientSettings;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use shared_tls::{self as ca, Distrust};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_util::either::Either;
use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::transport::Endpoint;

use super::form::{Credentials, SettingsForm};
use super::in_process::{InProcess, Transport};
use super::{InvalidAddress, StoreError};
use crate::causes::with_causes;

/// How long it may take to reach one node.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);
/// How long it may take to find out why there is no connection.
const DIAGNOSIS_LIMIT: Duration = Duration::from_millis(300);
/// How long what was found out is taken for the reason of further failures.
const DIAGNOSIS_LIFE: Duration = Duration::from_secs(2);
/// What names the authorities that vouch for the event store.
const AUTHORITIES_SETTING: &str = "tlsCAFile";
/// What metrics call those authorities.
pub(super) const AUTHORITY: &str = "event-store-authority";
/// What gRPC runs on, as both sides of a TLS connection call it.
const ALPN_HTTP2: &[u8] = b"h2";

/// A node of the event store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    /// Its name, which it has to prove with TLS.
    pub(super) host: String,
    pub(super) port: u16,
    /// Which of the addresses behind the name to use, if it stands for several nodes.
    pub(super) at: Option<SocketAddr>,
}

impl Node {
    pub(super) const fn named(host: String, port: u16) -> Self {
        Self { host, port, at: None }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// How nodes are reached: what an `esdb://` address says.
pub(super) struct ConnectionSettings {
    /// The nodes in the address; one name that stands for all of them if `discovers`.
    pub(super) nodes: Vec<Node>,
    /// Whether the only name in the address stands for all nodes.
    pub(super) discovers: bool,
    /// The way to the only node, if it is in this process.
    here: Option<InProcess>,
    tls: Option<Arc<ClientConfig>>,
    authorization: Option<AsciiMetadataValue>,
    connection_name: Option<AsciiMetadataValue>,
    keep_alive_interval: Duration,
    keep_alive_timeout: Duration,
    /// Why there was no connection, when that was looked for the last time.
    diagnosis: Mutex<Option<(Instant, String)>>,
}

/// Why a node cannot be reached, in words that say what to change.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("{node} cannot be reached: {source}")]
    Tcp { node: Node, source: io::Error },
    #[error("{0} does not answer in time")]
    Silent(Node),
    #[error("the certificate of {node} {distrust}")]
    Certificate { node: Node, distrust: Distrust },
    #[error("{node} does not speak TLS: add ?tls=false to the address, or give the node a certificate")]
    NotTls { node: Node },
    #[error("{node} speaks TLS, but the address says tls=false: take that out")]
    OnlyTls { node: Node },
    #[error("no encrypted connection to {node}: {reason}")]
    Tls { node: Node, reason: String },
    #[error("{node} does not speak HTTP/2: {reason}")]
    Protocol { node: Node, reason: String },
    #[error("the host name in {node} is not one")]
    HostName { node: Node },
}

type Stream = Either<TcpStream, tokio_rustls::client::TlsStream<TcpStream>>;

impl ConnectionSettings {
    pub(super) fn new(settings: &ClientSettings, here: Option<InProcess>) -> Result<Self, InvalidAddress> {
        let nodes = settings.hosts().iter().map(|host| match u16::try_from(host.port) {
            Ok(port) => Ok(Node::named(host.host.trim_matches(['[', ']']).to_owned(), port)),
            Err(_) => Err(InvalidAddress(format!("{} is not a port", host.port))),
        });
        let form = SettingsForm::of(settings)?;
        let sendable = |name: String| {
            let reason = "its connectionName has control characters, which cannot be sent";
            name.parse().map_err(|_| InvalidAddress(reason.to_owned()))
        };
        Ok(Self {
            nodes: nodes.collect::<Result<_, _>>()?,
            discovers: settings.is_dns_discovery_enabled(),
            here,
            tls: settings.is_secure_mode_enabled().then(|| client_config(settings)).transpose()?.map(Arc::new),
            authorization: form.default_user_name.map(authorization).transpose()?,
            connection_name: form.connection_name.map(sendable).transpose()?,
            keep_alive_interval: Duration::from_millis(form.keep_alive_interval),
            keep_alive_timeout: Duration::from_millis(form.keep_alive_timeout),
            diagnosis: Mutex::default(),
        })
    }

    /// Connects to a node. The transport is that one connection: it does not connect again by itself, and the
    /// connection ends with the last of the transport's clones.
    pub(super) async fn connect(&self, node: &Node) -> Result<Transport, ConnectError> {
        let host_name = || ConnectError::HostName { node: node.clone() };
        if let Some(here) = &self.here {
            let place = node.to_string().parse().map_err(|_| host_name())?;
            return Ok(Transport::InProcess(here.clone(), place));
        }
        let stream = match timeout(CONNECT_LIMIT, self.open(node)).await {
            Ok(opened) => opened?,
            Err(_) => return Err(ConnectError::Silent(node.clone())),
        };
        let protocol =
            |error: tonic::transport::Error| ConnectError::Protocol { node: node.clone(), reason: with_causes(&error) };
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let origin = format!("{scheme}://{node}").parse().map_err(|_| host_name())?;
        let endpoint = Endpoint::from_shared(format!("http://{node}"))
            .map_err(protocol)?
            .origin(origin)
            .http2_keep_alive_interval(self.keep_alive_interval)
            .keep_alive_timeout(self.keep_alive_timeout)
            .keep_alive_while_idle(true);
        let mut stream = Some(TokioIo::new(stream));
        let connector = tower::service_fn(move |_| {
            let stream = stream.take().ok_or_else(|| io::Error::from(ErrorKind::NotConnected));
            std::future::ready(stream)
        });
        match timeout(CONNECT_LIMIT, endpoint.connect_with_connector(connector)).await {
            Ok(connected) => connected.map(Transport::Connection).map_err(protocol),
            Err(_) => Err(ConnectError::Silent(node.clone())),
        }
    }

    async fn open(&self, node: &Node) -> Result<Stream, ConnectError> {
        let tcp = open_tcp(node).await?;
        let Some(config) = &self.tls else { return Ok(Either::Left(tcp)) };
        handshake(node, tcp, Arc::clone(config)).await.map(Either::Right)
    }

    /// Adds to a call what every call carries.
    pub(super) fn authorize(&self, metadata: &mut MetadataMap) {
        if let Some(authorization) = &self.authorization {
            metadata.insert("authorization", authorization.clone());
        }
        if let Some(name) = &self.connection_name {
            metadata.insert("connection-name", name.clone());
        }
    }

    /// Puts the reason into a failure to connect, which shows itself as a connection that broke, or in the library's
    /// words as no more than a failure to connect.
    pub(super) async fn explained(&self, error: StoreError) -> StoreError {
        let StoreError::Unavailable(words) = &error else { return error };
        let known = self.diagnosis.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((since, reason)) = known
            && since.elapsed() < DIAGNOSIS_LIFE
        {
            return StoreError::Unavailable(reason);
        }
        match timeout(DIAGNOSIS_LIMIT, self.diagnose()).await {
            Ok(Some(reason)) => {
                let reason = reason.to_string();
                // An append says by itself why it could not connect.
                let reason = if *words == reason { reason } else { format!("{reason} ({words})") };
                let found = (Instant::now(), reason.clone());
                *self.diagnosis.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
                StoreError::Unavailable(reason)
            }
            Ok(None) | Err(_) => error,
        }
    }

    /// Why the first node that cannot be spoken to cannot; `None` if all can.
    async fn diagnose(&self) -> Option<ConnectError> {
        for node in &self.nodes {
            match timeout(CONNECT_LIMIT, self.open(node)).await {
                Err(_) => return Some(ConnectError::Silent(node.clone())),
                Ok(Err(error)) => return Some(error),
                Ok(Ok(_)) if self.tls.is_none() && timeout(CONNECT_LIMIT, speaks_tls(node)).await == Ok(true) => {
                    return Some(ConnectError::OnlyTls { node: node.clone() });
                }
                Ok(Ok(_)) => {}
            }
        }
        None
    }
}

async fn open_tcp(node: &Node) -> Result<TcpStream, ConnectError> {
    let opened = match node.at {
        Some(address) => TcpStream::connect(address).await,
        None => TcpStream::connect((node.host.as_str(), node.port)).await,
    };
    let tcp = opened.map_err(|source| ConnectError::Tcp { node: node.clone(), source })?;
    // An append is a few small writes, each of which would wait for the acknowledgement of the one before it.
    tcp.set_nodelay(true).map_err(|source| ConnectError::Tcp { node: node.clone(), source })?;
    Ok(tcp)
}

async fn handshake(
    node: &Node,
    tcp: TcpStream,
    config: Arc<ClientConfig>,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, ConnectError> {
    let name = ServerName::try_from(node.host.clone()).map_err(|_| ConnectError::HostName { node: node.clone() })?;
    let connected = TlsConnector::from(config).connect(name, tcp).await;
    let stream = connected.map_err(|error| tls_failure(node.clone(), &error))?;
    // The first is the server's own.
    let own = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    shared_telemetry::relies_on_certificates("event-store", own.map(|certificate| &**certificate));
    Ok(stream)
}

fn tls_failure(node: Node, error: &io::Error) -> ConnectError {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    match cause {
        Some(rustls::Error::InvalidCertificate(cause)) => {
            ConnectError::Certificate { node, distrust: Distrust::because(cause, AUTHORITIES_SETTING) }
        }
        Some(rustls::Error::InvalidMessage(_)) => ConnectError::NotTls { node },
        Some(other) => ConnectError::Tls { node, reason: other.to_string() },
        // A server that expects something else than TLS hangs up.
        None if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => {
            ConnectError::NotTls { node }
        }
        None => ConnectError::Tls { node, reason: error.to_string() },
    }
}

/// Whether a node answers TLS with TLS, whoever it is.
async fn speaks_tls(node: &Node) -> bool {
    let Ok(config) = ca::trusting_anybody() else { return false };
    let Ok(tcp) = open_tcp(node).await else { return false };
    let config = with_http2(config.with_no_client_auth());
    !matches!(
        handshake(node, tcp, Arc::new(config)).await,
        Err(ConnectError::NotTls { .. } | ConnectError::Tcp { .. } | ConnectError::HostName { .. })
    )
}

fn client_config(settings: &ClientSettings) -> Result<ClientConfig, InvalidAddress> {
    let unusable = |reason: &dyn fmt::Display| InvalidAddress(reason.to_string());
    let config = if !settings.is_tls_certificate_verification_enabled() {
        ca::trusting_anybody().map_err(|error| unusable(&error))?
    } else {
        let roots = match settings.tls_ca_file() {
            Some(file) => ca::from_file(Path::new(file), AUTHORITY),
            None => ca::of_system(AUTHORITIES_SETTING),
        };
        ca::trusting(roots.map_err(|error| unusable(&error))?).map_err(|error| unusable(&error))?
    };
    let Some((certificate, key)) = settings.user_certificate() else {
        return Ok(with_http2(config.with_no_client_auth()));
    };
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect);
    let chain = chain.map_err(|error| unusable(&format!("cannot use the certificate in {certificate}: {error}")))?;
    let key_file = key;
    let unusable_key = |error: &dyn fmt::Display| unusable(&format!("cannot use the key in {key_file}: {error}"));
    let key = PrivateKeyDer::from_pem_file(key_file).map_err(|error| unusable_key(&error))?;
    Ok(with_http2(config.with_client_auth_cert(chain, key).map_err(|error| unusable_key(&error))?))
}

fn with_http2(mut config: ClientConfig) -> ClientConfig {
    config.alpn_protocols = vec![ALPN_HTTP2.to_vec()];
    config
}

/// The `Authorization` header of every call.
fn authorization(Credentials { login, password }: Credentials) -> Result<AsciiMetadataValue, InvalidAddress> {
    let credentials = [login, password].join(&b':');
    let value = format!("Basic {}", BASE64_STANDARD.encode(credentials)).parse();
    let mut value: AsciiMetadataValue =
        value.map_err(|_| InvalidAddress("the user and password cannot be sent".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}
