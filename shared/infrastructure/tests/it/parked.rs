//! Parked events: what is kept of them, and what operators have done about them.

use std::time::Duration;

use jetbridge_testing::eventually;
use shared_infrastructure::parking::{self, ParkedEvent};
use shared_infrastructure::reader::{Projection, Reaction};
use shared_infrastructure::worker::{Discard, NotCarriedOut, Replayed, WorkerState};
use shared_kernel::Revision;
use uuid::Uuid;

use crate::accounts::Event;
use crate::bank::LIMIT;
use crate::database::{AccountRows, MOST, bigint};
use crate::reactor::{Announcement, World, park, retry};
use crate::workers::Running;

const READERS: [&str; 2] = [AccountRows::NAME, Announcement::NAME];

/// Both readers have come so far.
async fn have_read(world: &World, revision: Revision) {
    for reader in READERS {
        eventually(&format!("{reader} has come to {revision}"), LIMIT, async || {
            let checkpoint = world.database.checkpoint(reader).await;
            if checkpoint == bigint(revision) { Ok(()) } else { Err(checkpoint) }
        })
        .await;
    }
}

#[tokio::test]
async fn what_postgresql_cannot_store_is_parked_like_anything_else_and_shown_escaped() {
    let world = World::new().await;
    let [projector, reactor] = [world.projector(), world.reactor()];
    let long = "x".repeat(2_000);
    world.writer.append_unknown("Re\0funded", Uuid::now_v7(), 1).await;
    world.writer.append_unknown(&long, Uuid::now_v7(), 1).await;
    let last = world.writer.append(&[Event::deposited(Uuid::now_v7(), 1)]).await;
    have_read(&world, last).await;

    let parked = world.database.parked().await;
    let summary: Vec<_> = parked.iter().map(|event| (&*event.reader, event.event_number.0)).collect();
    assert_eq!(summary, [(READERS[0], 0), (READERS[0], 1), (READERS[1], 0), (READERS[1], 1)]);
    for event in parked.chunks(2) {
        assert_eq!(event[0].event_type, r"Re\u0000funded");
        assert!(event[0].reason.contains("unknown event type"), "{}", event[0].reason);
        assert_eq!(event[1].event_type.strip_suffix('…'), long.get(..1_000));
    }
    for worker in [projector, reactor] {
        assert_eq!(worker.replay().await.still_parked, 2);
        worker.stop().await;
    }
}

fn discarding(event: &ParkedEvent) -> Discard {
    Discard { event_id: event.event_id, reason: "a test".to_owned(), discarded_by: "somebody".to_owned() }
}

/// The numbers of what is parked.
async fn numbers(world: &World) -> Vec<u64> {
    world.database.parked().await.iter().map(|event| event.event_number.0).collect()
}

#[tokio::test]
async fn what_is_discarded_is_kept_with_its_reason_and_what_waits_behind_it_stays_until_replayed() {
    let world = World::new().await;
    let account = Uuid::now_v7();
    let workers = [world.projector(), world.reactor()];
    world.writer.append_unknown("Refunded", account, 1).await;
    let last = world.writer.append(&[Event::deposited(account, 1)]).await;
    have_read(&world, last).await;
    let refunded = &world.database.parked().await[0];
    for worker in &workers {
        let discarded = worker.handle.discard(discarding(refunded), LIMIT).await.unwrap();
        let [event] = discarded.as_slice() else { panic!("{discarded:?}") };
        assert_eq!((&event.event_type, &event.parked_because), (&refunded.event_type, &refunded.reason));
        assert_eq!((event.event_number, event.event_id, event.key), (Revision(0), refunded.event_id, account));
        assert_eq!((&*event.reason, &*event.discarded_by), ("a test", "somebody"));
        assert_eq!(worker.handle.discard(discarding(refunded), LIMIT).await.unwrap(), []);
    }
    let kept = parking::list_discarded(&world.database.database, 10, None).await.unwrap();
    assert_eq!(kept.total, 2);
    assert_eq!(kept.events.iter().map(|event| &*event.reader).collect::<Vec<_>>(), READERS);
    let behind = parking::list_discarded(&world.database.database, 10, Some(kept.events[0].place())).await.unwrap();
    assert_eq!(behind.events, kept.events[1..]);

    // Also what comes later waits, until it is replayed.
    let last = world.writer.append(&[Event::deposited(account, 2)]).await;
    have_read(&world, last).await;
    assert_eq!(numbers(&world).await, [1, 2, 1, 2]);
    for worker in workers {
        assert_eq!(worker.replay().await, Replayed { replayed: 2, still_parked: 0, beyond_limit: 0 });
        worker.stop().await;
    }
    assert_eq!(world.database.rows().await[&account], (3, 2));
    assert_eq!(world.other_side.done(account), [1, 2]);
}

/// The checkpoint is still before it.
#[tokio::test]
async fn what_is_discarded_is_not_worked_on_after_a_restart() {
    let (world, failing) = World::with_failing().await;
    let discarded = Uuid::now_v7();
    let last = world.writer.append_unknown("Refunded", discarded, 1).await;
    let reactor = world.reactor();
    eventually("it is parked", LIMIT, async || numbers(&world).await == [last.0]).await;
    reactor.handle.discard(discarding(&world.database.parked().await[0]), LIMIT).await.unwrap();
    reactor.stop().await;

    world.other_side.is_mended();
    let reactor = world.reactor();
    let last = world.writer.append(&[Event::deposited(discarded, 1)]).await;
    world.saved(last).await;
    assert_eq!(numbers(&world).await, [0; 0]);
    assert_eq!((world.other_side.done(failing), world.other_side.done(discarded)), (vec![0], vec![last.0]));
    reactor.stop().await;
}

#[tokio::test]
async fn a_replay_that_never_ends_is_ended_by_discarding_its_event() {
    let world = World::new().await;
    let refused = Uuid::now_v7();
    world.other_side.fails(refused, park());
    let last = world.writer.append(&[Event::deposited(refused, 1), Event::deposited(refused, 1)]).await;
    let reactor = world.reactor();
    world.saved(last).await;
    world.other_side.fails(refused, retry());
    let too_long = reactor.handle.replay(Duration::from_millis(100)).await;
    assert_eq!(too_long, Err(NotCarriedOut::TookTooLong));

    // It begins when the first has ended.
    let replay = reactor.handle.replay(Duration::from_secs(2));
    let discard = reactor.handle.discard(discarding(&world.database.parked().await[0]), LIMIT);
    let (replayed, discarded) = tokio::join!(replay, discard);
    assert_eq!(discarded.unwrap().len(), 1);
    assert_eq!(numbers(&world).await, [1]);
    // It tries the one that waited behind, for ever too.
    assert_eq!(replayed, Err(NotCarriedOut::TookTooLong));
    world.other_side.is_mended();
    world.other_side.has_done(refused, &[1]).await;
    reactor.stop().await;
}

async fn the_other_instance_is_asked(world: &World, instances: [Running; 2]) {
    let account = Uuid::now_v7();
    world.writer.append_unknown("Refunded", account, 1).await;
    world.writer.append(&[Event::deposited(account, 1)]).await;
    eventually("they are parked", LIMIT, async || numbers(world).await == [0, 1]).await;
    let [first, second] = instances;
    let is_first = first.handle.state() == WorkerState::Leading;
    let (leader, other) = if is_first { (first, second) } else { (second, first) };
    other.becomes(WorkerState::StandingBy).await;
    let replayed = other.handle.replay(LIMIT).await;
    assert_eq!(replayed, Ok(Replayed { replayed: 0, still_parked: 2, beyond_limit: 0 }));
    let refunded = &world.database.parked().await[0];
    assert_eq!(other.handle.discard(discarding(refunded), LIMIT).await.unwrap().len(), 1);
    assert_eq!(other.handle.discard(discarding(refunded), LIMIT).await.unwrap(), []);
    let replayed = other.handle.replay(LIMIT).await;
    assert_eq!(replayed, Ok(Replayed { replayed: 1, still_parked: 0, beyond_limit: 0 }));
    let client = world.database.test.client().await;
    let left = client.query_one("SELECT count(*) FROM reader_requests", &[]).await.unwrap();
    assert_eq!(left.get::<_, i64>(0), 0);
    leader.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn whichever_instance_of_a_projection_is_asked_the_one_that_leads_does_it() {
    let world = World::new().await;
    the_other_instance_is_asked(&world, [world.projector(), world.projector()]).await;
}

#[tokio::test]
async fn whichever_instance_of_reactions_is_asked_the_one_that_leads_does_it() {
    let world = World::new().await;
    the_other_instance_is_asked(&world, [world.reactor(), world.reactor()]).await;
}

/// A part of a replay is a hundred events. What stays parked in one keeps its place before what comes in the next.
#[tokio::test]
async fn a_replay_of_many_events_keeps_the_order() {
    let world = World::new().await;
    let [unknown, many] = [Uuid::now_v7(), Uuid::now_v7()];
    world.other_side.fails(many, park());
    let workers = [world.projector(), world.reactor()];
    world.writer.append_unknown("Refunded", unknown, 1).await;
    world.writer.append(&[Event::deposited(many, MOST + 1)]).await;
    world.writer.append(&vec![Event::deposited(many, 1); 100]).await;
    let last = world.writer.append(&[Event::deposited(unknown, 1)]).await;
    have_read(&world, last).await;
    world.database.execute("ALTER TABLE accounts DROP CONSTRAINT most").await;
    world.other_side.is_mended();
    for worker in workers {
        let replayed = worker.handle.replay(LIMIT).await;
        assert_eq!(replayed, Ok(Replayed { replayed: 101, still_parked: 2, beyond_limit: 0 }));
        worker.stop().await;
    }
    assert_eq!(world.database.rows().await.into_iter().collect::<Vec<_>>(), [(many, (MOST + 101, 101))]);
    assert_eq!((world.other_side.done(many).len(), world.other_side.done(unknown)), (101, vec![]));
}

#[tokio::test]
async fn a_replay_that_does_not_get_to_the_end_says_how_many_are_left() {
    let world = World::new().await;
    let accounts: Vec<Uuid> = (0..101).map(|_| Uuid::now_v7()).collect();
    let stuck = accounts[100];
    for account in &accounts {
        world.other_side.fails(*account, park());
    }
    let deposits: Vec<Event> = accounts.iter().map(|account| Event::deposited(*account, 1)).collect();
    let last = world.writer.append(&deposits).await;
    let reactor = world.reactor();
    world.saved(last).await;
    world.other_side.is_mended();
    world.other_side.fails(stuck, retry());
    let handle = reactor.handle.clone();
    let replay = tokio::spawn(async move { handle.replay(LIMIT).await });
    eventually("all but one are replayed", LIMIT, async || numbers(&world).await == [last.0]).await;
    let attempts = world.other_side.attempts();
    eventually("the last one is tried", LIMIT, async || world.other_side.attempts() > attempts).await;
    reactor.stop().await;
    let replayed = replay.await.unwrap();
    assert_eq!(replayed, Ok(Replayed { replayed: 100, still_parked: 0, beyond_limit: 1 }));
}

#[tokio::test]
async fn nothing_is_asked_for_longer_than_it_takes_to_know_that_nobody_leads() {
    let world = World::new().await;
    let reactor = world.reactor();
    reactor.becomes(WorkerState::Leading).await;
    let handle = reactor.handle.clone();
    reactor.stop().await;
    assert_eq!(handle.replay(LIMIT).await, Err(NotCarriedOut::NotLeading));
}

/// It is not known how far it came.
#[tokio::test]
async fn what_a_leader_has_begun_and_not_answered_is_said_to_be_interrupted() {
    let world = World::new().await;
    let reader = Announcement::NAME;
    world
        .database
        .execute(&format!(
            "INSERT INTO reader_requests (id, reader, request, expires_at, taken_at)
             VALUES (gen_random_uuid(), '{reader}', '\"replay\"', now() + interval '1 minute', now()),
                    (gen_random_uuid(), '{reader}', '\"replay\"', now() - interval '2 minutes', now()),
                    (gen_random_uuid(), '{reader}', '\"unheard of\"', now() + interval '1 minute', NULL)"
        ))
        .await;
    let reactor = world.reactor();
    eventually("they are answered", LIMIT, async || {
        let client = world.database.test.client().await;
        let rows = client.query("SELECT answer FROM reader_requests ORDER BY answer", &[]).await.unwrap();
        let answers: Vec<Option<String>> = rows.iter().map(|row| row.get(0)).collect();
        let expected = [r#"{"Err":"interrupted"}"#, r#"{"Err":"otherVersion"}"#].map(|text| Some(text.to_owned()));
        if answers == expected { Ok(()) } else { Err(format!("{answers:?}")) }
    })
    .await;
    reactor.stop().await;
}
