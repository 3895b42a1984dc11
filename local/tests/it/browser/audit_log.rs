//! The audit log as it grows: nothing is missing, and nothing is there twice.

use fantoccini::key::Key;
use jetbridge_testing::Api;
use reqwest::StatusCode;
use serde_json::json;

use super::browse;
use super::life::flight_number;
use super::page::Page;
use crate::system::System;

/// A flight with a number of its own, announced.
async fn announce(api: &Api, number: &str) -> String {
    let details = json!({"flightNumber": number, "origin": "HAM", "destination": "Oslo"});
    api.post("/api/flights").json(&details).send().await.expect(StatusCode::CREATED).id()
}

/// What the page tells of a flight's passengers, the newest first.
async fn shows_added(page: &Page, number: &str, names: &[&str]) {
    let sentences: Vec<_> = names.iter().rev().map(|name| format!("{name} was added to {number}")).collect();
    page.shows(".sentence", &sentences).await;
}

#[tokio::test]
async fn it_can_be_paused() {
    browse(System::shared(), async |system, page| {
        let api = system.api();
        let number = flight_number();
        let flight = announce(&api, &number).await;
        page.opens(&format!("/audit-log?flightId={flight}&stream=passengers")).await;
        page.sees((".hint", "Nothing has happened yet.")).await;
        api.add(&flight, "Ada").send().await.expect(StatusCode::CREATED);
        shows_added(page, &number, &["Ada"]).await;

        page.clicks(("button", "Pause")).await;
        page.sees((".heard", "Paused")).await;
        api.add(&flight, "Grace").send().await.expect(StatusCode::CREATED);
        page.sees((".pending", "1 new entry")).await;
        api.add(&flight, "Alan").send().await.expect(StatusCode::CREATED);
        page.sees((".pending", "2 new entries")).await;
        shows_added(page, &number, &["Ada"]).await;

        page.clicks(("button", "Go on")).await;
        shows_added(page, &number, &["Ada", "Grace", "Alan"]).await;
        page.shows(".pending", &[""]).await;

        // The same by its key, and live again afterwards.
        page.presses_alt('p').await;
        page.sees((".heard", "Paused")).await;
        api.add(&flight, "Edsger").send().await.expect(StatusCode::CREATED);
        page.sees((".pending", "1 new entry")).await;
        page.presses_alt('p').await;
        shows_added(page, &number, &["Ada", "Grace", "Alan", "Edsger"]).await;
        api.add(&flight, "Barbara").send().await.expect(StatusCode::CREATED);
        shows_added(page, &number, &["Ada", "Grace", "Alan", "Edsger", "Barbara"]).await;
    })
    .await;
}

#[tokio::test]
async fn it_can_be_filtered() {
    browse(System::shared(), async |system, page| {
        let api = system.api();
        let (number, name) = (flight_number(), flight_number());
        let flight = announce(&api, &number).await;
        let passenger = api.add(&flight, &name).send().await.expect(StatusCode::CREATED).id();
        let added = format!("{name} was added to {number}");
        let boarded = format!("{name} boarded {number}");
        let announced = format!("{number} from HAM to Oslo was announced");

        // A flight is found by its number.
        page.opens("/audit-log").await;
        page.sees((".sentence", &added)).await;
        page.types("/").await;
        page.types(&number).await;
        page.clicks((".found button", &number)).await;
        page.comes_to(&format!("/audit-log?flightId={flight}")).await;
        page.sees(("h1", &format!("History of {number}"))).await;
        page.shows(".sentence", &[&added, &announced]).await;

        // By stream and by type, each also for what comes now.
        page.chooses("#select-stream", "flights").await;
        page.shows(".sentence", &[&announced]).await;
        page.chooses("#select-stream", "passengers").await;
        page.shows(".sentence", &[&added]).await;
        page.chooses("#select-event", "PassengerBoarded").await;
        page.shows(".sentence", &[] as &[&str]).await;
        page.sees((".hint", "Nothing has happened yet.")).await;
        api.board(&passenger).send().await.expect(StatusCode::OK);
        page.shows(".sentence", &[&boarded]).await;
        page.comes_to(&format!("/audit-log?flightId={flight}&eventType=PassengerBoarded&stream=passengers")).await;

        // The address is the filter.
        page.reloads().await;
        page.shows(".sentence", &[&boarded]).await;

        // A passenger is found by name, and leads to their page.
        page.clicks(("button", "Show everything")).await;
        page.sees_no(("button", "Show everything")).await;
        page.fills("#find-subject", &name).await;
        page.clicks((".found button", &name)).await;
        page.sees(("h1", &format!("History of {name}"))).await;
        page.shows(".sentence", &[&boarded]).await;
        page.chooses("#select-event", "").await;
        page.shows(".sentence", &[&boarded, &added]).await;
        page.clicks((".subject a", &name)).await;
        page.comes_to(&format!("/passengers/{passenger}")).await;
        page.shows("h1", &[&name]).await;
    })
    .await;
}

#[tokio::test]
async fn a_new_entry_does_not_take_the_focus() {
    browse(System::shared(), async |system, page| {
        let api = system.api();
        let flight = announce(&api, &flight_number()).await;
        page.opens(&format!("/audit-log?flightId={flight}")).await;
        page.counts(".sentence", 1).await;
        page.clicks("button.raw").await;
        page.sees(("pre", &flight)).await;
        page.presses(Key::Tab).await;
        assert_eq!(page.focused().await.tag, "pre");
        api.add(&flight, "Ada").send().await.expect(StatusCode::CREATED);
        page.counts(".sentence", 2).await;
        assert_eq!(page.focused().await.tag, "pre");
        page.sees(("li:last-child pre", &flight)).await;
    })
    .await;
}
