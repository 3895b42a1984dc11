//! Something that there is only so much of, of which no client may take all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::client::Client;

/// So many places, in all and for each client.
#[derive(Debug)]
pub(crate) struct Places {
    in_all: usize,
    shares: Shares,
    taken: Mutex<Taken>,
}

/// How much of it one client may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shares {
    /// Somebody who is known.
    pub(crate) principal: usize,
    /// An address of another machine.
    pub(crate) address: usize,
    /// One of this machine, which may be that of a proxy for others.
    pub(crate) loopback: usize,
}

impl Shares {
    /// As much for one as for the other.
    pub(crate) const fn of(share: usize) -> Self {
        Self { principal: share, address: share, loopback: share }
    }

    const fn of_client(self, client: Client) -> usize {
        match client {
            Client::Principal(_) => self.principal,
            Client::Address(_) if client.is_loopback() => self.loopback,
            Client::Address(_) => self.address,
        }
    }
}

#[derive(Debug, Default)]
struct Taken {
    in_all: usize,
    /// Those who have taken some, who are not more than there are places.
    by_client: HashMap<Client, usize>,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// This client has taken its share.
    ForClient,
    /// All are taken.
    InAll,
}

impl Places {
    pub(crate) fn new(in_all: usize, shares: Shares) -> Arc<Self> {
        Arc::new(Self { in_all, shares, taken: Mutex::default() })
    }

    /// Takes some, until what this gives is dropped.
    pub(crate) fn take(self: &Arc<Self>, client: Client, count: usize) -> Result<Place, Full> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let share = self.shares.of_client(client);
        if taken.in_all.saturating_add(count) > self.in_all {
            return Err(Full::InAll);
        }
        let own = taken.by_client.get(&client).copied().unwrap_or_default();
        if own.saturating_add(count) > share {
            return Err(Full::ForClient);
        }
        taken.in_all += count;
        taken.by_client.insert(client, own + count);
        drop(taken);
        Ok(Place { places: Arc::clone(self), client, count })
    }

    /// How many are taken.
    pub(crate) fn taken(&self) -> usize {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).in_all
    }

    fn give_back(&self, client: Client, count: usize) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.in_all = taken.in_all.saturating_sub(count);
        if let Some(own) = taken.by_client.get_mut(&client) {
            *own = own.saturating_sub(count);
            if *own == 0 {
                taken.by_client.remove(&client);
            }
        }
    }
}

/// What somebody has taken.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    client: Client,
    count: usize,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.give_back(self.client, self.count);
    }
}

#[cfg(test)]
mod tests;
