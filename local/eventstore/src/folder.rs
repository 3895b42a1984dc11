//! The folder of an event log, which one process at a time uses.

use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::log::{EventLog, LogError, OpenError, WriterThread};

/// The mode of folders for which none is asked, less what the process masks.
const MODE: u32 = 0o777;

/// Why a folder could not be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FolderError {
    #[error("the data folder {} cannot be used", .path.display())]
    Unusable { path: PathBuf, source: io::Error },
    #[error("the data folder {} is in use by another event store", .path.display())]
    InUse { path: PathBuf },
    #[error("the event log in {} cannot be opened", .path.display())]
    Log { path: PathBuf, source: OpenError },
    #[error("the event log was not opened, because the program is stopping")]
    Stopped,
}

/// A folder with an open log.
#[derive(Debug)]
pub(crate) struct Folder {
    /// Held as long as the log is open.
    _lock: File,
    pub(crate) log: EventLog,
    pub(crate) writer: WriterThread,
}

impl Folder {
    pub(crate) async fn open(path: PathBuf, strict: bool) -> Result<Self, FolderError> {
        let opened = tokio::task::spawn_blocking(move || {
            let lock = lock(&path)?;
            let opened = EventLog::open(&path, strict);
            let (log, writer) = opened.map_err(|source| FolderError::Log { path, source })?;
            Ok(Self { _lock: lock, log, writer })
        });
        opened.await.map_err(|_| FolderError::Stopped)?
    }

    /// Waits until everything acknowledged is on disk, and gives the folder back.
    pub(crate) async fn close(self) -> Result<(), LogError> {
        self.log.stop().await;
        let writer = self.writer;
        tokio::task::spawn_blocking(move || writer.join()).await.unwrap_or(Err(LogError::Closed))
    }
}

/// Takes the folder for this process; the operating system gives it back when the process ends, however it ends.
fn lock(directory: &Path) -> Result<File, FolderError> {
    let unusable = |source| FolderError::Unusable { path: directory.to_owned(), source };
    create_folder(directory, MODE).map_err(unusable)?;
    let file = File::create(directory.join("lock")).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(FolderError::InUse { path: directory.to_owned() }),
        Err(TryLockError::Error(source)) => Err(unusable(source)),
    }
}

/// Creates a folder, and with the same mode what is missing above it, so that a power cut does not take it away again
/// with all that was acknowledged in it.
///
/// # Errors
/// If it cannot be created or made durable.
pub fn create_folder(folder: &Path, mode: u32) -> io::Result<()> {
    let is_missing = |path: &&Path| !path.as_os_str().is_empty() && !path.is_dir();
    let missing: Vec<_> = folder.ancestors().take_while(is_missing).collect();
    DirBuilder::new().recursive(true).mode(mode).create(folder)?;
    for created in missing {
        let parent = created.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}
