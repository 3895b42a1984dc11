//! Queries wait for what they must reflect, and say what they do.

use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use deadpool_postgres::Object;
use jetbridge_testing::{TestEventStore, eventually};
use shared_infrastructure::postgres::Database;
use shared_infrastructure::read_model::{ReadModel, Reflecting};
use shared_infrastructure::reader::Projection;
use shared_kernel::{Interruption, QueryError, Revision};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use crate::accounts::{Event, STREAM};
use crate::bank::LIMIT;
use crate::database::{AccountRows, ReadDatabase};
use crate::events::Writer;
use crate::workers::Running;

struct World {
    _store: TestEventStore,
    writer: Writer,
    database: ReadDatabase,
    read_model: ReadModel,
    _projector: Running,
    _following: DropGuard,
}

impl World {
    async fn new() -> Self {
        let (store, database) = tokio::join!(TestEventStore::start(), ReadDatabase::create());
        let (read_model, following) = following(database.database.clone());
        let projector = Running::projector(AccountRows, &store, &database);
        let writer = Writer::new(&store);
        Self { _store: store, writer, database, read_model, _projector: projector, _following: following }
    }

    async fn deposit(&self) -> Revision {
        self.writer.append(&[Event::deposited(Uuid::now_v7(), 1)]).await
    }
}

fn following(database: Database) -> (ReadModel, DropGuard) {
    let (read_model, follower) = ReadModel::new(database, STREAM, AccountRows::NAME);
    let shutdown = CancellationToken::new();
    tokio::spawn(follower.run(shutdown.clone()));
    (read_model, shutdown.drop_guard())
}

/// How many events are in the rows.
async fn count(client: Object) -> Result<i64, tokio_postgres::Error> {
    let row = client.query_one("SELECT coalesce(sum(events), 0)::bigint FROM accounts", &[]).await?;
    Ok(row.get(0))
}

async fn query(read_model: &ReadModel, at_least: Option<Revision>) -> Result<Reflecting<i64>, QueryError> {
    read_model.query(at_least, count).await
}

#[tokio::test]
async fn a_query_waits_for_what_it_must_reflect_and_not_longer() {
    let world = World::new().await;
    let first = world.deposit().await;
    query(&world.read_model, Some(first)).await.unwrap();

    let started = Instant::now();
    for round in 1..=15 {
        // It asks before there is anything to see.
        let expected = Revision(round);
        let (answer, appended) = tokio::join!(query(&world.read_model, Some(expected)), world.deposit());
        assert_eq!(appended, expected);
        let answer = answer.unwrap();
        assert_eq!((answer.value, answer.revision), (i64::try_from(round).unwrap() + 1, Some(expected)));
    }
    // Reading the checkpoint once a second instead would take half a second each time.
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_query_that_waits_for_nothing_is_answered_as_things_are() {
    let database = ReadDatabase::create().await;
    // No follower runs, no projector has ever run.
    let (read_model, _follower) = ReadModel::new(database.database.clone(), STREAM, AccountRows::NAME);
    let answer = query(&read_model, None).await.unwrap();
    assert_eq!((answer.value, answer.revision), (0, None));
    assert_eq!(read_model.revision().await.unwrap(), None);
}

/// A query without a token follows a settling, and shows what was appended just before all the same.
#[tokio::test]
async fn settling_waits_for_the_projection() {
    let world = World::new().await;
    for round in 1..=15 {
        let last = world.deposit().await;
        world.read_model.settle(Some(last)).await;
        assert_eq!(query(&world.read_model, None).await.unwrap().value, round);
    }
}

#[tokio::test]
async fn nobody_waits_twice_for_a_projection_that_stands_still() {
    let database = ReadDatabase::create().await;
    let (read_model, _not_running) = ReadModel::new(database.database.clone(), STREAM, AccountRows::NAME);
    read_model.settle(Some(Revision(1))).await;
    let started = Instant::now();
    for _ in 0..100 {
        read_model.settle(Some(Revision(1))).await;
    }
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_query_for_what_never_comes_is_given_up() {
    let world = World::new().await;
    let last = world.deposit().await;
    let started = Instant::now();
    assert_eq!(query(&world.read_model, Some(last.next())).await, Err(QueryError::NotYet));
    let elapsed = started.elapsed();
    assert!(elapsed >= Duration::from_millis(1_900) && elapsed < Duration::from_secs(4), "{elapsed:?}");
}

/// A follower without a connection does not make an answer impossible that PostgreSQL can give.
#[tokio::test]
async fn a_query_is_answered_without_a_follower() {
    let world = World::new().await;
    let last = world.deposit().await;
    query(&world.read_model, Some(last)).await.unwrap();
    let (read_model, _not_running) = ReadModel::new(world.database.database.clone(), STREAM, AccountRows::NAME);
    assert_eq!(query(&read_model, Some(last)).await.unwrap().value, 1);
}

#[tokio::test]
async fn a_database_that_is_away_is_named() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    // First it takes connections and says nothing, then it takes none.
    let mut listener = Some(listener);
    for _ in 0..2 {
        let (read_model, _following) = following(Database::new(&format!("postgresql://u:p@{address}/d")).unwrap());
        for at_least in [None, Some(Revision(0))] {
            let started = Instant::now();
            let answer = query(&read_model, at_least).await;
            let unavailable = matches!(answer, Err(QueryError::Interrupted(Interruption::Unavailable(_))));
            assert!(unavailable, "{answer:?}");
            assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
        }
        drop(listener.take());
    }
}

#[tokio::test]
async fn disconnects_are_survived() {
    let world = World::new().await;
    for _ in 0..3 {
        world.database.test.disconnect_clients().await;
        let last = world.deposit().await;
        let answer = eventually("an answer", LIMIT, async || query(&world.read_model, Some(last)).await).await;
        assert_eq!(answer.value, i64::try_from(last.0).unwrap() + 1);
    }
}

/// If PostgreSQL loses commits in a crash, the checkpoint goes back, and the events are projected once more.
#[tokio::test]
async fn a_checkpoint_that_goes_back_is_waited_for_again() {
    let database = ReadDatabase::create().await;
    let (read_model, _following) = following(database.database.clone());
    let set = async |revision: i64| {
        let sql = format!(
            "INSERT INTO checkpoints VALUES ('accounts', {revision}) ON CONFLICT (name) DO UPDATE SET revision = {revision};
             NOTIFY jetbridge_checkpoint, 'accounts:{revision}'"
        );
        database.execute(&sql).await;
    };
    set(7).await;
    assert_eq!(query(&read_model, Some(Revision(7))).await.unwrap().revision, Some(Revision(7)));
    set(3).await;
    let (answer, ()) = tokio::join!(query(&read_model, Some(Revision(5))), async {
        // The query has found out by now, or is about to.
        set(4).await;
        set(6).await;
    });
    assert_eq!(answer.unwrap().revision, Some(Revision(6)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_never_older_than_the_answer_says() {
    let world = World::new().await;
    let reading = |read_model: ReadModel, stop: CancellationToken| async move {
        let mut answers = 0;
        while !stop.is_cancelled() {
            let answer = query(&read_model, None).await.unwrap();
            let claimed = answer.revision.map_or(0, |revision| i64::try_from(revision.0).unwrap() + 1);
            assert!(answer.value >= claimed, "claims {claimed} events, reflects {}", answer.value);
            answers += 1;
        }
        answers
    };
    let stop = CancellationToken::new();
    let readers: Vec<_> = (0..4).map(|_| tokio::spawn(reading(world.read_model.clone(), stop.clone()))).collect();
    let mut last = Revision(0);
    for _ in 0..300 {
        last = world.deposit().await;
    }
    query(&world.read_model, Some(last)).await.unwrap();
    stop.cancel();
    for reader in readers {
        assert!(reader.await.unwrap() > 10);
    }
}

#[tokio::test]
async fn a_query_about_one_thing_is_never_answered_from_behind_its_parked_event() {
    let world = World::new().await;
    let [account, named, fine] = [Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7()];
    let before = world.writer.append(&[Event::deposited(account, 1)]).await;
    let parked = world.writer.append_naming(account, named).await;
    // Parked for no reason of its own, but behind the other.
    let last = world.writer.append(&[Event::deposited(account, 1), Event::deposited(fine, 1)]).await;
    let about = async |thing, at_least| world.read_model.query_about(thing, at_least, count).await.map(drop);
    for thing in [account, named] {
        for at_least in [parked, last] {
            let behind = QueryError::Parked { stream: STREAM, revision: parked };
            assert_eq!(about(thing, Some(at_least)).await, Err(behind));
        }
        assert_eq!(about(thing, Some(before)).await, Ok(()));
        assert_eq!(about(thing, None).await, Ok(()));
    }
    assert_eq!(about(fine, Some(last)).await, Ok(()));
    assert_eq!(query(&world.read_model, Some(last)).await.map(drop), Ok(()));
}
