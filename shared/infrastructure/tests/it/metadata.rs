//! Events whose metadata is missing or cannot be read. Their schema version is never guessed.

use jetbridge_testing::{TestEventStore, eventually};
use shared_infrastructure::reader::Projection;
use shared_kernel::Revision;
use uuid::Uuid;

use crate::accounts::{Command, Event};
use crate::bank::{LIMIT, Replica, is_rejected};
use crate::database::{AccountRows, ReadDatabase, Rows, bigint};
use crate::events::Writer;
use crate::workers::Running;

const MISSING: &str = "the event has no metadata, which would say the schema version of its data";
const NO_VERSION: &str = "the event's metadata does not say the schema version of its data";
/// Metadata that names a command which is none.
const NO_COMMAND: &str = r#"{"schemaVersion":1,"commandId":"by hand"}"#;

#[tokio::test]
async fn readers_park_it_with_what_comes_after_it() {
    let (store, database) = tokio::join!(TestEventStore::start(), ReadDatabase::create());
    let writer = Writer::new(&store);
    let accounts = [(); 3].map(|()| Uuid::now_v7());
    for (account, metadata) in accounts.into_iter().zip(["", "{}", NO_COMMAND]) {
        writer.append_with_metadata(&Event::deposited(account, 1), metadata).await;
    }
    let fine = Uuid::now_v7();
    let last = writer.append(&[fine, accounts[1]].map(|account| Event::deposited(account, 1))).await;
    let projector = Running::projector(AccountRows, &store, &database);
    eventually("the checkpoint is there", LIMIT, async || database.checkpoint(AccountRows::NAME).await == bigint(last))
        .await;
    let parked = database.parked().await;
    let summary: Vec<_> = parked.iter().map(|event| (event.event_number.0, event.key, event.reason.as_str())).collect();
    let malformed = "the event's metadata is malformed at line 1, column 40";
    assert_eq!(
        summary,
        [
            (0, accounts[0], MISSING),
            (1, accounts[1], NO_VERSION),
            (2, accounts[2], malformed),
            (4, accounts[1], "an earlier event about the same thing is parked"),
        ]
    );
    assert_eq!(database.rows().await, Rows::from([(fine, (1, 1))]));
    projector.stop().await;
}

/// The same before the start and while it runs.
#[tokio::test]
async fn an_executor_takes_it_for_a_fact_where_its_schema_version_is_certain() {
    let store = TestEventStore::start().await;
    let writer = Writer::new(&store);
    let [fact, unknown] = [Uuid::now_v7(), Uuid::now_v7()];
    let append = async || {
        writer.append_with_metadata(&Event::deposited(fact, 5), NO_COMMAND).await;
        for metadata in ["", "{}", "{"] {
            writer.append_with_metadata(&Event::deposited(unknown, 5), metadata).await;
        }
    };
    append().await;
    let replica = Replica::start(&store).await;
    append().await;
    let withdraw = |account, amount| replica.execute(Command::Withdraw { account, amount });
    assert!(is_rejected(&withdraw(unknown, 1).await));
    assert!(is_rejected(&withdraw(fact, 11).await));
    let committed = withdraw(fact, 9).await.unwrap();
    assert_eq!((committed.outcome, committed.revision), (1, Some(Revision(8))));
}
