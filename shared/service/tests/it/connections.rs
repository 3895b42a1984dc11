//! How long a connection may do nothing, and how many of them there may be.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::{BufMut, Bytes, BytesMut};
use futures::stream::FuturesUnordered;
use futures::{Stream, StreamExt, stream};
use http::{Request, StatusCode, header};
use http_body_util::Empty;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use shared_service::{ConnectionLimits, ServerSettings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{sleep, timeout};

use crate::listening::{Connection, LIMIT, Server, start_with};

const GET: &str = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
/// The preface of a client and its settings: a window of a thousand bytes for each stream.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x06\x04\0\0\0\0\0\0\x04\0\0\x03\xe8";
const SHORT: Duration = Duration::from_millis(300);
const NEVER: Duration = Duration::from_secs(3600);

/// Limits that nobody meets, other than for what is sent to the server.
fn patient() -> ConnectionLimits {
    ConnectionLimits { connections: 1_000, per_client: None, head: NEVER, idle: NEVER, stalled: NEVER }
}

async fn hello(limits: ConnectionLimits) -> Server {
    serve(limits, Router::new().route("/", get(|| async { "hello" }))).await
}

async fn serve(limits: ConnectionLimits, router: Router) -> Server {
    start_with(ServerSettings { limits, ..ServerSettings::default() }, router).await
}

#[tokio::test]
async fn a_client_that_asks_for_nothing_is_sent_away() {
    let server = hello(ConnectionLimits { head: SHORT, ..patient() }).await;
    let openings: [&[u8]; 7] = [
        b"",
        b"G",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n",
        b"\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\n",
        &PREFACE[..20],
        PREFACE,
    ];
    for opening in openings {
        let mut connection = server.connect().await;
        connection.send(opening).await;
        connection.rest().await;
    }
}

#[tokio::test]
async fn sending_a_little_now_and_then_is_of_no_use() {
    let server = hello(ConnectionLimits { head: SHORT, ..patient() }).await;
    for opening in [b"GET / HTTP/1.1\r\nX: ".as_slice(), PREFACE] {
        let connection = server.connect().await;
        let (mut reader, mut writer) = connection.0.into_split();
        let drip = async {
            let _ = writer.write_all(opening).await;
            // In HTTP/2, empty frames of a type that has no meaning.
            let more: &[u8] = if opening == PREFACE { b"\0\0\0\xee\0\0\0\0\0" } else { b"x" };
            while writer.write_all(more).await.is_ok() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        let read = async { while reader.read_u8().await.is_ok() {} };
        timeout(LIMIT, async { tokio::join!(drip, read) }).await.expect("it is sent away");
    }
}

#[tokio::test]
async fn more_silent_connections_than_there_may_be_keep_nobody_out() {
    let server = hello(ConnectionLimits { connections: 20, ..patient() }).await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(server.connect().await);
    }
    assert!(server.answer(GET).await.ends_with("hello"));
    for connection in &mut silent[..80] {
        assert!(connection.rest().await.is_empty());
    }
    assert!(silent[99].is_quiet_for(SHORT).await, "the last ones stay");
}

#[tokio::test]
async fn idle_connections_make_room_and_busy_ones_do_not() {
    let (entered, release) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (enter, released) = (Arc::clone(&entered), Arc::clone(&release));
    let wait = async move || {
        enter.add_permits(1);
        released.acquire().await.unwrap().forget();
        "at last"
    };
    let router = Router::new().route("/", get(|| async { "hello" })).route("/wait", get(wait));
    let server = serve(ConnectionLimits { connections: 2, ..patient() }, router).await;
    let (mut busy, mut idle) = (server.connect().await, server.connect().await);
    busy.send("GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    timeout(LIMIT, entered.acquire()).await.unwrap().unwrap().forget();
    idle.send(GET).await;
    idle.answer().await;
    let mut next = server.connect().await;
    next.send("GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    timeout(LIMIT, entered.acquire()).await.unwrap().unwrap().forget();
    assert!(idle.rest().await.is_empty());
    assert!(server.connect().await.rest().await.is_empty(), "one too many is closed at once");
    release.add_permits(2);
    for connection in [&mut busy, &mut next] {
        assert!(connection.answer().await.ends_with("at last"));
    }
}

#[tokio::test]
async fn between_two_requests_there_is_more_time_than_for_a_head() {
    let idle = SHORT * 8;
    let server = hello(ConnectionLimits { head: SHORT, idle, ..patient() }).await;
    let mut connection = server.connect().await;
    for _ in 0..2 {
        connection.send(GET).await;
        assert!(connection.answer().await.ends_with("hello"));
        assert!(connection.is_quiet_for(SHORT * 4).await);
    }
    assert!(connection.rest().await.is_empty(), "it does not stay for ever");
}

#[tokio::test]
async fn a_later_head_has_its_time_too() {
    let server = hello(ConnectionLimits { head: SHORT, ..patient() }).await;
    let mut connection = server.connect().await;
    connection.send(GET).await;
    connection.answer().await;
    connection.send("GET / HTTP/1.1\r\n").await;
    assert!(connection.rest().await.is_empty());
}

#[tokio::test]
async fn an_idle_connection_of_http2_is_closed_whatever_is_sent_on_it() {
    let server = hello(ConnectionLimits { idle: SHORT, ..patient() }).await;
    let mut connection = server.connect().await;
    connection.send(PREFACE).await;
    connection.send(http2_request(1, "/")).await;
    let (mut reader, mut writer) = connection.0.into_split();
    let drip = async {
        while writer.write_all(b"\0\0\0\xee\0\0\0\0\0").await.is_ok() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    let read = async { while reader.read_u8().await.is_ok() {} };
    timeout(LIMIT, async { tokio::join!(drip, read) }).await.expect("it is closed");
}

#[tokio::test]
async fn one_connection_has_no_more_requests_than_there_may_be_connections() {
    let release = Arc::new(Semaphore::new(0));
    let released = Arc::clone(&release);
    let wait = async move || released.acquire().await.unwrap().forget();
    let server = serve(ConnectionLimits { connections: 3, ..patient() }, Router::new().route("/", get(wait))).await;
    let stream = TokioIo::new(TcpStream::connect(server.address).await.unwrap());
    let (mut client, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    let mut ask = || {
        let request = Request::get("http://localhost/").body(Empty::<Bytes>::new()).unwrap();
        client.send_request(request)
    };
    let mut answers: FuturesUnordered<_> = (0..4).map(|_| ask()).collect();
    let first = timeout(LIMIT, answers.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(first.status(), StatusCode::SERVICE_UNAVAILABLE);
    release.add_permits(4);
    for _ in 0..3 {
        assert_eq!(timeout(LIMIT, answers.next()).await.unwrap().unwrap().unwrap().status(), StatusCode::OK);
    }
    assert_eq!(ask().await.unwrap().status(), StatusCode::OK);
}

/// A body that goes on for ever, and a channel that is closed when it is dropped.
fn endless(chunk: &'static [u8], pause: Duration) -> (mpsc::Sender<()>, impl Stream<Item = Result<Bytes, Infallible>>) {
    let (sender, receiver) = mpsc::channel::<()>(1);
    let chunks = stream::unfold(receiver, move |receiver| async move {
        sleep(pause).await;
        Some((Ok(Bytes::from_static(chunk)), receiver))
    });
    (sender, chunks)
}

/// A server with an answer that goes on for ever, once, and with a short one.
async fn serve_endless(
    settings: ServerSettings,
    content_type: &'static str,
    chunk: &'static [u8],
    pause: Duration,
) -> (Server, mpsc::Sender<()>) {
    let (dropped, chunks) = endless(chunk, pause);
    let body = Arc::new(std::sync::Mutex::new(Some(Body::from_stream(chunks))));
    let handler = async move || ([(header::CONTENT_TYPE, content_type)], body.lock().unwrap().take().unwrap());
    let router = Router::new().route("/", get(handler)).route("/short", get(|| async { "short" }));
    (start_with(settings, router).await, dropped)
}

const CHUNK: &[u8] = &[b'x'; 65_536];

#[tokio::test]
async fn an_answer_that_is_not_read_is_given_up() {
    let settings =
        ServerSettings { limits: ConnectionLimits { stalled: SHORT, ..patient() }, ..ServerSettings::default() };
    let (server, dropped) = serve_endless(settings, "text/plain", CHUNK, Duration::ZERO).await;
    let mut connection = server.connect().await;
    connection.send(GET).await;
    timeout(LIMIT, dropped.closed()).await.expect("it is given up");
    drop(connection);
}

#[tokio::test]
async fn an_answer_that_is_read_slowly_is_not_given_up() {
    let settings =
        ServerSettings { limits: ConnectionLimits { stalled: SHORT, ..patient() }, ..ServerSettings::default() };
    let (server, dropped) = serve_endless(settings, "text/event-stream", b": \n\n", SHORT * 2).await;
    let mut connection = server.connect().await;
    connection.send(GET).await;
    let mut read = 0;
    while read < 180 {
        read += timeout(LIMIT, connection.0.read(&mut [0; 64])).await.unwrap().unwrap();
        assert!(!dropped.is_closed());
    }
}

#[tokio::test]
async fn an_http2_answer_that_is_not_read_is_given_up_alone() {
    let settings =
        ServerSettings { limits: ConnectionLimits { stalled: SHORT, ..patient() }, ..ServerSettings::default() };
    let (server, dropped) = serve_endless(settings, "text/plain", CHUNK, Duration::ZERO).await;
    let mut connection = server.connect().await;
    connection.send(PREFACE).await;
    connection.send(http2_request(1, "/")).await;
    timeout(LIMIT, dropped.closed()).await.expect("it is given up");
    let reset = async { while frame(&mut connection).await != (FRAME_RESET, 1) {} };
    timeout(LIMIT, reset).await.expect("its client is told");
    connection.send(http2_request(3, "/short")).await;
    let data = async { while frame(&mut connection).await != (FRAME_DATA, 3) {} };
    timeout(LIMIT, data).await.expect("the connection goes on");
}

const FRAME_DATA: u8 = 0;
const FRAME_RESET: u8 = 3;

/// The type and the stream of the next frame.
async fn frame(connection: &mut Connection) -> (u8, u32) {
    let mut head = [0; 9];
    connection.0.read_exact(&mut head).await.unwrap();
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    connection.0.read_exact(&mut vec![0; length as usize]).await.unwrap();
    (head[3], u32::from_be_bytes([head[5], head[6], head[7], head[8]]))
}

/// The frame of a GET request (RFC 9113, 6.2; RFC 7541).
fn http2_request(stream: u32, path: &str) -> Bytes {
    let mut fields = BytesMut::new();
    // :method GET, :scheme http, :authority and :path as literals.
    fields.put_slice(&[0x82, 0x86, 0x01, 9]);
    fields.put_slice(b"localhost");
    fields.put_slice(&[0x04, u8::try_from(path.len()).unwrap()]);
    fields.put_slice(path.as_bytes());
    let mut frame = BytesMut::new();
    frame.put_uint(fields.len() as u64, 3);
    // HEADERS, with the ends of the headers and of the stream.
    frame.put_slice(&[0x01, 0x05]);
    frame.put_u32(stream);
    frame.put(fields);
    frame.freeze()
}

#[tokio::test]
async fn a_client_that_closes_its_side_gets_its_answer_where_that_is_wanted() {
    for answers_half_closed in [true, false] {
        let (entered, release) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let (sender, receiver) = mpsc::channel::<()>(1);
        let receiver = Arc::new(std::sync::Mutex::new(Some(receiver)));
        let (enter, released) = (Arc::clone(&entered), Arc::clone(&release));
        let handler = async move || {
            let _dropped_with_this = receiver.lock().unwrap().take();
            enter.add_permits(1);
            released.acquire().await.unwrap().forget();
            "answered"
        };
        let settings = ServerSettings { answers_half_closed, limits: patient(), ..ServerSettings::default() };
        let server = start_with(settings, Router::new().route("/", get(handler))).await;
        let mut connection = server.connect().await;
        connection.send(GET).await;
        timeout(LIMIT, entered.acquire()).await.unwrap().unwrap().forget();
        connection.0.shutdown().await.unwrap();
        if answers_half_closed {
            assert!(timeout(SHORT, sender.closed()).await.is_err(), "it is still being answered");
            release.add_permits(1);
            assert!(connection.answer().await.ends_with("answered"));
        } else {
            timeout(LIMIT, sender.closed()).await.expect("what it has asked for is given up");
        }
        assert!(connection.rest().await.is_empty());
    }
}

#[tokio::test]
async fn an_event_stream_ends_when_a_half_closed_client_vanishes() {
    let settings = ServerSettings { answers_half_closed: true, limits: patient(), ..ServerSettings::default() };
    let (server, dropped) = serve_endless(settings, "text/event-stream", b": \n\n", Duration::from_millis(50)).await;
    let mut connection = server.connect().await;
    connection.send(GET).await;
    connection.0.shutdown().await.unwrap();
    let mut read = 0;
    while read < 400 {
        read += timeout(LIMIT, connection.0.read(&mut [0; 64])).await.unwrap().unwrap();
    }
    assert!(!dropped.is_closed());
    drop(connection);
    timeout(LIMIT, dropped.closed()).await.expect("it ends");
}

#[tokio::test]
async fn answers_come_as_a_stream_to_the_end() {
    let parts = || async { Body::from_stream(stream::iter((0..1000).map(|_| Ok::<_, Infallible>(CHUNK))).take(50)) };
    let limits = ConnectionLimits { stalled: SHORT, head: SHORT, idle: SHORT, ..patient() };
    let server = serve(limits, Router::new().route("/", get(parts))).await;
    let mut connection = server.connect().await;
    connection.send("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    assert!(connection.rest().await.len() > 50 * CHUNK.len());
}
