//! The program with a certificate, asked by a gateway.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

use gateway::{Config, DomainServices, Services};
use jetbridge_testing::{
    Api, SERVICE_TOKEN, SERVICE_TOKEN_FILE, TestAuthority, TestEventStore, TestService, eventually, http,
};
use reqwest::StatusCode;
use shared_service::settings::{ServiceTrust, ServiceUrl};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::support::Tables;

const LIMIT: Duration = Duration::from_secs(30);

/// The flight API as a process of its own, which is `localhost` by what an authority says.
struct SecureApi {
    _process: Child,
    port: u16,
    _folder: TempDir,
}

impl SecureApi {
    async fn start(tables: &Tables, store: &TestEventStore, authority: &TestAuthority) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [certificate, key] = ["certificate.pem", "key.pem"].map(|name| folder.path().join(name));
        let (certificate_pem, key_pem) = authority.issue(&["localhost"]);
        fs::write(&certificate, certificate_pem).unwrap();
        fs::write(&key, key_pem).unwrap();
        fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_flight-api"))
            .env_clear()
            .args(["--listen", &address.to_string(), "--database-url", &tables.0.url()])
            .args(["--event-store", store.connection_string(), "--passenger-api", "http://127.0.0.1:1"])
            .args(["--service-token-file", SERVICE_TOKEN_FILE])
            .args([OsStr::new("--tls-certificate"), certificate.as_os_str(), OsStr::new("--tls-key"), key.as_os_str()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        eventually("it listens", LIMIT, async || TcpStream::connect(address).await.is_ok()).await;
        Self { _process: process, port: address.port(), _folder: folder }
    }

    /// A gateway that asks it, and believes this authority.
    async fn gateway(&self, authority: &TestAuthority) -> (TestService, Api) {
        let nobody = ServiceUrl::at(SocketAddr::from((Ipv4Addr::LOCALHOST, 1))).unwrap();
        let domains = [
            (flight_contract::DOMAIN, format!("https://localhost:{}", self.port).parse().unwrap()),
            (passenger_contract::DOMAIN, nobody.clone().into()),
        ];
        let domains = domains.map(|(domain, api)| DomainServices { domain, api, processor: None });
        let services = Services { domains: domains.into(), auditlog_api: nobody.into() };
        let trust = ServiceTrust::in_file(&authority.file()).unwrap();
        let config = Config { trust, ..Config::new(services, SERVICE_TOKEN.parse().unwrap()) };
        let gateway = TestService::start(|listener, shutdown| gateway::run(config, listener, shutdown)).await;
        let api = Api::new(gateway.url(""));
        (gateway, api)
    }
}

#[tokio::test]
async fn a_gateway_asks_the_program_over_tls() {
    let (tables, store, authority) = (Tables::create().await, TestEventStore::start().await, TestAuthority::new());
    let service = SecureApi::start(&tables, &store, &authority).await;
    let (_gateway, api) = service.gateway(&authority).await;
    let created = api.create_flight().send_once_available().await.expect(StatusCode::CREATED);
    let landed = api.land(&created.id()).send().await;
    landed.expect_problem(409, "flight-not-departed");

    let (_gateway, api) = service.gateway(&TestAuthority::new()).await;
    api.create_flight().send().await.expect_problem(503, "unavailable");
    // Nobody is answered without TLS.
    let plain = http().get(format!("http://localhost:{}/health/live", service.port)).send().await;
    assert!(plain.is_err(), "{plain:?}");
}

#[tokio::test]
async fn a_certificate_that_has_expired_is_believed_by_nobody() {
    let (tables, store) = (Tables::create().await, TestEventStore::start().await);
    let authority = TestAuthority::new().too_late();
    let service = SecureApi::start(&tables, &store, &authority).await;
    let (_gateway, api) = service.gateway(&authority).await;
    let refused = api.create_flight().send().await;
    refused.expect_problem(503, "unavailable");
}
