//! TLS between the gateway and the services.

use std::fs::{self, Permissions};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use gateway::{Config, Limits, Resolver, Services};
use jetbridge_testing::{TestAuthority, TestService, eventually};
use shared_service::settings::ServiceTrust;
use shared_service::{ServerSettings, Tls, serve_with};
use tempfile::TempDir;

use crate::process;
use crate::support::{LIMIT, all_at, config, expect_problem, listener, nobody, serve, start};

/// A service that proves to be `localhost`, by what this authority says.
async fn secure_service(authority: &TestAuthority) -> TestService {
    let folder = TempDir::new().unwrap();
    let [certificate, key] = ["certificate.pem", "key.pem"].map(|name| folder.path().join(name));
    let (certificate_pem, key_pem) = authority.issue(&["localhost"]);
    fs::write(&certificate, certificate_pem).unwrap();
    fs::write(&key, key_pem).unwrap();
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    let settings = ServerSettings { tls: Some(Tls::read(&certificate, &key).unwrap()), ..ServerSettings::default() };
    let router = Router::new().fallback(async || "a secret");
    TestService::start(|listener, shutdown| serve_with(settings, listener, router, shutdown)).await
}

/// All services at this address.
async fn services_at(url: &str) -> Services {
    let mut services = all_at(nobody().await);
    for domain in &mut services.domains {
        domain.api = url.parse().unwrap();
    }
    Services { auditlog_api: url.parse().unwrap(), ..services }
}

fn trust(authority: &TestAuthority) -> ServiceTrust {
    ServiceTrust::in_file(&authority.file()).unwrap()
}

#[tokio::test]
async fn a_service_at_an_https_address_has_to_prove_its_name() {
    let (authority, other) = (TestAuthority::new(), TestAuthority::new());
    let service = secure_service(&authority).await;
    let port = service.address().port();
    let ask = async |host: &str, trust: ServiceTrust| {
        let services = services_at(&format!("https://{host}:{port}")).await;
        let gateway = start(Config { trust, ..config(services) }).await;
        let request = reqwest::Client::new().get(gateway.url("/api/flights"));
        (gateway, request)
    };
    let (_gateway, request) = ask("localhost", trust(&authority)).await;
    assert_eq!(request.send().await.unwrap().text().await.unwrap(), "a secret");
    let refused = [
        ("127.0.0.1", trust(&authority), "it is known by another name"),
        ("localhost", trust(&other), "another authority is trusted"),
        ("localhost", ServiceTrust::default(), "nobody is trusted"),
    ];
    for (host, trust, _why) in refused {
        let (_gateway, request) = ask(host, trust).await;
        expect_problem(request, 503, "unavailable").await;
    }
}

#[tokio::test]
async fn a_service_behind_several_addresses_proves_the_name_that_stands_for_them() {
    let authority = TestAuthority::new();
    let service = secure_service(&authority).await;
    let port = service.address().port();
    // At the second nobody listens.
    let found = [Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 2)].map(|ip| SocketAddr::from((ip, port)));
    let resolver = Resolver::new(move |_, _| async move { Ok(found.to_vec()) });
    let services = services_at(&format!("https://localhost:{port}")).await;
    let gateway = start(Config { trust: trust(&authority), resolver, ..config(services) }).await;
    eventually("its addresses are found, and it is asked there", LIMIT, async || {
        let health: serde_json::Value = reqwest::get(gateway.url("/api/health")).await.unwrap().json().await.unwrap();
        health.to_string().contains(&format!("127.0.0.1:{port}"))
    })
    .await;
    let answer = reqwest::get(gateway.url("/api/flights")).await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "a secret");
}

#[tokio::test]
async fn nothing_goes_to_an_https_address_without_tls() {
    let authority = TestAuthority::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let count = async move || {
        counted.fetch_add(1, Ordering::Relaxed);
        "a secret"
    };
    let service = serve(Router::new().fallback(count)).await;
    for trust in [trust(&authority), ServiceTrust::default()] {
        let services = services_at(&format!("https://localhost:{}", service.address().port())).await;
        let gateway = start(Config { trust, ..config(services) }).await;
        expect_problem(reqwest::Client::new().get(gateway.url("/api/flights")), 503, "unavailable").await;
    }
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_service_that_never_secures_its_connection_counts_as_away() {
    let silent = listener().await;
    let services = services_at(&format!("https://localhost:{}", silent.local_addr().unwrap().port())).await;
    let limits = Limits { connect: Duration::from_millis(200), request: LIMIT, ..Limits::default() };
    let gateway = start(Config { trust: trust(&TestAuthority::new()), limits, ..config(services) }).await;
    // A command, of which it would be unknown whether it was done, had anything been sent.
    expect_problem(reqwest::Client::new().post(gateway.url("/api/flights")), 503, "unavailable").await;
}

/// A service whose certificate has expired is told nothing, and operators are told why.
#[tokio::test]
async fn a_certificate_that_has_expired_is_refused_and_named() {
    let authority = TestAuthority::new().too_late();
    let service = secure_service(&authority).await;
    let address = format!("https://localhost:{}", service.address().port());
    let authorities = ["--service-ca-file", &authority.file().to_string_lossy()].map(str::to_owned);
    let mut gateway = process::start_at(&address, &authorities).await;
    let asked = reqwest::Client::new().get(format!("{}/api/flights", gateway.url));
    expect_problem(asked, 503, "unavailable").await;
    let why = gateway.line_with("request failed").await;
    assert!(why.contains("invalid peer certificate: certificate expired"), "{why}");
}
