//! The headers that every answer has.

use axum::body::Body;
use axum::response::sse::{Event, Sse};
use axum::routing::get;
use axum::{Json, Router};
use futures::stream;
use http::{HeaderMap, Method, Request};
use std::convert::Infallible;
use std::time::Duration;
use tower::ServiceExt;

use crate::support::{ID, app, post_json, post_with};

#[track_caller]
fn assert_complete(headers: &HeaderMap, caching: &str) {
    assert_eq!(headers["x-content-type-options"], "nosniff", "{headers:?}");
    assert_eq!(headers["cross-origin-resource-policy"], "same-origin", "{headers:?}");
    assert_eq!(headers.get_all("cache-control").iter().collect::<Vec<_>>(), [caching], "{headers:?}");
}

#[tokio::test]
async fn every_answer_says_who_may_use_and_keep_it() {
    let thing = format!("/things/{ID}");
    for (method, path, caching) in [
        ("GET", "/things", "private, no-cache"),
        ("GET", &thing, "private, no-cache"),
        ("HEAD", &thing, "private, no-cache"),
        ("GET", "/nowhere", "no-store"),
        ("GET", "/panic", "no-store"),
        ("GET", "/slow", "no-store"),
        ("PATCH", "/things", "no-store"),
        ("POST", &format!("{thing}/poke"), "no-store"),
    ] {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let answer = app().oneshot(request).await.unwrap();
        assert_complete(answer.headers(), caching);
    }
    assert_complete(&post_json("/things", "{").await.headers, "no-store");
    let request = Request::get(&thing).header("if-none-match", "*").body(Body::empty()).unwrap();
    let known = app().oneshot(request).await.unwrap();
    assert_eq!(known.status(), 304);
    assert_complete(known.headers(), "private, no-cache");
}

#[tokio::test]
async fn what_an_answer_says_itself_counts() {
    let events = || async { Sse::new(stream::empty::<Result<Event, Infallible>>()) };
    let kept = || async { ([("cache-control", "public, max-age=60")], Json(1)) };
    let routes = Router::new().route("/events", get(events)).route("/kept", get(kept));
    let routes = shared_service::finish(routes, Duration::from_secs(5));
    for (path, caching) in [("/events", "no-store"), ("/kept", "public, max-age=60")] {
        let request = Request::builder().method(Method::GET).uri(path).body(Body::empty()).unwrap();
        assert_complete(routes.clone().oneshot(request).await.unwrap().headers(), caching);
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
