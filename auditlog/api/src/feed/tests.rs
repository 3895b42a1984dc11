use std::sync::Arc;
use std::time::Duration;

use eventstore::{AppendToStreamOptions, Client, EventData, ExpectedRevision};
use futures::future::join_all;
use jetbridge_testing::{CallProxy, TestEventStore};
use shared_infrastructure::event_store::EventStore;
use shared_kernel::{Position, Revision, Stream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{Feed, Feeds, Next, OpenError};
use crate::filter::Filter;
use crate::live::{Live, RETAINED_ENTRIES};
use crate::reader::LogReader;
use crate::stream::Log;

const LOG: Log = Log::All(domains::ALL);
const LIMIT: Duration = Duration::from_secs(20);

fn feeds(store: &TestEventStore, max_followers: usize, shutdown: &CancellationToken) -> Feeds {
    feeds_of(store.connection_string(), max_followers, shutdown)
}

fn feeds_of(address: &str, max_followers: usize, shutdown: &CancellationToken) -> Feeds {
    let store = EventStore::new(address).unwrap();
    let (live, tail) = Live::new(LOG, store.separate());
    tokio::spawn(live.run(shutdown.clone()));
    Feeds::new(LOG, Arc::new(LogReader::new(store)), tail, max_followers)
}

async fn next_revision(feed: &mut Feed) -> Option<Revision> {
    match timeout(LIMIT, feed.next()).await.unwrap() {
        Next::Entry(entry) => Some(entry.revision),
        Next::PassedOver => panic!("nothing is left out"),
        Next::End(_) => None,
    }
}

#[tokio::test]
async fn a_follower_that_falls_far_behind_reads_what_it_has_missed() {
    const BATCH: u64 = 300;
    const BATCHES: u64 = RETAINED_ENTRIES as u64 / BATCH + 2;
    let store = TestEventStore::start().await;
    let shutdown = CancellationToken::new();
    let feeds = feeds(&store, 2, &shutdown);
    let (mut slow, mut quick) =
        (feeds.open(None, Filter::default()).await.unwrap(), feeds.open(None, Filter::default()).await.unwrap());

    let client = client(&store);
    for batch in 0..BATCHES {
        append(&client, PASSENGERS, BATCH as usize).await;
        for number in 0..BATCH {
            assert_eq!(next_revision(&mut quick).await, Some(Revision(batch * BATCH + number)));
        }
    }
    for revision in 0..BATCHES * BATCH {
        assert_eq!(next_revision(&mut slow).await, Some(Revision(revision)));
    }
    assert_eq!(*slow.place(), Position::at(PASSENGERS, Some(Revision(BATCHES * BATCH - 1))));
    assert!(timeout(Duration::from_millis(100), slow.next()).await.is_err());

    shutdown.cancel();
    assert_eq!(next_revision(&mut slow).await, None);
}

#[tokio::test]
async fn a_feed_that_is_closed_makes_room_for_another() {
    let store = TestEventStore::start().await;
    let shutdown = CancellationToken::new();
    let feeds = feeds(&store, 1, &shutdown);
    let feed = feeds.open(None, Filter::default()).await.unwrap();
    assert!(matches!(feeds.open(None, Filter::default()).await, Err(OpenError::Full)));
    drop(feed);
    assert!(feeds.open(None, Filter::default()).await.is_ok());
    shutdown.cancel();
}

const FLIGHTS: Stream = flight_contract::STREAM;
const PASSENGERS: Stream = passenger_contract::STREAM;

fn client(store: &TestEventStore) -> Client {
    Client::new(store.connection_string().parse().unwrap()).unwrap()
}

async fn append(client: &Client, stream: Stream, count: usize) {
    let events: Vec<_> = (0..count).map(|_| EventData::binary("Happened", Vec::new().into())).collect();
    let options = AppendToStreamOptions::default().expected_revision(ExpectedRevision::Any);
    client.append_to_stream(stream.name, &options, events).await.unwrap();
}

/// A place by the number of events that it covers of each stream.
fn place(flights: u64, passengers: u64) -> Position {
    let last = |count: u64| count.checked_sub(1).map(Revision);
    Position::at(FLIGHTS, last(flights)).and(Position::at(PASSENGERS, last(passengers)))
}

/// How many followers come at once, and how many reads they may cost: far fewer than one each.
const CROWD: u64 = 500;
const READS_OF_A_CROWD: usize = 60;

/// `CROWD` followers at once, each from its place; and how many reads it took until they had joined.
async fn crowd(feeds: &Feeds, proxy: &CallProxy, after: impl Fn(u64) -> Option<Position>) -> (Vec<Feed>, usize) {
    let before = proxy.reads();
    let joined = join_all((0..CROWD).map(|number| feeds.open(after(number), Filter::default()))).await;
    (joined.into_iter().map(Result::unwrap).collect(), proxy.reads() - before)
}

/// Checks that a follower gets exactly what comes after its place, up to `end`, in the order of each stream.
async fn assert_complete(feed: &mut Feed, from: Position, end: &Position) {
    let mut place = from;
    while place != *end {
        let Next::Entry(entry) = timeout(LIMIT, feed.next()).await.unwrap() else { panic!("an entry") };
        let expected = place.revision_in(entry.stream).map_or(Revision(0), |last| Revision(last.0 + 1));
        assert_eq!(entry.revision, expected, "of {}", entry.stream.name);
        place = place.with(entry.stream, Some(entry.revision));
    }
}

#[tokio::test]
async fn a_crowd_that_joins_at_once_costs_no_more_reads_than_a_few() {
    let store = TestEventStore::start().await;
    let proxy = CallProxy::start(store.address()).await;
    let shutdown = CancellationToken::new();
    let feeds = feeds_of(&proxy.connection_string(), 10_000, &shutdown);
    let client = client(&store);
    for _ in 0..20 {
        append(&client, FLIGHTS, 5).await;
        append(&client, PASSENGERS, 10).await;
    }
    drop(feeds.open(None, Filter::default()).await.unwrap());

    let (mut from_now_on, reads) = crowd(&feeds, &proxy, |_| None).await;
    assert!(reads <= READS_OF_A_CROWD, "{reads} reads to begin from now on");
    let (mut where_they_were, reads) = crowd(&feeds, &proxy, |_| Some(place(100, 200))).await;
    assert!(reads <= READS_OF_A_CROWD, "{reads} reads to go on from the end");
    // Each has missed something else, some nothing.
    let missed = |number: u64| place(100 - 5 * (number % 20), 200 - 10 * (number % 20));
    let (mut behind, reads) = crowd(&feeds, &proxy, |number| Some(missed(number))).await;
    assert!(reads <= READS_OF_A_CROWD, "{reads} reads to hear what was missed");

    append(&client, FLIGHTS, 1).await;
    append(&client, PASSENGERS, 1).await;
    let end = place(101, 201);
    for feed in from_now_on.iter_mut().chain(&mut where_they_were) {
        assert_complete(feed, place(100, 200), &end).await;
    }
    for (number, feed) in (0..).zip(&mut behind) {
        assert_complete(feed, missed(number), &end).await;
    }
    shutdown.cancel();
}

#[tokio::test]
async fn who_joins_while_much_is_recorded_gets_each_event_once() {
    const ROUNDS: u64 = 40;
    let store = TestEventStore::start().await;
    let shutdown = CancellationToken::new();
    let feeds = feeds(&store, 10_000, &shutdown);
    let client = client(&store);
    append(&client, FLIGHTS, 30).await;
    append(&client, PASSENGERS, 60).await;
    let end = place(30 + ROUNDS, 60 + 2 * ROUNDS);
    let recording = tokio::spawn(async move {
        for _ in 0..ROUNDS {
            append(&client, FLIGHTS, 1).await;
            append(&client, PASSENGERS, 2).await;
        }
    });
    let mut joined = Vec::new();
    while !recording.is_finished() {
        // Of some of these places no list has ever ended there.
        let places = (0..6).map(|number| (number > 0).then(|| place(5 * number, 60 - 5 * number)));
        let opened = join_all(places.map(async |after| (after.clone(), feeds.open(after, Filter::default()).await)));
        joined.extend(opened.await);
    }
    recording.await.unwrap();
    for (after, feed) in joined {
        let mut feed = feed.unwrap();
        let from = after.unwrap_or_else(|| feed.place().clone());
        assert_complete(&mut feed, from, &end).await;
    }
    shutdown.cancel();
}
