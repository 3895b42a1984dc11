//! A nervous hand: what is clicked twice happens once.

use super::browse;
use super::life::{add_passenger, flight_number};
use super::page::Page;
use crate::history::History;
use crate::system::System;
use jetbridge_testing::Api;

/// The types of all that happened to the flight whose page this is.
async fn events(api: &Api, page: &Page) -> Vec<String> {
    let address = page.address().await;
    let flight = address.strip_prefix("/flights/").expect("a flight's page");
    let history = History::read(api).await;
    history.of_flight(flight).iter().map(|entry| entry.event_type.clone()).collect()
}

/// Confirms the dialog, twice.
async fn confirms(page: &Page) {
    page.double_clicks("dialog[open] button[type=submit]").await;
    page.sees_no("dialog").await;
}

#[tokio::test]
async fn a_double_click_does_it_once() {
    browse(System::shared(), async |system, page| {
        let api = system.api();
        let number = flight_number();
        page.opens("/").await;
        page.clicks(("button", "New flight")).await;
        for (field, text) in [("flightNumber", number.as_str()), ("origin", "HAM"), ("destination", "Oslo")] {
            page.fills(&format!("dialog[open] [name={field}]"), text).await;
        }
        confirms(page).await;
        page.sees(("h1", &number)).await;
        page.fills("#add-passenger", "Ada Lovelace").await;
        page.double_clicks((".adder button", "Add")).await;
        page.sees((".passengers a.name", "Ada Lovelace")).await;
        add_passenger(page, "Grace Hopper").await;

        page.double_clicks("[aria-label='Board Ada Lovelace']").await;
        page.sees((".fraction", "1/2")).await;
        page.clicks("[aria-label='Offload Grace Hopper']").await;
        page.fills("dialog[open] [name=reason]", "No-show").await;
        confirms(page).await;
        page.sees(".summary .badge[data-status=allBoarded]").await;
        page.clicks("[aria-label='Correct Ada Lovelace']").await;
        page.fills("dialog[open] [name=name]", "Ada King").await;
        confirms(page).await;
        page.double_clicks((".notice button", "Undo")).await;
        page.sees((".notice", "The name is as it was.")).await;
        page.clicks((".actions button", "Disembark (departs)")).await;
        confirms(page).await;
        page.sees(".summary .badge[data-status=disembarked]").await;
        page.clicks((".actions button", "Land")).await;
        confirms(page).await;
        page.sees(".summary .badge[data-status=arrived]").await;

        let happened = [
            "FlightCreated",
            "PassengerCheckedIn",
            "PassengerCheckedIn",
            "PassengerBoarded",
            "PassengerOffloaded",
            "ManifestCompleted",
            "FlightAllBoarded",
            "PassengerNameCorrected",
            "PassengerNameCorrected",
            "ManifestSealed",
            "FlightDisembarked",
            "FlightLanded",
            "PassengerArrived",
            "ManifestClosed",
        ];
        let mut events = events(&api, page).await;
        events.sort_unstable();
        let mut expected = happened.to_vec();
        expected.sort_unstable();
        assert_eq!(events, expected);

        page.sees_no("[aria-label='Board Ada Lovelace']").await;
        let flight = page.address().await;
        page.clicks((".actions button", "Delete")).await;
        confirms(page).await;
        page.comes_to("/").await;
        let history = History::read(&api).await;
        let flight = flight.trim_start_matches("/flights/");
        let deleted = history.of_flight(flight).iter().filter(|entry| entry.event_type == "FlightDeleted").count();
        assert_eq!(deleted, 1);
        page.sees_no(".notice.error").await;
    })
    .await;
}
