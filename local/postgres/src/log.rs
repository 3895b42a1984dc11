//! The server's log: one file of bounded size, and the one before.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use nix::fcntl::OFlag;

use crate::error::StartError;
use crate::folder::Folder;

const NAME: &str = "postgresql.log";
const OLDER: &str = "postgresql.log.1";

const KEEP_AT_START_BYTES: u64 = 1024 * 1024;
const KEEP_WHILE_RUNNING_BYTES: u64 = 16 * 1024 * 1024;
const TAIL_BYTES: u64 = 2_000;

/// Where PostgreSQL's programs write what they have to say.
#[derive(Debug)]
pub(crate) struct ServerLog {
    file: File,
    path: PathBuf,
}

impl ServerLog {
    /// Opens `postgresql.log` in `folder`. A long one becomes `postgresql.log.1` first.
    pub(crate) fn open(folder: &Folder) -> Result<Self, StartError> {
        // Opened for appending, so that cutting it while PostgreSQL writes to it leaves no hole.
        let open = || folder.file(NAME, OFlag::O_APPEND);
        let mut log = Self { file: open()?, path: folder.path().join(NAME) };
        if log.position() > KEEP_AT_START_BYTES {
            folder.rename(NAME, OLDER)?;
            log.file = open()?;
        }
        Ok(log)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// For a child's standard output or error.
    pub(crate) fn writer(&self) -> io::Result<Stdio> {
        Ok(Stdio::from(self.file.try_clone()?))
    }

    /// How far it goes now, for [`tail`](Self::tail) later.
    pub(crate) fn position(&self) -> u64 {
        self.file.metadata().map_or(0, |log| log.len())
    }

    /// The end of what was written since `position`.
    pub(crate) fn tail(&self, position: u64) -> String {
        let read = || -> io::Result<Vec<u8>> {
            let end = self.file.metadata()?.len();
            let start = end.saturating_sub(TAIL_BYTES).max(position).min(end);
            let mut tail = vec![0; usize::try_from(end - start).unwrap_or_default()];
            self.file.read_exact_at(&mut tail, start)?;
            Ok(tail)
        };
        match read() {
            Ok(tail) if tail.trim_ascii().is_empty() => "it said nothing".to_owned(),
            Ok(tail) => String::from_utf8_lossy(&tail).trim().to_owned(),
            Err(_) => format!("see {}", self.path.display()),
        }
    }

    /// Empties it once it is too long.
    pub(crate) fn bound(&self) -> io::Result<()> {
        if self.position() > KEEP_WHILE_RUNNING_BYTES {
            self.file.set_len(0)?;
        }
        Ok(())
    }
}
