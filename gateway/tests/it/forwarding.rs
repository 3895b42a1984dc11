use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::response::IntoResponse;
use gateway::Limits;
use http::{HeaderMap, Method, StatusCode, Uri};
use jetbridge_testing::{SERVICE_TOKEN, TestService};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{LIMIT, expect_problem, gateway, gateway_of, nobody, serve, services_at};

/// A service that tells what it was asked.
pub(crate) fn echo(name: &'static str) -> Router {
    Router::new().fallback(move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| async move {
        let headers: serde_json::Map<String, Value> = headers
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()))
            .collect();
        let answer = json!({
            "service": name,
            "method": method.as_str(),
            "uri": uri.to_string(),
            "headers": headers,
            "body": String::from_utf8_lossy(&body),
            "length": body.len(),
        });
        let headers = [("etag", "\"7\""), ("jetbridge-position", "f7"), ("connection", "x-secret"), ("x-secret", "1")];
        (StatusCode::ACCEPTED, headers, Json(answer)).into_response()
    })
}

async fn three_services() -> (TestService, [TestService; 3]) {
    let services = [serve(echo("flight")).await, serve(echo("passenger")).await, serve(echo("auditlog")).await];
    let apis = [services[0].address(), services[1].address(), services[2].address()];
    let gateway = gateway_of(services_at(apis, [None, None]), Limits::default()).await;
    (gateway, services)
}

#[tokio::test]
async fn each_path_goes_to_its_service_unchanged() {
    let (gateway, _services) = three_services().await;
    for (path, service) in [
        ("/api/flights", "flight"),
        ("/api/flights?limit=2&text=a%20b%2Fc", "flight"),
        ("/api/flights/1/land", "flight"),
        ("/api/flights/%C3%BC%2F%00%ff/x", "flight"),
        ("/api/passengers?flightId=7", "passenger"),
        ("/api/passengers/1/board", "passenger"),
        ("/api/manifests", "passenger"),
        ("/api/manifests/1", "passenger"),
        ("/api/auditlog/all?after=x", "auditlog"),
        ("/api/changes?flightId=x", "auditlog"),
    ] {
        let answer: Value = reqwest::get(gateway.url(path)).await.unwrap().json().await.unwrap();
        assert_eq!((answer["service"].as_str(), answer["uri"].as_str()), (Some(service), Some(path)));
    }
}

/// As everything between a client and the services may write it (RFC 3986, 6.2.2.2).
#[tokio::test]
async fn percent_encoded_letters_are_letters() {
    let (gateway, _services) = three_services().await;
    for (path, service, uri) in [
        ("/api/%66lights", "flight", "/api/flights"),
        ("/%61pi/p%61ssengers/%37?text=%61", "passenger", "/api/passengers/7?text=%61"),
        ("/api/auditlo%67/all", "auditlog", "/api/auditlog/all"),
        ("/api/flights/%2E%2e/%2Frpc", "flight", "/api/flights/%2E%2e/%2Frpc"),
    ] {
        let answer = raw(&gateway, &format!("GET {path} HTTP/1.1")).await;
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let answer: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("{path}: {answer}"));
        assert_eq!((answer["service"].as_str(), answer["uri"].as_str()), (Some(service), Some(uri)));
    }
}

/// What is answered to a request that is written by hand.
pub(crate) async fn raw(gateway: &TestService, head: &str) -> String {
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    stream.write_all(format!("{head}\r\nhost: localhost\r\nconnection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(LIMIT, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    answer
}

#[tokio::test]
async fn no_client_passes_for_a_service() {
    let (gateway, _services) = three_services().await;
    let post = |actor: &str| Client::new().post(gateway.url("/api/flights")).header("jetbridge-actor", actor);
    for name in ["flight-processor", "passenger-api", "passenger-reactions", "flight-reactions", "gateway"] {
        expect_problem(post(name), 400, "malformed-header").await;
    }
    for name in ["flight-desk", "booking-api", "UTF-8''Zo%C3%AB"] {
        let answer: Value = post(name).send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["headers"]["jetbridge-actor"], name);
    }
}

#[tokio::test]
async fn no_client_says_for_itself_who_it_is() {
    let (gateway, _services) = three_services().await;
    let request = Client::new()
        .get(gateway.url("/api/flights"))
        .header("authorization", "Bearer somebody's")
        .header("jetbridge-subject", "key:somebody")
        .header("jetbridge-roles", "viewer");
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    let headers = &answer["headers"];
    assert_eq!(headers["authorization"], format!("Bearer {SERVICE_TOKEN}"));
    assert_eq!((&headers["jetbridge-subject"], &headers["jetbridge-roles"]), (&Value::Null, &json!("admin")));
}

#[tokio::test]
async fn other_paths_do_not_exist() {
    let (gateway, _services) = three_services().await;
    for path in [
        "/api",
        "/api/",
        "/api/flightsx",
        "/api/rpc",
        "/rpc",
        "/flights",
        "//api/flights",
        "/api%2Fflights",
        "/api/flights%2F7",
        "/api/%2566lights",
        "/api/%2e%2e/flights",
        "/api/%ff",
        "/api/fl%C3%AFghts",
        "/favicon.ico",
    ] {
        expect_problem(Client::new().get(gateway.url(path)), 404, "not-found").await;
        expect_problem(Client::new().post(gateway.url(path)), 404, "not-found").await;
    }
}

#[tokio::test]
async fn methods_bodies_and_headers_pass_both_ways() {
    let (gateway, _services) = three_services().await;
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        let answer = Client::new()
            .request(method.clone(), gateway.url("/api/flights"))
            .header("idempotency-key", "k")
            .header("if-match", "\"3\"")
            .header("x-correlation-id", "c")
            .header("x-request-id", "r")
            .header("tracestate", "a=1,b=2")
            .body("{\"a\": 1}")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 202);
        assert_eq!(answer.headers()["etag"], "\"7\"");
        assert_eq!(answer.headers()["jetbridge-position"], "f7");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        assert_eq!(answer.headers()["cross-origin-resource-policy"], "same-origin");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["method"], method.as_str());
        assert_eq!(answer["body"], "{\"a\": 1}");
        for (name, value) in [
            ("idempotency-key", "k"),
            ("if-match", "\"3\""),
            ("x-correlation-id", "c"),
            ("x-request-id", "r"),
            ("tracestate", "a=1,b=2"),
        ] {
            assert_eq!(answer["headers"][name], value);
        }
    }
}

#[tokio::test]
async fn headers_of_a_connection_stay_there() {
    let (gateway, _services) = three_services().await;
    let answer = Client::new()
        .get(gateway.url("/api/flights"))
        .header("connection", "keep-alive, X-Hop")
        .header("x-hop", "1")
        .header("keep-alive", "timeout=5")
        .header("te", "trailers")
        .header("upgrade", "websocket")
        .header("proxy-authorization", "Basic eA==")
        .send()
        .await
        .unwrap();
    assert!(!answer.headers().contains_key("x-secret"), "named by the service's Connection header");
    assert!(!answer.headers().contains_key("connection"));
    let answer: Value = answer.json().await.unwrap();
    for name in ["connection", "x-hop", "keep-alive", "te", "upgrade", "proxy-authorization"] {
        assert_eq!(answer["headers"][name], Value::Null, "{name}");
    }
}

#[tokio::test]
async fn the_service_gets_to_know_the_client() {
    let (gateway, services) = three_services().await;
    let ask = |headers: &'static [(&'static str, &'static str)]| {
        let mut request = Client::new().get(gateway.url("/api/flights"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        async move { request.send().await.unwrap().json::<Value>().await.unwrap()["headers"].clone() }
    };
    let plain = ask(&[]).await;
    assert_eq!(plain["x-forwarded-for"], "127.0.0.1");
    assert_eq!(plain["x-forwarded-proto"], "http");
    assert_eq!(plain["x-forwarded-host"], gateway.address().to_string());
    assert_eq!(plain["host"], services[0].address().to_string());
    let claimed =
        ask(&[("x-forwarded-for", "192.0.2.7"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "a")]).await;
    for name in ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"] {
        assert_eq!(claimed[name], plain[name], "not for everybody to say");
    }
}

#[tokio::test]
async fn head_has_the_headers_of_get_without_its_body() {
    let (gateway, _services) = three_services().await;
    let head = Client::new().head(gateway.url("/api/flights")).send().await.unwrap();
    assert_eq!(head.status(), 202);
    assert_eq!(head.headers()["etag"], "\"7\"");
    assert_ne!(head.headers()["content-length"], "0");
    assert_eq!(head.bytes().await.unwrap(), "");
}

#[tokio::test]
async fn bodies_up_to_the_limit_pass_and_larger_ones_do_not() {
    let (gateway, _services) = three_services().await;
    let post = |body: reqwest::Body| Client::new().post(gateway.url("/api/flights")).body(body);
    let limit = 64 << 10;
    let answer: Value = post(vec![b'x'; limit].into()).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["length"], limit);
    expect_problem(post(vec![b'x'; limit + 1].into()), 413, "content-too-large").await;
    expect_problem(post(vec![b'x'; 10 << 20].into()), 413, "content-too-large").await;
    expect_problem(
        Client::new().post(gateway.url("/api/flights")).header("content-length", "999999999999").body(""),
        413,
        "content-too-large",
    )
    .await;
}

fn chunked(size: usize) -> reqwest::Body {
    let chunks = (0..size / 1024).map(|_| Ok::<_, std::io::Error>(vec![b'x'; 1024]));
    reqwest::Body::wrap_stream(futures::stream::iter(chunks))
}

#[tokio::test]
async fn bodies_of_unknown_size_are_limited_too() {
    let (gateway, _services) = three_services().await;
    let post = |size| Client::new().post(gateway.url("/api/flights")).body(chunked(size));
    let answer: Value = post(64 << 10).send().await.unwrap().json().await.unwrap();
    assert_eq!((&answer["length"], &answer["headers"]["content-length"]), (&json!(65_536), &json!("65536")));
    assert_eq!(answer["headers"]["transfer-encoding"], Value::Null);
    expect_problem(post(65 << 10), 413, "content-too-large").await;
    expect_problem(post(3 << 20), 413, "content-too-large").await;
}

#[tokio::test]
async fn what_nobody_here_does_is_not_expected_of_a_service() {
    let (gateway, _services) = three_services().await;
    let post = |expected: &str| Client::new().post(gateway.url("/api/flights")).header("expect", expected).body("{}");
    expect_problem(post("200-ok"), 417, "expectation-failed").await;
    let answer: Value = post("100-continue").send().await.unwrap().json().await.unwrap();
    assert_eq!((&answer["body"], &answer["headers"]["expect"]), (&json!("{}"), &Value::Null));
}

#[tokio::test]
async fn connections_are_kept_and_pipelines_answered_in_order() {
    let (gateway, _services) = three_services().await;
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    let request =
        |path: &str, close: &str| format!("GET /api/flights/{path} HTTP/1.1\r\nhost: localhost\r\n{close}\r\n");
    let both = request("first", "") + &request("second", "connection: close\r\n");
    stream.write_all(both.as_bytes()).await.unwrap();
    let mut answers = String::new();
    tokio::time::timeout(LIMIT, stream.read_to_string(&mut answers)).await.unwrap().unwrap();
    let at = |text| answers.find(text).unwrap();
    assert!(at("/api/flights/first") < at("/api/flights/second"));
}

#[tokio::test]
async fn broken_requests_do_no_harm() {
    let (gateway, _services) = three_services().await;
    for bytes in [&b"\0\0\0\0"[..], b"GET\r\n\r\n", b"GET /api/flights HTTP/9.9\r\n\r\n", b"GET /\xff HTTP/1.1\r\n\r\n"]
    {
        let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        tokio::time::timeout(LIMIT, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "{answer:?}");
    }
    assert_eq!(reqwest::get(gateway.url("/api/flights")).await.unwrap().status(), 202);
}

#[tokio::test]
async fn the_gateway_lives_without_its_services() {
    let gateway = gateway(nobody().await).await;
    for (path, status) in [("/health/live", 200), ("/health/ready", 503)] {
        assert_eq!(reqwest::get(gateway.url(path)).await.unwrap().status(), status, "{path}");
    }
}
