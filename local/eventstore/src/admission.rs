//! How many connections there may be, in all and from one place, and which has to go when there are more.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// What connections are limited to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionLimits {
    /// Connections at once.
    pub all: usize,
    /// Connections at once from this machine.
    pub local: usize,
    /// Connections at once from one other address, or one IPv6 network of 64 bits.
    pub per_address: usize,
    /// How long a connection may take until its first request is there and let in.
    pub first_request: Duration,
}

impl Default for ConnectionLimits {
    /// All services with several replicas take some dozens.
    fn default() -> Self {
        Self { all: 1024, local: 768, per_address: 128, first_request: Duration::from_secs(10) }
    }
}

/// Where connections come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    /// This machine, which has a great many addresses.
    Here,
    Address(IpAddr),
}

impl Place {
    fn of(peer: IpAddr) -> Self {
        match peer.to_canonical() {
            peer if peer.is_loopback() => Self::Here,
            IpAddr::V6(peer) => Self::Address(Ipv6Addr::from_bits(peer.to_bits() & !u128::from(u64::MAX)).into()),
            peer => Self::Address(peer),
        }
    }
}

/// Lets connections in.
#[derive(Debug, Clone)]
pub(crate) struct Admission(Arc<Mutex<Open>>);

/// The connections that are open, by number.
#[derive(Debug)]
struct Open {
    limits: ConnectionLimits,
    next: u64,
    places: HashMap<Place, usize>,
    connections: HashMap<u64, Place>,
    /// Those that have asked for nothing yet, the oldest first.
    silent: BTreeMap<u64, (Place, CancellationToken)>,
}

impl Admission {
    pub(crate) fn new(limits: ConnectionLimits) -> Self {
        let (places, connections, silent) = Default::default();
        Self(Arc::new(Mutex::new(Open { limits, next: 0, places, connections, silent })))
    }

    /// Lets a connection in, if there is room. Where there is none, the oldest that has asked for nothing has to go: so
    /// those who do not speak cannot keep out those who do.
    pub(crate) fn admit(&self, peer: IpAddr) -> Option<Admitted> {
        let place = Place::of(peer);
        let mut open = self.open();
        let of_place = if place == Place::Here { open.limits.local } else { open.limits.per_address };
        if open.places.get(&place).is_some_and(|count| *count >= of_place) {
            open.evict(Some(place))?;
        } else if open.connections.len() >= open.limits.all {
            open.evict(None)?;
        }
        let (number, evicted) = (open.next, CancellationToken::new());
        open.next += 1;
        *open.places.entry(place).or_default() += 1;
        open.connections.insert(number, place);
        open.silent.insert(number, (place, evicted.clone()));
        Some(Admitted { admission: self.clone(), number, evicted })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Ends the oldest connection, of this place if one is given, that has asked for nothing. `None` if there is none.
    fn evict(&mut self, of: Option<Place>) -> Option<()> {
        let mut silent = self.silent.iter();
        let oldest = silent.find(|(_, (place, _))| of.is_none_or(|of| of == *place));
        let (number, evicted) = oldest.map(|(number, (_, evicted))| (*number, evicted.clone()))?;
        self.remove(number);
        evicted.cancel();
        Some(())
    }

    fn remove(&mut self, number: u64) {
        self.silent.remove(&number);
        let Some(place) = self.connections.remove(&number) else { return };
        if let Some(count) = self.places.get_mut(&place) {
            *count -= 1;
            if *count == 0 {
                self.places.remove(&place);
            }
        }
    }
}

/// A connection that was let in, until this is dropped.
#[derive(Debug)]
pub(crate) struct Admitted {
    admission: Admission,
    number: u64,
    evicted: CancellationToken,
}

impl Admitted {
    /// Notes that something was asked for.
    pub(crate) fn has_spoken(&self) {
        self.admission.open().silent.remove(&self.number);
    }

    /// Whether something was asked for.
    pub(crate) fn is_silent(&self) -> bool {
        self.admission.open().silent.contains_key(&self.number)
    }

    /// Waits until the connection has to make room for another one.
    pub(crate) async fn evicted(&self) {
        self.evicted.cancelled().await;
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.admission.open().remove(self.number);
    }
}

#[cfg(test)]
mod tests;
