//! Names are text, whatever they look like.

use reqwest::StatusCode;

use super::browse;
use super::life::add_passenger;
use super::page::Page;
use crate::system::System;

const NAMES: [&str; 5] =
    ["<img src=x onerror=alert(1)>", "<script>alert(2)</script> & \"O'Brien\"", "ليلى الحسن", "李小龍", "Zoë Åström"];

/// Fails if a name became an element.
async fn has_only_text(page: &Page) {
    assert_eq!(page.texts("img, #view script, #notices script, dialog script").await, Vec::<String>::new());
}

/// The last one, whose page this is, also gets the name of the first one.
async fn are_text_in_dialogs_and_messages(page: &Page) {
    let (last, name) = (NAMES[4], NAMES[0]);
    page.clicks((".actions button", "Offload")).await;
    page.sees(("dialog[open]", last)).await;
    page.clicks(("dialog[open] button", "Cancel")).await;
    page.clicks((".actions button", "Correct name")).await;
    page.fills("dialog[open] [name=name]", name).await;
    page.submits().await;
    page.shows("h1 > bdi", &[name]).await;
    page.clicks((".actions button", "Board")).await;
    page.sees(("#spoken", &format!("{name} has boarded."))).await;
    page.clicks((".actions button", "Offload")).await;
    page.fills("dialog[open] [name=reason]", name).await;
    page.submits().await;
    page.sees((".notice", &format!("{name} was offloaded."))).await;
    page.sees((".notice bdi", name)).await;
    has_only_text(page).await;
}

#[tokio::test]
async fn names_are_shown_as_they_are_written() {
    browse(System::start(), async |system, page| {
        let api = system.api();
        let flight = api.new_flight().await;
        page.opens(&format!("/flights/{flight}")).await;
        for name in NAMES {
            add_passenger(page, name).await;
        }
        page.shows(".passengers a.name", &NAMES).await;
        // Each name has a direction of its own.
        page.shows(".passengers a.name > bdi", &NAMES).await;
        has_only_text(page).await;

        for name in NAMES {
            page.opens(&format!("/flights/{flight}")).await;
            page.clicks((".passengers a.name", name)).await;
            page.shows("h1 > bdi", &[name]).await;
            page.sees((".sentence", name)).await;
            has_only_text(page).await;
        }

        are_text_in_dialogs_and_messages(page).await;

        // The last one is called like the first one now, also in what happened before.
        page.opens(&format!("/audit-log?flightId={flight}")).await;
        for name in &NAMES[..4] {
            page.sees((".sentence", name)).await;
        }
        page.sees((".sentence", &format!(": {}", NAMES[0]))).await;
        page.clicks("button.raw").await;
        page.sees("pre").await;
        has_only_text(page).await;

        // And the same where flights are named.
        let details = serde_json::json!({"flightNumber": "<b>1</b>", "origin": NAMES[0], "destination": NAMES[2]});
        api.put(&format!("/api/flights/{flight}")).json(&details).send().await.expect(StatusCode::OK);
        page.sees((".sentence", NAMES[2])).await;
        for path in ["/", "/wall"] {
            page.opens(path).await;
            page.sees(("bdi", "<b>1</b>")).await;
            page.sees(("bdi", NAMES[2])).await;
            has_only_text(page).await;
        }
    })
    .await;
}

#[tokio::test]
async fn why_a_name_is_refused_is_said_where_it_was_entered() {
    const INVISIBLE: &str = "Ada\u{200b}Lovelace";
    browse(System::start(), async |system, page| {
        let api = system.api();
        let flight = api.new_flight().await;
        let (_, why) = api.add(&flight, INVISIBLE).send().await.fault();
        page.opens(&format!("/flights/{flight}")).await;
        page.fills("#add-passenger", INVISIBLE).await;
        page.clicks((".adder button", "Add")).await;
        page.sees((".failed li", &format!("was not added: the name {why}"))).await;
        add_passenger(page, "Ada Lovelace").await;
        page.clicks("[aria-label='Correct Ada Lovelace']").await;
        page.fills("dialog[open] [name=name]", INVISIBLE).await;
        page.submits().await;
        page.sees(("dialog[open] .field-error", &why[1..])).await;
    })
    .await;
}
