//! What operators see on the System page, and do to it.

use eventstore::{AppendToStreamOptions, Client, EventData};
use fantoccini::key::Key;
use jetbridge_testing::{TestEventStore, TestProxy};

use super::browse;
use super::keyboard::tabs_to;
use super::page::Page;
use crate::system::System;

const NONE: &str = "None: every event could be processed.";

/// An event of a known type that cannot be read.
pub(super) async fn append_unreadable(store: &TestEventStore) {
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
        page.clicks((".parked button", "Show…")).await;
        page.sees(("dialog[open] pre", "{")).await;
        page.clicks(("dialog[open] button", "Close")).await;
        page.clicks((".parked button", "Discard…")).await;
        page.sees(("dialog[open] h2", "Discard event 0?")).await;
        page.submits().await;
        page.sees(("dialog[open] .field-error", "Must not be empty")).await;
        page.fills("dialog[open] [name=reason]", "It is none of ours").await;
        page.submits().await;
        page.sees((".notice", "Event 0 was discarded.")).await;
        page.sees(("section p", NONE)).await;
        page.counts(".parked tbody tr", 0).await;
        sees_instances_and_what_they_have_measured(page).await;
        rebuilds(page).await;
    })
    .await;
}

async fn sees_instances_and_what_they_have_measured(page: &Page) {
    for service in ["gateway", "flight-api", "passenger-processor", "auditlog-api"] {
        page.sees((".instances th", service)).await;
    }
    page.sees((".instances td", "Answers this page")).await;
    page.sees((".instances td", "Gets requests")).await;
    page.sees((".chart strong", "Requests to gateway")).await;
    page.sees("svg[role=img][aria-label^='Lag of flight-projection, events in the last 15 minutes: ']").await;
    // Everything is one process, which is shown once.
    page.counts("details.process", 1).await;
    page.clicks((".process summary", "gateway, flight-api at 127.0.0.1:")).await;
    page.sees((".process th", "--event-store")).await;
    page.sees((".process td", "esdb://127.0.0.1:")).await;
}

async fn rebuilds(page: &Page) {
    page.sees(("[aria-labelledby=rebuilds] p", "None is running.")).await;
    page.clicks(("button", "Rebuild…")).await;
    page.submits().await;
    page.sees(("dialog[open] .refusal", "Choose which.")).await;
    page.clicks("dialog[open] [value=flights]").await;
    page.submits().await;
    page.sees((".notice", "The read model of flights is being rebuilt.")).await;
    page.sees((".rebuilds th", "flights")).await;
    page.sees((".rebuilds td", "Done: it is shown.")).await;
}

#[tokio::test]
async fn parked_events_are_handled_by_keys() {
    let store = TestEventStore::start().await;
    append_unreadable(&store).await;
    browse(System::start_with(&["--event-store", store.connection_string()]), async |_, page| {
        page.opens("/system").await;
        page.counts(".parked tbody tr", 2).await;
        tabs_to(page, &["Replay all"]).await;
        page.sees_no("[data-settling]").await;
        page.presses(Key::Enter).await;
        page.sees((".notice", "0 events processed. Still parked: 2.")).await;
        assert_eq!(page.focused().await.text, "Replay all");

        page.evaluates::<()>("document.activeElement.blur()", &[]).await;
        tabs_to(page, &["Discard…"]).await;
        page.presses(Key::Enter).await;
        page.sees("dialog[open] [name=reason]:focus").await;
        page.types("It is none of ours").await;
        page.presses(Key::Enter).await;
        page.sees(("dialog[open] .refusal", "To confirm, press “Discard”, or Ctrl and Enter together.")).await;
        page.confirms_by_keys().await;
        page.sees((".notice", "Event 0 was discarded.")).await;
        page.sees_no("dialog").await;
        page.counts(".parked tbody tr", 0).await;
        // The button is gone, and its section has the focus.
        page.sees(("h2:focus", "Parked events")).await;
    })
    .await;
}

#[tokio::test]
async fn reactions_to_another_history_go_on_by_keys() {
    let (store, emptied) = tokio::join!(TestEventStore::start(), TestEventStore::start());
    let proxy = TestProxy::start(store.address()).await;
    browse(System::start_with(&["--event-store", &proxy.connection_string()]), async |system, page| {
        page.may_lose_the_server();
        let flight = system.api().new_flight().await;
        system.api().new_boarded(&flight).await;
        page.opens("/system").await;
        page.sees(("[aria-labelledby=unfinished] p", "Nothing.")).await;
        proxy.point_at(emptied.address());
        page.sees((".unfinished th", "Does not react: the event store holds another history")).await;
        tabs_to(page, &["Let reactions go on…"]).await;
        page.sees_no("[data-settling]").await;
        page.presses(Key::Enter).await;
        page.sees("dialog[open] [value=beginning]:focus").await;
        page.sees("dialog[open] button[type=submit]:not([data-settling])").await;
        page.confirms_by_keys().await;
        page.sees(("dialog[open] .refusal", "Choose from where.")).await;
        page.types(" ").await;
        page.confirms_by_keys().await;
        page.sees((".notice", "reacts again.")).await;
        page.sees_no("dialog").await;
        assert_ne!(page.focused().await.tag, "body");
    })
    .await;
}
