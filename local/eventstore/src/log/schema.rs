//! The database file: its tables, its version, and how connections are set up.

use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::folder::create_private_file;

/// Written to `PRAGMA user_version`; raised with every change to the tables.
pub(crate) const VERSION: i64 = 2;

/// The tables of version 1. Its positions were consecutive numbers; what is written since goes on from the last of
/// them.
const TABLES: &str = "
    CREATE TABLE streams (
        id   INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE
    ) STRICT;
    CREATE TABLE events (
        position INTEGER PRIMARY KEY,
        stream   INTEGER NOT NULL REFERENCES streams (id),
        revision INTEGER NOT NULL,
        id       BLOB NOT NULL,
        type     TEXT NOT NULL,
        json     INTEGER NOT NULL,
        created  INTEGER NOT NULL,
        data     BLOB NOT NULL,
        metadata BLOB NOT NULL,
        UNIQUE (stream, revision)
    ) STRICT;
";

/// What version 2 adds: the positions of appends without events.
const EMPTY_RECORDS: &str = "CREATE TABLE empty_records (position INTEGER PRIMARY KEY) STRICT;";

/// Why the log could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("it was written by a newer version (format {found}; this version reads up to {VERSION})")]
    Newer { found: i64 },
    #[error("it is not a readable event log")]
    Unreadable(#[source] rusqlite::Error),
    #[error("its file could not be created")]
    Create(#[source] std::io::Error),
    #[error("the database could not be opened")]
    Database(#[source] rusqlite::Error),
    #[error("its database takes {setting} = {kept} instead of {value}, so that a power cut could lose events")]
    NotDurable { setting: &'static str, value: &'static str, kept: String },
    #[error("the writer thread could not be started")]
    Thread(#[source] std::io::Error),
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::Unreadable(error),
            _ => Self::Database(error),
        }
    }
}

/// Opens the writer's connection; creates the tables if the file is new.
pub(super) fn open(file: &Path) -> Result<Connection, OpenError> {
    // SQLite gives its files beside the database the mode of the database.
    create_private_file(file).map_err(OpenError::Create)?;
    let mut connection = Connection::open(file)?;
    make_durable(&connection)?;
    connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
    connection.pragma_update(None, "foreign_keys", false)?;
    let transaction = connection.transaction()?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if !(0..=VERSION).contains(&version) {
        return Err(OpenError::Newer { found: version });
    }
    if version < 1 {
        transaction.execute_batch(TABLES)?;
    }
    if version < 2 {
        transaction.execute_batch(EMPTY_RECORDS)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()?;
    set_up(&connection)?;
    Ok(connection)
}

/// Opens a connection that only reads.
pub(super) fn open_reader(file: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.pragma_update(None, "query_only", true)?;
    set_up(&connection)?;
    Ok(connection)
}

/// What is set for durability, as it is read back. FULL: the write-ahead log is on disk before a commit returns, so what
/// was acknowledged survives a power cut. macOS leaves what is synced in the drive's cache unless a full sync is asked
/// for; elsewhere that makes no difference.
const DURABLE: [(&str, &str); 4] =
    [("journal_mode", "wal"), ("synchronous", "2"), ("fullfsync", "1"), ("checkpoint_fullfsync", "1")];

/// SQLite does not say no to a setting that it cannot take, it keeps the one before.
fn make_durable(connection: &Connection) -> Result<(), OpenError> {
    for (setting, value) in DURABLE {
        connection.pragma_update(None, setting, value)?;
        let kept = connection.pragma_query_value(None, setting, |row| row.get(0)).map(as_text)?;
        if kept != value {
            return Err(OpenError::NotDurable { setting, value, kept });
        }
    }
    Ok(())
}

fn as_text(value: Value) -> String {
    match value {
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => text,
        Value::Null | Value::Real(_) | Value::Blob(_) => String::new(),
    }
}

fn set_up(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.set_prepared_statement_cache_capacity(32);
    connection.busy_timeout(std::time::Duration::from_secs(5))
}

#[cfg(test)]
mod tests;
