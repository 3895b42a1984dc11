use std::sync::Arc;
use std::time::Duration;

use eventstore::{AppendToStreamOptions, Client, EventData};
use jetbridge_testing::TestEventStore;
use shared_infrastructure::event_store::EventStore;
use shared_kernel::{Position, Revision};
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
    let store = EventStore::new(store.connection_string()).unwrap();
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

    let client = Client::new(store.connection_string().parse().unwrap()).unwrap();
    for batch in 0..BATCHES {
        let events: Vec<_> = (0..BATCH).map(|_| EventData::binary("Happened", Vec::new().into())).collect();
        let options = AppendToStreamOptions::default();
        client.append_to_stream(passenger_contract::STREAM.name, &options, events).await.unwrap();
        for number in 0..BATCH {
            assert_eq!(next_revision(&mut quick).await, Some(Revision(batch * BATCH + number)));
        }
    }
    for revision in 0..BATCHES * BATCH {
        assert_eq!(next_revision(&mut slow).await, Some(Revision(revision)));
    }
    assert_eq!(*slow.place(), Position::at(passenger_contract::STREAM, Some(Revision(BATCHES * BATCH - 1))));
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
