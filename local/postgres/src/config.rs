//! What a caller can decide about the server.

use std::path::PathBuf;
use std::time::Duration;

use crate::binaries;
use crate::download::ArchiveDigest;

/// How to find and run the server.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the data is kept, and whether it is kept at all.
    pub storage: Storage,
    /// Folders to look for `postgres` and `initdb` in, the preferred ones first.
    pub binary_dirs: Vec<PathBuf>,
    /// What to download where no binaries are found; `None` for nothing, which is the default.
    pub download: Option<Download>,
    /// Where PostgreSQL's files go when root starts it and the user it runs as cannot reach the data directory.
    pub outside_dir: PathBuf,
    /// The server's `max_connections`.
    pub max_connections: u16,
    /// How long the server may take to accept connections, crash recovery included.
    pub start_limit: Duration,
}

/// Where the data is kept.
#[derive(Debug, Clone)]
pub enum Storage {
    /// In this folder, durably. It is created when it is missing.
    Kept(PathBuf),
    /// In a new temporary folder that is removed when the server stops, or when this process ends in whatever way. Made
    /// for tests: what is committed does not survive a power cut, and the folder may be in memory. `TMPDIR`, where it
    /// is set, says where.
    Ephemeral,
}

/// A download of PostgreSQL's binaries, for machines that have none. It is kept in the server's home, so that it happens
/// once.
#[derive(Debug, Clone)]
pub struct Download {
    /// The version, such as `17.5.0`, of <https://github.com/theseus-rs/postgresql-binaries/releases>. Data that exists
    /// already needs the major version that wrote it.
    pub version: String,
    /// The archive of that version for this machine. Another one is not unpacked.
    pub sha256: ArchiveDigest,
    /// How long finding out whether there is such a version may take: short, so that a machine without internet learns
    /// it soon.
    pub lookup_limit: Duration,
    /// How long the download itself may take.
    pub limit: Duration,
}

impl Download {
    /// The archive of this version with this digest.
    #[must_use]
    pub fn new(version: impl Into<String>, sha256: ArchiveDigest) -> Self {
        Self { version: version.into(), sha256, lookup_limit: Duration::from_secs(30), limit: Duration::from_secs(300) }
    }
}

impl Config {
    /// A server that keeps its data in `data_dir`.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self::with_storage(Storage::Kept(data_dir.into()))
    }

    /// A server for tests, which leaves nothing behind.
    pub fn ephemeral() -> Self {
        Self { max_connections: 400, ..Self::with_storage(Storage::Ephemeral) }
    }

    fn with_storage(storage: Storage) -> Self {
        Self {
            storage,
            binary_dirs: binaries::usual_dirs(),
            download: None,
            outside_dir: PathBuf::from("/var/lib/jetbridge"),
            max_connections: 100,
            start_limit: Duration::from_secs(120),
        }
    }

    pub(crate) fn is_durable(&self) -> bool {
        matches!(self.storage, Storage::Kept(_))
    }
}
