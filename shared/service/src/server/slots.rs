//! The connections that are open. When there are as many as there may be, a new one takes the place of the one that has
//! been silent for longest, or else of those that have been idle for longest. If there are none, it is closed at once.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::Version;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::limits::ConnectionLimits;
use super::watch::{Answering, Watch};
use crate::client;

/// How many connections make room at once where finding one costs as much as finding some.
const AT_ONCE: usize = 32;
/// How often it is logged that there are too many.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// The open connections of a listener.
#[derive(Debug)]
pub(super) struct Slots {
    limits: ConnectionLimits,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    /// The number of the next one.
    next: u64,
    connections: HashMap<u64, Entry>,
    /// Those on which nothing was asked so far, the oldest first.
    silent: BTreeSet<u64>,
    /// The clients that have any.
    clients: HashMap<IpAddr, Client>,
    logged: Option<Instant>,
}

#[derive(Debug)]
struct Entry {
    client: IpAddr,
    watch: Arc<Watch>,
    unwanted: CancellationToken,
}

#[derive(Debug, Default)]
struct Client {
    connections: usize,
    silent: BTreeSet<u64>,
}

/// The place of one connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    slots: Arc<Slots>,
    number: u64,
    /// What the connection is doing.
    pub(super) watch: Arc<Watch>,
    /// Cancelled when others need its place.
    pub(super) unwanted: CancellationToken,
}

impl Slots {
    pub(super) fn new(limits: ConnectionLimits) -> Self {
        Self { limits, open: Mutex::default() }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        // Nothing panics while it is held.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection of this peer. `None` if there is none.
    pub(super) fn take(self: &Arc<Self>, peer: IpAddr) -> Option<Slot> {
        let client = client::network(peer);
        let mut open = self.open();
        if !self.has_room(&mut open, peer, client) {
            open.log_refusal(client);
            return None;
        }
        let number = open.next;
        open.next += 1;
        let (watch, unwanted) = (Arc::new(Watch::new()), CancellationToken::new());
        let entry = Entry { client, watch: Arc::clone(&watch), unwanted: unwanted.clone() };
        open.connections.insert(number, entry);
        open.silent.insert(number);
        let of_client = open.clients.entry(client).or_default();
        of_client.connections += 1;
        of_client.silent.insert(number);
        Some(Slot { slots: Arc::clone(self), number, watch, unwanted })
    }

    /// Gives up some connections that are not in use, because there is room for none where that was not to be expected.
    pub(super) fn give_up_some(&self) {
        let mut open = self.open();
        let given_up = (0..AT_ONCE).take_while(|_| open.make_room(None)).count();
        tracing::debug!(connections.count = given_up, "gave up connections that were not in use");
    }

    /// Whether there is room, perhaps because some has been made.
    fn has_room(&self, open: &mut Open, peer: IpAddr, client: IpAddr) -> bool {
        let of_client = open.clients.get(&client).map_or(0, |client| client.connections);
        let limited = self.limits.per_client.filter(|_| !peer.to_canonical().is_loopback());
        if limited.is_some_and(|limit| of_client >= limit) && !open.make_room(Some(client)) {
            return false;
        }
        open.connections.len() < self.limits.connections || open.make_room(None)
    }
}

impl Open {
    /// Takes the place of one connection or more, of this client or of all, from them.
    fn make_room(&mut self, of: Option<IpAddr>) -> bool {
        let silent = match of {
            Some(client) => self.clients.get(&client).and_then(|client| client.silent.first()),
            None => self.silent.first(),
        };
        let unneeded = silent.map_or_else(|| self.idle_for_longest(of), |silent| vec![*silent]);
        for number in &unneeded {
            if let Some(entry) = self.remove(*number) {
                entry.unwanted.cancel();
            }
        }
        !unneeded.is_empty()
    }

    fn idle_for_longest(&self, of: Option<IpAddr>) -> Vec<u64> {
        let entries = self.connections.iter().filter(|(_, entry)| of.is_none_or(|client| entry.client == client));
        let mut idle: Vec<(Instant, u64)> =
            entries.filter_map(|(number, entry)| Some((entry.watch.idle_since()?, *number))).collect();
        if idle.len() > AT_ONCE {
            idle.select_nth_unstable(AT_ONCE);
            idle.truncate(AT_ONCE);
        }
        idle.into_iter().map(|(_, number)| number).collect()
    }

    fn remove(&mut self, number: u64) -> Option<Entry> {
        let entry = self.connections.remove(&number)?;
        self.no_longer_silent(number, entry.client);
        if let Some(client) = self.clients.get_mut(&entry.client) {
            client.connections -= 1;
            if client.connections == 0 {
                self.clients.remove(&entry.client);
            }
        }
        Some(entry)
    }

    fn no_longer_silent(&mut self, number: u64, client: IpAddr) {
        self.silent.remove(&number);
        if let Some(client) = self.clients.get_mut(&client) {
            client.silent.remove(&number);
        }
    }

    fn log_refusal(&mut self, client: IpAddr) {
        if self.logged.is_some_and(|logged| logged.elapsed() < LOG_INTERVAL) {
            return;
        }
        self.logged = Some(Instant::now());
        let of_client = self.clients.get(&client).map_or(0, |client| client.connections);
        tracing::warn!(
            connections.count = self.connections.len(),
            connections.of_client = of_client,
            "closing new connections: as many as there may be are in use"
        );
    }
}

impl Slot {
    /// A request has come on the connection. It is being answered until what this gives is dropped.
    pub(super) fn begin(&self, version: Version) -> Answering {
        let (answering, is_first) = self.watch.begin(version);
        if is_first {
            self.spoke();
        }
        answering
    }

    fn spoke(&self) {
        let mut open = self.slots.open();
        if let Some(client) = open.connections.get(&self.number).map(|entry| entry.client) {
            open.no_longer_silent(self.number, client);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.open().remove(self.number);
    }
}

#[cfg(test)]
mod tests;
