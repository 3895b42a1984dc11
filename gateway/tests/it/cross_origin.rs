use axum::Router;
use axum::body::Body;
use axum::routing::any;
use http::{HeaderMap, header};
use jetbridge_testing::TestService;
use reqwest::{Client, Method, RequestBuilder, Response};
use shared_service::ServerSettings;
use shared_service::origin::SEC_FETCH_SITE;

use crate::support::{expect_problem, gateway, gateway_for, serve};

const PARTNER: &str = "https://partner.example";
const STRANGER: &str = "https://stranger.example";

/// A service that answers with the origin that it gets to see, and server-sent events at their path.
async fn service() -> TestService {
    let events = || async { ([(header::CONTENT_TYPE, "text/event-stream")], ": hello\n\n") };
    let echo = |headers: HeaderMap| async move {
        let seen = [header::ORIGIN, SEC_FETCH_SITE].map(|name| headers.contains_key(name));
        ([(header::ETAG, "\"7\""), (header::VARY, "Accept")], Body::from(format!("{seen:?}")))
    };
    serve(Router::new().route("/api/auditlog/events", any(events)).fallback(any(echo))).await
}

struct Gateway {
    gateway: TestService,
    _service: TestService,
}

impl Gateway {
    async fn start() -> Self {
        let service = service().await;
        let allowed_origins = vec![PARTNER.parse().unwrap(), "http://localhost:3000".parse().unwrap()];
        let settings = ServerSettings { allowed_origins, ..ServerSettings::default() };
        Self { gateway: gateway_for(settings, service.address()).await, _service: service }
    }

    fn request(&self, method: Method, path: &str, origin: &'static str) -> RequestBuilder {
        Client::new().request(method, self.gateway.url(path)).header(header::ORIGIN, origin)
    }

    async fn send(&self, method: Method, path: &str, origin: &'static str) -> Response {
        self.request(method, path, origin).send().await.unwrap()
    }
}

fn values(answer: &Response, name: header::HeaderName) -> Vec<&str> {
    answer.headers().get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
}

fn has_cors_headers(answer: &Response) -> bool {
    answer.headers().keys().any(|name| name.as_str().starts_with("access-control-"))
}

#[tokio::test]
async fn pages_of_allowed_origins_can_read_every_answer() {
    let gateway = Gateway::start().await;
    for (path, status) in [
        ("/api/flights", 200),
        ("/api/auditlog/events", 200),
        ("/api/nothing", 404),
        ("/api/health", 503),
        ("/problems/not-found", 200),
        ("/health/live", 200),
    ] {
        let answer = gateway.send(Method::GET, path, PARTNER).await;
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(values(&answer, header::ACCESS_CONTROL_ALLOW_ORIGIN), [PARTNER], "{path}");
        let exposed = values(&answer, header::ACCESS_CONTROL_EXPOSE_HEADERS).join(",").to_lowercase();
        for name in ["etag", "location", "jetbridge-position", "retry-after", "x-correlation-id"] {
            assert!(exposed.split(',').any(|exposed| exposed.trim() == name), "{path}: {name} in {exposed}");
        }
        assert!(values(&answer, header::VARY).iter().any(|vary| vary.eq_ignore_ascii_case("origin")), "{path}");
        assert!(!answer.headers().contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
    }
    let answer = gateway.send(Method::GET, "/api/flights", PARTNER).await;
    assert!(values(&answer, header::VARY).contains(&"Accept"), "what a service says stays");
}

#[tokio::test]
async fn browsers_are_told_beforehand_what_is_allowed() {
    let gateway = Gateway::start().await;
    for (origin, allowed) in [(PARTNER, vec![PARTNER]), (STRANGER, vec![])] {
        let asked = gateway
            .request(Method::OPTIONS, "/api/flights/7", origin)
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "PUT")
            .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "content-type,if-match");
        let answer = asked.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(values(&answer, header::ACCESS_CONTROL_ALLOW_ORIGIN), allowed);
        let methods = values(&answer, header::ACCESS_CONTROL_ALLOW_METHODS).join(",");
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE"] {
            assert!(methods.contains(method), "{methods}");
        }
        let headers = values(&answer, header::ACCESS_CONTROL_ALLOW_HEADERS).join(",").to_lowercase();
        for name in
            "content-type idempotency-key if-match if-none-match jetbridge-actor jetbridge-position x-correlation-id \
             traceparent last-event-id"
                .split(' ')
        {
            assert!(headers.split(',').any(|allowed| allowed.trim() == name), "{name} in {headers}");
        }
        assert_eq!(values(&answer, header::ACCESS_CONTROL_MAX_AGE), ["3600"]);
        assert!(values(&answer, header::VARY).iter().any(|vary| vary.eq_ignore_ascii_case("origin")));
    }
    let plain = gateway.send(Method::OPTIONS, "/api/flights", PARTNER).await;
    assert_eq!(plain.text().await.unwrap(), "[false, false]", "any other OPTIONS goes to the service");
}

#[tokio::test]
async fn pages_of_allowed_origins_can_change_things_and_others_cannot() {
    let gateway = Gateway::start().await;
    let asked = gateway.request(Method::POST, "/api/flights", PARTNER).header(SEC_FETCH_SITE, "cross-site");
    let answer = asked.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(values(&answer, header::ACCESS_CONTROL_ALLOW_ORIGIN), [PARTNER]);
    assert_eq!(answer.text().await.unwrap(), "[false, false]", "services get no origin, since they do not allow any");
    for path in ["/api/flights", "/api/admin/parked/replay", "/nothing"] {
        let headers = expect_problem(gateway.request(Method::POST, path, STRANGER), 403, "cross-site").await;
        assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
    }
    let read = gateway.send(Method::GET, "/api/flights", STRANGER).await;
    assert_eq!((read.status().as_u16(), values(&read, header::ACCESS_CONTROL_ALLOW_ORIGIN)), (200, vec![]));
}

#[tokio::test]
async fn without_allowed_origins_nothing_is_said() {
    let service = service().await;
    let gateway = Gateway { gateway: gateway(service.address()).await, _service: service };
    for path in ["/api/flights", "/health/live", "/api/nothing"] {
        let answer = gateway.send(Method::GET, path, PARTNER).await;
        assert!(!has_cors_headers(&answer), "{path}: {answer:?}");
        assert!(!values(&answer, header::VARY).iter().any(|vary| vary.eq_ignore_ascii_case("origin")), "{path}");
        let asked =
            gateway.request(Method::OPTIONS, path, PARTNER).header(header::ACCESS_CONTROL_REQUEST_METHOD, "PUT");
        assert!(!has_cors_headers(&asked.send().await.unwrap()), "{path}");
    }
    expect_problem(gateway.request(Method::POST, "/api/flights", PARTNER), 403, "cross-site").await;
    let own: &'static str = gateway.gateway.url("").leak();
    assert_eq!(gateway.send(Method::POST, "/api/flights", own).await.text().await.unwrap(), "[false, false]");
}
