//! One of the processes that are a service, and whether it is asked.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::request::Parts;
use http::uri::{Authority, InvalidUriParts};
use http::{HeaderValue, Uri, header};
use jiff::Timestamp;
use tokio::time::Instant;

use super::site::Site;

/// How long one that has failed is left alone, at first; twice as long each time it fails again.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long after its last pause a failure counts as a first one.
const FORGIVEN_AFTER: Duration = Duration::from_secs(60);
/// After how many questions without an answer in time it does not count as ready.
const MOST_MISSES: u32 = 2;

/// One process of a service. All that requests look at is atomic.
#[derive(Debug)]
pub(crate) struct Instance {
    /// Where it is: host and port.
    pub(crate) authority: Authority,
    /// What it is an instance of.
    pub(super) site: Site,
    /// By which name it is asked for.
    host: HeaderValue,
    in_flight: AtomicUsize,
    /// What it has said of itself when it was asked last.
    is_ready: AtomicBool,
    /// Whether requests to it have failed since.
    is_ejected: AtomicBool,
    misses: AtomicU32,
    ejection: Mutex<Option<Ejection>>,
    /// Since when it gets requests or gets none, and how often it was left out.
    changes: Mutex<Changes>,
}

/// How it has gone so far.
#[derive(Debug, Clone, Copy, Default)]
struct Changes {
    last: Option<Timestamp>,
    ejections: u64,
}

/// How an instance stands with the gateway.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    /// Whether requests go to it as long as there are others.
    pub(crate) in_use: bool,
    /// Whether that is because requests to it have failed.
    pub(crate) left_out: bool,
    /// Since when it gets requests or gets none. `None` if that was always so.
    pub(crate) since: Option<Timestamp>,
    /// How often it was left out.
    pub(crate) ejections: u64,
}

/// When requests to an instance failed.
#[derive(Debug, Clone, Copy)]
struct Ejection {
    /// How often, without much time between.
    count: u32,
    /// Until when it is left alone.
    until: Instant,
}

/// What an instance says when it is asked how it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// It does its work.
    Ready,
    /// It does not, or nobody is there.
    NotReady,
    /// Nothing, in the time that it had.
    Nothing,
}

impl Instance {
    /// One there that is asked for by the name of its site. It counts as ready until it says something else.
    pub(super) fn new(authority: Authority, site: Site) -> Self {
        let host = HeaderValue::from_str(site.authority.as_str()).unwrap_or(HeaderValue::from_static("localhost"));
        Self {
            authority,
            site,
            host,
            in_flight: AtomicUsize::new(0),
            is_ready: AtomicBool::new(true),
            is_ejected: AtomicBool::new(false),
            misses: AtomicU32::new(0),
            ejection: Mutex::new(None),
            changes: Mutex::default(),
        }
    }

    /// Whether requests go to it as long as there are others.
    pub(crate) fn is_usable(&self) -> bool {
        self.is_ready.load(Ordering::Relaxed) && !self.is_ejected.load(Ordering::Relaxed)
    }

    /// How many requests it is answering.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// How it stands.
    pub(crate) fn standing(&self) -> Standing {
        let changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let (in_use, left_out) = (self.is_usable(), self.is_ejected.load(Ordering::Relaxed));
        Standing { in_use, left_out, since: changes.last, ejections: changes.ejections }
    }

    /// Whether it is used may have changed.
    fn note_change(&self, was_usable: bool, ejections: u64) {
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        changes.ejections += ejections;
        if self.is_usable() != was_usable {
            changes.last = Some(Timestamp::now());
        }
    }

    /// Leaves it out for a while, because a request to it has failed. Whether it was in until now.
    pub(super) fn eject(&self) -> bool {
        let mut ejection = self.ejection.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_ejected.load(Ordering::Relaxed) {
            return false;
        }
        let now = Instant::now();
        let before = ejection.filter(|last| now < last.until + FORGIVEN_AFTER).map_or(0, |last| last.count);
        let pause = FIRST_PAUSE.saturating_mul(1 << before.min(16)).min(LONGEST_PAUSE);
        *ejection = Some(Ejection { count: before + 1, until: now + pause });
        let was_usable = self.is_usable();
        self.is_ejected.store(true, Ordering::Relaxed);
        self.note_change(was_usable, 1);
        true
    }

    /// Takes note of what it says. Whether it is used has changed if this gives something: to that.
    pub(super) fn said(&self, said: Said) -> Option<bool> {
        let was_usable = self.is_usable();
        let misses = if said == Said::Nothing { self.misses.fetch_add(1, Ordering::Relaxed) + 1 } else { 0 };
        self.misses.store(misses, Ordering::Relaxed);
        match said {
            Said::Ready => {
                self.is_ready.store(true, Ordering::Relaxed);
                let ejection = self.ejection.lock().unwrap_or_else(PoisonError::into_inner);
                if ejection.is_none_or(|ejection| ejection.until <= Instant::now()) {
                    self.is_ejected.store(false, Ordering::Relaxed);
                }
            }
            Said::NotReady => self.is_ready.store(false, Ordering::Relaxed),
            Said::Nothing if misses >= MOST_MISSES => self.is_ready.store(false, Ordering::Relaxed),
            Said::Nothing => {}
        }
        self.note_change(was_usable, 0);
        let is_usable = self.is_usable();
        (is_usable != was_usable).then_some(is_usable)
    }

    /// Addresses a request to it.
    ///
    /// # Errors
    /// If what is asked for cannot be part of an address.
    pub(crate) fn address(&self, request: &mut Parts) -> Result<(), InvalidUriParts> {
        let mut uri = std::mem::take(&mut request.uri).into_parts();
        uri.scheme = Some(self.site.scheme.clone());
        uri.authority = Some(self.authority.clone());
        request.uri = Uri::from_parts(uri)?;
        request.headers.insert(header::HOST, self.host.clone());
        Ok(())
    }
}

/// An instance that answers a request, until this is dropped.
#[derive(Debug)]
pub(crate) struct Lease(Arc<Instance>);

impl Lease {
    pub(super) fn of(instance: &Arc<Instance>) -> Self {
        instance.in_flight.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(instance))
    }
}

impl Deref for Lease {
    type Target = Instance;

    fn deref(&self) -> &Instance {
        &self.0
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
