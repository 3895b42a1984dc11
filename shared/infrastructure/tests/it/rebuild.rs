//! A read model is rebuilt, while it is used.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use deadpool_postgres::{Object, Transaction};
use jetbridge_testing::{TestEventStore, eventually};
use shared_infrastructure::read_model::{ReadModel, at_one_moment};
use shared_infrastructure::reader::{Numbered, ProjectResult, Projection};
use shared_infrastructure::rebuild::{Rebuild, RebuildStatus};
use shared_infrastructure::worker::Discard;
use shared_kernel::Revision;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::accounts::{Event, STREAM};
use crate::bank::LIMIT;
use crate::database::{AccountRows, MOST, ReadDatabase, bigint, rows_of};
use crate::events::Writer;
use crate::workers::Running;

const NAME: &str = AccountRows::NAME;

/// As [`AccountRows`] does it, all at once.
const ADD_ALL: &str = "INSERT INTO accounts (id, balance, events)
    SELECT id, sum(change), count(*) FROM unnest($1::uuid[], $2::bigint[]) AS new (id, change) GROUP BY id
    ON CONFLICT (id) DO UPDATE SET balance = accounts.balance + excluded.balance,
        events = accounts.events + excluded.events";

/// Projects when it is let, where nobody sees it, and counts what it has projected there.
#[derive(Clone)]
struct Rows<const VERSION: u16> {
    /// Up to this event.
    until: watch::Receiver<u64>,
    beside: Arc<AtomicUsize>,
}

impl<const VERSION: u16> Rows<VERSION> {
    fn held_at(until: u64) -> (watch::Sender<u64>, Self) {
        let (hold, until) = watch::channel(until);
        (hold, Self { until, beside: Arc::default() })
    }

    fn free() -> Self {
        Self::held_at(u64::MAX).1
    }

    fn beside(&self) -> usize {
        self.beside.load(Ordering::Relaxed)
    }
}

impl<const VERSION: u16> Projection for Rows<VERSION> {
    type Event = Event;
    const NAME: &'static str = NAME;
    const TABLES: &'static [&'static str] = AccountRows::TABLES;
    const VERSION: u16 = VERSION;

    async fn project(&self, transaction: &Transaction<'_>, events: &[Numbered<Event>]) -> ProjectResult {
        let row = transaction.query_one("SELECT current_schema() = 'public'", &[]).await?;
        if !row.get::<_, bool>(0) {
            let last = events.last().map_or(0, |event| event.revision.0);
            // Whoever has gone away lets it go.
            let _ = self.until.clone().wait_for(|until| last <= *until).await;
            self.beside.fetch_add(events.len(), Ordering::Relaxed);
        }
        let accounts: Vec<Uuid> = events.iter().map(|event| event.event.account()).collect();
        let changes: Vec<i64> = events.iter().map(|event| event.event.change()).collect();
        transaction.execute(ADD_ALL, &[&accounts, &changes]).await?;
        if VERSION > 1 {
            let sql = "UPDATE accounts SET version = $1 WHERE id = ANY($2)";
            transaction.execute(sql, &[&i32::from(VERSION), &accounts]).await?;
        }
        Ok(())
    }
}

async fn world(events: &[Event]) -> (TestEventStore, Writer, ReadDatabase) {
    let (store, database) = (TestEventStore::start().await, ReadDatabase::create().await);
    let writer = Writer::new(&store);
    database.execute("CREATE INDEX by_balance ON accounts (balance); GRANT SELECT ON accounts TO PUBLIC").await;
    for part in events.chunks(3_000) {
        writer.append(part).await;
    }
    (store, writer, database)
}

fn deposits(count: usize) -> Vec<Event> {
    // So many that none has more than the table takes.
    let accounts: Vec<Uuid> = (0..50).map(|_| Uuid::now_v7()).collect();
    (0..count).map(|number| Event::deposited(accounts[number % 50], 1)).collect()
}

async fn projected(database: &ReadDatabase, count: usize) {
    eventually("everything is projected", LIMIT, async || {
        let checkpoint = database.checkpoint(NAME).await;
        if checkpoint + 1 == i64::try_from(count).unwrap() { Ok(()) } else { Err(checkpoint) }
    })
    .await;
}

async fn ask(database: &ReadDatabase) -> Option<Rebuild> {
    Rebuild::ask(&database.database, NAME, "a test").await.unwrap()
}

async fn becomes(database: &ReadDatabase, status: RebuildStatus) -> Rebuild {
    eventually(&format!("it is {status:?}"), LIMIT, async || {
        let last = Rebuild::last(&database.database, NAME).await.unwrap();
        match last {
            Some(rebuild) if rebuild.status == status => Ok(rebuild),
            other => Err(format!("{other:?}")),
        }
    })
    .await
}

/// Waits until this event is in the tables beside, and answers which one is the last there.
async fn comes_to(database: &ReadDatabase, revision: i64) -> usize {
    eventually("the rebuild has come so far", LIMIT, async || {
        let sql = "SELECT revision FROM \"public accounts rebuild\".checkpoints WHERE revision >= $1";
        let row = database.test.client().await.query_opt(sql, &[&revision]).await.ok().flatten();
        row.map(|row| usize::try_from(row.get::<_, i64>(0)).unwrap())
    })
    .await
}

/// What identifies the table that is shown, and what it has.
async fn table(database: &ReadDatabase) -> (u32, Vec<String>) {
    let client = database.test.client().await;
    let sql = "SELECT 'public.accounts'::regclass::oid, ARRAY(
            SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = 'accounts' UNION ALL
            SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'public.accounts'::regclass
            UNION ALL SELECT relacl::text FROM pg_class WHERE oid = 'public.accounts'::regclass ORDER BY 1)";
    let row = client.query_one(sql, &[]).await.unwrap();
    (row.get(0), row.get(1))
}

async fn nothing_is_left_beside(database: &ReadDatabase) {
    let client = database.test.client().await;
    let sql = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE '%rebuild'";
    assert_eq!(client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0), 0);
}

/// Every query gets an answer that reflects what it has to, and no answer reflects less than one before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_and_events_go_on_while_it_is_rebuilt() {
    let mut events = deposits(3_000);
    let (store, writer, database) = world(&events).await;
    let projector = Running::projector(Rows::<1>::free(), &store, &database);
    projected(&database, events.len()).await;
    let before = table(&database).await;
    let (read_model, follower) = ReadModel::new(database.database.clone(), STREAM, NAME);
    let shutdown = CancellationToken::new();
    let _following = shutdown.clone().drop_guard();
    tokio::spawn(follower.run(shutdown));
    let sum = async |at_least| {
        let counting = |client: Object| async move {
            let statement = client.prepare_cached("SELECT coalesce(sum(events), 0)::bigint FROM accounts").await?;
            client.query_one(&statement, &[]).await?.try_get::<_, i64>(0)
        };
        read_model.query(at_least, counting).await.map(|answer| (answer.value, answer.revision))
    };

    let mut reached = None;
    for rounds in 0..3 {
        assert_eq!(ask(&database).await.map(|rebuild| rebuild.status), Some(RebuildStatus::Running));
        assert_eq!(ask(&database).await, None);
        loop {
            let more = deposits(5);
            let last = writer.append(&more).await;
            events.extend(more);
            for at_least in [Some(last), None] {
                let (sum, revision) = sum(at_least).await.unwrap();
                assert!(revision >= at_least.max(reached), "{revision:?} after {reached:?}, round {rounds}");
                assert!(sum > bigint(revision.unwrap()), "{sum} rows' worth of events at {revision:?}");
                reached = revision;
            }
            let rebuild = Rebuild::last(&database.database, NAME).await.unwrap().unwrap();
            if rebuild.status != RebuildStatus::Running {
                assert_eq!((rebuild.status, rebuild.seconds_left), (RebuildStatus::Done, Some(0)));
                assert!(rebuild.events == rebuild.of && rebuild.ended_at.is_some(), "{rebuild:?}");
                break;
            }
        }
    }
    projected(&database, events.len()).await;
    assert_eq!(database.rows().await, rows_of(&events));
    let after = table(&database).await;
    assert_ne!(after.0, before.0);
    assert_eq!(after.1, before.1);
    nothing_is_left_beside(&database).await;
    projector.stop().await;
}

#[tokio::test]
async fn one_that_is_interrupted_goes_on_where_it_was() {
    let events = deposits(12_000);
    let (store, _writer, database) = world(&events).await;
    let (_hold, rows) = Rows::<1>::held_at(10_100);
    let projector = Running::projector(rows.clone(), &store, &database);
    projected(&database, events.len()).await;
    ask(&database).await.unwrap();
    let begun = comes_to(&database, 1).await;
    projector.stop().await;
    assert_eq!(becomes(&database, RebuildStatus::Running).await.of, events.len());

    let rows = Rows::<1>::free();
    let projector = Running::projector(rows.clone(), &store, &database);
    becomes(&database, RebuildStatus::Done).await;
    assert_eq!(database.rows().await, rows_of(&events));
    assert!(rows.beside() < events.len() - begun, "{} after {begun}", rows.beside());
    projector.stop().await;
}

/// As when a release changes a projection, and when it is taken back.
#[tokio::test]
async fn rows_of_another_version_are_rebuilt() {
    let mut events = deposits(100);
    let (store, writer, database) = world(&events).await;
    let projector = Running::projector(Rows::<1>::free(), &store, &database);
    projected(&database, events.len()).await;
    projector.stop().await;
    assert_eq!(Rebuild::last(&database.database, NAME).await.unwrap(), None);

    database.execute("ALTER TABLE accounts ADD COLUMN version integer NOT NULL DEFAULT 1").await;
    let versions = async || {
        let client = database.test.client().await;
        let row = client.query_one("SELECT array_agg(DISTINCT version) FROM accounts", &[]).await.unwrap();
        row.get::<_, Vec<i32>>(0)
    };
    let projector = Running::projector(Rows::<2>::free(), &store, &database);
    assert_eq!(becomes(&database, RebuildStatus::Done).await.asked_by, "a new version of the projection");
    assert_eq!(versions().await, [2]);
    let more = deposits(10);
    writer.append(&more).await;
    events.extend(more);
    projected(&database, events.len()).await;
    projector.stop().await;
    // Not again, and what is of several versions is of none.
    let asked_at = Rebuild::last(&database.database, NAME).await.unwrap().unwrap().asked_at;
    for (older_software, is_rebuilt) in [(false, false), (true, true)] {
        if older_software {
            database.execute("UPDATE checkpoints SET versioned_revision = versioned_revision - 1").await;
        }
        let rows = Rows::<2>::free();
        let projector = Running::projector(rows.clone(), &store, &database);
        let more = deposits(1);
        writer.append(&more).await;
        events.extend(more);
        projected(&database, events.len()).await;
        let rebuild = becomes(&database, RebuildStatus::Done).await;
        assert_eq!(rebuild.asked_at != asked_at, is_rebuilt);
        projector.stop().await;
    }
    // The release is taken back. What has failed is asked for again by whoever leads next.
    database.execute("CREATE TABLE of_somebody_else (id uuid REFERENCES accounts)").await;
    let projector = Running::projector(Rows::<1>::free(), &store, &database);
    becomes(&database, RebuildStatus::Failed).await;
    projector.stop().await;
    database.execute("DROP TABLE of_somebody_else").await;
    let projector = Running::projector(Rows::<1>::free(), &store, &database);
    becomes(&database, RebuildStatus::Done).await;
    projector.stop().await;
    assert_eq!(versions().await, [1]);
    assert_eq!(database.rows().await, rows_of(&events));
}

/// What is parked is what cannot be processed; what was discarded is not there.
#[tokio::test]
async fn what_is_parked_and_discarded_stays_so() {
    let [fine, mended, faulty, discarded] = [(); 4].map(|()| Uuid::now_v7());
    let deposit = |account, amount| Event::deposited(account, amount);
    let events = [
        deposit(fine, 1),
        deposit(mended, MOST + 1),
        deposit(faulty, 1),
        deposit(faulty, MOST + 1),
        deposit(faulty, 2),
        deposit(discarded, MOST + 1),
        deposit(fine, 2),
    ];
    let (store, _writer, database) = world(&events).await;
    let projector = Running::projector(AccountRows, &store, &database);
    projected(&database, events.len()).await;
    let parked = async || database.parked().await;
    let before = parked().await;
    assert_eq!(before.iter().map(|event| event.event_number.0).collect::<Vec<_>>(), [1, 3, 4, 5]);

    // The rebuild takes what the projection that is shown has parked; it is discarded after that.
    database.execute("ALTER TABLE accounts DROP CONSTRAINT most").await;
    database.execute("ALTER TABLE accounts ADD CONSTRAINT most CHECK (balance < 1002)").await;
    let mut long = database.test.client().await;
    let reading = long.transaction().await.unwrap();
    reading.batch_execute("SELECT count(*) FROM accounts").await.unwrap();
    ask(&database).await.unwrap();
    comes_to(&database, 6).await;
    let reason = || "a test".to_owned();
    let discard = Discard { event_id: before[3].event_id, reason: reason(), discarded_by: reason() };
    projector.handle.discard(discard, LIMIT).await.unwrap();
    reading.commit().await.unwrap();
    becomes(&database, RebuildStatus::Done).await;
    let after = parked().await;
    assert_eq!(after.iter().map(|event| event.event_number.0).collect::<Vec<_>>(), [3, 4]);
    assert_eq!(after[1].parked_at, before[2].parked_at);
    assert_eq!(database.rows().await, rows_of([&events[0], &events[1], &events[2], &events[6]]));
    projector.stop().await;
}

/// Nothing of a table is lost, whatever happens to it while its rows are written beside it.
#[tokio::test]
async fn what_does_not_fit_any_more_is_rebuilt_once_more() {
    let events = deposits(10);
    let (store, _writer, database) = world(&events).await;
    let (hold, rows) = Rows::<1>::held_at(0);
    let projector = Running::projector(rows, &store, &database);
    projected(&database, events.len()).await;
    ask(&database).await.unwrap();
    let schema = "SELECT FROM pg_namespace WHERE nspname LIKE '%rebuild'";
    eventually("there are tables beside", LIMIT, async || {
        database.test.client().await.query_opt(schema, &[]).await.unwrap()
    })
    .await;
    database.execute("ALTER TABLE accounts ADD COLUMN note text; CREATE INDEX by_note ON accounts (note)").await;
    let before = table(&database).await;
    hold.send_replace(u64::MAX);
    becomes(&database, RebuildStatus::Done).await;
    assert_eq!(table(&database).await.1, before.1);

    // What cannot be carried over is not taken away.
    database.execute("CREATE TABLE of_somebody_else (id uuid REFERENCES accounts)").await;
    let before = table(&database).await;
    ask(&database).await.unwrap();
    let failed = becomes(&database, RebuildStatus::Failed).await;
    assert!(failed.reason.as_deref().unwrap().contains("accounts has foreign keys"), "{failed:?}");
    assert_eq!(table(&database).await, before);
    assert_eq!(database.rows().await, rows_of(&events));
    projector.stop().await;
}

/// A query that takes long is not waited for with all others behind it. It need not have asked for anything yet.
#[tokio::test]
async fn a_long_query_puts_the_switch_off() {
    let events = deposits(10);
    let (store, _writer, database) = world(&events).await;
    let projector = Running::projector(AccountRows, &store, &database);
    projected(&database, events.len()).await;
    let mut long = database.database.client().await.unwrap();
    let reading = at_one_moment(&mut long, AccountRows::TABLES).await.unwrap();
    ask(&database).await.unwrap();
    eventually("it has everything", LIMIT, async || {
        let rebuild = Rebuild::last(&database.database, NAME).await.unwrap().unwrap();
        if rebuild.events == events.len() { Ok(()) } else { Err(format!("{rebuild:?}")) }
    })
    .await;
    comes_to(&database, 9).await;
    let slowest = async {
        let client = database.test.client().await;
        let mut slowest = Duration::ZERO;
        let begun = tokio::time::Instant::now();
        while begun.elapsed() < Duration::from_secs(1) {
            let asked = tokio::time::Instant::now();
            client.query_one("SELECT count(*) FROM accounts", &[]).await.unwrap();
            slowest = slowest.max(asked.elapsed());
        }
        slowest
    };
    let slowest = slowest.await;
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    assert_eq!(becomes(&database, RebuildStatus::Running).await.ended_at, None);
    reading.commit().await.unwrap();
    becomes(&database, RebuildStatus::Done).await;
    assert_eq!(database.rows().await, rows_of(&events));
    assert_eq!(database.checkpoint(NAME).await, bigint(Revision(9)));
    projector.stop().await;
}
