use eventstore::EventData;
use passenger_contract::FlightEnding;
use serde_json::json;

use crate::support::{
    Event, FLIGHT, MAX, System, ZOE, all_boarded, arrived, boarded, checked_in, closed, completed, created, deleted,
    departed, landed, sealed,
};

/// A flight with one passenger who has boarded, and that knows it.
fn boarded_flight() -> Vec<Event> {
    let passengers = [checked_in(ZOE), boarded(ZOE), completed()].map(Event::from);
    [vec![created().into()], passengers.into(), vec![all_boarded(2).into()]].concat()
}

fn departed_flight() -> Vec<Event> {
    [boarded_flight(), vec![sealed().into(), departed().into()]].concat()
}

/// What is found after these events, of which the last ones are not as they have to be.
async fn found(events: impl IntoIterator<Item = Event>) -> Vec<String> {
    let system = System::start().await;
    system.append_all(events).await;
    system.violations().await
}

fn about(place: &str, what: &str) -> String {
    format!("{place}: flight {FLIGHT}: {what}")
}

#[tokio::test]
async fn a_flight_that_goes_from_the_gate_to_its_end_is_as_it_has_to_be() {
    let landing: [Event; 3] = [landed().into(), closed(FlightEnding::Landed).into(), arrived(ZOE).into()];
    assert_eq!(found([departed_flight(), landing.into()].concat()).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_departure_without_everybody_on_board_is_found() {
    let events: [Event; 4] = [created().into(), checked_in(ZOE).into(), checked_in(MAX).into(), departed().into()];
    let what = "FlightDisembarked is not legal: 2 on its manifest have not boarded";
    assert_eq!(found(events).await, [about("flight-stream 1", what)]);
}

#[tokio::test]
async fn a_departure_without_a_seal_is_found() {
    let what = "FlightDisembarked is not legal: its manifest is not sealed";
    assert_eq!(found([boarded_flight(), vec![departed().into()]].concat()).await, [about("flight-stream 2", what)]);
}

#[tokio::test]
async fn what_is_done_to_a_sealed_manifest_is_found() {
    let what = "PassengerCheckedIn is not legal: the manifest is sealed";
    let events = [departed_flight(), vec![checked_in(MAX).into()]].concat();
    assert_eq!(found(events).await, [about("passenger-stream 4", what)]);
}

#[tokio::test]
async fn a_deleted_flight_that_keeps_its_passengers_is_found() {
    let events: [Event; 3] = [created().into(), checked_in(ZOE).into(), deleted().into()];
    let what = "it is deleted, and its manifest is not closed, or has passengers";
    assert_eq!(found(events.clone()).await, [about("flight-stream 1", what)]);
    // Closing the manifest is not enough.
    let closed = closed(FlightEnding::Deleted).into();
    assert_eq!(found([events.into(), vec![closed]].concat()).await, [about("flight-stream 1", what)]);
}

#[tokio::test]
async fn what_one_domain_has_decided_and_the_other_never_does_is_found() {
    let what = "its manifest is sealed, and it has not left the gate";
    let events = [boarded_flight(), vec![sealed().into()]].concat();
    assert_eq!(found(events).await, [about("passenger-stream 3", what)]);

    let what = "it has landed, and its manifest is not closed, or has passengers who have not arrived";
    let landing: [Event; 2] = [landed().into(), closed(FlightEnding::Landed).into()];
    assert_eq!(found([departed_flight(), landing.into()].concat()).await, [about("flight-stream 3", what)]);

    let what = "it has not heard whether everybody on its manifest has boarded";
    let events: Vec<_> = boarded_flight().into_iter().take(4).collect();
    assert_eq!(found(events).await, [about("passenger-stream 1", what)]);
}

#[tokio::test]
async fn news_that_no_manifest_had_is_found() {
    let what = "FlightAllBoarded is not legal: its manifest had no news at 9";
    let events: Vec<_> = boarded_flight().into_iter().take(4).chain([all_boarded(9).into()]).collect();
    assert_eq!(found(events).await, [about("flight-stream 1", what)]);
}

#[tokio::test]
async fn an_end_that_the_flight_did_not_have_is_found() {
    let what = "ManifestClosed is not legal: the flight has not landed";
    let events = [departed_flight(), vec![closed(FlightEnding::Landed).into(), arrived(ZOE).into()]].concat();
    assert_eq!(found(events).await, [about("passenger-stream 4", what)]);
}

#[tokio::test]
async fn a_passenger_of_a_flight_that_never_was_is_found() {
    let what = "PassengerCheckedIn is not legal: the flight was never created";
    assert_eq!(found([checked_in(ZOE).into()]).await, [about("passenger-stream 0", what)]);
}

#[tokio::test]
async fn a_transition_that_the_rules_forbid_is_found() {
    let what = "FlightLanded is not legal: it is not in the air";
    let events: [Event; 2] = [created().into(), landed().into()];
    let found = found(events).await;
    assert_eq!(found[0], about("flight-stream 1", what), "{found:?}");
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_found() {
    let system = System::start().await;
    system.append(created()).await;
    system.append_raw("flight-stream", EventData::binary("FlightCreated", "{".into())).await;
    let found = system.violations().await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("flight-stream 1: the event has no metadata"), "{found:?}");
}

#[tokio::test]
async fn events_that_the_stream_does_not_show_are_found() {
    let system = System::start().await;
    system.append_all(boarded_flight()).await;
    let truncated = EventData::json("$metadata", &json!({"$tb": 1})).unwrap();
    system.append_raw("$$passenger-stream", truncated).await;
    let found = system.violations().await;
    assert_eq!(found[0], "passenger-stream 0: the events before 1 are missing", "{found:?}");
}
