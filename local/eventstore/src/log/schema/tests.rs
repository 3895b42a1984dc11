use rusqlite::Connection;

use super::{OpenError, make_durable, open};

fn number(connection: &Connection, setting: &str) -> i64 {
    connection.pragma_query_value(None, setting, |row| row.get(0)).expect("a number")
}

#[test]
fn the_writer_waits_for_the_disk_at_every_commit() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let connection = open(&folder.path().join("events.db")).expect("a log");
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).expect("a mode");
    assert_eq!(mode, "wal");
    assert_eq!(number(&connection, "synchronous"), 2, "FULL");
    assert_eq!(number(&connection, "fullfsync"), 1);
    assert_eq!(number(&connection, "checkpoint_fullfsync"), 1);
}

#[test]
fn a_database_that_cannot_be_made_durable_is_refused() {
    // What is in memory has no write-ahead log.
    let connection = Connection::open_in_memory().expect("a database");
    let refused = make_durable(&connection).expect_err("refused");
    assert!(matches!(refused, OpenError::NotDurable { setting: "journal_mode", .. }), "{refused}");
}
