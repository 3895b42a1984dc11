use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota};

use crate::client::Client;

/// Clients that are remembered; beyond that, new ones share one allowance.
const MAX_CLIENTS: usize = 100_000;
/// After this many requests, clients that have been quiet are forgotten.
const TIDY_EVERY: u32 = 10_000;

/// How much each client has left of something.
pub(crate) struct Allowance {
    limiter: DefaultKeyedRateLimiter<Client, StateInformationMiddleware>,
    clock: DefaultClock,
    checks: AtomicU32,
}

impl Allowance {
    pub(crate) fn of(quota: Quota) -> Self {
        let limiter = DefaultKeyedRateLimiter::keyed(quota).with_middleware();
        Self { limiter, clock: DefaultClock::default(), checks: AtomicU32::new(0) }
    }

    /// Takes one of what a client has left, and answers how many it has then; or how long it takes until it has one.
    pub(crate) fn take(&self, client: Client) -> Result<u32, Duration> {
        let known = self.tidy() < MAX_CLIENTS;
        let key = if known { client } else { Client::UNKNOWN };
        let taken = self.limiter.check_key(&key);
        taken.map(|left| left.remaining_burst_capacity()).map_err(|refused| refused.wait_time_from(self.clock.now()))
    }

    /// Forgets clients now and then. Answers how many are left.
    fn tidy(&self) -> usize {
        if self.checks.fetch_add(1, Ordering::Relaxed) % TIDY_EVERY == TIDY_EVERY - 1 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        self.limiter.len()
    }
}

/// How many requests a second there may be of one client; no limit if `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Rates {
    pub(crate) principal: Option<NonZeroU32>,
    pub(crate) address: Option<NonZeroU32>,
    /// Whether the second is also one for this machine's own addresses.
    pub(crate) limits_loopback: bool,
}

/// How many requests each client may send, and all of them together.
pub(crate) struct RateLimit {
    principals: Option<Limit>,
    addresses: Option<Limit>,
    limits_loopback: bool,
    in_all: Option<DefaultDirectRateLimiter>,
    clock: DefaultClock,
}

struct Limit {
    quota: NonZeroU32,
    allowance: Allowance,
}

impl Limit {
    fn of(quota: NonZeroU32) -> Self {
        Self { quota, allowance: Allowance::of(Quota::per_second(quota)) }
    }
}

/// How a client stands against the limit of its requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// How many there may be a second.
    pub(crate) quota: NonZeroU32,
    /// How many it has left.
    pub(crate) left: u32,
}

/// A request is one too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany {
    /// How long to wait.
    pub(crate) wait: Duration,
    /// `None` if it is all together who have sent too many.
    pub(crate) standing: Option<Standing>,
}

impl RateLimit {
    pub(crate) fn per_second(rates: Rates, in_all: Option<NonZeroU32>) -> Self {
        Self {
            principals: rates.principal.map(Limit::of),
            addresses: rates.address.map(Limit::of),
            limits_loopback: rates.limits_loopback,
            in_all: in_all.map(|requests| DefaultDirectRateLimiter::direct(Quota::per_second(requests))),
            clock: DefaultClock::default(),
        }
    }

    /// Counts a request of this client. What one client sends too much does not count against all.
    pub(crate) fn check(&self, client: Client) -> Result<Option<Standing>, TooMany> {
        let limit = match client {
            Client::Principal(_) => self.principals.as_ref(),
            Client::Address(_) if client.is_loopback() && !self.limits_loopback => None,
            Client::Address(_) => self.addresses.as_ref(),
        };
        let taken = limit.map(|Limit { quota, allowance }| {
            let standing = |left| Standing { quota: *quota, left };
            allowance.take(client).map(standing).map_err(|wait| TooMany { wait, standing: Some(standing(0)) })
        });
        let standing = taken.transpose()?;
        match self.in_all.as_ref().and_then(|limiter| limiter.check().err()) {
            Some(refused) => Err(TooMany { wait: refused.wait_time_from(self.clock.now()), standing: None }),
            None => Ok(standing),
        }
    }
}

#[cfg(test)]
mod tests;
