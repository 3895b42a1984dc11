//! Smaller answers for clients that accept them.
//!
//! A strong ETag stands for the bytes of an answer, so a compressed one needs an ETag of its own (RFC 9110, 8.8.3.3).
//! The services know nothing of that: they get back what they have given.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use futures::stream;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use hyper::body::{Frame, SizeHint};
use shared_service::entity_tag::{EntityTag, EntityTags};
use tower::{Layer, ServiceExt, service_fn};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate, SizeAbove};

/// Answers with fewer bytes than this stay as they are.
const MIN_BYTES: u64 = 1024;
/// What the ETag of a compressed answer ends in. Those first that are preferred.
const MARKS: [(&str, &str); 2] = [("br", "-br"), ("gzip", "-gzip")];

/// Compresses the answers of routes.
pub(crate) async fn routes(request: Request, next: Next) -> Response {
    compressed(request, |request| next.clone().run(request)).await
}

/// Answers a request, compressed if the client accepts it. For others this costs nothing.
pub(crate) async fn compressed<F>(mut request: Request, mut answer: impl FnMut(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let (is_head, is_safe) = (*request.method() == Method::HEAD, request.method().is_safe());
    let is_conditional = request.headers().contains_key(header::IF_NONE_MATCH);
    let accepted = if is_conditional { accepted(request.headers()) } else { Vec::new() };
    unmark(request.headers_mut(), header::IF_MATCH, |_| true);
    // A cache may use what a 304 names for this client, so that has to be something that the client accepts.
    let is_of_use = |encoding| !is_safe || accepted.contains(&encoding);
    let known = unmark(request.headers_mut(), header::IF_NONE_MATCH, is_of_use);
    let mut response = if request.headers().contains_key(header::ACCEPT_ENCODING) {
        compress(request, is_head, answer).await
    } else {
        answer(request).await
    };
    mark(&mut response, &accepted, &known);
    say_what_it_depends_on(response.headers_mut());
    let says_length = response.headers().contains_key(header::CONTENT_LENGTH);
    if is_head && !says_length && response.body().size_hint().exact() == Some(0) {
        // What a service has not said, nobody may conclude from the answer to a HEAD having no body.
        *response.body_mut() = Body::from_stream(stream::empty::<Result<Bytes, Infallible>>());
    }
    response
}

async fn compress<F>(request: Request, is_head: bool, mut answer: impl FnMut(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let answer = service_fn(|request| {
        let answer = answer(request);
        async move {
            let mut response = answer.await;
            let status = Status(response.status());
            response.extensions_mut().insert(status);
            Ok::<_, Infallible>(if is_head { as_if_there_were_a_body(response) } else { response })
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

/// The answer to a HEAD with a body of the size that it declares, so that its headers become those of the answer to a
/// GET. Nobody reads it.
fn as_if_there_were_a_body(response: Response) -> Response {
    /// A body of which only the size is known.
    struct Unsent(u64);

    impl HttpBody for Unsent {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(None)
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(self.0)
        }
    }

    let declared = response.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    match declared {
        Some(size) => response.map(|_| Body::new(Unsent(size))),
        None => response,
    }
}

/// What was answered. To a client that accepts no encoding at all, the layer would say that nothing is acceptable, also
/// of a command that has been carried out.
#[derive(Clone, Copy)]
struct Status(StatusCode);

/// The encodings that there are and a client accepts (RFC 9110, 12.5.3), those first that it likes best.
fn accepted(headers: &HeaderMap) -> Vec<&'static str> {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let ranges: Vec<(&str, f32)> = values
        .flat_map(|value| value.split(','))
        .map(|range| {
            let (coding, weight) = range.split_once(';').unwrap_or((range, ""));
            let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.trim().parse().ok());
            (coding.trim(), weight.unwrap_or(1.0))
        })
        .collect();
    let weight = |encoding: &str| {
        let of = |wanted: &str| ranges.iter().find(|(coding, _)| coding.eq_ignore_ascii_case(wanted));
        of(encoding).or_else(|| of("*")).map_or(0.0, |(_, weight)| *weight)
    };
    let weighed = MARKS.iter().map(|(encoding, _)| (*encoding, weight(encoding)));
    let mut accepted: Vec<_> = weighed.filter(|(_, weight)| *weight > 0.0).collect();
    accepted.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    accepted.into_iter().map(|(encoding, _)| encoding).collect()
}

fn mark_of(encoding: &str) -> Option<&'static str> {
    MARKS.iter().find(|(marked, _)| *marked == encoding).map(|(_, mark)| *mark)
}

/// Gives the ETag of a compressed answer its mark, and that of a 304 the one that the client knows it by.
fn mark(response: &mut Response, accepted: &[&'static str], known: &[Vec<u8>]) {
    let Some(plain) = strong_etag(response.headers()) else { return };
    let marked = |encoding: &str| mark_of(encoding).map(|mark| format!("{plain}{mark}"));
    let marked = if response.status() == StatusCode::NOT_MODIFIED {
        let mut names = accepted.iter().filter_map(|encoding| marked(encoding));
        names.find(|name| known.iter().any(|known| known == name.as_bytes()))
    } else {
        let used = response.headers().get(header::CONTENT_ENCODING);
        used.and_then(|used| used.to_str().ok()).and_then(marked)
    };
    if let Some(etag) = marked.and_then(|marked| HeaderValue::try_from(format!("\"{marked}\"")).ok()) {
        response.headers_mut().insert(header::ETAG, etag);
    }
}

/// What is between the quotation marks of the ETag, if it is a strong one.
fn strong_etag(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::ETAG)?.to_str().ok()?.strip_prefix('"')?.strip_suffix('"')
}

/// Removes the marks of these encodings from the ETags in a header, and returns what the client called them. What is no
/// list of ETags is left to the service to refuse.
fn unmark(headers: &mut HeaderMap, name: HeaderName, is_of_use: impl Fn(&'static str) -> bool) -> Vec<Vec<u8>> {
    let Ok(Some(EntityTags::Listed(tags))) = EntityTags::read(headers, &name) else { return Vec::new() };
    let marks = || MARKS.iter().filter(|(encoding, _)| is_of_use(encoding));
    let plain =
        |tag: &EntityTag<'_>| marks().find_map(|(_, mark)| Some(tag.opaque.strip_suffix(mark.as_bytes())?.to_vec()));
    let mut known = Vec::new();
    let list = tags.iter().map(|tag| {
        let start: &[u8] = if tag.weak { b"W/\"" } else { b"\"" };
        let opaque = plain(tag).inspect(|_| known.push(tag.opaque.to_vec()));
        [start, opaque.as_deref().unwrap_or(tag.opaque), b"\""].concat()
    });
    let list = list.collect::<Vec<_>>().join(&b", "[..]);
    if known.is_empty() {
        return known;
    }
    // Its bytes are those of a header.
    if let Ok(list) = HeaderValue::from_bytes(&list) {
        headers.insert(name, list);
    }
    known
}

/// Tells caches that another client may get another answer, also where this one is not compressed.
fn say_what_it_depends_on(headers: &mut HeaderMap) {
    const ACCEPT_ENCODING: HeaderValue = HeaderValue::from_static("accept-encoding");
    if !headers.get_all(header::VARY).iter().any(|value| value == ACCEPT_ENCODING) {
        headers.append(header::VARY, ACCEPT_ENCODING);
    }
}
