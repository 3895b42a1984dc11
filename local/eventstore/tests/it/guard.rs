//! Who is let in, and who is not.

use axum::body::{Body, Bytes};
use futures::StreamExt;
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use hyper_util::rt::{TokioExecutor, TokioIo};
use jetbridge_eventstore::{HostName, InvalidHostName, Password};
use prost::Message;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::frames::{count, write};
use crate::grpc::event_store::client::Empty;
use crate::grpc::event_store::client::streams::TombstoneReq;
use crate::grpc::event_store::client::streams::append_req::options::ExpectedStreamRevision as Expected;
use crate::grpc::{append, append_options, proposed};
use crate::support::{TestServer, let_eventstore_go_first, within_limit};

const APPEND: &str = "/event_store.client.streams.Streams/Append";
const TOMBSTONE: &str = "/event_store.client.streams.Streams/Tombstone";
const FEATURES: &str = "/event_store.client.server_features.ServerFeatures/GetSupportedMethods";
const PLAIN: (&str, &str) = ("content-type", "application/grpc");
const PASSWORD: &str = "0123456789abcdef";
/// `admin:0123456789abcdef`
const KNOWN: &str = "Basic YWRtaW46MDEyMzQ1Njc4OWFiY2RlZg==";

/// What a server does not do for just anybody.
const CALLS: [&str; 12] = [
    "/event_store.client.streams.Streams/Read",
    "/event_store.client.streams.Streams/BatchAppend",
    "/event_store.client.streams.Streams/Delete",
    APPEND,
    TOMBSTONE,
    "/event_store.client.gossip.Gossip/Read",
    FEATURES,
    "/event_store.client.persistent_subscriptions.PersistentSubscriptions/List",
    "/event_store.client.persistent_subscriptions.PersistentSubscriptions/Create",
    "/event_store.client.operations.Operations/Shutdown",
    "/event_store.client.users.Users/Create",
    "/event_store.client.monitoring.Monitoring/Stats",
];

fn framed(messages: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let framed = |message: Vec<u8>| {
        let length = u32::try_from(message.len()).expect("a length").to_be_bytes();
        [&[0][..], &length, &message].concat()
    };
    messages.into_iter().flat_map(framed).collect()
}

/// A whole append to the stream `forged`.
async fn an_append() -> Vec<u8> {
    let messages = append("forged", Expected::Any(Empty {}), vec![proposed(b"{}")]);
    framed(messages.map(|message| message.encode_to_vec()).collect::<Vec<_>>().await)
}

/// A whole tombstone of the stream `kept`.
fn a_tombstone() -> Vec<u8> {
    let options = Some(append_options("kept", Expected::Any(Empty {})));
    framed([TombstoneReq { options }.encode_to_vec()])
}

/// The status of an answer, and its gRPC code if it has one.
async fn ask(server: &TestServer, request: http::request::Builder, body: Vec<u8>) -> (StatusCode, String) {
    let request = request.body(Body::from(Bytes::from(body))).expect("a request");
    let tcp = TcpStream::connect(server.address()).await.expect("a connection");
    let client = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(tcp)).await;
    let (mut client, connection) = client.expect("HTTP/2");
    tokio::spawn(connection);
    let response = within_limit(client.send_request(request)).await.expect("a response");
    let (status, headers) = (response.status(), response.headers().clone());
    let body = within_limit(response.into_body().collect()).await.expect("a body");
    let code = headers.get("grpc-status").or_else(|| body.trailers()?.get("grpc-status"));
    (status, code.map(|code| code.to_str().expect("text").to_owned()).unwrap_or_default())
}

/// A call that a client makes, under this name of the server.
fn call(authority: &str, path: &str) -> http::request::Builder {
    Request::post(format!("http://{authority}{path}")).header("te", "trailers")
}

/// The first line of the answer to what is sent over HTTP/1.1.
async fn ask_in_text(server: &TestServer, request: &[u8]) -> String {
    let mut tcp = TcpStream::connect(server.address()).await.expect("a connection");
    within_limit(tcp.write_all(request)).await.expect("sent");
    let mut line = String::new();
    within_limit(BufReader::new(tcp).read_line(&mut line)).await.expect("an answer");
    line
}

fn post_in_text(path: &str, host: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("POST {path} HTTP/1.1\r\nHost: {host}\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

#[tokio::test]
async fn what_a_page_can_send_forges_nothing_and_ends_nothing() {
    let server = TestServer::start().await;
    write(&server, "kept", 1).await;
    let here = server.address().to_string();
    let (grpc, text) = ("Content-Type: application/grpc\r\n", "Content-Type: text/plain\r\n");
    let origin = "Origin: https://flights.example\r\n";
    for (path, body) in [(APPEND, an_append().await), (TOMBSTONE, a_tombstone())] {
        for (headers, expected) in [
            (format!("{text}{origin}"), "HTTP/1.1 403"),
            (format!("{grpc}{origin}"), "HTTP/1.1 403"),
            (format!("{grpc}Sec-Fetch-Site: cross-site\r\n"), "HTTP/1.1 403"),
            (text.to_owned(), "HTTP/1.1 505"),
            (grpc.to_owned(), "HTTP/1.1 505"),
            (
                format!("{grpc}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\n"),
                "HTTP/1.1 505",
            ),
        ] {
            let answer = ask_in_text(&server, &post_in_text(path, &here, &headers, &body)).await;
            assert!(answer.starts_with(expected), "{path} with {headers}: {answer}");
        }
    }
    assert_eq!((count(&server, "forged").await, count(&server, "kept").await), (0, 1));
}

#[tokio::test]
async fn requests_of_browsers_are_refused_whatever_they_ask_for() {
    let server = TestServer::start().await;
    let here = server.address().to_string();
    let own = format!("http://{here}");
    for (name, value) in [
        ("origin", "null"),
        ("origin", &own),
        ("sec-fetch-mode", "no-cors"),
        ("sec-fetch-site", "none"),
        ("sec-ch-ua", ""),
    ] {
        for path in CALLS {
            let (headers, body) = ([PLAIN, (name, value)], a_tombstone());
            let request =
                headers.iter().fold(call(&here, path), |request, (name, value)| request.header(*name, *value));
            assert_eq!(ask(&server, request, body).await, (StatusCode::OK, "7".to_owned()), "{path} with {name}");
        }
        for path in ["/health/live", "/ping", "/info", "/gossip", "/stats", "/subscriptions", "/"] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: {here}\r\n{name}: {value}\r\n\r\n");
            let answer = ask_in_text(&server, request.as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 403"), "{path} with {name}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_call_is_a_post_of_plain_grpc() {
    let server = TestServer::start().await;
    write(&server, "kept", 1).await;
    let here = server.address().to_string();
    for content_types in [
        &["application/grpc-web"][..],
        &["application/grpc-web+proto"],
        &["application/grpc+json"],
        &["application/grpc; charset=utf-8"],
        &["application/json"],
        &["application/x-protobuf"],
        &["multipart/form-data; boundary=application/grpc"],
        &["text/plain, application/grpc"],
        &["text/plain", "application/grpc"],
        &["application/grpc", "application/grpc"],
        &[],
    ] {
        for path in [TOMBSTONE, "/event_store.client.gossip.Gossip/Read"] {
            let request =
                content_types.iter().fold(call(&here, path), |request, value| request.header("content-type", *value));
            let (status, _) = ask(&server, request, a_tombstone()).await;
            assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{path} with {content_types:?}");
        }
    }
    for method in [Method::GET, Method::PUT, Method::OPTIONS, Method::DELETE] {
        let request = call(&here, TOMBSTONE).method(method.clone()).header(PLAIN.0, PLAIN.1);
        assert_eq!(ask(&server, request, a_tombstone()).await.0, StatusCode::METHOD_NOT_ALLOWED, "{method}");
    }
    let many = "x".repeat(64 * 1024);
    let request = call(&here, TOMBSTONE).header(PLAIN.0, PLAIN.1).header("large", many);
    assert_eq!(ask(&server, request, a_tombstone()).await.0, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    assert_eq!(count(&server, "kept").await, 1);
    let request = call(&here, TOMBSTONE).header("content-type", "application/grpc+proto");
    assert_eq!(ask(&server, request, a_tombstone()).await, (StatusCode::OK, "0".to_owned()));
}

#[tokio::test]
async fn only_its_own_names_are_answered_for() {
    let known = ["event-store", "192.0.2.7"].map(|name| name.parse().expect("a name"));
    let server = TestServer::start_with(|config| config.public_hosts = known.to_vec()).await;
    write(&server, "kept", 1).await;
    let port = server.address().port();
    for name in
        ["127.0.0.1", "127.8.8.8", "localhost", "LocalHost.", "[::1]", "[::ffff:127.0.0.1]", "Event-Store", "192.0.2.7"]
    {
        for name in [name.to_owned(), format!("{name}:{port}"), format!("{name}:1")] {
            let request = call(&name, "/event_store.client.gossip.Gossip/Read").header(PLAIN.0, PLAIN.1);
            assert_eq!(ask(&server, request, framed([Vec::new()])).await, (StatusCode::OK, "0".to_owned()), "{name}");
            let request = format!("GET /gossip HTTP/1.1\r\nHost: {name}\r\n\r\n");
            let answer = ask_in_text(&server, request.as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{name}: {answer}");
        }
    }
    for name in [
        "flights.example",
        "127.0.0.1.flights.example",
        "localhost.flights.example",
        "my.localhost",
        "event-store.flights.example",
        "event-store.internal",
        "192.0.2.8",
        "0.0.0.0",
        "[::]",
        "[2001:db8::1]",
    ] {
        for name in [name.to_owned(), format!("{name}:{port}")] {
            let request = call(&name, TOMBSTONE).header(PLAIN.0, PLAIN.1);
            assert_eq!(ask(&server, request, a_tombstone()).await, (StatusCode::OK, "3".to_owned()), "{name}");
            let request = call("127.0.0.1", TOMBSTONE).header(PLAIN.0, PLAIN.1).header(header::HOST, &name);
            assert_eq!(ask(&server, request, a_tombstone()).await, (StatusCode::OK, "3".to_owned()), "{name} as Host");
            for request in [
                format!("GET /gossip HTTP/1.1\r\nHost: {name}\r\n\r\n"),
                format!("GET http://{name}/gossip HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
                format!("GET /gossip HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: {name}\r\n\r\n"),
            ] {
                let answer = ask_in_text(&server, request.as_bytes()).await;
                assert!(answer.starts_with("HTTP/1.1 421"), "{request}: {answer}");
            }
        }
    }
    for host in ["Host: admin@127.0.0.1\r\n", "Host: \r\n", ""] {
        let answer = ask_in_text(&server, format!("GET /gossip HTTP/1.1\r\n{host}\r\n").as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 421"), "{host}: {answer}");
    }
    assert_eq!(count(&server, "kept").await, 1);
}

async fn start_with_password() -> TestServer {
    TestServer::start_with(|config| config.password = Some(Password::new(PASSWORD).expect("a password"))).await
}

#[tokio::test]
async fn without_the_password_nothing_is_answered_but_that_it_is_there() {
    let server = start_with_password().await;
    let here = server.address().to_string();
    let refused = (StatusCode::OK, "16".to_owned());
    for path in CALLS.iter().filter(|path| **path != FEATURES) {
        let request = call(&here, path).header(PLAIN.0, PLAIN.1);
        assert_eq!(ask(&server, request, a_tombstone()).await, refused, "{path}");
    }
    // Clients ask for it before they say who they are.
    let request = call(&here, FEATURES).header(PLAIN.0, PLAIN.1);
    assert_eq!(ask(&server, request, framed([Vec::new()])).await, (StatusCode::OK, "0".to_owned()));
    for (path, status) in [
        ("/health/live", 204),
        ("/ping", 200),
        ("/info", 401),
        ("/gossip", 401),
        ("/stats", 401),
        ("/subscriptions", 401),
        ("/", 401),
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {here}\r\n\r\n");
        let answer = ask_in_text(&server, request.as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {answer}");
    }
    let gossip = "/event_store.client.gossip.Gossip/Read";
    for wrong in [
        &[""][..],
        &["Basic"],
        &["Basic "],
        &["Basic YWRtaW46MDEyMzQ1Njc4OWFiY2RlZg"],
        &["Basic YWRtaW46MDEyMzQ1Njc4OWFiY2Rl"],
        // ops:0123456789abcdef
        &["Basic b3BzOjAxMjM0NTY3ODlhYmNkZWY="],
        &["Bearer YWRtaW46MDEyMzQ1Njc4OWFiY2RlZg=="],
        &["YWRtaW46MDEyMzQ1Njc4OWFiY2RlZg=="],
        &[KNOWN, KNOWN],
        &["Basic b3BzOg==", KNOWN],
    ] {
        let request = wrong.iter().fold(call(&here, gossip), |request, value| request.header("authorization", *value));
        let answer = ask(&server, request.header(PLAIN.0, PLAIN.1), framed([Vec::new()])).await;
        assert_eq!(answer, refused, "{wrong:?}");
    }
    for right in [KNOWN, "basic YWRtaW46MDEyMzQ1Njc4OWFiY2RlZg=="] {
        let request = call(&here, gossip).header(PLAIN.0, PLAIN.1).header("authorization", right);
        assert_eq!(ask(&server, request, framed([Vec::new()])).await, (StatusCode::OK, "0".to_owned()));
    }
}

#[tokio::test]
async fn clients_send_the_password_of_their_address() {
    let server = start_with_password().await;
    assert!(server.uri().contains(PASSWORD), "{}", server.uri());
    let_eventstore_go_first(&server.uri()).await;
    let wrong = server.uri().replace(PASSWORD, "fedcba9876543210");
    {
        use eventstore as db;
        let append = async |uri: &str| {
            let client = db::Client::new(uri.parse().expect("an address")).expect("a client");
            let event = db::EventData::binary("T", Bytes::from_static(b"{}"));
            within_limit(client.append_to_stream("s", &db::AppendToStreamOptions::default(), event)).await.map(drop)
        };
        assert!(append(&wrong).await.is_err());
        append(&server.uri()).await.expect("written");
    }
    {
        use kurrentdb as db;
        let read = async |uri: &str| {
            let client = db::Client::new(uri.parse().expect("an address")).expect("a client");
            let mut events = within_limit(client.read_stream("s", &db::ReadStreamOptions::default())).await?;
            within_limit(events.next()).await
        };
        assert!(read(&wrong).await.is_err());
        assert!(read(&server.uri()).await.expect("read").is_some());
    }
}

#[test]
fn passwords_are_long_enough_and_can_be_sent_as_they_are() {
    for text in [
        "",
        "admin",
        "changeme",
        "fifteen-letters",
        "sixteen letters!",
        "with-a-colon-in-:",
        "with-%41-escape-in",
        &"x".repeat(257),
    ] {
        assert!(Password::new(text).is_err(), "{text}");
    }
    for text in ["sixteen-letters!", "0123456789abcdef\n", &"x".repeat(256)] {
        assert!(Password::new(text).is_ok(), "{text}");
    }
    assert_eq!(format!("{:?}", Password::random()), "Password(***)");
}

#[test]
fn the_name_of_a_host_has_no_port() {
    for text in ["", "event-store:2113", "http://event-store", "a b", "a..b", "[127.0.0.1]", "[::1]:2113", "ü"] {
        assert_eq!(text.parse::<HostName>(), Err(InvalidHostName), "{text}");
    }
    assert_eq!("[::1]".parse::<HostName>(), "::1".parse());
    assert_eq!("Event-Store.".parse::<HostName>(), "event-store".parse());
}
