//! What pages of other origins may do, if operators allow it (the CORS protocol of the Fetch standard).

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use shared_service::Origin;
use shared_service::headers::{IDEMPOTENCY_KEY, JETBRIDGE_ACTOR, JETBRIDGE_POSITION, TRACEPARENT, X_CORRELATION_ID};
use shared_service::origin::SEC_FETCH_SITE;
use tower::{Layer, ServiceExt};
use tower_http::cors::CorsLayer;

use crate::door::{RATE_LIMIT, RATE_LIMIT_POLICY};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// How long a browser need not ask again what is allowed.
const MAX_AGE: Duration = Duration::from_secs(60 * 60);

/// Lets pages of these origins read the answers of a router. Without origins nothing is different.
pub(crate) fn share_with(origins: &[Origin], router: Router) -> Router {
    if origins.is_empty() {
        return router;
    }
    let values = origins.iter().filter_map(|origin| HeaderValue::from_str(origin.as_str()).ok());
    let cors = CorsLayer::new()
        .allow_origin(values.collect::<Vec<_>>())
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers([
            header::ACCEPT,
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            header::CACHE_CONTROL,
            IDEMPOTENCY_KEY,
            JETBRIDGE_ACTOR,
            JETBRIDGE_POSITION,
            LAST_EVENT_ID,
            TRACEPARENT,
            X_CORRELATION_ID,
        ])
        .expose_headers([
            header::ETAG,
            header::LOCATION,
            header::RETRY_AFTER,
            header::ALLOW,
            header::WWW_AUTHENTICATE,
            RATE_LIMIT,
            RATE_LIMIT_POLICY,
            JETBRIDGE_POSITION,
            X_CORRELATION_ID,
        ])
        .max_age(MAX_AGE);
    router.layer(middleware::from_fn(move |request: Request, next: Next| {
        let cors = cors.clone();
        async move {
            // The layer takes every OPTIONS for a browser that asks what is allowed.
            if request.method() == Method::OPTIONS && !is_preflight(request.headers()) {
                return next.run(request).await;
            }
            let Ok(response) = cors.layer(next).oneshot(request).await;
            response
        }
    }))
}

fn is_preflight(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ORIGIN) && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// Takes away what a browser says of the page that sends a request: it was decided here what that means, and for a
/// service this gateway is the one who asks.
pub(crate) fn forget_origin(headers: &mut HeaderMap) {
    headers.remove(header::ORIGIN);
    headers.remove(SEC_FETCH_SITE);
}
