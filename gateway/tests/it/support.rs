use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use axum::Router;
use gateway::{Config, DomainServices, Limits, Services};
use jetbridge_testing::{SERVICE_TOKEN, TestService};
use serde_json::Value;
use shared_service::settings::ServiceUrl;
use shared_service::{Routes, ServerSettings, ServiceTokens};
use tokio::net::TcpListener;

/// How long anything may take before a test fails.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

pub(crate) async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

pub(crate) async fn serve(router: Router) -> TestService {
    TestService::start(|listener, shutdown| shared_service::serve(listener, router, shutdown)).await
}

/// By what the gateway and the services know each other.
pub(crate) fn tokens() -> ServiceTokens {
    SERVICE_TOKEN.parse().unwrap()
}

/// A service that answers the gateway alone.
pub(crate) async fn serve_to_the_gateway(routes: Routes) -> TestService {
    serve(tokens().guard(routes)).await
}

/// An address at which nobody listens.
pub(crate) async fn nobody() -> SocketAddr {
    listener().await.local_addr().unwrap()
}

pub(crate) fn short_limits() -> Limits {
    Limits { request: Duration::from_millis(300), pause: Duration::from_millis(300), ..Limits::default() }
}

/// A gateway whose three services are all at this address.
pub(crate) async fn gateway(services: SocketAddr) -> TestService {
    gateway_with(services, Limits::default()).await
}

pub(crate) async fn gateway_with(services: SocketAddr, limits: Limits) -> TestService {
    gateway_of(all_at(services), limits).await
}

pub(crate) fn all_at(services: SocketAddr) -> Services {
    services_at([services; 3], [None, None])
}

/// The services with the APIs of flights, passengers and the audit log, and the processors of both domains, at these
/// addresses.
pub(crate) fn services_at(apis: [SocketAddr; 3], processors: [Option<SocketAddr>; 2]) -> Services {
    let [flight_api, passenger_api, auditlog_api] = apis;
    let domains = [(flight_contract::DOMAIN, flight_api), (passenger_contract::DOMAIN, passenger_api)];
    let domains = domains.into_iter().zip(processors).map(|((domain, api), processor)| DomainServices {
        domain,
        api: url(api).into(),
        processor: processor.map(|processor| url(processor).into()),
    });
    Services { domains: domains.collect(), auditlog_api: url(auditlog_api).into() }
}

/// A gateway without services, with the web client from a folder.
pub(crate) async fn gateway_serving(folder: &Path) -> TestService {
    let web_dir = Some(folder.to_str().unwrap().parse().unwrap());
    start(Config { web_dir, ..config(all_at(nobody().await)) }).await
}

pub(crate) async fn gateway_of(services: Services, limits: Limits) -> TestService {
    start(Config { limits, ..config(services) }).await
}

/// A gateway for these clients, whose services are all at this address.
pub(crate) async fn gateway_for(server: ServerSettings, services: SocketAddr) -> TestService {
    start(Config { server, ..config(all_at(services)) }).await
}

/// A gateway for everybody, with nothing set.
pub(crate) fn config(services: Services) -> Config {
    Config::new(services, tokens())
}

pub(crate) async fn start(config: Config) -> TestService {
    TestService::start(|listener, shutdown| gateway::run(config, listener, shutdown)).await
}

pub(crate) fn url(address: SocketAddr) -> ServiceUrl {
    ServiceUrl::at(address).unwrap()
}

#[track_caller]
pub(crate) fn assert_problem(status: reqwest::StatusCode, body: &Value, expected: u16, slug: &str) {
    assert_eq!(status, expected, "{body}");
    assert_eq!(body["type"], format!("/problems/{slug}"), "{body}");
}

/// Sends a request and expects a problem; returns the answer's headers.
pub(crate) async fn expect_problem(
    request: reqwest::RequestBuilder,
    status: u16,
    slug: &str,
) -> reqwest::header::HeaderMap {
    let answer = tokio::time::timeout(LIMIT, request.send()).await.expect("an answer in time").unwrap();
    let (found, headers) = (answer.status(), answer.headers().clone());
    assert_eq!(headers["content-type"], "application/problem+json");
    assert_problem(found, &answer.json().await.unwrap(), status, slug);
    headers
}
