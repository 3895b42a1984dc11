//! Something that there is only so much of, of which no client may take all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::client::Client;

/// So many places, in all and for each client.
#[derive(Debug)]
pub(crate) struct Places {
    in_all: usize,
    /// Some for each client; those of loopback are limited only if that is asked for.
    per_client: Share,
    taken: Mutex<Taken>,
}

/// How much of it one client may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    /// This many, whoever it is.
    Of(usize),
    /// This many, but as many as there are if it is on this machine, where it may be a proxy for others.
    UnlessLoopback(usize),
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
    pub(crate) fn new(in_all: usize, per_client: Share) -> Arc<Self> {
        Arc::new(Self { in_all, per_client, taken: Mutex::default() })
    }

    /// Takes some, until what this gives is dropped.
    pub(crate) fn take(self: &Arc<Self>, client: Client, count: usize) -> Result<Place, Full> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let share = match self.per_client {
            Share::UnlessLoopback(_) if client.is_loopback() => self.in_all,
            Share::Of(share) | Share::UnlessLoopback(share) => share,
        };
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
