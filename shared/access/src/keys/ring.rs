use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use arc_swap::ArcSwap;
use jiff::Timestamp;

use super::file::{KeysError, KeysFile, Mark, StoredKey};
use super::key::KeyDigest;
use crate::principal::Principal;

/// How often the file is looked at, at most: fast enough for a key that is revoked to be of no use within five seconds.
const LOOK_EVERY_MS: u64 = 1_000;

/// The keys of a file, as they are at the moment.
pub struct KeyRing {
    file: KeysFile,
    keys: ArcSwap<Keys>,
    opened: Instant,
    /// When to look at the file again, in milliseconds from when it was opened.
    next_look: AtomicU64,
}

/// What was in the file when it was read last.
struct Keys {
    mark: Option<Mark>,
    /// `None` if it could not be read.
    by_digest: Option<HashMap<KeyDigest, Arc<Principal>>>,
}

/// The file with the keys cannot be read, so nobody can be known by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the access keys cannot be read")]
pub struct KeysUnusable;

impl KeyRing {
    /// Reads a file. One that is not there has no keys, until it comes to be there.
    ///
    /// # Errors
    /// [`KeysError`] if there is one that is of no use.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, KeysError> {
        let file = KeysFile::at(path);
        let (mark, stored) = file.read_marked()?;
        if stored.is_empty() {
            tracing::warn!("there are no access keys yet; make one with the subcommand keys create");
        }
        let keys = ArcSwap::from_pointee(Keys { mark, by_digest: Some(by_digest(stored)) });
        Ok(Self { file, keys, opened: Instant::now(), next_look: AtomicU64::new(LOOK_EVERY_MS) })
    }

    /// Who has the key that somebody presents, and what is kept of it. `None` if nobody has, or not any more.
    ///
    /// # Errors
    /// [`KeysUnusable`] as long as the file cannot be read.
    pub fn find(&self, presented: &str) -> Result<Option<(Arc<Principal>, KeyDigest)>, KeysUnusable> {
        let Some(digest) = KeyDigest::of(presented) else { return Ok(None) };
        Ok(self.find_by_digest(&digest)?.map(|principal| (principal, digest)))
    }

    /// Who has the key of which this is kept. `None` if nobody has, or not any more.
    ///
    /// # Errors
    /// [`KeysUnusable`] as long as the file cannot be read.
    pub fn find_by_digest(&self, digest: &KeyDigest) -> Result<Option<Arc<Principal>>, KeysUnusable> {
        self.look();
        let keys = self.keys.load();
        let found = keys.by_digest.as_ref().ok_or(KeysUnusable)?.get(digest);
        Ok(found.filter(|principal| principal.until.is_none_or(|end| Timestamp::now() < end)).cloned())
    }

    /// When each key ends that has not ended, `None` for one that does not. There is none while the file cannot be read.
    #[must_use]
    pub fn ends(&self) -> Vec<Option<Timestamp>> {
        let (keys, now) = (self.keys.load(), Timestamp::now());
        let ends = keys.by_digest.iter().flat_map(HashMap::values).map(|principal| principal.until);
        ends.filter(|end| end.is_none_or(|end| now < end)).collect()
    }

    /// Looks at the file if that was not done within the last second, and reads it again if it was changed.
    pub fn look(&self) {
        let now = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        let due = self.next_look.load(Ordering::Relaxed);
        let next = now.saturating_add(LOOK_EVERY_MS);
        // Of several who are here at once, one looks.
        let is_for_us = || self.next_look.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if now < due || !is_for_us() {
            return;
        }
        let known = self.keys.load();
        // What could not be read may be mended without a change of the file.
        if known.by_digest.is_some() && known.mark == self.file.mark() {
            return;
        }
        match self.file.read_marked() {
            Ok((mark, stored)) => {
                tracing::info!(keys.count = stored.len(), "read the access keys again");
                self.keys.store(Arc::new(Keys { mark, by_digest: Some(by_digest(stored)) }));
            }
            Err(error) => {
                if known.by_digest.is_some() {
                    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                    tracing::error!(%error, cause, "the access keys cannot be used any more; nobody gets in with one");
                }
                self.keys.store(Arc::new(Keys { mark: None, by_digest: None }));
            }
        }
    }
}

fn by_digest(stored: Vec<StoredKey>) -> HashMap<KeyDigest, Arc<Principal>> {
    let principal = |key: StoredKey| Principal {
        id: key.name.id().clone(),
        name: key.name.name().clone(),
        roles: key.roles.into_iter().collect(),
        until: key.expires,
    };
    stored.into_iter().map(|key| (key.sha256, Arc::new(principal(key)))).collect()
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRing").field("file", &self.file).finish_non_exhaustive()
    }
}
