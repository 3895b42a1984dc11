//! What is measured of a pool of connections.

use deadpool_postgres::Pool;
use shared_telemetry::table::{POOL_CONNECTIONS, POOL_FAILURES, POOL_LIMIT, POOL_WAIT, POOL_WAITING};
use shared_telemetry::{AtScrape, Counter, Histogram, at_scrape};

#[derive(Clone)]
pub(super) struct Meters {
    pub(super) waited: Histogram,
    pub(super) failed: Counter,
}

impl Meters {
    pub(super) fn new() -> Self {
        Self { waited: POOL_WAIT.of([]), failed: POOL_FAILURES.of([]) }
    }
}

pub(super) fn measured(pool: Pool, service: &str) -> AtScrape {
    let connections = |state| POOL_CONNECTIONS.of([service, state]);
    let (in_use, idle) = (connections("in_use"), connections("idle"));
    let (most, waiting) = (POOL_LIMIT.of([service]), POOL_WAITING.of([service]));
    at_scrape(move || {
        let status = pool.status();
        in_use.set(status.size.saturating_sub(status.available) as f64);
        idle.set(status.available as f64);
        most.set(status.max_size as f64);
        waiting.set(status.waiting as f64);
        std::future::ready(())
    })
}
