//! What is counted of a service, and where Prometheus finds it.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use clap::Parser;
use http::{Request, StatusCode};
use shared_access::Access;
use shared_service::Routes;
use shared_service::settings::ListenArgs;
use tower::ServiceExt;

async fn unlucky() {
    panic!("a fault");
}

/// A service with this name, of which nobody else counts anything.
fn service(name: &str) -> Router {
    let slow = async || std::future::pending::<()>().await;
    let routes: Routes = Routes::new()
        .get("/boxes/{id}", Access::Public, async || "a box")
        .post("/boxes/{id}", Access::Public, async || StatusCode::CONFLICT)
        .get("/slow", Access::Public, slow)
        .get("/fault", Access::Public, unlucky);
    routes.finish_as(name, Duration::from_millis(50)).into_router()
}

async fn ask(router: &Router, method: &str, path: &str) {
    let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    router.clone().oneshot(request).await.unwrap();
}

/// The lines about a service, without what takes time.
async fn counted(service: &str) -> Vec<String> {
    let text = shared_telemetry::text().await;
    let of_service = format!("service=\"{service}\"");
    let lines = text.lines().filter(|line| line.contains(&of_service) && !line.contains("_seconds_"));
    lines.map(|line| line.replace(&format!(",{of_service}"), "")).collect()
}

#[tokio::test]
async fn requests_are_counted_by_the_template_of_their_route_and_by_status() {
    let router = service("counted");
    for id in 0..3 {
        ask(&router, "GET", &format!("/boxes/{id}")).await;
    }
    ask(&router, "POST", "/boxes/1").await;
    ask(&router, "GET", "/slow").await;
    ask(&router, "GET", "/fault").await;
    ask(&router, "BREW", "/boxes/1").await;
    ask(&router, "GET", "/nowhere/7").await;
    let expected = [
        ("GET", "/boxes/{id}", "200", 3),
        ("GET", "/fault", "500", 1),
        ("GET", "/slow", "503", 1),
        ("GET", "none", "404", 1),
        ("POST", "/boxes/{id}", "409", 1),
        ("other", "/boxes/{id}", "405", 1),
    ];
    let line = |(method, route, status, count)| {
        format!("jetbridge_http_requests_total{{method=\"{method}\",route=\"{route}\",status=\"{status}\"}} {count}")
    };
    let mut found = counted("counted").await;
    found.retain(|line| line.starts_with("jetbridge_http_requests_total"));
    let mut expected: Vec<_> = expected.into_iter().map(line).collect();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
    let text = shared_telemetry::text().await;
    assert!(text.contains(
        "jetbridge_http_request_duration_seconds_count{method=\"GET\",route=\"/boxes/{id}\",service=\"counted\"} 3"
    ));
}

#[tokio::test]
async fn one_whose_client_leaves_is_counted_as_that_and_is_not_active_any_more() {
    let router = service("left");
    let left = tokio::time::timeout(Duration::from_millis(10), ask(&router, "GET", "/slow")).await;
    assert!(left.is_err());
    let found = counted("left").await.join("\n");
    assert!(found.contains("status=\"499\"} 1"), "{found}");
    assert!(found.contains("jetbridge_http_active_requests{service=\"left\"} 0"), "{found}");
}

#[derive(Debug, Parser)]
struct Args {
    #[command(flatten)]
    listen: ListenArgs<8080>,
}

#[test]
fn there_are_none_unless_an_address_is_given() {
    assert!(Args::parse_from(["service"]).listen.metrics().is_none());
    let args = Args::parse_from(["service", "--metrics-listen", "127.0.0.1:9464", "--public-host", "boxes.example"]);
    let settings = args.listen.metrics().unwrap();
    assert_eq!(settings.listen.port(), 9464);
    assert_eq!(settings.server.public_hosts.len(), 1);
}
