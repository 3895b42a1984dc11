//! Snapshots: what a start goes on from, and what it does without.

use std::sync::Arc;
use std::time::Duration;

use jetbridge_testing::{TestEventStore, TestProxy, eventually};
use shared_infrastructure::event_store::EventStore;
use shared_infrastructure::executor::{Executor, ExecutorHandle, ExecutorSettings};
use shared_infrastructure::ledger::Ledger;
use shared_infrastructure::postgres::Database;
use shared_infrastructure::snapshot::{Saved, Snapshots, Unusable};
use shared_kernel::Execute;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use crate::accounts::{Accounts, Balances, Command, Event, STREAM};
use crate::bank::{LIMIT, Replica, is_rejected};
use crate::database::ReadDatabase;
use crate::events::Writer;

/// Small, so that there are many.
const PIECE_BYTES: usize = 100;
const MOST_PIECES: i32 = 1_000;

type SharedLedger = Arc<Ledger<Accounts>>;

fn snapshots(database: &Database) -> Snapshots {
    Snapshots::new(database.clone(), STREAM).with_pieces(MOST_PIECES, PIECE_BYTES)
}

async fn loaded(snapshots: &Snapshots) -> Option<Ledger<Accounts>> {
    snapshots.load().await
}

/// The ledgers after so many deposits each, to an account of its own, with a key.
async fn ledgers<const N: usize>(store: &TestEventStore, deposits: [usize; N]) -> [SharedLedger; N] {
    let replica = Replica::start(store).await;
    let mut ledgers = Vec::new();
    for count in deposits {
        for _ in 0..count {
            let account = Uuid::now_v7();
            let deposit = Command::Deposit { account, amount: 1 };
            replica.execute_with_key(deposit, &account.to_string(), "deposit").await.unwrap();
        }
        ledgers.push(replica.handle.current());
    }
    replica.stop().await;
    ledgers.try_into().unwrap_or_else(|_| panic!("as many ledgers as there are numbers"))
}

fn assert_same(one: &Ledger<Accounts>, other: &Ledger<Accounts>) {
    let stored = |ledger| serde_json::to_value::<&Ledger<Accounts>>(ledger).unwrap();
    let (mut one, mut other) = (stored(one), stored(other));
    // Not in any order.
    for ledger in [&mut one, &mut other] {
        ledger["remembered"].as_array_mut().unwrap().sort_by_key(ToString::to_string);
    }
    assert_eq!(one, other);
}

async fn pieces(database: &ReadDatabase) -> i64 {
    let row = database.test.client().await.query_one("SELECT count(*) FROM ledger_snapshot_pieces", &[]).await;
    row.unwrap().get(0)
}

/// An executor that starts from a snapshot, as an API does.
struct Started {
    handle: ExecutorHandle<Accounts>,
    _shutdown: DropGuard,
}

fn start(address: &str, snapshots: Snapshots) -> Started {
    let event_store = EventStore::new(address).unwrap();
    let (executor, handle) = Executor::new(STREAM, &event_store, Ledger::default(), ExecutorSettings::default());
    let shutdown = CancellationToken::new();
    let loading = async move { snapshots.load().await.unwrap_or_default() };
    tokio::spawn(executor.run_from(loading, shutdown.clone()));
    Started { handle, _shutdown: shutdown.drop_guard() }
}

async fn connected(started: &Started) {
    eventually("the executor takes commands", LIMIT, async || started.handle.outage().map_or(Ok(()), Err)).await;
}

#[tokio::test]
async fn what_is_saved_is_loaded_and_takes_the_place_of_what_was_there() {
    let (store, database) = tokio::join!(TestEventStore::start(), ReadDatabase::create());
    let snapshots = snapshots(&database.database);
    assert!(loaded(&snapshots).await.is_none());
    assert_eq!(snapshots.save(&SharedLedger::default()).await.unwrap(), Saved::Nothing);
    database.execute("INSERT INTO snapshots VALUES ('account-stream', '0.1.0/3.3', 1, gen_random_uuid(), '')").await;
    let [small, large] = ledgers(&store, [1, 20]).await;

    assert_eq!(snapshots.save(&large).await.unwrap(), Saved::Done);
    let of_large = pieces(&database).await;
    assert!(of_large > 20, "{of_large}");
    assert_same(&loaded(&snapshots).await.unwrap(), &large);

    assert_eq!(snapshots.save(&small).await.unwrap(), Saved::Done);
    assert!(pieces(&database).await < of_large);
    assert_same(&loaded(&snapshots).await.unwrap(), &small);
    let of_before = database.test.client().await.query("SELECT FROM snapshots", &[]).await.unwrap();
    assert!(of_before.is_empty(), "the form of earlier versions is still there");
}

#[tokio::test]
async fn what_is_larger_than_is_kept_leaves_what_was_there() {
    let (store, database) = tokio::join!(TestEventStore::start(), ReadDatabase::create());
    let [small, large] = ledgers(&store, [1, 20]).await;
    let few = Snapshots::new(database.database.clone(), STREAM).with_pieces(10, PIECE_BYTES);
    assert_eq!(few.save(&small).await.unwrap(), Saved::Done);
    assert!(matches!(few.save(&large).await, Err(Unusable::TooLarge(10))));
    assert_same(&loaded(&few).await.unwrap(), &small);

    snapshots(&database.database).save(&large).await.unwrap();
    assert!(loaded(&few).await.is_none(), "it is larger than is read");
}

#[tokio::test]
async fn one_that_is_of_another_form_or_not_all_there_is_not_used() {
    let (store, database) = tokio::join!(TestEventStore::start(), ReadDatabase::create());
    let [ledger] = ledgers(&store, [20]).await;
    let snapshots = snapshots(&database.database);
    for damage in [
        "UPDATE ledger_snapshots SET format = '4.0.3'",
        "UPDATE ledger_snapshots SET revision = revision + 1",
        "UPDATE ledger_snapshots SET event_id = gen_random_uuid()",
        "UPDATE ledger_snapshots SET pieces = pieces - 1",
        "UPDATE ledger_snapshots SET pieces = pieces + 1",
        "DELETE FROM ledger_snapshot_pieces WHERE number = 5",
        "UPDATE ledger_snapshot_pieces SET content = '{' WHERE number = 5",
        "DROP TABLE ledger_snapshot_pieces, ledger_snapshots",
    ] {
        snapshots.save(&ledger).await.unwrap();
        assert_same(&loaded(&snapshots).await.unwrap(), &ledger);
        database.execute(damage).await;
        let loaded = tokio::time::timeout(LIMIT / 3, loaded(&snapshots)).await.expect("there is nothing to wait for");
        assert!(loaded.is_none(), "{damage}");
    }
}

/// Whatever ends between two pieces leaves the one before, whole.
#[tokio::test]
async fn one_that_was_interrupted_is_as_if_it_had_not_been_begun() {
    let (store, database) = tokio::join!(TestEventStore::start(), ReadDatabase::create());
    let [small, large] = ledgers(&store, [3, 20]).await;
    let saving = snapshots(&database.database);
    saving.save(&small).await.unwrap();
    // Stops at its fifth piece.
    database
        .execute(
            "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN IF NEW.number = 5 THEN PERFORM pg_sleep(3600); END IF; RETURN NEW; END $$;
             CREATE TRIGGER dawdle BEFORE INSERT ON ledger_snapshot_pieces FOR EACH ROW EXECUTE FUNCTION dawdle()",
        )
        .await;
    let interrupted = tokio::spawn({
        let (saving, large) = (saving.clone(), Arc::clone(&large));
        async move { saving.save(&large).await }
    });
    let client = database.test.client().await;
    let sql = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
    let pid: i32 = eventually("it is between two pieces", LIMIT, async || {
        client.query_opt(sql, &[]).await.unwrap().map(|row| row.get(0))
    })
    .await;

    // Two replicas at once: one of them is enough. And whoever starts now goes on from the one before.
    let other = snapshots(&Database::new(&database.test.url()).unwrap());
    assert_eq!(other.save(&large).await.unwrap(), Saved::ByAnother);
    assert_same(&loaded(&other).await.unwrap(), &small);
    client.execute("SELECT pg_terminate_backend($1)", &[&pid]).await.unwrap();
    assert!(interrupted.await.unwrap().is_err());
    assert_same(&loaded(&other).await.unwrap(), &small);

    database.execute("DROP TRIGGER dawdle ON ledger_snapshot_pieces").await;
    assert_eq!(other.save(&large).await.unwrap(), Saved::Done);
    assert_same(&loaded(&saving).await.unwrap(), &large);
}

#[tokio::test]
async fn two_that_are_saved_at_the_same_time_do_not_become_one() {
    let (store, database) = tokio::join!(TestEventStore::start(), ReadDatabase::create());
    let ledgers = ledgers(&store, [1, 20]).await;
    for _ in 0..10 {
        let saving = ledgers.each_ref().map(|ledger| {
            let snapshots = snapshots(&Database::new(&database.test.url()).unwrap());
            async move { snapshots.save(ledger).await.unwrap() }
        });
        let saved = futures::future::join_all(saving).await;
        assert!(saved.contains(&Saved::Done), "{saved:?}");
        let loaded = loaded(&snapshots(&database.database)).await.unwrap();
        let same = ledgers.iter().find(|ledger| ledger.revision() == loaded.revision()).unwrap();
        assert_same(&loaded, same);
    }
}

/// Only a start that goes on from a snapshot can do without the events that it covers.
#[tokio::test]
async fn a_start_waits_for_postgresql_and_for_the_event_store() {
    let (mut store, database) = tokio::join!(TestEventStore::start(), ReadDatabase::create());
    let [ledger] = ledgers(&store, [20]).await;
    snapshots(&database.database).save(&ledger).await.unwrap();
    let proxy = TestProxy::of_database(&database.test).await;
    let behind_proxy = Database::new(&database.test.url_at(&proxy.address().to_string())).unwrap();
    proxy.cut();
    store.stop().await;

    let started = start(store.connection_string(), snapshots(&behind_proxy));
    let account = Uuid::now_v7();
    let deposit = Command::Deposit { account, amount: 1 };
    eventually("the start is waiting for PostgreSQL", LIMIT, async || behind_proxy.client().await.is_err()).await;
    let refused = started.handle.execute(deposit, crate::bank::context()).await;
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(started.handle.current().revision(), None);
    proxy.mend();
    // The event store is still away, so this is not folded from anything else.
    eventually("the snapshot is loaded", LIMIT, async || started.handle.current().revision() == ledger.revision())
        .await;
    assert!(started.handle.outage().is_some());
    store.start_again().await;
    connected(&started).await;
    let answer = started.handle.execute(deposit, crate::bank::context()).await.unwrap();
    assert_eq!(answer.revision, ledger.revision().map(shared_kernel::Revision::next));
}

#[tokio::test]
async fn a_start_does_not_wait_for_postgresql_for_ever() {
    let (store, database) = tokio::join!(TestEventStore::start(), ReadDatabase::create());
    let [ledger] = ledgers(&store, [2]).await;
    let proxy = TestProxy::of_database(&database.test).await;
    proxy.cut();
    let behind_proxy = Database::new(&database.test.url_at(&proxy.address().to_string())).unwrap();
    let snapshots = snapshots(&behind_proxy).with_wait_limit(Duration::from_millis(200));
    let started = start(store.connection_string(), snapshots);
    connected(&started).await;
    let folded = started.handle.current();
    assert_eq!((folded.state(), folded.revision()), (ledger.state(), ledger.revision()));
}

#[tokio::test]
async fn one_of_another_event_store_is_thrown_away() {
    let [store, shorter, longer] =
        [TestEventStore::start().await, TestEventStore::start().await, TestEventStore::start().await];
    let database = ReadDatabase::create().await;
    let [ledger] = ledgers(&store, [5]).await;
    snapshots(&database.database).save(&ledger).await.unwrap();
    let account = Uuid::now_v7();
    Writer::new(&shorter).append(&[Event::deposited(account, 3)]).await;
    Writer::new(&longer).append(&vec![Event::deposited(account, 3); 9]).await;
    for (other, balance) in [(&shorter, 3), (&longer, 27)] {
        let started = start(other.connection_string(), snapshots(&database.database));
        connected(&started).await;
        assert!(started.handle.other_history().is_some());
        let state = started.handle.current();
        assert_eq!(state.state().of(account), balance);
        assert_ne!(state.state(), &Balances::default());
        let overdrawn = Command::Withdraw { account, amount: balance + 1 };
        assert!(is_rejected(&started.handle.execute(overdrawn, crate::bank::context()).await));
    }
}
