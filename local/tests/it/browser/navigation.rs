//! Addresses, links, and the way back.

use fantoccini::key::Key;
use reqwest::StatusCode;
use serde_json::json;

use super::browse;
use super::life::flight_number;
use crate::system::System;

#[tokio::test]
async fn the_way_back_leads_to_where_one_came_from() {
    browse(System::shared(), async |system, page| {
        let api = system.api();
        let destination = flight_number();
        let numbers = [flight_number(), flight_number(), flight_number()];
        for number in &numbers {
            let details = json!({"flightNumber": number, "origin": "HAM", "destination": destination});
            api.post("/api/flights").json(&details).send().await.expect(StatusCode::CREATED);
        }
        page.opens("/").await;
        page.fills("#board-search", &destination).await;
        page.counts("a.number", 3).await;
        let address = format!("/?text={destination}");
        page.comes_to(&address).await;

        // Into a flight by the keyboard, and back by the browser.
        page.presses(Key::Down).await;
        page.presses(Key::Down).await;
        let chosen = page.focused().await.text;
        page.presses(Key::Enter).await;
        page.sees(("h1", &chosen)).await;
        assert_eq!(page.focused().await.tag, "h1");
        page.goes_back().await;
        page.comes_to(&address).await;
        page.counts("a.number", 3).await;
        page.sees(("a.number:focus", &chosen)).await;

        // And by its key, which leads to the board as such.
        page.presses(Key::Enter).await;
        page.sees(("h1", &chosen)).await;
        page.presses_alt('u').await;
        page.comes_to("/").await;
        page.sees(("a.number:focus", &chosen)).await;
    })
    .await;
}

#[tokio::test]
async fn what_is_chosen_is_in_the_address() {
    browse(System::shared(), async |system, page| {
        let api = system.api();
        let destination = flight_number();
        let mut flights = Vec::new();
        for number in ["1", "2"] {
            let number = format!("{}{number}", &destination[..6]);
            let details = json!({"flightNumber": number, "origin": "HAM", "destination": destination});
            let flight = api.post("/api/flights").json(&details).send().await.expect(StatusCode::CREATED);
            flights.push((flight.id(), number));
        }
        api.new_boarded(&flights[1].0).await;

        page.opens("/").await;
        page.fills("#board-search", &destination).await;
        page.clicks((".board .head button", "Flight")).await;
        page.clicks((".board .head button", "Flight")).await;
        page.shows("a.number", &[&flights[1].1, &flights[0].1]).await;
        page.clicks("input[name=tab][value=gate]").await;
        let address = format!("/?show=gate&text={destination}&sort=flight&order=descending");
        page.comes_to(&address).await;
        page.reloads().await;
        page.comes_to(&address).await;
        page.shows("a.number", &[&flights[1].1, &flights[0].1]).await;
        page.sees("[role=columnheader][aria-sort=descending]").await;

        page.clicks("input[name=tab][value=ready]").await;
        page.shows("a.number", &[&flights[1].1]).await;
        page.clicks("input[name=tab][value=arrived]").await;
        page.sees(("h2", "No flight fits")).await;
        page.clicks(("button", "Clear the search")).await;
        page.comes_to("/?show=arrived&sort=flight&order=descending").await;
    })
    .await;
}

#[tokio::test]
async fn every_view_has_an_address() {
    browse(System::shared(), async |system, page| {
        let api = system.api();
        let flight = api.new_flight().await;
        let passenger = api.new_passenger(&flight).await;
        // More of them, one after the other, than a browser has connections to a server.
        for _ in 0..2 {
            for (path, heading) in [
                ("/", "Flights"),
                (&format!("/flights/{flight}"), "JB 101"),
                (&format!("/passengers/{passenger}"), "Ada Lovelace"),
                ("/audit-log", "Audit log"),
                ("/system", "System"),
                ("/wall", "Departures"),
                ("/nowhere", "There is nothing here"),
                ("/flights/nothing/like/it", "There is nothing here"),
            ] {
                page.opens(path).await;
                page.sees(("h1", heading)).await;
                page.sees("#link-state[data-status=live], .on-wall .wall").await;
            }
        }
        page.clicks(("#view a", "All flights")).await;
        page.sees(("h1", "Flights")).await;
        for (link, heading) in [("Audit log", "Audit log"), ("System", "System"), ("Wall board", "Departures")] {
            page.clicks(("header nav a", link)).await;
            page.sees(("h1", heading)).await;
        }
        page.presses(Key::Escape).await;
        page.comes_to("/").await;
        page.clicks("header nav a[href='/system']").await;
        page.sees((".overall", "Everything works.")).await;
        page.sees("header nav a[aria-current=page][href='/system']").await;
    })
    .await;
}
