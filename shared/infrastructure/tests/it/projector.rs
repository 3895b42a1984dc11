//! Rows are what the stream says, up to the checkpoint.

use jetbridge_testing::{TestEventStore, eventually};
use shared_infrastructure::event_store::EventStore;
use shared_infrastructure::progress::Progress;
use shared_infrastructure::reader::Projection;
use shared_infrastructure::worker::{Replayed, WorkerState};
use shared_kernel::Revision;
use uuid::Uuid;

use crate::accounts::{Event, STREAM};
use crate::bank::LIMIT;
use crate::database::{
    AccountRows, FAULTY, FaultyAccountRows, MOST, NewerAccountRows, ReadDatabase, Rows, bigint, rows_of,
};
use crate::events::Writer;
use crate::outages::OUTAGE;
use crate::workers::Running;

async fn world() -> (TestEventStore, Writer, ReadDatabase) {
    let (store, database) = tokio::join!(TestEventStore::start(), ReadDatabase::create());
    let writer = Writer::new(&store);
    (store, writer, database)
}

/// `count` deposits of 1, to ten accounts in turn.
fn deposits(count: usize) -> Vec<Event> {
    let accounts: Vec<Uuid> = (0..10).map(|_| Uuid::now_v7()).collect();
    accounts.iter().cycle().take(count).map(|&account| Event::deposited(account, 1)).collect()
}

async fn projected(database: &ReadDatabase, revision: Revision) {
    eventually("the checkpoint is there", LIMIT, async || {
        let checkpoint = database.checkpoint(AccountRows::NAME).await;
        if checkpoint == bigint(revision) { Ok(()) } else { Err(format!("at {checkpoint}")) }
    })
    .await;
}

/// A projector that has projected `count` deposits.
async fn projecting(count: usize) -> (TestEventStore, Writer, ReadDatabase, Running) {
    let (store, writer, database) = world().await;
    let projector = Running::projector(AccountRows, &store, &database);
    let last = writer.append(&deposits(count)).await;
    projected(&database, last).await;
    (store, writer, database, projector)
}

#[tokio::test]
async fn rows_and_checkpoint_move_together() {
    let (store, writer, database) = world().await;
    let projector = Running::projector(AccountRows, &store, &database);
    let observer = database.test.client().await;
    let mut events = Vec::new();
    for _ in 0..40 {
        let more = deposits(37);
        let last = writer.append(&more).await;
        events.extend(more);
        // One statement sees one state of the database.
        let seen = "SELECT coalesce((SELECT revision FROM checkpoints), -1), coalesce((SELECT sum(events) FROM accounts), 0)::bigint";
        eventually("the checkpoint is there", LIMIT, async || {
            let row = observer.query_one(seen, &[]).await.unwrap();
            let (checkpoint, projected): (i64, i64) = (row.get(0), row.get(1));
            assert_eq!(checkpoint + 1, projected);
            checkpoint == bigint(last)
        })
        .await;
    }
    assert_eq!(database.rows().await, rows_of(&events));
    projector.stop().await;
}

#[tokio::test]
async fn how_far_it_has_come_is_known_whether_it_runs_or_not() {
    let (store, writer, database) = world().await;
    let event_store = EventStore::new(store.connection_string()).unwrap();
    let progress = async || {
        // Where there is no free connection in time, that is no answer either.
        eventually("an answer", LIMIT, async || {
            Progress::of(AccountRows::NAME, STREAM, &event_store, &database.database).await
        })
        .await
    };
    assert_eq!(progress().await, Progress { checkpoint: None, behind: 0, parked: 0 });
    let last = writer.append(&deposits(5)).await;
    assert_eq!(progress().await, Progress { checkpoint: None, behind: 5, parked: 0 });
    let projector = Running::projector(AccountRows, &store, &database);
    projected(&database, last).await;
    projector.stop().await;
    assert_eq!(progress().await, Progress { checkpoint: Some(last), behind: 0, parked: 0 });
    writer.append(&deposits(2)).await;
    assert_eq!(progress().await, Progress { checkpoint: Some(last), behind: 2, parked: 0 });
}

#[tokio::test]
async fn a_restart_goes_on_where_it_was() {
    let (store, writer, database) = world().await;
    let mut events = deposits(1_500);
    let mut last = writer.append(&events).await;
    for _ in 0..3 {
        let projector = Running::projector(AccountRows, &store, &database);
        projected(&database, last).await;
        projector.stop().await;
        assert_eq!(database.rows().await, rows_of(&events));
        let more = deposits(10);
        last = writer.append(&more).await;
        events.extend(more);
    }
}

#[tokio::test]
async fn what_cannot_be_projected_is_parked_with_what_comes_after_it() {
    let (store, writer, database) = world().await;
    let [fine, too_much, refunded] = [Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7()];
    let projector = Running::projector(AccountRows, &store, &database);
    writer.append(&[Event::deposited(fine, 1), Event::deposited(too_much, 1), Event::deposited(refunded, 1)]).await;
    let over = writer.append(&[Event::deposited(too_much, MOST), Event::deposited(fine, 10)]).await.0 - 1;
    let unknown = writer.append_unknown("Refunded", refunded, 20).await.0;
    projected(&database, Revision(unknown)).await;
    // Also in a later batch, and after a restart.
    let behind = writer.append(&[Event::deposited(too_much, 2)]).await.0;
    projected(&database, Revision(behind)).await;
    projector.stop().await;
    let projector = Running::projector(AccountRows, &store, &database);
    writer.append(&[Event::deposited(refunded, 2)]).await;
    let last = writer.append(&[Event::deposited(too_much, -3), Event::deposited(fine, 100)]).await;
    projected(&database, last).await;

    let parked = database.parked().await;
    let numbers: Vec<u64> = parked.iter().map(|event| event.event_number.0).collect();
    assert_eq!(numbers, [over, unknown, behind, behind + 1, behind + 2]);
    let keys: Vec<Uuid> = parked.iter().map(|event| event.key).collect();
    assert_eq!(keys, [too_much, refunded, too_much, refunded, too_much]);
    assert!(parked[0].reason.contains("23514") && parked[0].reason.contains("most"), "{}", parked[0].reason);
    assert!(parked[1].reason.contains("unknown event type \"Refunded\""), "{}", parked[1].reason);
    assert!(parked[2..].iter().all(|event| event.reason.contains("earlier event")));
    let before = rows_of(&[
        Event::deposited(fine, 1),
        Event::deposited(fine, 10),
        Event::deposited(fine, 100),
        Event::deposited(too_much, 1),
        Event::deposited(refunded, 1),
    ]);
    assert_eq!(database.rows().await, before);

    // Nothing is mended.
    assert_eq!(projector.replay().await, Replayed { replayed: 0, still_parked: 5, beyond_limit: 0 });
    let event_store = EventStore::new(store.connection_string()).unwrap();
    let progress = Progress::of(FaultyAccountRows::NAME, STREAM, &event_store, &database.database).await.unwrap();
    assert_eq!((progress.behind, progress.parked), (0, 5));
    assert_eq!(database.rows().await, before);
    assert_eq!(database.parked().await.len(), 5);

    // The table is: in order they fit, with the last before the first they would not show it.
    database.execute("ALTER TABLE accounts DROP CONSTRAINT most").await;
    assert_eq!(projector.replay().await, Replayed { replayed: 3, still_parked: 2, beyond_limit: 0 });
    assert_eq!(database.rows().await[&too_much], (MOST, 4));
    projector.stop().await;

    // And the software.
    let newer = Running::projector(NewerAccountRows, &store, &database);
    assert_eq!(newer.replay().await, Replayed { replayed: 2, still_parked: 0, beyond_limit: 0 });
    assert_eq!(database.rows().await[&refunded], (23, 3));
    assert_eq!(database.rows().await[&fine], (111, 3));
    assert!(database.parked().await.is_empty());
    let last = writer.append(&[Event::deposited(refunded, 1), Event::deposited(too_much, 1)]).await;
    projected(&database, last).await;
    assert!(database.parked().await.is_empty());
}

/// What never reaches PostgreSQL does not get better with time, either.
#[tokio::test]
async fn what_cannot_be_converted_is_parked() {
    let (store, writer, database) = world().await;
    let [fine, faulty] = [Uuid::now_v7(), Uuid::now_v7()];
    let projector = Running::projector(FaultyAccountRows, &store, &database);
    let events = [(fine, 1), (faulty, 1), (faulty, FAULTY), (faulty, 2), (fine, 10)];
    let last = writer.append(&events.map(|(account, amount)| Event::deposited(account, amount))).await;
    projected(&database, last).await;
    let parked = database.parked().await;
    let numbers: Vec<u64> = parked.iter().map(|event| event.event_number.0).collect();
    assert_eq!(numbers, [2, 3]);
    assert_eq!(parked[0].reason, "error serializing parameter 1");
    assert_eq!(database.rows().await, Rows::from([(fine, (11, 2)), (faulty, (1, 1))]));
    assert_eq!(projector.replay().await, Replayed { replayed: 0, still_parked: 2, beyond_limit: 0 });
    projector.stop().await;

    let mended = Running::projector(AccountRows, &store, &database);
    assert_eq!(mended.replay().await, Replayed { replayed: 2, still_parked: 0, beyond_limit: 0 });
    assert_eq!(database.rows().await[&faulty], (16, 3));
}

/// The rows only ever fit in the order of the stream.
#[tokio::test]
async fn a_replay_keeps_the_order() {
    let (store, writer, database) = world().await;
    let account = Uuid::now_v7();
    let up_and_down =
        |steps: i64| (0..steps).flat_map(|_| [MOST - 1, 1 - MOST].map(|amount| Event::deposited(account, amount)));
    let projector = Running::projector(AccountRows, &store, &database);
    database.execute("ALTER TABLE accounts ADD CONSTRAINT none CHECK (events < 1)").await;
    let last = writer.append(&up_and_down(20).collect::<Vec<_>>()).await;
    projected(&database, last).await;
    assert_eq!(database.parked().await.len(), 40);
    database.execute("ALTER TABLE accounts DROP CONSTRAINT none").await;
    database.execute("ALTER TABLE accounts ADD CONSTRAINT order_kept CHECK (balance >= 0)").await;
    assert_eq!(projector.replay().await, Replayed { replayed: 40, still_parked: 0, beyond_limit: 0 });
    assert_eq!(database.rows().await[&account], (0, 40));
}

#[tokio::test]
async fn one_instance_leads_and_another_takes_over() {
    let (store, writer, database) = world().await;
    let instances = [(); 2].map(|()| Running::projector(AccountRows, &store, &database));
    let count = |state| instances.iter().filter(|instance| instance.handle.state() == state).count();
    let mut events = Vec::new();
    for _ in 0..4 {
        eventually("one leads, one stands by", LIMIT, async || {
            count(WorkerState::Leading) == 1 && count(WorkerState::StandingBy) == 1
        })
        .await;
        let more = deposits(100);
        let last = writer.append(&more).await;
        events.extend(more);
        // Cut off in the middle of it, or before or after.
        database.test.disconnect_clients().await;
        projected(&database, last).await;
        assert_eq!(database.rows().await, rows_of(&events));
    }

    let [one, other] = instances;
    let (leader, follower) = if one.handle.state() == WorkerState::Leading { (one, other) } else { (other, one) };
    leader.stop().await;
    follower.becomes(WorkerState::Leading).await;
}

/// An idle leader whose connection is gone has lost its lock. It must not say that it leads.
#[tokio::test]
async fn a_leader_notices_that_it_is_cut_off_although_nothing_happens() {
    let (_store, _writer, database, projector) = projecting(1).await;
    let pid = database.led_by_other_than(None).await;
    database.test.disconnect_clients().await;
    database.led_by_other_than(Some(pid)).await;
    projector.becomes(WorkerState::Leading).await;
}

#[tokio::test]
async fn a_checkpoint_that_somebody_else_has_moved_is_not_overwritten() {
    let (_store, writer, database, projector) = projecting(5).await;
    let before = database.rows().await;

    // As if another instance had projected the next event.
    database.execute("UPDATE checkpoints SET revision = revision + 1").await;
    let [theirs, ours] = [Uuid::now_v7(), Uuid::now_v7()];
    let last = writer.append(&[Event::deposited(theirs, 1), Event::deposited(ours, 1)]).await;
    projected(&database, last).await;
    let mut expected = before;
    expected.insert(ours, (1, 1));
    assert_eq!(database.rows().await, expected);
    projector.stop().await;
}

/// Whoever projected everything from the beginning would add to rows that are there.
#[tokio::test]
async fn a_checkpoint_that_is_none_is_not_taken_for_the_beginning() {
    let (store, writer, database) = world().await;
    writer.append(&deposits(1)).await;
    database.execute("INSERT INTO checkpoints VALUES ('accounts', -2)").await;
    let projector = Running::projector(AccountRows, &store, &database);
    eventually("the projector says what is the matter", LIMIT, async || {
        let trouble = projector.handle.trouble().unwrap_or_default();
        if trouble.contains("error deserializing column 0") { Ok(()) } else { Err(trouble) }
    })
    .await;
    let event_store = EventStore::new(store.connection_string()).unwrap();
    assert!(Progress::of(AccountRows::NAME, STREAM, &event_store, &database.database).await.is_err());
    assert_eq!(database.checkpoint(AccountRows::NAME).await, -2);
    assert!(database.rows().await.is_empty());

    database.execute("UPDATE checkpoints SET revision = -1").await;
    projected(&database, Revision(0)).await;
    projector.stop().await;
}

#[tokio::test]
async fn outages_are_survived() {
    let (mut store, writer, database) = world().await;
    let mut events = deposits(10);
    writer.append(&events).await;
    // The first comes before it has ever been connected.
    store.stop().await;
    let projector = Running::projector(AccountRows, &store, &database);
    for _ in 0..3 {
        tokio::time::sleep(OUTAGE).await;
        store.start_again().await;
        let more = deposits(10);
        let last = Writer::new(&store).append(&more).await;
        events.extend(more);
        projected(&database, last).await;
        assert_eq!(database.rows().await, rows_of(&events));
        store.stop().await;
        database.test.disconnect_clients().await;
        projector.becomes(WorkerState::Waiting).await;
    }
    projector.stop().await;
}

/// None of these says anything about the event.
#[tokio::test]
async fn what_is_wrong_with_the_database_parks_nothing() {
    let (store, writer, database) = world().await;
    let projector = Running::projector(AccountRows, &store, &database);
    let mut events = deposits(3);
    projected(&database, writer.append(&events).await).await;
    // A lock, an index and a page that are damaged, a right, a server that only reads, a conflict, a lack of memory.
    for code in ["55P03", "XX002", "XX001", "42501", "25006", "40001", "53200", "42883"] {
        database
            .execute(&format!(
                "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
                     $$ BEGIN RAISE EXCEPTION 'made up' USING ERRCODE = '{code}'; END $$;
                 CREATE TRIGGER fails BEFORE INSERT OR UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION fail()"
            ))
            .await;
        let more = deposits(3);
        let last = writer.append(&more).await;
        events.extend(more);
        let trouble = async || projector.handle.trouble().is_some_and(|trouble| trouble.contains(code));
        eventually(&format!("trouble with {code}"), LIMIT, trouble).await;
        assert!(database.parked().await.is_empty(), "{code}");
        database.execute("DROP TRIGGER fails ON accounts; DROP FUNCTION fail()").await;
        projected(&database, last).await;
    }
    assert_eq!(database.rows().await, rows_of(&events));
    assert!(database.parked().await.is_empty());
}
