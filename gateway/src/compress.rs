//! Smaller answers for clients that accept them.
//!
//! A strong ETag stands for the bytes of an answer, so a compressed one needs an ETag of its own (RFC 9110, 8.8.3.3).
//! The services know nothing of that: they get back what they have given.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use tower::{Layer, ServiceExt, service_fn};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate, SizeAbove};

/// Answers with fewer bytes than this stay as they are.
const MIN_BYTES: u64 = 1024;
/// What the ETag of a compressed answer ends in.
const MARKS: [(&str, &str); 2] = [("br", "-br\""), ("gzip", "-gzip\"")];

/// Compresses the answers of routes.
pub(crate) async fn routes(request: Request, next: Next) -> Response {
    compressed(request, |request| next.clone().run(request)).await
}

/// Answers a request, compressed if the client accepts it. For others this costs nothing.
pub(crate) async fn compressed<F>(mut request: Request, mut answer: impl FnMut(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    unmark(request.headers_mut(), header::IF_MATCH);
    let known = unmark(request.headers_mut(), header::IF_NONE_MATCH);
    let mut response = if request.headers().contains_key(header::ACCEPT_ENCODING) {
        compress(request, answer).await
    } else {
        answer(request).await
    };
    mark(&mut response, known.as_deref());
    response
}

async fn compress<F>(request: Request, mut answer: impl FnMut(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let answer = service_fn(|request| {
        let answer = answer(request);
        async {
            let mut response = answer.await;
            let status = Status(response.status());
            response.extensions_mut().insert(status);
            Ok::<_, Infallible>(response)
        }
    });
    // Nothing tiny or compressed already, and never server-sent events, which must not wait for each other.
    let fonts = NotForContentType::const_new("font/");
    let worthwhile = DefaultPredicate::new().and(SizeAbove::new(MIN_BYTES)).and(fonts);
    let Ok(response) = CompressionLayer::new().compress_when(worthwhile).layer(answer).oneshot(request).await;
    let mut response = response.map(Body::new);
    if let Some(Status(status)) = response.extensions_mut().remove() {
        *response.status_mut() = status;
    }
    response
}

/// What was answered. To a client that accepts no encoding at all, the layer would say that nothing is acceptable, also
/// of a command that has been carried out.
#[derive(Clone, Copy)]
struct Status(StatusCode);

/// Gives the ETag of a compressed answer its mark, and that of a 304 the one that the client knows it by.
fn mark(response: &mut Response, known: Option<&str>) {
    let Some(start) = strong_etag(response.headers()) else { return };
    let is_own = |(encoding, mark): &&(&str, &str)| match known {
        Some(known) if response.status() == StatusCode::NOT_MODIFIED => known.contains(&format!("{start}{mark}")),
        _ => response.headers().get(header::CONTENT_ENCODING).is_some_and(|used| used == *encoding),
    };
    let marked = MARKS.iter().find(is_own).map(|(_, mark)| format!("{start}{mark}"));
    if let Some(etag) = marked.and_then(|etag| HeaderValue::try_from(etag).ok()) {
        response.headers_mut().insert(header::ETAG, etag);
    }
}

/// The ETag without its closing quotation mark, if it is a strong one.
fn strong_etag(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::ETAG)?.to_str().ok()?.strip_suffix('"').filter(|start| start.starts_with('"'))
}

/// Removes the marks from the ETags in a header, and returns what it was if there were any.
fn unmark(headers: &mut HeaderMap, name: HeaderName) -> Option<String> {
    let mut marked = None;
    if let header::Entry::Occupied(mut values) = headers.entry(name) {
        for value in values.iter_mut() {
            let Ok(text) = value.to_str() else { continue };
            let plain = MARKS.iter().fold(text.to_owned(), |text, (_, mark)| text.replace(mark, "\""));
            if plain != text {
                marked.get_or_insert_with(String::new).push_str(text);
                *value = HeaderValue::try_from(plain).unwrap_or_else(|_| HeaderValue::from_static("\"\""));
            }
        }
    }
    marked
}
