//! An event store that holds another history than the one that was read: emptied, or restored from a backup.

use std::time::Duration;

use deadpool_postgres::Transaction;
use jetbridge_testing::{TestEventStore, TestProxy, eventually};
use shared_infrastructure::read_model::ReadModel;
use shared_infrastructure::reader::{Numbered, ProjectResult, Projection, Reaction};
use shared_infrastructure::worker::{NotCarriedOut, ResumeFrom};
use shared_kernel::{QueryError, Revision};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::accounts::{Event, STREAM};
use crate::bank::LIMIT;
use crate::database::{AccountRows, ReadDatabase, bigint, rows_of};
use crate::events::{Writer, recorded};
use crate::reactor::{Announcement, OtherSide};
use crate::workers::Running;

const RESUME_LIMIT: Duration = Duration::from_secs(20);

fn deposits(count: usize) -> Vec<Event> {
    (0..count).map(|_| Event::deposited(Uuid::now_v7(), 1)).collect()
}

/// Two event stores with a stream of the same name, and a way from the one to the other.
struct Two {
    stores: [TestEventStore; 2],
    proxy: TestProxy,
    database: ReadDatabase,
}

impl Two {
    /// The events of the first and of the second one.
    async fn with(events: [&[Event]; 2]) -> Self {
        let stores = [TestEventStore::start().await, TestEventStore::start().await];
        for (store, events) in stores.iter().zip(events) {
            if !events.is_empty() {
                Writer::new(store).append(events).await;
            }
        }
        let proxy = TestProxy::start(stores[0].address()).await;
        Self { stores, proxy, database: ReadDatabase::create().await }
    }

    /// From now on it is this one.
    fn holds(&self, number: usize) {
        self.proxy.point_at(self.stores[number].address());
    }

    async fn comes_to(&self, reader: &str, count: usize) {
        eventually(&format!("{reader} comes to {count} events"), LIMIT, async || {
            let checkpoint = self.database.checkpoint(reader).await;
            if checkpoint + 1 == i64::try_from(count).unwrap() { Ok(()) } else { Err(format!("at {checkpoint}")) }
        })
        .await;
    }

    fn projector(&self) -> Running {
        Running::projector_at(AccountRows, &self.proxy.connection_string(), &self.database)
    }
}

/// As after an event store was emptied, grew again, fewer events or more, and after the backup was brought back.
#[tokio::test]
async fn a_read_model_of_another_history_is_made_anew() {
    for (ours, theirs) in [(5, 0), (5, 2), (5, 5), (2, 5)] {
        let (ours, theirs) = (deposits(ours), deposits(theirs));
        let two = Two::with([&ours, &theirs]).await;
        let projector = two.projector();
        for (number, events) in [(0, &ours), (1, &theirs), (0, &ours)] {
            two.holds(number);
            two.comes_to(AccountRows::NAME, events.len()).await;
            eventually("the rows are those of its events", LIMIT, async || {
                two.database.rows().await == rows_of(events)
            })
            .await;
        }
        projector.stop().await;
    }
}

/// Projects when it is let.
struct Held(watch::Receiver<bool>);

impl Projection for Held {
    type Event = Event;
    const NAME: &'static str = AccountRows::NAME;
    const TABLES: &'static [&'static str] = AccountRows::TABLES;

    async fn project(&self, transaction: &Transaction<'_>, events: &[Numbered<Event>]) -> ProjectResult {
        self.0.clone().wait_for(|held| !held).await.unwrap();
        AccountRows.project(transaction, events).await
    }
}

#[tokio::test]
async fn queries_are_not_answered_until_it_is_made_anew() {
    let (ours, theirs) = (deposits(2), deposits(5));
    let two = Two::with([&ours, &theirs]).await;
    let (held, holding) = watch::channel(false);
    let projector = Running::projector_at(Held(holding), &two.proxy.connection_string(), &two.database);
    let (read_model, follower) = ReadModel::new(two.database.database.clone(), STREAM, AccountRows::NAME);
    let shutdown = CancellationToken::new();
    let _following = shutdown.clone().drop_guard();
    tokio::spawn(follower.run(shutdown));
    let count = async |at_least| {
        let counting = |client: deadpool_postgres::Object| async move {
            Ok(client.query_one("SELECT count(*) FROM accounts", &[]).await?.get::<_, i64>(0))
        };
        read_model.query(at_least, counting).await.map(|answer| (answer.value, answer.revision))
    };
    two.comes_to(AccountRows::NAME, ours.len()).await;
    assert_eq!(count(Some(Revision(1))).await, Ok((2, Some(Revision(1)))));

    held.send_replace(true);
    two.holds(1);
    eventually("it is noticed", LIMIT, async || {
        let answer = count(None).await;
        if answer == Err(QueryError::OtherHistory) { Ok(()) } else { Err(format!("{answer:?}")) }
    })
    .await;
    assert_eq!(count(Some(Revision(1))).await, Err(QueryError::OtherHistory));
    held.send_replace(false);
    two.comes_to(AccountRows::NAME, theirs.len()).await;
    assert_eq!(count(Some(Revision(4))).await, Ok((5, Some(Revision(4)))));
    // Of the history before, or of one that is longer than this one.
    assert_eq!(count(Some(Revision(9))).await, Err(QueryError::NotYet));
    projector.stop().await;
}

#[tokio::test]
async fn what_was_parked_of_another_history_is_let_go_of() {
    let two = Two::with([&deposits(1), &deposits(1)]).await;
    Writer::new(&two.stores[0]).append_unknown("Refunded", Uuid::now_v7(), 1).await;
    let projector = two.projector();
    two.comes_to(AccountRows::NAME, 2).await;
    assert_eq!(two.database.parked().await.len(), 1);
    two.holds(1);
    two.comes_to(AccountRows::NAME, 1).await;
    assert!(two.database.parked().await.is_empty());
    projector.stop().await;
}

#[tokio::test]
async fn reactions_wait_for_an_operators_word() {
    for (from, expected) in [(ResumeFrom::Beginning, &[0, 1][..]), (ResumeFrom::End, &[])] {
        let (ours, theirs) = (deposits(2), Uuid::now_v7());
        let two = Two::with([&ours, &[Event::deposited(theirs, 1), Event::deposited(theirs, 1)]]).await;
        let other_side = OtherSide::default();
        let reaction = Announcement(other_side.clone());
        let reactor = Running::reactor_at(reaction, &two.proxy.connection_string(), &two.database);
        two.comes_to(Announcement::NAME, 2).await;
        assert_eq!(reactor.handle.resume(from, RESUME_LIMIT).await, Err(NotCarriedOut::NotHalted));

        two.holds(1);
        let halted = eventually("it waits", LIMIT, async || reactor.handle.halted()).await;
        assert_eq!(halted.difference, "event 1 is another one");
        assert_eq!(reactor.handle.replay(RESUME_LIMIT).await, Err(NotCarriedOut::Interrupted));
        assert!(other_side.done(theirs).is_empty());
        assert_eq!(two.database.checkpoint(Announcement::NAME).await, 1);

        assert_eq!(reactor.handle.resume(from, RESUME_LIMIT).await, Ok(()));
        two.comes_to(Announcement::NAME, 2).await;
        other_side.has_done(theirs, expected).await;
        Writer::new(&two.stores[1]).append(&[Event::deposited(theirs, 1)]).await;
        other_side.has_done(theirs, &[expected, &[2]].concat()).await;
        assert_eq!(reactor.handle.halted(), None);
        reactor.stop().await;
    }
}

#[tokio::test]
async fn reactions_go_on_when_the_history_is_the_one_from_before_after_all() {
    let (ours, account) = (deposits(2), Uuid::now_v7());
    let two = Two::with([&ours, &[]]).await;
    let other_side = OtherSide::default();
    let reaction = Announcement(other_side.clone());
    let reactor = Running::reactor_at(reaction, &two.proxy.connection_string(), &two.database);
    two.comes_to(Announcement::NAME, 2).await;
    two.holds(1);
    eventually("it waits", LIMIT, async || reactor.handle.halted()).await;
    two.holds(0);
    Writer::new(&two.stores[0]).append(&[Event::deposited(account, 1)]).await;
    other_side.has_done(account, &[2]).await;
    assert_eq!(reactor.handle.halted(), None);
    reactor.stop().await;
}

/// As software leaves it that saves no identifiers.
#[tokio::test]
async fn a_checkpoint_without_an_identifier_is_given_the_one_of_its_event() {
    let events = deposits(3);
    let two = Two::with([&events, &[]]).await;
    let projector = two.projector();
    two.comes_to(AccountRows::NAME, 3).await;
    projector.stop().await;
    let identified = async || {
        let sql = "SELECT event_id, identified_revision, revision FROM checkpoints";
        let row = two.database.test.client().await.query_one(sql, &[]).await.unwrap();
        (row.get::<_, Option<Uuid>>(0), row.get::<_, Option<i64>>(1), row.get::<_, i64>(2))
    };
    let stream = recorded(&two.stores[0]).await;
    let last = (Some(stream[2].event_id), Some(2), 2);
    assert_eq!(identified().await, last);
    for older in
        ["event_id = NULL, identified_revision = NULL", "identified_revision = 1, event_id = gen_random_uuid()"]
    {
        two.database.execute(&format!("UPDATE checkpoints SET {older}")).await;
        let projector = two.projector();
        eventually("it is identified", LIMIT, async || identified().await == last).await;
        assert_eq!(two.database.rows().await, rows_of(&events));
        assert_eq!(two.database.checkpoint(AccountRows::NAME).await, bigint(Revision(2)));
        projector.stop().await;
    }
}
