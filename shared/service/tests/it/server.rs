use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::routing::get;
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::header;
use shared_service::health::{self, Checks};
use shared_service::{Drain, ServerSettings, bind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::listening::{LIMIT, start};

#[tokio::test]
async fn handlers_know_the_client() {
    let whoami = |ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.ip().to_string() };
    let server = start(Router::new().route("/", get(whoami))).await;
    assert_eq!(reqwest::get(server.url("/")).await.unwrap().text().await.unwrap(), "127.0.0.1");
    server.stop().await;
}

#[tokio::test]
async fn http2_is_spoken_with_prior_knowledge() {
    let server = start(Router::new().route("/", get(|| async { "hello" }))).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    // The preface and an empty SETTINGS frame; the server answers with its own SETTINGS.
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut head = [0; 9];
    tokio::time::timeout(LIMIT, stream.read_exact(&mut head)).await.unwrap().unwrap();
    assert_eq!(head[3], 4, "a SETTINGS frame");
    drop(stream);
    server.stop().await;
}

#[tokio::test]
async fn an_answer_that_has_begun_is_finished() {
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    let (begun, has_begun) = tokio::sync::oneshot::channel::<()>();
    let shared = std::sync::Arc::new(std::sync::Mutex::new(Some((begun, released))));
    let handler = move || {
        let (begun, released) = shared.lock().unwrap().take().unwrap();
        async move {
            begun.send(()).unwrap();
            released.await.unwrap();
            "done"
        }
    };
    let server = start(Router::new().route("/", get(handler))).await;
    let url = server.url("/");
    let answer = tokio::spawn(async move { reqwest::get(url).await.unwrap().text().await.unwrap() });
    has_begun.await.unwrap();
    server.shutdown.cancel();
    release.send(()).unwrap();
    assert_eq!(answer.await.unwrap(), "done");
    assert!(server.stop().await < Duration::from_secs(2));
}

#[tokio::test]
async fn idle_connections_do_not_hold_up_the_shutdown() {
    let server = start(Router::new().route("/", get(|| async { "hello" }))).await;
    let silent = TcpStream::connect(server.address).await.unwrap();
    let client = reqwest::Client::new();
    client.get(server.url("/")).send().await.unwrap().text().await.unwrap();
    assert!(server.stop().await < Duration::from_secs(2));
    drop((silent, client));
}

#[tokio::test]
async fn event_streams_end_at_the_shutdown() {
    let events = || async {
        let first = stream::once(async { Ok::<_, Infallible>(Bytes::from_static(b"data: 1\n\n")) });
        ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(first.chain(stream::pending())))
    };
    let server = start(Router::new().route("/", get(events))).await;
    let response = reqwest::get(server.url("/")).await.unwrap();
    let mut chunks = response.bytes_stream();
    assert_eq!(chunks.next().await.unwrap().unwrap(), "data: 1\n\n");
    let elapsed = server.stop();
    let end = tokio::time::timeout(LIMIT, chunks.next());
    let (elapsed, end) = tokio::join!(elapsed, end);
    assert!(elapsed < Duration::from_secs(2));
    assert!(end.unwrap().is_none(), "the stream ends properly");
}

#[tokio::test]
async fn answers_that_never_end_are_cut_off() {
    let endless = || async {
        let first = stream::once(async { Ok::<_, Infallible>(Bytes::from_static(b"1")) });
        Body::from_stream(first.chain(stream::pending()))
    };
    let server = start(Router::new().route("/", get(endless))).await;
    let mut chunks = reqwest::get(server.url("/")).await.unwrap().bytes_stream();
    chunks.next().await.unwrap().unwrap();
    assert!(server.stop().await < Duration::from_secs(8));
    let end = tokio::time::timeout(LIMIT, chunks.next()).await.unwrap();
    assert!(end.unwrap().is_err(), "the client notices");
}

#[tokio::test]
async fn a_client_that_sends_too_much_gets_to_see_why() {
    let server = start(crate::support::app()).await;
    for _ in 0..5 {
        let answer = reqwest::Client::new()
            .post(server.url("/things"))
            .header("content-type", "application/json")
            .body(vec![b' '; 10 << 20])
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 413);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_taken_address_is_named() {
    let server = start(Router::new()).await;
    let error = bind(server.address).await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on {}", server.address));
    server.stop().await;
}

#[tokio::test]
async fn a_service_that_is_told_to_stop_says_so_and_answers_for_a_while() {
    const WHILE: Duration = Duration::from_millis(500);
    let (drain, told) = (Drain::new(WHILE), CancellationToken::new());
    let checks = drain.noted_in(Checks::new());
    let stop = drain.before_end(told.clone());
    let router = health::routes::<()>(checks).finish(LIMIT).into_router().fallback(async || "hello");
    let listener = shared_service::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = listener.local_addr().unwrap();
    let settings = ServerSettings { drain, ..ServerSettings::default() };
    let serving = tokio::spawn(shared_service::serve_with(settings, listener, router, stop));
    let get = async |path: &str| reqwest::get(format!("http://{address}{path}")).await.unwrap();
    let ready = get("/health/ready").await;
    assert_eq!((ready.status().as_u16(), ready.headers().get("connection")), (200, None));
    let begun = Instant::now();
    told.cancel();
    let mut says_so = false;
    while !says_so {
        says_so = get("/health/ready").await.status() == 503;
    }
    let answer = get("/").await;
    assert_eq!(answer.headers()["connection"], "close", "its clients are not to come back on this connection");
    assert_eq!(answer.text().await.unwrap(), "hello");
    tokio::time::timeout(LIMIT, serving).await.unwrap().unwrap();
    assert!(begun.elapsed() >= WHILE, "{:?}", begun.elapsed());
    assert!(reqwest::get(format!("http://{address}/")).await.is_err());
}
