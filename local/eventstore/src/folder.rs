//! The folder of an event log, which one process at a time uses.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::log::{EventLog, LOG_FILE, LogError, OpenError, WriterThread};

/// The mode of the folder, and what is kept of the mode that it or a file in it has: the events name people.
const OF_OWNER: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
const LOCK_FILE: &str = "lock";
/// What SQLite puts behind the name of a database, for its own files beside it.
const BESIDE_LOG: [&str; 3] = ["-wal", "-shm", "-journal"];
/// What the root of a file system has.
const LOST_AND_FOUND: &str = "lost+found";

/// Why a folder could not be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FolderError {
    #[error("the data folder {} cannot be used", .path.display())]
    Unusable { path: PathBuf, source: io::Error },
    #[error("the data folder {} is in use by another event store", .path.display())]
    InUse { path: PathBuf },
    #[error("others may read {}, and that cannot be changed: give it to the user of the event store", .path.display())]
    Exposed { path: PathBuf, source: io::Error },
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
    create_folder(directory, OF_OWNER).map_err(unusable)?;
    close_to_others(directory, unusable)?;
    let file = create_private_file(&directory.join(LOCK_FILE)).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(FolderError::InUse { path: directory.to_owned() }),
        Err(TryLockError::Error(source)) => Err(unusable(source)),
    }
}

/// Closes the folder and what there is of the log to all but their owner. A folder with other things in it stays as it
/// is: it serves for something else as well.
fn close_to_others(directory: &Path, unusable: impl Fn(io::Error) -> FolderError + Copy) -> Result<(), FolderError> {
    let mut is_ours = true;
    for entry in fs::read_dir(directory).map_err(unusable)? {
        let entry = entry.map_err(unusable)?;
        if !is_of_log(&entry.file_name()) {
            is_ours &= entry.file_name() == LOST_AND_FOUND;
        } else if entry.file_type().map_err(unusable)?.is_file() {
            let path = entry.path();
            keep_for_owner(&path).map_err(|source| FolderError::Exposed { path, source })?;
        }
    }
    if is_ours && let Err(error) = keep_for_owner(directory) {
        // Nobody else can read the files in it.
        tracing::warn!(folder = %directory.display(), %error, "others may open the data folder, and that cannot be changed");
    }
    Ok(())
}

fn is_of_log(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    let beside = name.strip_prefix(LOG_FILE);
    name == LOCK_FILE || beside.is_some_and(|suffix| suffix.is_empty() || BESIDE_LOG.contains(&suffix))
}

fn keep_for_owner(path: &Path) -> io::Result<()> {
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o777 & !OF_OWNER == 0 {
        Ok(())
    } else {
        fs::set_permissions(path, Permissions::from_mode(mode & OF_OWNER))
    }
}

/// Creates a file that its owner alone can read, or opens the one that is there, to be written to.
///
/// # Errors
/// If it cannot be created or opened.
pub fn create_private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).mode(FILE_MODE).open(path)
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
