//! Requests over real HTTP that no client library writes: paths in several forms, bodies that do not come.

use std::time::Duration;

use axum::body::Body;
use futures::stream;
use http::HeaderMap;
use shared_service::body;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::listening::{Server, start};
use crate::support::{ID, app};

const LIMIT: Duration = Duration::from_secs(10);

async fn ask(server: &Server, head: &str) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(format!("{head}\r\nhost: localhost\r\nconnection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(LIMIT, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    answer
}

#[tokio::test]
async fn percent_encoded_letters_are_letters() {
    let server = start(app()).await;
    for path in ["/%74hings?limit=1", "/thing%73", "/%74%68%69%6e%67%73", "/%74%68%69%6E%67%73?li%6Dit=1"] {
        let answer = ask(&server, &format!("GET {path} HTTP/1.1")).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
    }
    let id = ID.replace('-', "%2D").replace('9', "%39");
    let answer = ask(&server, &format!("GET /things/{id} HTTP/1.1")).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains(ID), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn nothing_else_in_a_path_becomes_something_else() {
    let server = start(app()).await;
    for path in [
        "/%2574hings",
        "/%2Fthings",
        "%2Fthings",
        "/things%2F",
        "/things%3Flimit=1",
        "/x/../things",
        "/x/%2e%2e/things",
        "/x/%2E./things",
        "/./things",
        "/%2e/things",
        "/th%69ng%",
        "/th%zzings",
        "/things%00",
        "/th%ffings",
        "/th%C3%AFngs",
        "/things%",
        "/things%7",
        "//things",
    ] {
        let answer = ask(&server, &format!("GET {path} HTTP/1.1")).await;
        let status = answer.split(' ').nth(1);
        assert!(matches!(status, Some("400" | "404")), "{path}: {answer}");
    }
    let answer = ask(&server, &format!("GET /things/{ID}%2Fpoke HTTP/1.1")).await;
    assert!(answer.contains("/problems/box-not-found"), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn an_answer_without_a_body_says_nothing_about_one() {
    let server = start(app()).await;
    let known = ask(&server, &format!("GET /things/{ID} HTTP/1.1\r\nif-none-match: \"7\"")).await.to_lowercase();
    assert!(known.starts_with("http/1.1 304 "), "{known}");
    for header in ["content-type:", "content-length:", "content-encoding:", "transfer-encoding:"] {
        assert!(!known.contains(header), "{header} {known}");
    }
    for header in ["etag: \"7\"", "cache-control: private, no-cache", "cross-origin-resource-policy: same-origin"] {
        assert!(known.contains(header), "{header} {known}");
    }
    // Without a correlation id each answer has its own.
    let get = ask(&server, &format!("GET /things/{ID} HTTP/1.1\r\nx-correlation-id: 7")).await;
    let head = ask(&server, &format!("HEAD /things/{ID} HTTP/1.1\r\nx-correlation-id: 7")).await;
    let headers = |answer: &str| {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let lines = head.lines().filter(|line| !line.starts_with("date:"));
        (lines.map(str::to_owned).collect::<Vec<_>>(), body.len())
    };
    assert_eq!(headers(&head), (headers(&get).0, 0));
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_is_declared_too_large_is_refused_before_it_comes() {
    let server = start(app()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head =
        "POST /things HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 65537\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    let soon = Duration::from_millis(1_500);
    tokio::time::timeout(soon, stream.read_exact(&mut answer)).await.expect("at once").unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let endless = Body::from_stream(stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let headers = HeaderMap::new();
    let waiting = body::read_within(&headers, endless, Duration::from_millis(50));
    let refused = tokio::time::timeout(LIMIT, waiting).await.unwrap().unwrap_err();
    assert_eq!((refused.status().as_u16(), refused.kind().slug), (408, "request-timeout"));
}
