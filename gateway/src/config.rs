use std::num::NonZeroU32;
use std::time::Duration;

use shared_service::settings::ServiceUrl;

/// What the gateway has to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where requests are passed on to.
    pub services: Services,
    /// What is too much, and too long.
    pub limits: Limits,
}

/// Where the services are.
#[derive(Debug, Clone)]
pub struct Services {
    /// Answers `/api/flights`.
    pub flight_api: ServiceUrl,
    /// Answers `/api/passengers` and `/api/manifests`.
    pub passenger_api: ServiceUrl,
    /// Answers `/api/auditlog`.
    pub auditlog_api: ServiceUrl,
    /// Looked at for `/api/health`, if given.
    pub flight_processor: Option<ServiceUrl>,
    /// Looked at for `/api/health`, if given.
    pub passenger_processor: Option<ServiceUrl>,
}

/// What is too much, and too long.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long it may take to connect to a service.
    pub connect: Duration,
    /// How long an answer may take to begin.
    pub request: Duration,
    /// How long an answer that has begun may pause. Server-sent events may pause for ever.
    pub pause: Duration,
    /// How many requests wait for an answer at a time.
    pub in_flight: usize,
    /// How many requests a second one client address may send; no limit if `None`.
    pub requests_per_second: Option<NonZeroU32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            request: Duration::from_secs(35),
            pause: Duration::from_secs(30),
            in_flight: 4096,
            requests_per_second: None,
        }
    }
}
