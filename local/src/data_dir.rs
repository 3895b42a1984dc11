//! The folder that holds everything this installation keeps.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use jetbridge_eventstore::create_folder;
use nix::fcntl::OFlag;
use nix::unistd::Uid;

use crate::error::SystemError;

/// What is in a data folder.
pub(crate) const EVENTS: &str = "events";
pub(crate) const LOCK: &str = "lock";
pub(crate) const ACCESS_KEYS: &str = "access-keys";
pub(crate) const SESSION_KEYS: &str = "session-keys";
pub(crate) const RUNNING: &str = "running";
pub(crate) const POSTGRES: &str = "postgres";
/// The file that says that a data folder is the demo's.
pub(crate) const DEMO_MARK: &str = "demo";
const DEMO_TEXT: &str = "The flights in this folder are made up: `jetbridge demo` may fill it.\n";

/// The data folder, taken by this process until this is dropped or the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct DataDir {
    pub(crate) path: PathBuf,
    /// Where the embedded event store keeps its events.
    pub(crate) events: PathBuf,
    /// Where the private PostgreSQL keeps its files.
    pub(crate) postgres: PathBuf,
    /// Where is written down what runs on the folder.
    pub(crate) running: PathBuf,
    _lock: File,
}

/// What a data folder is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Somebody's work.
    Work,
    /// Flights that the demo makes up.
    Demo,
}

impl DataDir {
    /// Makes the folder if it is missing, and takes it. A folder that has been used for work is not taken for the demo.
    pub(crate) fn take(path: &Path, purpose: Purpose) -> Result<Self, SystemError> {
        let path = absolute(path);
        let lock = lock(&path)?;
        let (events, postgres) = (path.join(EVENTS), path.join(POSTGRES));
        let running = path.join(RUNNING);
        // Whoever it was written for is gone, or the folder would not be free.
        let _ = fs::remove_file(&running);
        if purpose == Purpose::Demo && !path.join(DEMO_MARK).exists() {
            if events.exists() || postgres.exists() {
                return Err(SystemError::NotForDemo { path });
            }
            mark_as_demo(&path).map_err(failed("write to", &path))?;
        }
        // The events name passengers.
        create_folder(&events, 0o700).map_err(failed("write to", &path))?;
        close_to_others(&events, 0o077).map_err(failed("write to", &path))?;
        Ok(Self { path, events, postgres, running, _lock: lock })
    }
}

/// For messages: it says which folder, wherever the process was started.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

/// Makes the folder if it is missing, and takes it.
pub(crate) fn lock(path: &Path) -> Result<File, SystemError> {
    create(path).map_err(failed("create", path))?;
    let lock = open_lock(&path.join(LOCK)).map_err(failed("write to", path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(SystemError::DataDirInUse { path: path.to_path_buf() }),
        Err(TryLockError::Error(error)) => Err(failed("lock", path)(error)),
    }
}

/// Where root starts it, PostgreSQL runs as another user, who has to get through.
pub(crate) fn create(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        create_folder(parent, 0o755)?;
    }
    let closed = if Uid::effective().is_root() { 0o066 } else { 0o077 };
    create_folder(path, 0o777 & !closed)?;
    close_to_others(path, closed)
}

/// Takes rights from others than the owner, if this process's user is that. A folder that another user may have put a
/// link to into this place is left as it is.
fn close_to_others(folder: &Path, rights: u32) -> io::Result<()> {
    let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW;
    let Ok(folder) = OpenOptions::new().read(true).custom_flags(flags.bits()).open(folder) else { return Ok(()) };
    let status = folder.metadata()?;
    if Uid::from_raw(status.uid()) != Uid::effective() || status.mode() & rights == 0 {
        return Ok(());
    }
    folder.set_permissions(PermissionsExt::from_mode(status.mode() & 0o7777 & !rights))
}

pub(crate) fn mark_as_demo(path: &Path) -> io::Result<()> {
    let mut mark = open_own(OpenOptions::new().create(true).truncate(true), &path.join(DEMO_MARK))?;
    mark.write_all(DEMO_TEXT.as_bytes())?;
    mark.sync_all()
}

fn open_lock(path: &Path) -> io::Result<File> {
    open_own(OpenOptions::new().create(true).truncate(false), path)
}

/// Opens a file of this program to write to it. In its place may be a link of somebody else's, which is not followed.
fn open_own(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    options.write(true).mode(0o600).custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits()).open(path)
}

pub(crate) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SystemError {
    let path = path.to_path_buf();
    move |source| SystemError::DataDir { action, path, source }
}
