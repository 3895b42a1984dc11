use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// What is over, remembered until it would be over anyway.
#[derive(Debug)]
pub(super) struct Recent {
    over: Mutex<HashMap<String, Timestamp>>,
    most: usize,
}

impl Recent {
    pub(super) fn at_most(most: usize) -> Self {
        Self { over: Mutex::default(), most }
    }

    /// Remembers this one; says whether it was not over before. If there are too many, the one that matters least, since
    /// it ends first, is forgotten.
    pub(super) fn add(&self, id: &str, until: Timestamp) -> bool {
        let mut over = self.over();
        if over.contains_key(id) {
            return false;
        }
        if over.len() >= self.most {
            let now = Timestamp::now();
            over.retain(|_, until| *until > now);
        }
        if over.len() >= self.most {
            let first = over.iter().min_by_key(|(_, until)| **until).map(|(id, _)| id.clone());
            first.and_then(|first| over.remove(&first));
        }
        over.insert(id.to_owned(), until);
        true
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        self.over().contains_key(id)
    }

    fn over(&self) -> MutexGuard<'_, HashMap<String, Timestamp>> {
        self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
