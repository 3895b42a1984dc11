//! The folder that holds everything this installation keeps.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jetbridge_eventstore::create_folder;
use nix::unistd::Uid;

use crate::error::SystemError;

/// The file that says that a data folder is the demo's.
const DEMO_MARK: &str = "demo";
const DEMO_TEXT: &str = "The flights in this folder are made up: `jetbridge demo` may fill it.\n";

/// The data folder, taken by this process until this is dropped or the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct DataDir {
    /// Where the embedded event store keeps its events.
    pub(crate) events: PathBuf,
    /// Where the private PostgreSQL keeps its files.
    pub(crate) postgres: PathBuf,
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
        // For messages: it says which folder, wherever the process was started.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        create(&path).map_err(failed("create", &path))?;
        let lock = open_lock(&path.join("lock")).map_err(failed("write to", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(SystemError::DataDirInUse { path }),
            Err(TryLockError::Error(error)) => return Err(failed("lock", &path)(error)),
        }
        let (events, postgres) = (path.join("events"), path.join("postgres"));
        if purpose == Purpose::Demo && !path.join(DEMO_MARK).exists() {
            if events.exists() || postgres.exists() {
                return Err(SystemError::NotForDemo { path });
            }
            mark_as_demo(&path).map_err(failed("write to", &path))?;
        }
        // The events name passengers, and the data folder may be open to other users.
        create_folder(&events, 0o700).map_err(failed("write to", &path))?;
        Ok(Self { events, postgres, _lock: lock })
    }
}

/// Where root starts it, PostgreSQL runs as another user, who has to get through.
fn create(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        create_folder(parent, 0o755)?;
    }
    create_folder(path, if Uid::effective().is_root() { 0o755 } else { 0o700 })
}

fn mark_as_demo(path: &Path) -> io::Result<()> {
    let mut mark = File::create(path.join(DEMO_MARK))?;
    mark.write_all(DEMO_TEXT.as_bytes())?;
    mark.sync_all()
}

fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SystemError {
    let path = path.to_path_buf();
    move |source| SystemError::DataDir { action, path, source }
}
