//! The server's log: one file of bounded size, and the one before.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::error::{StartError, io_error};

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
    /// Opens `postgresql.log` in `dir`. A long one becomes `postgresql.log.1` first.
    pub(crate) fn open(dir: &Path) -> Result<Self, StartError> {
        let path = dir.join("postgresql.log");
        if path.metadata().is_ok_and(|log| log.len() > KEEP_AT_START_BYTES) {
            let older = dir.join("postgresql.log.1");
            fs::rename(&path, &older).map_err(io_error("rename", &path))?;
        }
        // Opened for appending, so that cutting it while PostgreSQL writes to it leaves no hole.
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .read(true)
            .mode(0o600)
            .open(&path)
            .map_err(io_error("open", &path))?;
        Ok(Self { file, path })
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
            let mut file = File::open(&self.path)?;
            let start = file.metadata()?.len().saturating_sub(TAIL_BYTES);
            file.seek(SeekFrom::Start(start.max(position)))?;
            let mut tail = Vec::new();
            file.take(TAIL_BYTES).read_to_end(&mut tail)?;
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
