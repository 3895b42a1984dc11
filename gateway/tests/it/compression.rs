use std::convert::Infallible;
use std::io::Read;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::response::IntoResponse;
use axum::routing::{any, get};
use futures::{StreamExt, stream};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jetbridge_testing::TestService;
use reqwest::{Client, Method, RequestBuilder, Response};
use tokio::sync::mpsc;

use crate::support::{LIMIT, gateway, gateway_with, nobody, serve, short_limits};

const FROM_A_BROWSER: &str = "gzip, deflate, br, zstd";

fn request(gateway: &TestService, path: &str, accept_encoding: &str) -> RequestBuilder {
    Client::new().get(gateway.url(path)).header("accept-encoding", accept_encoding)
}

async fn fetch(gateway: &TestService, path: &str, accept_encoding: &str) -> Response {
    request(gateway, path, accept_encoding).send().await.unwrap()
}

fn encoding(answer: &Response) -> Option<&str> {
    answer.headers().get("content-encoding").map(|value| value.to_str().unwrap())
}

/// The body of an answer as it was before it was compressed, and its size on the way.
async fn decoded(answer: Response) -> (Vec<u8>, usize) {
    let used = encoding(&answer).map(str::to_owned);
    let sent = answer.bytes().await.unwrap();
    let mut body = Vec::new();
    match used.as_deref() {
        Some("br") => brotli::Decompressor::new(&*sent, 4096).read_to_end(&mut body),
        Some("gzip") => flate2::read::GzDecoder::new(&*sent).read_to_end(&mut body),
        None => (&*sent).read_to_end(&mut body),
        Some(other) => panic!("nobody asked for {other}"),
    }
    .unwrap();
    (body, sent.len())
}

fn json(length: usize) -> String {
    format!("\"{}\"", "flight ".repeat(length / 7))
}

/// A service that answers with as many bytes as the path says, and with an ETag that it insists on.
async fn service() -> TestService {
    serve(Router::new().route(
        "/api/flights/{length}",
        any(|axum::extract::Path(length): axum::extract::Path<usize>, method: http::Method, headers: HeaderMap| async move {
            let own = |name| headers.get(name).is_none_or(|value| value == "\"12\"" || value == "\"11\", \"12\"");
            let etag = [(header::ETAG, "\"12\""), (header::CONTENT_TYPE, "application/json")];
            match method {
                http::Method::GET if headers.contains_key("if-none-match") && own("if-none-match") => {
                    (StatusCode::NOT_MODIFIED, etag).into_response()
                }
                _ if !own("if-match") => StatusCode::PRECONDITION_FAILED.into_response(),
                _ => (etag, json(length)).into_response(),
            }
        }),
    ))
    .await
}

#[tokio::test]
async fn pages_and_files_are_compressed_as_the_client_likes() {
    let gateway = gateway(nobody().await).await;
    for path in ["/", "/wall", "/assets/dev/main.js", "/assets/dev/style.css", "/problems"] {
        let plain = Client::new().get(gateway.url(path)).send().await.unwrap();
        assert_eq!(encoding(&plain), None);
        let (plain, _) = decoded(plain).await;
        for (accept, expected) in [
            (FROM_A_BROWSER, Some("br")),
            ("gzip", Some("gzip")),
            ("gzip;q=1, br;q=0.5", Some("gzip")),
            ("identity", None),
            ("zstd", None),
            ("br;q=0", None),
        ] {
            let answer = fetch(&gateway, path, accept).await;
            assert_eq!((answer.status().as_u16(), encoding(&answer)), (200, expected), "{path} {accept}");
            let vary: Vec<_> = answer.headers().get_all("vary").iter().collect();
            assert!(vary.iter().any(|value| *value == "accept-encoding"), "{path} {accept} {vary:?}");
            let (body, sent) = decoded(answer).await;
            assert_eq!(body, plain, "{path} {accept}");
            assert!(expected.is_none() || sent < plain.len(), "{path} {accept}");
        }
    }
}

#[tokio::test]
async fn the_page_that_says_that_nothing_is_there_is_compressed() {
    let gateway = gateway(nobody().await).await;
    let answer = request(&gateway, "/nowhere", FROM_A_BROWSER).header("accept", "text/html").send().await.unwrap();
    assert_eq!((answer.status().as_u16(), encoding(&answer)), (404, Some("br")));
}

#[tokio::test]
async fn the_page_can_be_kept_whatever_its_encoding() {
    let gateway = gateway(nobody().await).await;
    for accept in [FROM_A_BROWSER, "gzip", "identity"] {
        let etag = fetch(&gateway, "/", accept).await.headers()["etag"].clone();
        for again in [FROM_A_BROWSER, "gzip", "identity"] {
            let answer = request(&gateway, "/", again).header("if-none-match", etag.clone()).send().await.unwrap();
            assert_eq!(answer.status(), 304);
        }
    }
}

#[tokio::test]
async fn large_answers_of_the_services_are_compressed() {
    let service = service().await;
    let gateway = gateway(service.address()).await;
    for accept in [FROM_A_BROWSER, "gzip"] {
        let answer = fetch(&gateway, "/api/flights/100000", accept).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "application/json");
        assert_eq!(answer.headers()["vary"], "accept-encoding");
        assert!(encoding(&answer).is_some());
        let (body, sent) = decoded(answer).await;
        assert_eq!(body, json(100_000).into_bytes());
        assert!(sent < 10_000, "{sent} bytes");
    }
}

#[tokio::test]
async fn small_answers_and_those_for_other_clients_stay_as_they_are() {
    let service = service().await;
    let gateway = gateway(service.address()).await;
    let small = fetch(&gateway, "/api/flights/500", FROM_A_BROWSER).await;
    assert_eq!(encoding(&small), None);
    assert_eq!(small.headers()["etag"], "\"12\"");
    assert_eq!(decoded(small).await.0, json(500).into_bytes());
    for accept in [None, Some("identity")] {
        let mut plain = Client::new().get(gateway.url("/api/flights/100000"));
        if let Some(accept) = accept {
            plain = plain.header("accept-encoding", accept);
        }
        let plain = plain.send().await.unwrap();
        assert_eq!(encoding(&plain), None);
        assert_eq!(plain.headers()["content-length"], json(100_000).len().to_string().as_str());
        assert_eq!(plain.headers()["etag"], "\"12\"");
    }
    let refused = fetch(&gateway, "/api/flights/x", FROM_A_BROWSER).await;
    assert_eq!((refused.status().as_u16(), encoding(&refused)), (400, None));
}

#[tokio::test]
async fn each_encoding_has_an_etag_of_its_own_that_the_service_understands() {
    let service = service().await;
    let gateway = gateway(service.address()).await;
    let path = "/api/flights/5000";
    for (accept, expected) in [("br", "\"12-br\""), ("gzip", "\"12-gzip\""), ("identity", "\"12\"")] {
        let answer = fetch(&gateway, path, accept).await;
        let etag = answer.headers()["etag"].clone();
        assert_eq!(etag, expected);

        let known = request(&gateway, path, accept).header("if-none-match", etag.clone()).send().await.unwrap();
        assert_eq!(known.status(), 304);
        assert_eq!(known.headers()["etag"], etag, "it is the one that the client has");

        // Who changes the thing may have another idea of encodings, or none.
        for accept in [Some(accept), Some("gzip"), None] {
            let mut change = Client::new().put(gateway.url(path)).header("if-match", etag.clone());
            if let Some(accept) = accept {
                change = change.header("accept-encoding", accept);
            }
            assert_eq!(change.send().await.unwrap().status(), 200);
        }
    }
    let of_several = Client::new().put(gateway.url(path)).header("if-match", "\"11-br\", \"12-gzip\"");
    assert_eq!(of_several.send().await.unwrap().status(), 200);
    let stale = Client::new().put(gateway.url(path)).header("if-match", "\"11-br\"");
    assert_eq!(stale.send().await.unwrap().status(), 412);
}

/// A cache uses what a 304 names in place of the answer, so it has to be something that the client accepts.
#[tokio::test]
async fn a_304_names_what_the_client_has_and_accepts() {
    let service = serve(Router::new().route(
        "/api/flights/7",
        get(|headers: HeaderMap| async move {
            let known =
                headers.get("if-none-match").map(|known| String::from_utf8_lossy(known.as_bytes()).into_owned());
            let is_known = known.as_deref().is_some_and(|known| known.split(", ").any(|tag| tag.ends_with("\"12\"")));
            let status = if is_known { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
            (status, [("etag", "\"12\""), ("known", &known.unwrap_or_default().replace('\u{fffd}', "?"))])
                .into_response()
        }),
    ))
    .await;
    let gateway = gateway(service.address()).await;
    for (accept, known, etag) in [
        ("br", &b"\"12-br\""[..], Some("\"12-br\"")),
        ("gzip, br", b"\"11\", W/\"12-br\",, \"12-gzip\"", Some("\"12-br\"")),
        ("gzip, br;q=0.5", b"\"12-br\", \"12-gzip\"", Some("\"12-gzip\"")),
        ("gzip", b"\"12-br\", \"12-gzip\"", Some("\"12-gzip\"")),
        ("*", b"\"12-gzip\"", Some("\"12-gzip\"")),
        ("gzip", b"\"a,\xeb-gzip\", \"12-gzip\"", Some("\"12-gzip\"")),
        ("gzip", b"\"12-br\", \"12\"", Some("\"12\"")),
        ("gzip", b"\"12-br\"", None),
        ("identity", b"\"12-br\"", None),
        ("br;q=0, gzip", b"\"12-br\"", None),
        ("br", b"\"12-br-br\"", None),
        ("br", b"\"12-br", None),
    ] {
        let known = HeaderValue::from_bytes(known).unwrap();
        let answer = request(&gateway, "/api/flights/7", accept).header("if-none-match", &known).send().await.unwrap();
        assert_eq!(answer.status(), if etag.is_some() { 304 } else { 200 }, "{accept} {known:?}");
        assert_eq!(answer.headers()["etag"], etag.unwrap_or("\"12\""), "{accept} {known:?}");
        assert_eq!(answer.headers()["vary"], "accept-encoding");
        for header in ["content-type", "content-length", "content-encoding"] {
            assert!(etag.is_none() || !answer.headers().contains_key(header), "{header} {accept} {known:?}");
        }
    }
}

#[tokio::test]
async fn if_match_keeps_weak_tags_weak_whatever_their_encoding() {
    let echo = |headers: HeaderMap| async move { headers["if-match"].as_bytes().to_vec() };
    let service = serve(Router::new().fallback(any(echo))).await;
    let gateway = gateway(service.address()).await;
    for (sent, passed_on) in [
        (&b"\"12-br\", W/\"12-gzip\""[..], &b"\"12\", W/\"12\""[..]),
        (b"\"\xeb,-br\" ,\"x\"", b"\"\xeb,\", \"x\""),
        (b"\"12\",, \"13\"", b"\"12\",, \"13\""),
        (b"\"12-br\" \"13-br\"", b"\"12-br\" \"13-br\""),
        (b"*", b"*"),
    ] {
        let sent = HeaderValue::from_bytes(sent).unwrap();
        let answer = Client::new().put(gateway.url("/api/flights/7")).header("if-match", &sent).send().await.unwrap();
        assert_eq!(answer.bytes().await.unwrap(), passed_on, "{sent:?}");
    }
}

#[tokio::test]
async fn head_says_of_each_encoding_what_get_does() {
    let service = service().await;
    let gateway = gateway(service.address()).await;
    for path in ["/api/flights/500", "/api/flights/100000", "/", "/assets/dev/main.js", "/problems", "/nowhere"] {
        for accept in [FROM_A_BROWSER, "gzip", "identity"] {
            let ask = |method| {
                let request = Client::new().request(method, gateway.url(path));
                // Without one, each answer has its own.
                let request = request.header("x-correlation-id", "head-and-get");
                request.header("accept-encoding", accept).header("accept", "text/html").send()
            };
            let (get, head) = (ask(Method::GET).await.unwrap(), ask(Method::HEAD).await.unwrap());
            assert_eq!(head.status(), get.status(), "{path} {accept}");
            let mut expected = get.headers().clone();
            let mut found = head.headers().clone();
            for headers in [&mut expected, &mut found] {
                headers.remove("date");
                headers.remove("x-correlation-id");
                // What depends on how it is sent.
                headers.remove("transfer-encoding");
            }
            assert_eq!(found, expected, "{path} {accept}");
            assert_eq!(head.bytes().await.unwrap(), "");
        }
    }
}

#[tokio::test]
async fn head_of_what_has_no_known_length_does_not_say_that_it_is_empty() {
    let (_events, service) = streaming("text/event-stream").await;
    let gateway = gateway(service.address()).await;
    let head = Client::new().head(gateway.url("/api/auditlog/events")).send().await.unwrap();
    assert_eq!(head.status(), 200);
    assert!(!head.headers().contains_key("content-length"), "{:?}", head.headers());
}

#[tokio::test]
async fn a_command_of_a_client_that_accepts_nothing_is_not_said_to_have_failed() {
    let service = service().await;
    let gateway = gateway(service.address()).await;
    for accept in ["identity;q=0", "*;q=0", "zstd, identity;q=0"] {
        let request = Client::new().request(Method::POST, gateway.url("/api/flights/5000"));
        let answer = request.header("accept-encoding", accept).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), encoding(&answer)), (200, None), "{accept}");
    }
}

/// A service that streams what is sent into the channel.
async fn streaming(content_type: &'static str) -> (mpsc::UnboundedSender<String>, TestService) {
    let (sender, receiver) = mpsc::unbounded_channel::<String>();
    let receiver = Arc::new(std::sync::Mutex::new(Some(receiver)));
    let handler = move || {
        let receiver = receiver.lock().unwrap().take().unwrap();
        let chunks = stream::unfold(receiver, |mut receiver| async {
            receiver.recv().await.map(|text| (Ok::<_, Infallible>(Bytes::from(text)), receiver))
        });
        async move { ([(header::CONTENT_TYPE, content_type)], Body::from_stream(chunks)) }
    };
    (sender, serve(Router::new().route("/api/auditlog/events", get(handler))).await)
}

#[tokio::test]
async fn events_go_through_at_once() {
    let (events, service) = streaming("text/event-stream").await;
    let gateway = gateway(service.address()).await;
    let answer = fetch(&gateway, "/api/auditlog/events", FROM_A_BROWSER).await;
    assert_eq!(encoding(&answer), None);
    let mut answer = answer.bytes_stream();
    for length in [1, 5_000] {
        let event = format!("data: {}\n\n", "x".repeat(length));
        events.send(event.clone()).unwrap();
        let mut received = Vec::new();
        while received.len() < event.len() {
            let chunk = tokio::time::timeout(LIMIT, answer.next()).await.expect("not held back").unwrap().unwrap();
            received.extend_from_slice(&chunk);
        }
        assert_eq!(received, event.as_bytes());
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_does_not_look_complete() {
    let (parts, service) = streaming("application/json").await;
    let gateway = gateway_with(service.address(), short_limits()).await;
    let answer = fetch(&gateway, "/api/auditlog/events", FROM_A_BROWSER).await;
    assert_eq!(encoding(&answer), Some("br"));
    parts.send(json(100_000)).unwrap();
    let end = tokio::time::timeout(LIMIT, answer.bytes()).await.expect("it is broken off");
    assert!(end.is_err());
}

/// A service that breaks off in the middle of a file.
async fn breaking_off() -> TestService {
    let handler = || async {
        let rows = Bytes::from("\"1\",\"Ada\"\r\n".repeat(10_000));
        let parts = stream::iter([Ok(rows), Err(std::io::Error::other("the event store is away"))]);
        ([(header::CONTENT_TYPE, "text/csv"), (header::VARY, "accept")], Body::from_stream(parts))
    };
    serve(Router::new().route("/api/auditlog/all", get(handler))).await
}

#[tokio::test]
async fn a_file_that_its_service_breaks_off_does_not_look_complete() {
    let service = breaking_off().await;
    let gateway = gateway(service.address()).await;
    for (accept_encoding, used) in [(FROM_A_BROWSER, Some("br")), ("gzip", Some("gzip")), ("identity", None)] {
        let answer = fetch(&gateway, "/api/auditlog/all", accept_encoding).await;
        assert_eq!(encoding(&answer), used);
        let varying: Vec<_> = answer.headers().get_all("vary").iter().map(|value| value.to_str().unwrap()).collect();
        assert_eq!(varying, ["accept", "accept-encoding"], "{accept_encoding}");
        let end = tokio::time::timeout(LIMIT, answer.bytes()).await.expect("it is broken off");
        assert!(end.is_err(), "{accept_encoding}");
    }
}
