//! Copies of an event log, made while it is written to, and checked.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::folder::create_private_file;
use crate::log::{LOG_FILE, LOG_VERSION, TOMBSTONE_REVISION};

/// How long the copy waits for a moment in which the log can be read.
const BUSY_LIMIT: Duration = Duration::from_secs(30);

/// Why an event log could not be copied or checked.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// There is none.
    #[error("there is no event log in {}", .0.display())]
    Missing(std::path::PathBuf),
    /// The database refused.
    #[error("the event log cannot be read or copied")]
    Database(#[from] rusqlite::Error),
    /// The copy could not be made durable.
    #[error("the copy cannot be written")]
    Write(#[from] io::Error),
    /// What is stored is not a whole log.
    #[error("the event log is damaged: {0}")]
    Damaged(String),
}

/// What an event log holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSummary {
    /// How many events, those of the event store itself among them.
    pub events: u64,
    /// The position of the last of them, 0 if there is none.
    pub last_position: u64,
}

/// Copies the event log in a folder, as it is at one moment, into another folder that has none, and checks the copy.
/// The log may be in use, also by another process. Blocks.
///
/// # Errors
/// [`CopyError`].
pub fn copy_log(from: &Path, to: &Path) -> Result<LogSummary, CopyError> {
    let copy = to.join(LOG_FILE);
    let target = copy.to_str().ok_or_else(|| io::Error::other("the folder's name is not UTF-8"))?;
    let from = open(from)?;
    // An empty file is filled; a new one could be read by others.
    let file = create_private_file(&copy)?;
    from.execute("VACUUM INTO ?1", [target])?;
    file.sync_all()?;
    File::open(to)?.sync_all()?;
    check_log(to)
}

/// Checks that the event log in a folder, which nobody writes to, is whole: its file, and the numbers of the events of
/// each stream. Blocks.
///
/// # Errors
/// [`CopyError`].
pub fn check_log(folder: &Path) -> Result<LogSummary, CopyError> {
    let log = open(folder)?;
    let version: i64 = log.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if !(1..=LOG_VERSION).contains(&version) {
        return Err(CopyError::Damaged(format!("its format is {version}; this version reads up to {LOG_VERSION}")));
    }
    let verdict: String = log.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(CopyError::Damaged(verdict));
    }
    let gaps = "SELECT count(*) FROM (SELECT 1 FROM events WHERE revision <> ?1 GROUP BY stream
                HAVING min(revision) <> 0 OR max(revision) <> count(*) - 1)";
    let gaps: i64 = log.query_row(gaps, [TOMBSTONE_REVISION.cast_signed()], |row| row.get(0))?;
    if gaps > 0 {
        return Err(CopyError::Damaged(format!("events of {gaps} streams are missing")));
    }
    let totals = "SELECT count(*), coalesce(max(position), 0) FROM events";
    let (events, last): (i64, i64) = log.query_row(totals, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(LogSummary { events: events.cast_unsigned(), last_position: last.cast_unsigned() })
}

fn open(folder: &Path) -> Result<Connection, CopyError> {
    let file = folder.join(LOG_FILE);
    if !file.is_file() {
        return Err(CopyError::Missing(folder.to_owned()));
    }
    // Whoever reads a write-ahead log has to say so beside it.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(BUSY_LIMIT)?;
    Ok(connection)
}
