//! The headers that every answer has.

use axum::response::sse::{Event, Sse};
use axum::routing::get;
use axum::{Json, Router};
use futures::stream;
use http::{HeaderMap, Method, StatusCode};
use std::convert::Infallible;

use crate::listening::{Server, start};
use crate::support::{ID, app, post_with};

#[track_caller]
fn assert_complete(headers: &HeaderMap, caching: &str) {
    assert_eq!(headers["x-content-type-options"], "nosniff", "{headers:?}");
    assert_eq!(headers["cross-origin-resource-policy"], "same-origin", "{headers:?}");
    assert_eq!(headers.get_all("cache-control").iter().collect::<Vec<_>>(), [caching], "{headers:?}");
}

/// The headers of what a server with these routes answers.
async fn answered(server: &Server, method: Method, path: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap) {
    let request = reqwest::Client::new().request(method, server.url(path));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let answer = request.send().await.unwrap();
    (answer.status(), answer.headers().clone())
}

#[tokio::test]
async fn every_answer_says_who_may_use_and_keep_it() {
    let server = start(app()).await;
    let thing = format!("/things/{ID}");
    for (method, path, caching) in [
        (Method::GET, "/things", "private, no-cache"),
        (Method::GET, &thing, "private, no-cache"),
        (Method::HEAD, &thing, "private, no-cache"),
        (Method::GET, "/nowhere", "no-store"),
        (Method::GET, "/panic", "no-store"),
        (Method::GET, "/slow", "no-store"),
        (Method::PATCH, "/things", "no-store"),
        (Method::POST, &format!("{thing}/poke"), "no-store"),
    ] {
        assert_complete(&answered(&server, method, path, &[]).await.1, caching);
    }
    let (status, headers) = answered(&server, Method::GET, &thing, &[("if-none-match", "*")]).await;
    assert_eq!(status, 304);
    assert_complete(&headers, "private, no-cache");
    // What is answered before there is a route too.
    let (status, headers) = answered(&server, Method::GET, &thing, &[("host", "evil.example")]).await;
    assert_eq!(status, 421);
    assert_complete(&headers, "no-store");
}

#[tokio::test]
async fn what_an_answer_says_itself_counts() {
    let events = || async { Sse::new(stream::empty::<Result<Event, Infallible>>()) };
    let kept = || async { ([("cache-control", "public, max-age=60")], Json(1)) };
    let server = start(Router::new().route("/events", get(events)).route("/kept", get(kept))).await;
    for (path, caching) in [("/events", "no-store"), ("/kept", "public, max-age=60")] {
        assert_complete(&answered(&server, Method::GET, path, &[]).await.1, caching);
    }
}

#[tokio::test]
async fn what_is_expected_is_done_or_refused() {
    let body = format!(r#"{{"name":"Ada","boxId":"{ID}"}}"#);
    for (expected, status) in [("100-continue", 201), ("100-Continue", 201), ("200-ok", 417), ("", 417)] {
        let headers = [("content-type", "application/json"), ("expect", expected)];
        let answer = post_with("/things", &headers, body.clone()).await;
        assert_eq!(answer.status, status, "{expected}: {answer:?}");
        if status == 417 {
            answer.assert_problem(417, "expectation-failed");
        }
    }
}
