use std::time::Duration;

use eventstore::{AppendToStreamOptions, Client, EventData};
use jetbridge_testing::{TestEventStore, TestProxy};
use jiff::{SignedDuration, Timestamp};
use passenger_contract::STREAM;
use shared_infrastructure::event_store::EventStore;
use shared_kernel::Revision;
use tokio::time::sleep;

use crate::reader::LogReader;

const EVENTS: u64 = 12;

/// A stream of events that were recorded a moment apart, and its reader.
async fn recorded() -> (TestEventStore, TestProxy, LogReader, Vec<Timestamp>) {
    let store = TestEventStore::start().await;
    let client = Client::new(store.connection_string().parse().unwrap()).unwrap();
    for _ in 0..EVENTS {
        let event = EventData::binary("Happened", Vec::new().into());
        client.append_to_stream(STREAM.name, &AppendToStreamOptions::default(), event).await.unwrap();
        sleep(Duration::from_millis(1)).await;
    }
    let proxy = TestProxy::start(store.address()).await;
    let events = EventStore::new(&proxy.connection_string()).unwrap();
    let read = events.read_forwards(STREAM.name, Revision(0), 1_000).await.unwrap();
    let times = read.into_iter().map(|event| event.created).collect();
    (store, proxy, LogReader::new(events), times)
}

#[tokio::test]
async fn the_place_of_every_time_is_found() {
    const MOMENT: SignedDuration = SignedDuration::from_nanos(1);
    let (_store, _proxy, reader, times) = recorded().await;
    for (number, created) in (0..EVENTS).zip(&times) {
        for next in [0, number / 2, number, number + 1, EVENTS] {
            for (time, first) in [(*created, number), (*created + MOMENT, number + 1)] {
                let found = reader.first_since(STREAM, Revision(next), time).await.unwrap();
                assert_eq!(found, Revision(first.max(next)), "event {number}, from {next}");
            }
        }
        for from in [number, (number + EVENTS) / 2, EVENTS - 1] {
            for (time, last) in [(*created, number.checked_sub(1)), (*created + MOMENT, Some(number))] {
                let found = reader.last_before_time(STREAM, Revision(from), time).await.unwrap();
                assert_eq!(found, last.map(Revision), "event {number}, from {from}");
            }
        }
    }
    assert_eq!(reader.first_since(flight_contract::STREAM, Revision(0), times[0]).await.unwrap(), Revision(0));
}

#[tokio::test]
async fn few_events_are_read_for_it() {
    let (_store, proxy, reader, times) = recorded().await;
    let before = proxy.bytes_answered();
    reader.newest(STREAM).await.unwrap();
    let one = proxy.bytes_answered() - before;
    reader.first_since(STREAM, Revision(0), times[8]).await.unwrap();
    let all = proxy.bytes_answered() - before - one;
    assert!(all < 10 * one, "{all} bytes, {one} for one event");
}
