//! Folders that an earlier version wrote.

use jetbridge_eventstore::Access;
use rusqlite::{Connection, params};
use uuid::Uuid;

use crate::frames::{positions, write};
use crate::support::TestServer;

/// The tables of version 1.
const TABLES: &str = "
    CREATE TABLE streams (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE events (
        position INTEGER PRIMARY KEY, stream INTEGER NOT NULL REFERENCES streams (id), revision INTEGER NOT NULL,
        id BLOB NOT NULL, type TEXT NOT NULL, json INTEGER NOT NULL, created INTEGER NOT NULL, data BLOB NOT NULL,
        metadata BLOB NOT NULL, UNIQUE (stream, revision)
    ) STRICT;
    PRAGMA user_version = 1;
    INSERT INTO streams VALUES (1, 's');
";

#[tokio::test]
async fn a_log_with_consecutive_positions_keeps_them_and_goes_on() {
    let directory = tempfile::tempdir().expect("a temporary folder");
    let database = Connection::open(directory.path().join("events.db")).expect("a database");
    database.execute_batch(TABLES).expect("tables");
    for position in 1..=5 {
        let id = Uuid::new_v4();
        let values = params![position, position - 1, id.as_bytes().as_slice()];
        let event = "INSERT INTO events VALUES (?1, 1, ?2, ?3, 'T', 1, 5, x'7b7d', x'')";
        database.execute(event, values).expect("an event");
    }
    drop(database);

    let mut server = TestServer::start_on(directory, Access::Everything).await;
    assert_eq!(positions(&server).await, [1, 2, 3, 4, 5]);
    write(&server, "s", 1).await;
    server.restart().await;
    write(&server, "s", 1).await;
    let [.., 5, sixth, seventh] = positions(&server).await[..] else { panic!("the old positions, then two more") };
    assert_eq!(sixth - 5, seventh - sixth, "each event takes the same room");
    assert!(sixth - 5 > 50);
}
