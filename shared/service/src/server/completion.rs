use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, Method};

/// Completes what is answered to a request with this method by the headers that every answer has: nobody guesses what it
/// is, no page of another origin embeds it, and no cache keeps it for others. What the answer says itself counts.
pub(super) fn complete(method: &Method, response: &mut Response) {
    const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
    const EVENT_STREAM: &[u8] = b"text/event-stream";
    let headers = response.headers_mut();
    headers.entry(X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    headers.entry(CROSS_ORIGIN_RESOURCE_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    if headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(EVENT_STREAM)) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    // Answers change with every event, so a cache has to ask again; and they name people.
    let caching = if method.is_safe() { "private, no-cache" } else { "no-store" };
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static(caching));
}
