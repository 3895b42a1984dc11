use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, Method};

/// Completes what is answered to a request with this method by the headers that every answer has: nobody guesses what it
/// is, no page of another origin embeds it, and no cache keeps it for others. What the answer says itself counts.
///
/// With `stays_secure`, for a name that was asked for with TLS, browsers do not ask for it otherwise from then on.
pub(super) fn complete(method: &Method, response: &mut Response, stays_secure: bool) {
    const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
    const EVENT_STREAM: &[u8] = b"text/event-stream";
    const FOR_A_YEAR: HeaderValue = HeaderValue::from_static("max-age=31536000");
    let headers = response.headers_mut();
    if stays_secure {
        headers.entry(STRICT_TRANSPORT_SECURITY).or_insert(FOR_A_YEAR);
    }
    headers.entry(X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    headers.entry(CROSS_ORIGIN_RESOURCE_POLICY).or_insert(HeaderValue::from_static("same-origin"));
    if headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(EVENT_STREAM)) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    // Answers change with every event, so a cache has to ask again; and they name people.
    let caching = if method.is_safe() { "private, no-cache" } else { "no-store" };
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static(caching));
}
