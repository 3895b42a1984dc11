//! Times that clocks skip, or show twice.

use jetbridge_testing::Api;
use reqwest::StatusCode;
use serde_json::json;

use super::browse;
use super::life::fill_in_flight;
use super::page::Page;
use crate::history::History;
use crate::system::System;

const FIELD: &str = "dialog[open] [name=scheduledDeparture]";
const WHICH: &str = "dialog[open] [name=scheduledDeparture-which]";

async fn lives_in(page: &Page, zone: &str) {
    page.devtools("Emulation.setTimezoneOverride", json!({ "timezoneId": zone })).await;
}

/// As somebody enters it who uses the picker.
async fn enters(page: &Page, local: &str) {
    page.sees(FIELD).await;
    let enter = "const field = document.querySelector(arguments[0]);
        field.value = arguments[1];
        field.dispatchEvent(new Event('input', { bubbles: true }))";
    page.evaluates::<()>(enter, &[json!(FIELD), json!(local)]).await;
}

async fn departure(api: &Api, flight: &str) -> String {
    api.found(&format!("/api/flights/{flight}")).await["scheduledDeparture"].to_string()
}

async fn flight_at(api: &Api, departure: &str) -> String {
    let details = json!({
        "flightNumber": "JB 101", "origin": "HAM", "destination": "Oslo", "scheduledDeparture": departure,
    });
    api.post("/api/flights").json(&details).send().await.expect(StatusCode::CREATED).id()
}

async fn opens_details(page: &Page, flight: &str) {
    page.opens(&format!("/flights/{flight}")).await;
    page.clicks((".actions button", "Correct details")).await;
    page.sees(FIELD).await;
}

#[tokio::test]
async fn a_time_that_is_skipped_or_comes_twice_is_asked_about() {
    browse(System::start(), async |system, page| {
        let api = system.api();
        lives_in(page, "Europe/Amsterdam").await;
        page.opens("/").await;
        page.clicks(("button", "New flight")).await;
        fill_in_flight(page, "JB 1").await;
        enters(page, "2026-03-29T02:30").await;
        page.sees(("dialog[open] .field-error", "Does not exist on that day")).await;
        page.submits().await;
        page.sees(("dialog[open] .field-error", "Does not exist on that day")).await;
        page.sees(&format!("{FIELD}[aria-invalid=true]")).await;
        page.counts(WHICH, 0).await;

        enters(page, "2026-10-25T02:30").await;
        page.counts(WHICH, 2).await;
        page.submits().await;
        page.sees(("dialog[open] .field-error", "Comes twice on that day: choose which of the two")).await;
        assert!(History::read(&api).await.entries.is_empty());
        page.sees(("dialog[open] label", "The second time, after they have gone back (UTC+01:00)")).await;
        page.clicks(&format!("{WHICH}[value='1']")).await;
        page.submits().await;
        page.comes_to("/flights/*").await;
        let flight = page.address().await.replace("/flights/", "");
        assert_eq!(departure(&api, &flight).await, "\"2026-10-25T02:30:00+01:00\"");

        // The other one, by correcting it.
        opens_details(page, &flight).await;
        page.sees(&format!("{WHICH}[value='1']:checked")).await;
        page.clicks(&format!("{WHICH}[value='0']")).await;
        page.submits().await;
        page.sees((".notice", "Details corrected.")).await;
        assert_eq!(departure(&api, &flight).await, "\"2026-10-25T02:30:00+02:00\"");
    })
    .await;
}

#[tokio::test]
async fn a_time_that_is_not_touched_stays_what_it_was() {
    browse(System::start(), async |system, page| {
        let api = system.api();
        for (zone, moment) in [
            ("Europe/Amsterdam", "2026-10-25T13:30:45.123456+13:00"),
            ("Europe/Amsterdam", "2026-10-25T01:30:00Z"),
            ("America/New_York", "2026-05-01T12:30:00+14:00"),
        ] {
            lives_in(page, zone).await;
            let flight = flight_at(&api, moment).await;
            opens_details(page, &flight).await;
            page.fills("dialog[open] [name=origin]", "Bergen").await;
            page.submits().await;
            page.sees((".notice", "Details corrected.")).await;
            page.sees((".summary bdi", "Bergen")).await;
            assert_eq!(departure(&api, &flight).await, format!("\"{moment}\""));

            // And where nothing was corrected, nothing is recorded.
            let before = History::read(&api).await.entries.len();
            opens_details(page, &flight).await;
            page.submits().await;
            page.sees_no("dialog").await;
            assert_eq!(History::read(&api).await.entries.len(), before);
        }
    })
    .await;
}

#[tokio::test]
async fn a_part_of_a_time_is_not_taken_for_none() {
    browse(System::start(), async |system, page| {
        let api = system.api();
        lives_in(page, "Europe/Amsterdam").await;
        let moment = "2026-05-04T06:15:00+02:00";
        let flight = flight_at(&api, moment).await;
        opens_details(page, &flight).await;
        page.evaluates::<()>("document.querySelector(arguments[0]).value = ''", &[json!(FIELD)]).await;
        page.sees(FIELD).await.click().await.unwrap();
        page.types("05").await;
        page.submits().await;
        page.sees(("dialog[open] .field-error", "Is not complete: enter day and time, or neither")).await;
        for (local, said) in [("9999-05-04T06:15", "in the years 1970 to 2199"), ("0026-05-04T06:15", "1970")] {
            enters(page, local).await;
            page.submits().await;
            page.sees(("dialog[open] .field-error", said)).await;
        }
        assert_eq!(departure(&api, &flight).await, format!("\"{moment}\""));
    })
    .await;
}
