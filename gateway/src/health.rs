use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Json;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures::future::join_all;
use http::{HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Limited};
use serde::Serialize;
use shared_service::health::{CheckResult, Finding, Health, Status, Trouble};
use tokio::sync::Mutex;

use crate::forward::Forwarder;
use crate::upstream::{Instance, Upstream, Upstreams};

/// How long each service may take to say how it is.
const PROBE_LIMIT: Duration = Duration::from_secs(1);
/// How long what was seen is good enough for those who are not told more.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// The largest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

#[derive(Serialize)]
struct Overview {
    /// Up if all services are, down if nothing works, else degraded.
    status: Status,
    /// Why it is not up, for people.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<String>,
    services: Vec<ServiceHealth>,
}

#[derive(Serialize)]
struct ServiceHealth {
    name: String,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checks: Vec<CheckResult>,
    /// Those that answer for it, if there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    instances: Vec<InstanceHealth>,
}

#[derive(Serialize)]
struct InstanceHealth {
    /// Its host and port.
    address: String,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// Whether requests go to it.
    #[serde(rename = "inUse")]
    in_use: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checks: Vec<CheckResult>,
}

/// How the services are as a whole, which is as much as everybody may know.
#[derive(Serialize)]
struct Summary {
    status: Status,
}

/// How all services are, which is looked at for each admin who asks, and for all others together once a second.
pub(crate) struct Overviews {
    forwarder: Arc<Forwarder>,
    seen: Mutex<Option<(Instant, Status)>>,
}

impl Overviews {
    pub(crate) fn new(forwarder: Arc<Forwarder>) -> Self {
        Self { forwarder, seen: Mutex::default() }
    }

    /// What `GET /api/health` answers.
    pub(crate) async fn answer(&self, for_admin: bool) -> Response {
        let (status, body) = if for_admin {
            let overview = self.look().await;
            (overview.status, Json(overview).into_response())
        } else {
            let status = self.status().await;
            (status, Json(Summary { status }).into_response())
        };
        let code = if status == Status::Down { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
        let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
        (code, no_store, body).into_response()
    }

    async fn look(&self) -> Overview {
        let upstreams = self.forwarder.upstreams();
        let services = probe_all(upstreams, upstreams.all()).await;
        let reasons = services.iter().flat_map(ServiceHealth::reasons).collect();
        Overview { status: overall(&services), reasons, services }
    }

    async fn status(&self) -> Status {
        // Those who come while one looks wait for what it sees.
        let mut seen = self.seen.lock().await;
        if let Some((at, status)) = *seen
            && at.elapsed() < LOOK_INTERVAL
        {
            return status;
        }
        let status = self.look().await.status;
        *seen = Some((Instant::now(), status));
        status
    }
}

/// How the services are that a gateway asks, for whoever runs it.
#[derive(Clone)]
pub struct Probe(pub(crate) Arc<Forwarder>);

impl Probe {
    /// The services that cannot do their work, each with the reasons.
    pub async fn down(&self) -> Vec<String> {
        let upstreams = self.0.upstreams();
        let services = probe_all(upstreams, upstreams.all()).await;
        services.iter().filter(|service| service.status == Status::Down).flat_map(ServiceHealth::reasons).collect()
    }
}

/// Up if all are, down if nothing works, else degraded. One that is down may still do a part of its work: an API answers
/// queries without the event store, and takes commands without PostgreSQL.
fn overall(services: &[ServiceHealth]) -> Status {
    let works = |service: &ServiceHealth| {
        service.status != Status::Down || service.checks.iter().any(|check| check.status != Status::Down)
    };
    match services {
        services if services.iter().all(|service| service.status == Status::Up) => Status::Up,
        services if services.iter().any(works) => Status::Degraded,
        _ => Status::Down,
    }
}

/// Whether the services are there without which nothing can be asked for: the APIs.
pub(crate) struct Readiness {
    forwarder: Arc<Forwarder>,
    /// Whether all of them were ready at some time.
    was_ready: AtomicBool,
}

impl Readiness {
    pub(crate) fn new(forwarder: Arc<Forwarder>) -> Self {
        Self { forwarder, was_ready: AtomicBool::new(false) }
    }

    /// Up once every API can do its work. If one of them cannot later on, the others still can.
    pub(crate) async fn find(&self) -> Finding {
        let upstreams = self.forwarder.upstreams();
        let apis = probe_all(upstreams, upstreams.apis()).await;
        if apis.iter().all(|api| api.status != Status::Down) {
            self.was_ready.store(true, Ordering::Relaxed);
        }
        let reasons = apis.iter().filter(|api| api.status == Status::Down).flat_map(ServiceHealth::reasons);
        let reasons = reasons.collect::<Vec<_>>().join("; ");
        let one_is_ready = apis.iter().any(|api| api.status != Status::Down);
        match reasons {
            reasons if reasons.is_empty() => Ok(None),
            reasons if one_is_ready && self.was_ready.load(Ordering::Relaxed) => Err(Trouble::Degraded(reasons)),
            reasons => Err(Trouble::Down(reasons)),
        }
    }
}

impl ServiceHealth {
    /// One that is a single process.
    fn of_one(name: &str, only: InstanceHealth) -> Self {
        let InstanceHealth { status, detail, checks, .. } = only;
        Self { name: name.to_owned(), status, detail, checks, instances: Vec::new() }
    }

    /// One with several instances: degraded as long as one of them works and another does not. Its checks are those of the
    /// instance that is best off.
    fn of_several(name: &str, instances: Vec<InstanceHealth>) -> Self {
        let best = instances.iter().min_by_key(|instance| instance.status);
        let (best, checks) = best.map_or((Status::Down, Vec::new()), |best| (best.status, best.checks.clone()));
        let (ready, all) = (instances.iter().filter(|one| one.status != Status::Down).count(), instances.len());
        let are_alike = instances.iter().all(|instance| instance.status == best);
        let status = if are_alike { best } else { Status::Degraded };
        let detail = (ready < all).then(|| format!("{ready} of {all} instances work"));
        Self { name: name.to_owned(), status, detail, checks, instances }
    }

    /// What is the matter with it; nothing if it is up.
    fn reasons(&self) -> Vec<String> {
        let Self { name, status, detail, checks, instances } = self;
        let reasons: Vec<_> = match instances.as_slice() {
            [] => reasons(name, detail.as_ref(), checks).collect(),
            instances => {
                let of_instance = |one: &InstanceHealth| {
                    let name = format!("{name} at {}", one.address);
                    reasons(&name, one.detail.as_ref(), &one.checks).collect::<Vec<_>>()
                };
                instances.iter().filter(|one| one.status != Status::Up).flat_map(of_instance).collect()
            }
        };
        match status {
            Status::Up => Vec::new(),
            _ if reasons.is_empty() => vec![format!("{name}: it does not say why")],
            Status::Degraded | Status::Down => reasons,
        }
    }
}

fn reasons(name: &str, detail: Option<&String>, checks: &[CheckResult]) -> impl Iterator<Item = String> {
    let own = detail.map(|detail| format!("{name}: {detail}"));
    let not_up = checks.iter().filter(|check| check.status != Status::Up);
    own.into_iter().chain(not_up.map(move |check| match &check.detail {
        Some(detail) => format!("{name}: {}: {detail}", check.name),
        None => format!("{name}: {}", check.name),
    }))
}

async fn probe_all<'a>(upstreams: &Upstreams, services: impl Iterator<Item = &'a Upstream>) -> Vec<ServiceHealth> {
    join_all(services.map(|service| probe(upstreams, service))).await
}

async fn probe(upstreams: &Upstreams, upstream: &Upstream) -> ServiceHealth {
    let instances = upstream.instances();
    let mut found = join_all(instances.iter().map(|instance| probe_instance(upstreams, instance))).await;
    match found.pop() {
        Some(only) if found.is_empty() => ServiceHealth::of_one(&upstream.name, only),
        last => ServiceHealth::of_several(&upstream.name, found.into_iter().chain(last).collect()),
    }
}

async fn probe_instance(upstreams: &Upstreams, instance: &Instance) -> InstanceHealth {
    let (status, detail, checks) = match ask(upstreams, instance).await {
        Ok(health) => (health.status, None, health.checks),
        Err(unseen) => (Status::Down, Some(unseen.to_string()), Vec::new()),
    };
    InstanceHealth { address: instance.authority.to_string(), status, detail, in_use: instance.is_usable(), checks }
}

/// Why an instance has not said how it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unseen {
    /// It is not there, or says something else.
    #[error("{0}")]
    Because(&'static str),
    /// It has not answered in time.
    #[error("no answer within {} s", PROBE_LIMIT.as_secs())]
    Late,
}

/// Asks an instance how it is.
pub(crate) async fn ask(upstreams: &Upstreams, instance: &Instance) -> Result<Health, Unseen> {
    let answer = tokio::time::timeout(PROBE_LIMIT, answer(upstreams, instance)).await;
    answer.map_or(Err(Unseen::Late), |answer| answer.map_err(Unseen::Because))
}

async fn answer(upstreams: &Upstreams, instance: &Instance) -> Result<Health, &'static str> {
    const UNREACHABLE: &str = "cannot be reached";
    const UNCLEAR: &str = "does not say how it is";
    const UNKNOWN: &str = "does not accept the gateway's service token; set the same --service-token-file for both";
    const MISNAMED: &str = "does not answer for the name that the gateway was given; set its --public-host";
    let (mut parts, body) = Request::new(Body::empty()).into_parts();
    parts.uri = Uri::from_static("/health/ready");
    instance.address(&mut parts).map_err(|_| UNREACHABLE)?;
    let response = upstreams.send(instance, Request::from_parts(parts, body)).await.map_err(|_| UNREACHABLE)?;
    match response.status() {
        StatusCode::MISDIRECTED_REQUEST => return Err(MISNAMED),
        StatusCode::UNAUTHORIZED => return Err(UNKNOWN),
        _ => {}
    }
    let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES).collect().await.map_err(|_| UNCLEAR)?;
    serde_json::from_slice(&body.to_bytes()).map_err(|_| UNCLEAR)
}
