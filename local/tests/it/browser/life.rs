//! The life of a flight, by clicks.

use jetbridge_testing::unique;
use reqwest::StatusCode;

use super::browse;
use super::page::Page;
use crate::system::System;

/// A flight number that no other test uses.
pub(super) fn flight_number() -> String {
    unique()[..8].to_uppercase()
}

/// Adds a passenger by the form of the flight's page.
pub(super) async fn add_passenger(page: &Page, name: &str) {
    page.fills("#add-passenger", name).await;
    page.clicks((".adder button", "Add")).await;
    page.sees((".passengers a.name", name)).await;
}

#[tokio::test]
async fn a_flight_is_handled_by_clicks() {
    browse(System::shared(), async |_, page| {
        let number = flight_number();
        page.opens("/").await;

        // What is missing is said at its field.
        page.clicks(("button", "New flight")).await;
        page.submits().await;
        for field in ["flightNumber", "origin", "destination"] {
            page.sees(&format!("dialog[open] [name={field}][aria-invalid]")).await;
        }
        page.counts("dialog[open] .field-error:not(:empty)", 3).await;
        page.fills("dialog[open] [name=flightNumber]", &number).await;
        page.fills("dialog[open] [name=origin]", "HAM").await;
        page.fills("dialog[open] [name=destination]", "Oslo").await;
        page.submits().await;
        page.comes_to("/flights/*").await;
        page.sees(("h1", &number)).await;
        page.sees_no("dialog").await;
        page.sees((".why", "Cannot disembark: Nobody is on board.")).await;

        for name in ["Ada Lovelace", "Grace Hopper", "Alan Turing"] {
            add_passenger(page, name).await;
        }
        page.sees((".why", "3 passengers have not boarded.")).await;

        page.clicks("[aria-label='Offload Alan Turing']").await;
        page.fills("dialog[open] [name=reason]", "No-show").await;
        page.submits().await;
        page.sees((".passengers li[data-status=offloaded]", "Alan Turing")).await;

        page.clicks("[aria-label='Correct Ada Lovelace']").await;
        page.fills("dialog[open] [name=name]", "Ada King").await;
        page.submits().await;
        page.sees((".passengers a.name", "Ada King")).await;
        page.clicks((".notice button", "Undo")).await;
        page.sees((".passengers a.name", "Ada Lovelace")).await;
        page.sees_no((".passengers a.name", "Ada King")).await;

        page.clicks("[aria-label='Board Ada Lovelace']").await;
        page.sees((".fraction", "1/2")).await;
        page.clicks("[aria-label='Board Grace Hopper']").await;
        page.sees((".summary .badge[data-status=allBoarded]", "All boarded")).await;
        page.sees((".fraction", "2/2")).await;

        page.clicks((".actions button", "Disembark (departs)")).await;
        page.sees(("dialog[open]", "departs with 2 passengers on board")).await;
        page.submits().await;
        page.sees((".summary .badge[data-status=disembarked]", "Departed")).await;
        page.sees_no("#add-passenger").await;

        page.clicks((".actions button", "Land")).await;
        page.sees(("dialog[open]", "2 passengers arrive in Oslo")).await;
        page.submits().await;
        page.sees((".summary .badge[data-status=arrived]", "Arrived")).await;

        page.clicks((".actions button", "Delete")).await;
        page.sees(("dialog[open]", "is deleted, and its 3 passengers with it")).await;
        page.sees(("dialog[open]", "This cannot be undone.")).await;
        page.submits().await;
        page.comes_to("/").await;
        page.sees((".notice", &format!("{number} was deleted."))).await;
        page.clicks("input[name=tab][value=arrived]").await;
        page.fills("#board-search", &number).await;
        page.sees(("h2", "No flight fits")).await;

        // What has happened stays.
        page.goes_back().await;
        page.sees(("p", "There is no flight at this address; it may have been deleted.")).await;
        page.clicks(("a", "Its history")).await;
        page.sees(("h1", &format!("History of {number}"))).await;
        page.sees((".sentence", &format!("{number} was deleted"))).await;
        page.sees((".sentence", &format!("{number} from HAM to Oslo was announced"))).await;
        page.sees((".sentence", &format!("Alan Turing was taken off {number}: No-show"))).await;
        page.sees(("p", "This is where it begins.")).await;
    })
    .await;
}

#[tokio::test]
async fn a_refusal_is_shown_in_the_servers_words_with_names() {
    browse(System::shared(), async |system, page| {
        let api = system.api();
        let flight = api.new_flight().await;
        let passenger = api.new_boarded(&flight).await;
        page.opens(&format!("/flights/{flight}")).await;
        page.sees(".summary .badge[data-status=allBoarded]").await;
        page.clicks((".actions button", "Disembark (departs)")).await;
        page.sees("dialog[open]").await;

        api.add(&flight, "Late Larry").send().await.expect(StatusCode::CREATED);
        let refused = api.disembark(&flight).send().await.expect_problem(409, "not-all-boarded");
        page.submits().await;
        page.sees(("dialog[open] .refusal", refused.body["detail"].as_str().unwrap())).await;
        page.shows("dialog[open] .refusal .names li", &["Late Larry"]).await;

        // Behind the dialog the flight is as it was; once the reason is gone, the same dialog does it.
        page.sees(".summary .badge[data-status=waitingForBoarding]").await;
        let late = api.get(&format!("/api/passengers?flightId={flight}&status=checkedIn")).send().await;
        let late = late.body["items"][0]["id"].as_str().unwrap().to_owned();
        assert_ne!(late, passenger);
        api.board(&late).send().await.expect(StatusCode::OK);
        page.submits().await;
        page.sees_no("dialog").await;
        page.sees(".summary .badge[data-status=disembarked]").await;
    })
    .await;
}
