use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};

/// Client addresses that are remembered; beyond that, new ones share one allowance.
const MAX_CLIENTS: usize = 100_000;
/// After this many requests, clients that have been quiet are forgotten.
const TIDY_EVERY: u32 = 10_000;

/// How many requests each client may send.
pub(crate) struct RateLimit {
    limiter: DefaultKeyedRateLimiter<IpAddr>,
    clock: DefaultClock,
    checks: AtomicU32,
}

impl RateLimit {
    pub(crate) fn per_second(requests: NonZeroU32) -> Self {
        Self {
            limiter: DefaultKeyedRateLimiter::keyed(Quota::per_second(requests)),
            clock: DefaultClock::default(),
            checks: AtomicU32::new(0),
        }
    }

    /// Counts a request of this client; if it is one too many, says how long to wait.
    pub(crate) fn check(&self, client: IpAddr) -> Result<(), Duration> {
        let mut key = network(client);
        if self.checks.fetch_add(1, Ordering::Relaxed) % TIDY_EVERY == TIDY_EVERY - 1 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        if self.limiter.len() >= MAX_CLIENTS {
            key = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        }
        self.limiter.check_key(&key).map_err(|refused| refused.wait_time_from(self.clock.now()))
    }
}

/// What counts as one client: an IPv4 address, or the /64 network that one subscriber gets with IPv6.
fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
    }
}

#[cfg(test)]
mod tests;
