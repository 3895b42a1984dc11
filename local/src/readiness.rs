//! Whether everything is ready, as the gateway knows it.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use shared_infrastructure::back_off::BackOff;
use shared_service::health::{CheckResult, Status};
use shared_service::process::reachable;
use tokio::time::{Instant, timeout};

use crate::error::SystemError;

/// Long enough to fold streams of many millions of events.
const LIMIT: Duration = Duration::from_secs(600);
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
/// How often to say what is missing.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);
/// The gateway gives each service a second.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
const MAX_ANSWER_BYTES: usize = 256 * 1024;

type HttpClient = Client<HttpConnector, Empty<&'static [u8]>>;

/// What the gateway answers to `GET /api/health`.
#[derive(Deserialize)]
struct Overview {
    services: Vec<ServiceHealth>,
}

#[derive(Deserialize)]
struct ServiceHealth {
    name: String,
    status: Status,
    #[serde(default)]
    detail: Option<String>,
    #[serde(default)]
    checks: Vec<CheckResult>,
}

/// Asks the gateway again and again, until everything is ready.
pub(crate) async fn wait(gateway: SocketAddr) -> Result<(), SystemError> {
    let client: HttpClient = Client::builder(TokioExecutor::new()).build_http();
    let url = format!("http://{}/api/health", reachable(gateway));
    let start = Instant::now();
    let mut next_report = start + REPORT_INTERVAL;
    let mut back_off = BackOff::new(FIRST_PAUSE, LONGEST_PAUSE);
    loop {
        let missing = match timeout(ANSWER_LIMIT, missing(&client, &url)).await {
            Ok(Ok(None)) => return Ok(()),
            Ok(Ok(Some(missing))) => missing,
            Ok(Err(error)) => format!("gateway ({error})"),
            Err(_elapsed) => "gateway (no answer)".to_owned(),
        };
        if start.elapsed() >= LIMIT {
            return Err(SystemError::NotReady { limit: LIMIT, missing });
        }
        if Instant::now() >= next_report {
            tracing::info!(waited.s = start.elapsed().as_secs(), "still waiting for {missing}");
            next_report += REPORT_INTERVAL;
        }
        back_off.pause().await;
    }
}

/// What is not ready, for people.
async fn missing(client: &HttpClient, url: &str) -> Result<Option<String>, Box<dyn Error + Send + Sync>> {
    let response = client.get(url.parse()?).await?;
    let status = response.status();
    let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES).collect().await?;
    let Ok(overview) = serde_json::from_slice::<Overview>(&body.to_bytes()) else {
        return Err(format!("it answers {status}").into());
    };
    let down = overview.services.iter().filter(|service| service.status == Status::Down);
    let down: Vec<_> = down.map(describe).collect();
    Ok((!down.is_empty()).then(|| down.join(", ")))
}

fn describe(service: &ServiceHealth) -> String {
    let checks = service.checks.iter().filter(|check| check.status == Status::Down);
    let reasons = checks.map(|check| match &check.detail {
        Some(detail) => format!("{}: {detail}", check.name),
        None => check.name.clone(),
    });
    let reasons: Vec<String> = service.detail.iter().cloned().chain(reasons).collect();
    format!("{} ({})", service.name, reasons.join("; "))
}
