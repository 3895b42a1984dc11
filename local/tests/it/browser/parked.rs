//! Events that could not be processed, on the System page.

use eventstore::{AppendToStreamOptions, Client, EventData};
use jetbridge_testing::TestEventStore;

use super::browse;
use crate::system::System;

const NONE: &str = "None: every event could be processed.";

/// An event of a known type that cannot be read.
async fn append_unreadable(store: &TestEventStore) {
    let client = Client::new(store.connection_string().parse().unwrap()).unwrap();
    let event = EventData::binary("FlightCreated", "{".into());
    client.append_to_stream("flight-stream", &AppendToStreamOptions::default(), event).await.unwrap();
}

#[tokio::test]
async fn what_is_parked_is_seen_and_can_be_replayed_and_discarded() {
    let store = TestEventStore::start().await;
    browse(System::start_with(&["--event-store", store.connection_string()]), async |_, page| {
        page.opens("/system").await;
        page.sees(("section p", NONE)).await;
        append_unreadable(&store).await;
        page.counts(".parked tbody tr", 2).await;
        page.sees((".parked td", "flight-projection")).await;
        page.sees((".parked th", "0 FlightCreated")).await;

        page.clicks(("button", "Replay all")).await;
        page.sees((".notice", "0 events processed. Still parked: 2.")).await;
        page.clicks((".parked button", "Discard…")).await;
        page.sees(("dialog[open] h2", "Discard event 0?")).await;
        page.submits().await;
        page.sees(("dialog[open] .field-error", "Must not be empty")).await;
        page.fills("dialog[open] [name=reason]", "It is none of ours").await;
        page.submits().await;
        page.sees((".notice", "Event 0 was discarded.")).await;
        page.sees(("section p", NONE)).await;
        page.counts(".parked tbody tr", 0).await;
    })
    .await;
}
