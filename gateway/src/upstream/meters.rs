//! What is measured of the instances of services.

use std::sync::Arc;

use shared_telemetry::table::{UPSTREAM_EJECTIONS, UPSTREAM_INSTANCES};
use shared_telemetry::{AtScrape, Counter, at_scrape};

use super::Upstream;
use crate::forward::Forwarder;

/// Counts how often an instance of a service is left out.
pub(super) fn ejections(upstream: &str) -> Counter {
    UPSTREAM_EJECTIONS.of([upstream])
}

/// Measures the instances of all services, as long as what this gives is kept.
pub(crate) fn measured(forwarder: &Arc<Forwarder>) -> AtScrape {
    let forwarder = Arc::clone(forwarder);
    at_scrape(move || {
        forwarder.upstreams().all().for_each(measure);
        std::future::ready(())
    })
}

fn measure(upstream: &Upstream) {
    let (mut in_use, mut left_out, mut not_ready) = (0_u32, 0_u32, 0_u32);
    for instance in upstream.instances().iter() {
        let standing = instance.standing();
        let count = match () {
            () if standing.in_use => &mut in_use,
            () if standing.left_out => &mut left_out,
            () => &mut not_ready,
        };
        *count += 1;
    }
    for (state, count) in [("in_use", in_use), ("left_out", left_out), ("not_ready", not_ready)] {
        UPSTREAM_INSTANCES.of([&upstream.name, state]).set(f64::from(count));
    }
}
