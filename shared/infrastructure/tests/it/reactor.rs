//! What events mean for others is carried out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use jetbridge_testing::{TestEventStore, eventually};
use shared_infrastructure::reader::{Reaction, ReactionError};
use shared_infrastructure::worker::{Replayed, WorkerState};
use shared_kernel::{Cause, Revision};
use uuid::Uuid;

use crate::accounts::{Event, Movement};
use crate::bank::LIMIT;
use crate::database::{AccountRows, NewerEvent, ReadDatabase, bigint};
use crate::events::Writer;
use crate::workers::Running;

/// The other side, as the reaction finds it.
#[derive(Clone, Default)]
pub(crate) struct OtherSide(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    /// What was carried out, in order.
    done: Vec<(Uuid, Revision)>,
    attempts: usize,
    faults: HashMap<Uuid, ReactionError>,
    /// What it says to everything.
    outage: Option<ReactionError>,
}

impl OtherSide {
    pub(crate) fn fails(&self, account: Uuid, fault: ReactionError) {
        self.0.lock().unwrap().faults.insert(account, fault);
    }

    pub(crate) fn is_away(&self) {
        self.0.lock().unwrap().outage = Some(retry());
    }

    pub(crate) fn is_mended(&self) {
        let mut seen = self.0.lock().unwrap();
        seen.faults.clear();
        seen.outage = None;
    }

    pub(crate) fn attempts(&self) -> usize {
        self.0.lock().unwrap().attempts
    }

    /// The numbers of the events about an account that were reacted to, in order.
    pub(crate) fn done(&self, account: Uuid) -> Vec<u64> {
        let seen = self.0.lock().unwrap();
        seen.done.iter().filter(|(about, _)| *about == account).map(|(_, revision)| revision.0).collect()
    }

    pub(crate) async fn has_done(&self, account: Uuid, revisions: &[u64]) {
        eventually(&format!("{revisions:?}"), LIMIT, async || {
            let done = self.done(account);
            if done == revisions { Ok(()) } else { Err(format!("{done:?}")) }
        })
        .await;
    }
}

/// Deposits call for a reaction, withdrawals do not.
pub(crate) struct Announcement(pub(crate) OtherSide);

impl Reaction for Announcement {
    type Event = Event;
    const NAME: &'static str = "announcements";

    fn key(event: &Event) -> Option<Uuid> {
        matches!(event, Event::Deposited(_)).then(|| event.account())
    }

    fn missing(_: &str) -> &'static str {
        "announcement"
    }

    async fn react(&self, event: &Event, revision: Revision, cause: Cause) -> Result<(), ReactionError> {
        assert_eq!(cause.actor, Self::NAME);
        let mut seen = self.0.0.lock().unwrap();
        seen.attempts += 1;
        if let Some(fault) = seen.outage.as_ref().or_else(|| seen.faults.get(&event.account())) {
            return Err(fault.clone());
        }
        seen.done.push((event.account(), revision));
        Ok(())
    }
}

pub(crate) struct World {
    pub(crate) store: TestEventStore,
    pub(crate) writer: Writer,
    pub(crate) database: ReadDatabase,
    pub(crate) other_side: OtherSide,
}

impl World {
    pub(crate) async fn new() -> Self {
        let (store, database) = tokio::join!(TestEventStore::start(), ReadDatabase::create());
        let writer = Writer::new(&store);
        Self { store, writer, database, other_side: OtherSide::default() }
    }

    /// One with an event that the other side does not take for now, and what it is about.
    pub(crate) async fn with_failing() -> (Self, Uuid) {
        let (world, failing) = (Self::new().await, Uuid::now_v7());
        world.other_side.fails(failing, retry());
        world.writer.append(&[Event::deposited(failing, 1)]).await;
        (world, failing)
    }

    pub(crate) fn reactor(&self) -> Running {
        Running::reactor(Announcement(self.other_side.clone()), &self.store, &self.database)
    }

    pub(crate) fn projector(&self) -> Running {
        Running::projector(AccountRows, &self.store, &self.database)
    }

    pub(crate) async fn saved(&self, revision: Revision) {
        eventually("the checkpoint is saved", LIMIT, async || {
            self.database.checkpoint(Announcement::NAME).await == bigint(revision)
        })
        .await;
    }
}

pub(crate) fn retry() -> ReactionError {
    ReactionError::Retry("the other side is away".to_owned())
}

pub(crate) fn park() -> ReactionError {
    ReactionError::Park("the other side refuses".to_owned())
}

#[tokio::test]
async fn a_reaction_is_repeated_until_it_is_done_while_others_go_on() {
    let world = World::new().await;
    let [failing, fine] = [Uuid::now_v7(), Uuid::now_v7()];
    world.other_side.fails(failing, retry());
    let events = [failing, fine, failing, fine].map(|account| Event::deposited(account, 1));
    let last = world.writer.append(&events).await;
    let reactor = world.reactor();
    world.other_side.has_done(fine, &[1, 3]).await;
    let attempts = world.other_side.attempts();
    eventually("it is tried again", LIMIT, async || world.other_side.attempts() > attempts + 2).await;
    assert!(world.other_side.done(failing).is_empty());
    assert_eq!(world.database.checkpoint(Announcement::NAME).await, -1);

    world.other_side.is_mended();
    world.other_side.has_done(failing, &[0, 2]).await;
    world.saved(last).await;
    assert!(world.database.parked().await.is_empty());
    reactor.stop().await;
}

#[tokio::test]
async fn what_was_not_done_before_a_restart_is_done_after_it() {
    let world = World::new().await;
    let [failing, fine] = [Uuid::now_v7(), Uuid::now_v7()];
    let last = world.writer.append(&[Event::deposited(fine, 1)]).await;
    let reactor = world.reactor();
    world.saved(last).await;
    world.other_side.fails(failing, retry());
    let last = world.writer.append(&[Event::deposited(failing, 1), Event::deposited(failing, 1)]).await;
    eventually("it is tried", LIMIT, async || world.other_side.attempts() > 1).await;
    reactor.stop().await;

    world.other_side.is_mended();
    let reactor = world.reactor();
    world.other_side.has_done(failing, &[1, 2]).await;
    world.saved(last).await;
    reactor.stop().await;

    // What is saved is not done again.
    let reactor = world.reactor();
    world.writer.append(&[Event::deposited(fine, 1)]).await;
    world.other_side.has_done(fine, &[0, 3]).await;
    assert_eq!(world.other_side.done(failing), [1, 2]);
    reactor.stop().await;
}

#[tokio::test]
async fn what_is_refused_for_good_is_parked_with_what_comes_after_it() {
    let world = World::new().await;
    let [refused, fine, unknown] = [Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7()];
    world.other_side.fails(refused, park());
    let reactor = world.reactor();
    world.writer.append(&[refused, fine, refused].map(|account| Event::deposited(account, 1))).await;
    world.writer.append_unknown("Refunded", unknown, 1).await;
    world.other_side.has_done(fine, &[1]).await;
    eventually("they are parked", LIMIT, async || world.database.parked().await.len() == 3).await;
    reactor.stop().await;

    // The other side would take it now, but not before what is parked.
    world.other_side.is_mended();
    let reactor = world.reactor();
    let last = world.writer.append(&[refused, fine].map(|account| Event::deposited(account, 1))).await;
    world.other_side.has_done(fine, &[1, 5]).await;
    world.saved(last).await;
    assert!(world.other_side.done(refused).is_empty());
    let parked = world.database.parked().await;
    let summary: Vec<_> = parked.iter().map(|event| (event.event_number.0, event.key, event.reason.as_str())).collect();
    let behind = "an earlier event about the same thing is parked";
    assert_eq!(
        summary,
        [
            (0, refused, "the other side refuses"),
            (2, refused, behind),
            (3, unknown, "unknown event type \"Refunded\""),
            (4, refused, behind),
        ]
    );

    assert_eq!(reactor.replay().await, Replayed { replayed: 3, still_parked: 1, beyond_limit: 0 });
    assert_eq!(world.other_side.done(refused), [0, 2, 4]);
    assert_eq!(world.database.parked().await.len(), 1);
    world.writer.append(&[Event::deposited(refused, 1)]).await;
    world.other_side.has_done(refused, &[0, 2, 4, 6]).await;
    reactor.stop().await;
}

/// Otherwise it would look as if it were behind for as long as nothing else happens.
#[tokio::test]
async fn the_checkpoint_moves_past_events_that_call_for_no_reaction() {
    let world = World::new().await;
    let account = Uuid::now_v7();
    let reactor = world.reactor();
    for amount in 1..4 {
        let last = world.writer.append(&[Event::deposited(account, amount)]).await;
        world.saved(last).await;
        let last = world.writer.append(&[Event::Withdrawn(Movement { account, amount })]).await;
        world.saved(last).await;
    }
    assert_eq!(world.other_side.done(account), [0, 2, 4]);
    reactor.stop().await;
}

/// Of a newer version, which knows one more event type, and that there is nothing to do for it.
struct NewerAnnouncement;

impl Reaction for NewerAnnouncement {
    type Event = NewerEvent;
    const NAME: &'static str = Announcement::NAME;

    fn key(_: &NewerEvent) -> Option<Uuid> {
        None
    }

    fn missing(_: &str) -> &'static str {
        "announcement"
    }

    async fn react(&self, _: &NewerEvent, _: Revision, _: Cause) -> Result<(), ReactionError> {
        panic!("there is nothing to do");
    }
}

#[tokio::test]
async fn a_parked_event_that_turns_out_to_call_for_no_reaction_is_released() {
    let world = World::new().await;
    let reactor = world.reactor();
    let account = Uuid::now_v7();
    world.writer.append_unknown("Refunded", account, 1).await;
    let last = world.writer.append(&[Event::deposited(account, 1)]).await;
    world.saved(last).await;
    assert_eq!(world.database.parked().await.len(), 2);
    reactor.stop().await;

    let newer = Running::reactor(NewerAnnouncement, &world.store, &world.database);
    assert_eq!(newer.replay().await, Replayed { replayed: 2, still_parked: 0, beyond_limit: 0 });
    assert!(world.database.parked().await.is_empty());
    newer.stop().await;
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_the_other_side() {
    let (world, _) = World::with_failing().await;
    let reactor = world.reactor();
    eventually("it is tried", LIMIT, async || world.other_side.attempts() > 0).await;
    let started = std::time::Instant::now();
    reactor.stop().await;
    assert!(started.elapsed() < std::time::Duration::from_secs(1));
}

/// Another instance leads as soon as the connection, and with it the lock, is lost. Two that react at once could undo
/// the order of events.
#[tokio::test]
async fn an_instance_that_is_cut_off_stops_reacting() {
    let (world, failing) = World::with_failing().await;
    let instances = [world.reactor(), world.reactor()];
    eventually("it is tried", LIMIT, async || world.other_side.attempts() > 0).await;
    let pid = world.database.led_by_other_than(None).await;
    world.database.test.disconnect_clients().await;
    world.database.led_by_other_than(Some(pid)).await;
    let count = |state| instances.iter().filter(|instance| instance.handle.state() == state).count();
    eventually("one leads, one stands by", LIMIT, async || {
        count(WorkerState::Leading) == 1 && count(WorkerState::StandingBy) == 1
    })
    .await;
    world.other_side.is_mended();
    world.other_side.has_done(failing, &[0]).await;
}
