//! The file that the keys are kept in: one JSON document with `version` 1 and `keys`, each a [`StoredKey`].

use std::collections::HashSet;
use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nix::fcntl::OFlag;
use nix::unistd::Uid;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::expiry::InvalidExpiry;
use super::key::KeyDigest;
use super::name::KeyName;
use crate::role::Role;

const VERSION: u32 = 1;
/// The largest file that is read, in bytes: some ten thousand keys.
const MAX_BYTES: u64 = 4 * 1024 * 1024;
/// How long to wait for somebody else who changes it.
const LOCK_LIMIT: Duration = Duration::from_secs(5);
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// A key, as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredKey {
    /// What its owner is called.
    pub name: KeyName,
    /// The SHA-256 of the key.
    pub sha256: KeyDigest,
    /// What its owner may do.
    pub roles: Vec<Role>,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    keys: Vec<StoredKey>,
}

/// The keys cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The system does not allow it.
    #[error("cannot {action} the access keys file {}", path.display())]
    Inaccessible {
        /// What was to be done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Somebody else can read or change it.
    #[error("the access keys file {} {reason}", path.display())]
    NotPrivate {
        /// The file.
        path: PathBuf,
        /// What is the matter, and what to do.
        reason: String,
    },
    /// It does not hold what it should.
    #[error("cannot read what is in the access keys file {}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where, and what.
        reason: String,
    },
    /// Somebody else is changing it.
    #[error("another process has been changing the access keys file {} for {} s", path.display(), LOCK_LIMIT.as_secs())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// There is such a key.
    #[error("there is a key with the name {0} already; revoke it first, or choose another name")]
    NameTaken(KeyName),
    /// A service is called so.
    #[error("{0} is the name of a service; choose another one")]
    NameOfService(KeyName),
    /// There is no such key.
    #[error("there is no key with the name {0}; `keys list` shows those that there are")]
    NoSuchKey(String),
    /// It would end before it begins.
    #[error("--expires {0}")]
    Expiry(#[from] InvalidExpiry),
    /// Nobody was told which file.
    #[error("set --access-keys-file (JETBRIDGE_ACCESS_KEYS_FILE) to the file that the keys are kept in")]
    NoFile,
    /// It cannot be told.
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
}

/// By what one sees that the file was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    place: (u64, u64),
    size: u64,
    modified: (i64, i64),
    /// Also changes with owner and rights.
    changed: (i64, i64),
}

impl From<&Metadata> for Mark {
    fn from(status: &Metadata) -> Self {
        Self {
            place: (status.dev(), status.ino()),
            size: status.size(),
            modified: (status.mtime(), status.mtime_nsec()),
            changed: (status.ctime(), status.ctime_nsec()),
        }
    }
}

/// A file with access keys.
#[derive(Debug, Clone)]
pub struct KeysFile(PathBuf);

impl KeysFile {
    /// The file at this path. There need not be one yet: it has no keys then.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The keys in it.
    ///
    /// # Errors
    /// [`KeysError`] if it cannot be read, is not this user's alone, or holds something else.
    pub fn read(&self) -> Result<Vec<StoredKey>, KeysError> {
        self.read_marked().map(|(_, keys)| keys)
    }

    /// Changes the keys, unless `change` fails. Only one process does so at a time.
    ///
    /// # Errors
    /// [`KeysError`] of `change`, or if the file cannot be read or written.
    pub fn change<T>(&self, change: impl FnOnce(&mut Vec<StoredKey>) -> Result<T, KeysError>) -> Result<T, KeysError> {
        let folder = self.lock()?;
        let mut keys = self.read()?;
        let changed = change(&mut keys)?;
        self.write(&folder, keys).map_err(|source| self.inaccessible("write", source))?;
        Ok(changed)
    }

    /// The keys in it, and by what one sees that they are still these.
    pub(super) fn read_marked(&self) -> Result<(Option<Mark>, Vec<StoredKey>), KeysError> {
        // What is no file must not make anybody wait.
        let opened = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(&self.0);
        let file = match opened {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((None, Vec::new())),
            opened => opened.map_err(|source| self.inaccessible("open", source))?,
        };
        let status = file.metadata().map_err(|source| self.inaccessible("read", source))?;
        self.check(&status)?;
        let mut text = Vec::new();
        file.take(MAX_BYTES + 1).read_to_end(&mut text).map_err(|source| self.inaccessible("read", source))?;
        let keys = self.parse(&text)?;
        Ok((Some(Mark::from(&status)), keys))
    }

    /// By what one sees that it was changed; `None` if there is none, or one that cannot be looked at.
    pub(super) fn mark(&self) -> Option<Mark> {
        std::fs::metadata(&self.0).ok().as_ref().map(Mark::from)
    }

    fn check(&self, status: &Metadata) -> Result<(), KeysError> {
        let refused = |reason: &str| KeysError::NotPrivate { path: self.0.clone(), reason: reason.to_owned() };
        if !status.is_file() {
            return Err(refused("is not a file"));
        }
        match objection(Uid::from_raw(status.uid()), status.mode(), Uid::effective()) {
            Some(reason) => Err(refused(reason)),
            None => Ok(()),
        }
    }

    fn parse(&self, text: &[u8]) -> Result<Vec<StoredKey>, KeysError> {
        let malformed = |reason: String| KeysError::Malformed { path: self.0.clone(), reason };
        if u64::try_from(text.len()).is_ok_and(|length| length > MAX_BYTES) {
            return Err(malformed(format!("it is larger than {MAX_BYTES} bytes")));
        }
        let Document { version, keys } = serde_json::from_slice(text).map_err(|error| malformed(error.to_string()))?;
        if version != VERSION {
            return Err(malformed(format!("it is of version {version}, and this program reads version {VERSION}")));
        }
        let (mut names, mut digests) = (HashSet::new(), HashSet::new());
        let twice = keys.iter().find(|key| !names.insert(key.name.folded()) || !digests.insert(key.sha256));
        match twice {
            Some(key) => Err(malformed(format!("the key {} is there twice, or has the name of another", key.name))),
            None => Ok(keys),
        }
    }

    /// Waits until nobody else changes the file, until what this gives is dropped.
    fn lock(&self) -> Result<File, KeysError> {
        let folder = File::open(self.folder()).map_err(|source| self.inaccessible("open the folder of", source))?;
        let begin = Instant::now();
        loop {
            match folder.try_lock() {
                Ok(()) => return Ok(folder),
                Err(TryLockError::Error(source)) => return Err(self.inaccessible("lock the folder of", source)),
                Err(TryLockError::WouldBlock) if begin.elapsed() >= LOCK_LIMIT => {
                    return Err(KeysError::Busy { path: self.0.clone() });
                }
                Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
            }
        }
    }

    /// In place of the file that is there: as a whole or not at all, for this user alone, and for good.
    fn write(&self, folder: &File, keys: Vec<StoredKey>) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(&Document { version: VERSION, keys })?;
        text.push(b'\n');
        // It is made for this user alone.
        let mut new = NamedTempFile::new_in(self.folder())?;
        new.write_all(&text)?;
        new.as_file().sync_all()?;
        new.persist(&self.0)?;
        folder.sync_all()
    }

    fn folder(&self) -> &Path {
        self.0.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
    }

    fn inaccessible(&self, action: &'static str, source: io::Error) -> KeysError {
        KeysError::Inaccessible { action, path: self.0.clone(), source }
    }
}

/// Why a file that belongs to `owner` is not for `reader` alone; `None` if it is. One that belongs to root, and that root
/// lets a group read, is one that whoever runs containers has given to this process: root can read it in any case.
fn objection(owner: Uid, mode: u32, reader: Uid) -> Option<&'static str> {
    let is_given_by_root = owner.is_root() && !reader.is_root();
    if owner != reader && !is_given_by_root {
        return Some("belongs to another user; give it to the one who runs this, with chown");
    }
    let of_others = if is_given_by_root { 0o037 } else { 0o077 };
    (mode & of_others != 0).then_some("can be read or written by others; take that from them, with chmod 600")
}

#[cfg(test)]
mod tests;
