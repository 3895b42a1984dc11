//! A reaction that does not succeed holds up nothing else.

use std::time::Duration;

use jetbridge_testing::eventually;
use shared_infrastructure::reader::{Reaction, ReactionError};
use shared_infrastructure::worker::{NotCarriedOut, Replayed};
use shared_kernel::Revision;
use uuid::Uuid;

use crate::accounts::Event;
use crate::bank::LIMIT;
use crate::reactor::{Announcement, World, park};
use crate::workers::Running;

const BEHIND_ANOTHER: &str = "an earlier event about the same thing is parked";

/// More than are in memory at a time.
const VERY_MANY: usize = 5_000;

/// The numbers, causes and trials of what is tried again.
fn retrying(reactor: &Running) -> Vec<(u64, Uuid, String)> {
    reactor.handle.retrying().into_iter().map(|event| (event.event_number.0, event.key, event.reason)).collect()
}

/// What is parked, and why.
async fn parked(world: &World) -> Vec<(u64, String)> {
    world.database.parked().await.into_iter().map(|event| (event.event_number.0, event.reason)).collect()
}

/// The other side is mended, and both parked events are replayed.
async fn replays_both(world: &World, reactor: &Running) {
    world.other_side.is_mended();
    assert_eq!(reactor.replay().await, Replayed { replayed: 2, still_parked: 0, beyond_limit: 0 });
}

fn deposits(accounts: &[Uuid]) -> Vec<Event> {
    accounts.iter().map(|account| Event::deposited(*account, 1)).collect()
}

#[tokio::test]
async fn an_event_that_is_tried_again_holds_up_nothing_that_comes_later() {
    let (world, failing) = World::with_failing().await;
    let reactor = world.reactor();
    eventually("it is tried", LIMIT, async || world.other_side.attempts() > 1).await;

    // Far more than the reader looks at together, one after the other.
    let others: Vec<_> = (0..700).map(|_| Uuid::now_v7()).collect();
    let fine = Uuid::now_v7();
    world.writer.append(&deposits(&others)).await;
    let last = world.writer.append(&deposits(&[failing, fine])).await;
    world.other_side.has_done(fine, &[last.0]).await;
    let attempts = world.other_side.attempts();
    eventually("it is tried on", LIMIT, async || world.other_side.attempts() > attempts).await;
    assert!(world.other_side.done(failing).is_empty());
    assert_eq!(world.database.checkpoint(Announcement::NAME).await, -1);
    assert_eq!(retrying(&reactor), [(0, failing, "the other side is away".to_owned())]);
    assert_eq!(reactor.handle.retrying()[0].event_type, "Deposited");
    assert!(reactor.handle.retrying()[0].attempts > 1);
    assert!(world.database.parked().await.is_empty());

    world.other_side.is_mended();
    world.other_side.has_done(failing, &[0, last.0 - 1]).await;
    world.saved(last).await;
    assert!(reactor.handle.retrying().is_empty());
    reactor.stop().await;
}

/// It is there, and says that it does not know what is the matter.
#[tokio::test]
async fn what_the_other_side_fails_at_again_and_again_is_parked_for_its_reason() {
    let (world, failing) = World::with_failing().await;
    world.other_side.fails(failing, ReactionError::Failed("a bug over there".to_owned()));
    let fine = Uuid::now_v7();
    let last = world.writer.append(&deposits(&[failing, fine])).await;
    let reactor = world.reactor();
    world.other_side.has_done(fine, &[2]).await;
    world.saved(last).await;
    assert_eq!(parked(&world).await, [(0, "a bug over there".to_owned()), (1, BEHIND_ANOTHER.to_owned())]);
    assert_eq!(world.other_side.attempts(), 8 + 1);
    assert!(reactor.handle.retrying().is_empty());

    replays_both(&world, &reactor).await;
    assert_eq!(world.other_side.done(failing), [0, 1]);
    reactor.stop().await;
}

#[tokio::test]
async fn while_the_other_side_is_away_all_waits_in_bounded_memory_and_nothing_is_parked() {
    let world = World::new().await;
    world.other_side.is_away();
    let accounts: Vec<_> = (0..VERY_MANY).map(|_| Uuid::now_v7()).collect();
    let mut last = Revision(0);
    for part in accounts.chunks(500) {
        last = world.writer.append(&deposits(part)).await;
    }
    let reactor = world.reactor();
    eventually("it reads no more", LIMIT, async || reactor.handle.is_full()).await;
    eventually("all that it has read is tried again", LIMIT, async || {
        let retrying = reactor.handle.retrying().len();
        if retrying > 4_000 { Ok(()) } else { Err(retrying.to_string()) }
    })
    .await;
    assert!(reactor.handle.retrying().len() <= 4_096 + 256);
    assert!(world.database.parked().await.is_empty());
    assert_eq!(world.database.checkpoint(Announcement::NAME).await, -1);

    world.other_side.is_mended();
    world.saved(last).await;
    for (account, revision) in accounts.iter().zip(0..) {
        assert_eq!(world.other_side.done(*account), [revision]);
    }
    assert!(!reactor.handle.is_full());
    reactor.stop().await;
}

#[tokio::test]
async fn what_is_parked_beyond_the_checkpoint_stays_parked_for_its_reason_after_a_restart() {
    let (world, waiting) = World::with_failing().await;
    let refused = Uuid::now_v7();
    world.other_side.fails(refused, park());
    world.writer.append(&deposits(&[refused, refused])).await;
    for _ in 0..2 {
        let attempts = world.other_side.attempts();
        let reactor = world.reactor();
        eventually("it is tried", LIMIT, async || world.other_side.attempts() > attempts).await;
        eventually("they are parked", LIMIT, async || world.database.parked().await.len() == 2).await;
        let fine = Uuid::now_v7();
        let last = world.writer.append(&deposits(&[fine])).await;
        world.other_side.has_done(fine, &[last.0]).await;
        let expected = [(1, "the other side refuses".to_owned()), (2, BEHIND_ANOTHER.to_owned())];
        assert_eq!(parked(&world).await, expected);
        assert_eq!(world.database.checkpoint(Announcement::NAME).await, -1);
        reactor.stop().await;
    }
    world.other_side.is_mended();
    let reactor = world.reactor();
    world.other_side.has_done(waiting, &[0]).await;
    assert!(world.other_side.done(refused).is_empty());
    assert_eq!(reactor.replay().await, Replayed { replayed: 2, still_parked: 0, beyond_limit: 0 });
    assert_eq!(world.other_side.done(refused), [1, 2]);
    reactor.stop().await;
}

/// What has come meanwhile about the same thing is reacted to afterwards.
#[tokio::test]
async fn a_replay_that_has_to_wait_holds_up_nothing_else() {
    let world = World::new().await;
    let [refused, fine] = [Uuid::now_v7(), Uuid::now_v7()];
    world.other_side.fails(refused, park());
    let last = world.writer.append(&deposits(&[refused])).await;
    let reactor = world.reactor();
    world.saved(last).await;

    world.other_side.fails(refused, ReactionError::Retry("away".to_owned()));
    let too_long = reactor.handle.replay(Duration::from_millis(200)).await;
    assert_eq!(too_long, Err(NotCarriedOut::TookTooLong));
    let last = world.writer.append(&deposits(&[refused, fine])).await;
    world.other_side.has_done(fine, &[last.0]).await;
    assert_eq!(world.database.parked().await.len(), 1);
    world.other_side.is_mended();
    world.other_side.has_done(refused, &[0, 1]).await;
    world.saved(last).await;
    assert!(world.database.parked().await.is_empty());
    reactor.stop().await;
}
