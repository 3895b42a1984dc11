//! TLS that ends at the gateway.

use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use gateway::Config;
use http::HeaderMap;
use jetbridge_testing::{TestAuthority, TestService, eventually};
use reqwest::{Certificate, Client};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use shared_access::Role;
use shared_service::{ServerSettings, Tls};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::keys::Keys;
use crate::support::{LIMIT, all_at, config, nobody, serve, start};

const NAME: &str = "flights.example.com";

/// A certificate and its key, in files.
struct Pair {
    folder: TempDir,
    authority: TestAuthority,
}

impl Pair {
    fn new() -> Self {
        let pair = Self { folder: TempDir::new().unwrap(), authority: TestAuthority::new() };
        pair.renew();
        pair
    }

    fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    /// Writes another certificate, and another key.
    fn renew(&self) {
        let (certificate, key) = self.authority.issue(&[NAME, "localhost"]);
        fs::write(self.certificate(), certificate).unwrap();
        fs::write(self.key(), key).unwrap();
        fs::set_permissions(self.key(), Permissions::from_mode(0o640)).unwrap();
    }

    fn tls(&self) -> Tls {
        Tls::read(&self.certificate(), &self.key()).unwrap()
    }

    fn server(&self) -> ServerSettings {
        ServerSettings { public_hosts: vec![NAME.parse().unwrap()], tls: Some(self.tls()), ..ServerSettings::default() }
    }

    fn client(&self, gateway: SocketAddr) -> Client {
        let authority = Certificate::from_pem(&fs::read(self.authority.file()).unwrap()).unwrap();
        Client::builder().tls_certs_only([authority]).resolve(NAME, gateway).build().unwrap()
    }

    /// A connection on which this is spoken, one of those that are offered.
    async fn connect(&self, gateway: SocketAddr, protocols: &[&[u8]]) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(self.authority.file()).unwrap() {
            roots.add(certificate.unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        let stream = TcpStream::connect(gateway).await.unwrap();
        let name = ServerName::try_from(NAME).unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }
}

fn https(gateway: &TestService, host: &str, path: &str) -> String {
    format!("https://{host}:{}{path}", gateway.address().port())
}

async fn headers_of(client: &Client, url: String) -> HeaderMap {
    client.get(url).send().await.unwrap().headers().clone()
}

#[tokio::test]
async fn browsers_are_told_to_stay_with_tls_where_there_is_a_name_for_it() {
    let pair = Pair::new();
    let gateway = start(Config { server: pair.server(), ..config(all_at(nobody().await)) }).await;
    let client = pair.client(gateway.address());
    for path in ["/", "/api/me", "/api/flights", "/nothing"] {
        let headers = headers_of(&client, https(&gateway, NAME, path)).await;
        assert_eq!(headers["strict-transport-security"], "max-age=31536000", "{path}");
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
    }
    let headers = headers_of(&client, https(&gateway, "localhost", "/")).await;
    assert!(!headers.contains_key("strict-transport-security"), "what else is on this machine has no TLS");
    let plain = start(config(all_at(nobody().await))).await;
    assert!(!headers_of(&client, plain.url("/")).await.contains_key("strict-transport-security"));
}

#[tokio::test]
async fn services_and_cookies_know_of_tls() {
    let (pair, keys) = (Pair::new(), Keys::new());
    let key = keys.create("Gate 12", Role::Agent);
    let echo = async |request: Request| {
        request.headers().get("x-forwarded-proto").map(|scheme| scheme.to_str().unwrap().to_owned()).unwrap_or_default()
    };
    let service = serve(Router::new().fallback(echo)).await;
    let config = config(all_at(service.address()));
    let gateway = start(Config { authentication: keys.authentication(), server: pair.server(), ..config }).await;
    let client = pair.client(gateway.address());
    let asked = client.get(https(&gateway, NAME, "/api/flights")).bearer_auth(&key).send().await.unwrap();
    assert_eq!(asked.text().await.unwrap(), "https");
    for host in [NAME, "localhost"] {
        let sign_in = client.post(https(&gateway, host, "/auth/sign-in")).header("sec-fetch-site", "same-origin");
        let origin = https(&gateway, host, "");
        let signed_in = sign_in.header("origin", origin).json(&json!({"key": key})).send().await.unwrap();
        assert_eq!(signed_in.status(), 204);
        let cookie = signed_in.headers()["set-cookie"].to_str().unwrap();
        assert!(cookie.starts_with("__Host-jetbridge-session=") && cookie.contains("Secure"), "{cookie}");
    }
    let foreign = client.post(https(&gateway, NAME, "/auth/sign-in")).json(&json!({"key": key}));
    let foreign = foreign.header("origin", https(&gateway, NAME, "").replace("https", "http")).send().await.unwrap();
    assert_eq!(foreign.status(), 403, "a page that came without TLS is not one of its own");
}

#[tokio::test]
async fn a_new_certificate_is_shown_within_seconds() {
    let pair = Pair::new();
    let gateway = start(Config { server: pair.server(), ..config(all_at(nobody().await)) }).await;
    let shown = async || {
        let stream = pair.connect(gateway.address(), &[b"http/1.1"]).await;
        stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
    };
    let first = shown().await;
    pair.renew();
    eventually("another certificate is shown", LIMIT, async || shown().await != first).await;
}

/// A frame of HTTP/2 (RFC 9113, 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The frames that come until the connection ends, or one of this kind does.
async fn frames_until(stream: &mut TlsStream<TcpStream>, last: u8) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    loop {
        let mut head = [0; 9];
        if stream.read_exact(&mut head).await.is_err() {
            return frames;
        }
        let mut payload = vec![0; usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2])];
        stream.read_exact(&mut payload).await.unwrap();
        frames.push((head[3], payload));
        if head[3] == last {
            return frames;
        }
    }
}

#[tokio::test]
async fn http2_has_limits_over_tls_as_well() {
    const SETTINGS: u8 = 4;
    const GOAWAY: u8 = 7;
    let pair = Pair::new();
    let gateway = start(Config { server: pair.server(), ..config(all_at(nobody().await)) }).await;
    assert_eq!(
        pair.connect(gateway.address(), &[b"http/1.1"]).await.get_ref().1.alpn_protocol(),
        Some(&b"http/1.1"[..])
    );
    let mut stream = pair.connect(gateway.address(), &[b"h2", b"http/1.1"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    let settings = tokio::time::timeout(LIMIT, frames_until(&mut stream, SETTINGS)).await.unwrap().pop().unwrap().1;
    let set: Vec<_> =
        settings.chunks(6).map(|set| (set[1], u32::from_be_bytes(set[2..].try_into().unwrap()))).collect();
    assert!(set.contains(&(3, 256)), "streams at a time: {set:?}");
    assert!(set.contains(&(6, 65_536)), "bytes of headers: {set:?}");
    // Requests that are taken back at once: GET https://…/api/flights, as an index and literals.
    let head = [&[0x82, 0x87, 0x84, 0x41, u8::try_from(NAME.len()).unwrap()], NAME.as_bytes()].concat();
    let resets = (0..2_000).flat_map(|number| {
        let id = 1 + 2 * number;
        [frame(1, 5, id, &head), frame(3, 0, id, &8_u32.to_be_bytes())].concat()
    });
    let _may_be_cut_off = stream.write_all(&resets.collect::<Vec<u8>>()).await;
    let frames = tokio::time::timeout(LIMIT, frames_until(&mut stream, GOAWAY)).await.expect("it is sent away");
    let (kind, reason) = frames.last().unwrap();
    assert_eq!((*kind, &reason[4..8]), (GOAWAY, &11_u32.to_be_bytes()[..]), "ENHANCE_YOUR_CALM");
}

#[tokio::test]
async fn a_gateway_is_asked_for_its_health_over_tls_where_it_speaks_that() {
    let pair = Pair::new();
    let gateway = start(Config { server: pair.server(), ..config(all_at(nobody().await)) }).await;
    let healthcheck = async |variable: Option<PathBuf>| {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_gateway"));
        command.env_clear().args(["healthcheck", "--listen", &gateway.address().to_string()]);
        command.envs(variable.map(|file| ("JETBRIDGE_TLS_CERTIFICATE", file)));
        String::from_utf8(tokio::time::timeout(LIMIT, command.output()).await.unwrap().unwrap().stderr).unwrap()
    };
    let asked = healthcheck(Some(pair.certificate())).await;
    assert!(asked.contains("answered 503"), "nothing is behind it: {asked}");
    assert!(!healthcheck(None).await.contains("answered"), "it does not answer without TLS");
}
