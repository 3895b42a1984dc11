use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota};

use crate::client::Client;

/// Clients that are remembered; beyond that, new ones share one allowance.
const MAX_CLIENTS: usize = 100_000;
/// After this many requests, clients that have been quiet are forgotten.
const TIDY_EVERY: u32 = 10_000;

/// How many requests each client may send, and all of them together.
pub(crate) struct RateLimit {
    per_client: Option<DefaultKeyedRateLimiter<Client>>,
    in_all: Option<DefaultDirectRateLimiter>,
    clock: DefaultClock,
    checks: AtomicU32,
}

impl RateLimit {
    pub(crate) fn per_second(per_client: Option<NonZeroU32>, in_all: Option<NonZeroU32>) -> Self {
        Self {
            per_client: per_client.map(|requests| DefaultKeyedRateLimiter::keyed(Quota::per_second(requests))),
            in_all: in_all.map(|requests| DefaultDirectRateLimiter::direct(Quota::per_second(requests))),
            clock: DefaultClock::default(),
            checks: AtomicU32::new(0),
        }
    }

    /// Counts a request of this client; if it is one too many, says how long to wait. What one client sends too much
    /// does not count against all.
    pub(crate) fn check(&self, client: Client) -> Result<(), Duration> {
        if let Some(limiter) = &self.per_client {
            let known = self.tidy(limiter) < MAX_CLIENTS;
            let key = if known { client } else { Client::UNKNOWN };
            limiter.check_key(&key).map_err(|refused| refused.wait_time_from(self.clock.now()))?;
        }
        match &self.in_all {
            Some(limiter) => limiter.check().map_err(|refused| refused.wait_time_from(self.clock.now())),
            None => Ok(()),
        }
    }

    /// Forgets clients now and then. Answers how many are left.
    fn tidy(&self, limiter: &DefaultKeyedRateLimiter<Client>) -> usize {
        if self.checks.fetch_add(1, Ordering::Relaxed) % TIDY_EVERY == TIDY_EVERY - 1 {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
        limiter.len()
    }
}

#[cfg(test)]
mod tests;
