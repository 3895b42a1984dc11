use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures::future::join_all;
use http::{HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Limited};
use serde::Serialize;
use shared_service::Problem;
use shared_service::health::{CheckResult, Health, Status};

use crate::forward::Forwarder;
use crate::upstream::{Upstream, Upstreams};

/// How long each service may take to say how it is.
const PROBE_LIMIT: Duration = Duration::from_secs(1);
/// The largest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

#[derive(Serialize)]
struct Overview {
    status: OverallStatus,
    services: Vec<ServiceHealth>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum OverallStatus {
    /// Everything works.
    Up,
    /// Something does not.
    Degraded,
    /// Nothing works.
    Down,
}

#[derive(Serialize)]
struct ServiceHealth {
    name: String,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checks: Vec<CheckResult>,
}

/// `GET /api/health`: how all services are, for people.
pub(crate) async fn overview(
    State(forwarder): State<Arc<Forwarder>>,
    request: axum::extract::Request,
) -> Result<Response, Problem> {
    forwarder.check_rate(request.extensions())?;
    let upstreams = forwarder.upstreams();
    let services = join_all(upstreams.all().map(|upstream| probe(upstreams, upstream))).await;
    let up = services.iter().filter(|service| service.status == Status::Up).count();
    let (status, code) = match up {
        _ if up == services.len() => (OverallStatus::Up, StatusCode::OK),
        0 => (OverallStatus::Down, StatusCode::SERVICE_UNAVAILABLE),
        _ => (OverallStatus::Degraded, StatusCode::SERVICE_UNAVAILABLE),
    };
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((code, no_store, Json(Overview { status, services })).into_response())
}

async fn probe(upstreams: &Upstreams, upstream: &Upstream) -> ServiceHealth {
    let answer = tokio::time::timeout(PROBE_LIMIT, ask(upstreams, upstream)).await;
    let (status, detail, checks) = match answer {
        Ok(Ok(health)) => (health.status, None, health.checks),
        Ok(Err(detail)) => (Status::Down, Some(detail.to_owned()), Vec::new()),
        Err(_elapsed) => (Status::Down, Some(format!("no answer within {} s", PROBE_LIMIT.as_secs())), Vec::new()),
    };
    ServiceHealth { name: upstream.name.clone(), status, detail, checks }
}

async fn ask(upstreams: &Upstreams, upstream: &Upstream) -> Result<Health, &'static str> {
    const UNREACHABLE: &str = "cannot be reached";
    const UNCLEAR: &str = "does not say how it is";
    let uri = Uri::builder()
        .scheme("http")
        .authority(upstream.authority.clone())
        .path_and_query("/health/ready")
        .build()
        .map_err(|_| UNREACHABLE)?;
    let request = Request::get(uri).body(Body::empty()).map_err(|_| UNREACHABLE)?;
    let response = upstreams.client.request(request).await.map_err(|_| UNREACHABLE)?;
    let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES).collect().await.map_err(|_| UNCLEAR)?;
    serde_json::from_slice(&body.to_bytes()).map_err(|_| UNCLEAR)
}
