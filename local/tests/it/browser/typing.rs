//! Whatever is typed or scanned, on whichever page and after whichever action: nothing happens by it.

use fantoccini::key::Key;
use jetbridge_testing::Api;
use reqwest::StatusCode;
use serde_json::json;

use super::browse;
use super::life::add_passenger;
use super::page::Page;
use crate::history::History;
use crate::system::System;

/// What people type, among it every letter, each with Enter.
const TYPED: [&str; 6] = ["diana", "de wit", "bob", "cleo", "fghjkmpqsu", "nvxyz L"];
const BAR_CODE: &str = "4006381333931";

/// A boarding pass as it is printed.
fn boarding_pass(name: &str, flight: &str) -> String {
    format!("M1{name:<20}EABC123 HAMOSLJB {flight:0>4} 326J001A0025 100")
}

async fn count(api: &Api) -> usize {
    History::read(api).await.entries.len()
}

/// A person who is looking, and not typing into something that is meant to be sent.
async fn types_everything(api: &Api, page: &Page, state: &str) {
    let before = count(api).await;
    for text in TYPED {
        page.types(text).await;
        page.presses(Key::Enter).await;
        let focused = page.focused().await;
        assert_ne!(focused.tag, "button", "after {text:?} the focus is on {focused:?}, {state}");
        assert!(page.texts("dialog[open]").await.is_empty(), "{text:?} opens something, {state}");
    }
    for key in [' ', Key::Enter.into(), Key::Escape.into()] {
        page.types(&key.to_string()).await;
    }
    assert_eq!(count(api).await, before, "something happened by typing, {state}");
}

/// Neither Enter nor the space bar does anything where the focus is.
async fn presses_nothing(page: &Page) {
    let focused = page.focused().await;
    assert!(["a", "h1", "h2"].contains(&&*focused.tag), "the focus is on {focused:?}");
}

/// A flight with these passengers, of whom the first ones have boarded.
async fn flight_with(api: &Api, boarded: usize, names: &[&str]) -> (String, Vec<String>) {
    let (flight, mut passengers) = (api.new_flight().await, Vec::new());
    for name in names {
        passengers.push(api.add(&flight, name).send().await.expect(StatusCode::CREATED).id());
    }
    for passenger in &passengers[..boarded] {
        api.board(passenger).send().await.expect(StatusCode::OK);
    }
    (flight, passengers)
}

const NAMES: [&str; 4] = ["Ada Lovelace", "Bob de Wit", "Cleo Patra", "Diana Ross"];

#[tokio::test]
async fn typing_does_nothing_on_any_page() {
    browse(System::start(), async |system, page| {
        let api = system.api();
        let (complete, boarded) = flight_with(&api, 4, &NAMES).await;
        let (waiting, missing) = flight_with(&api, 1, &NAMES).await;
        let departed = api.new_departed().await.0;
        let mut pages: Vec<_> =
            [&complete, &waiting, &departed].into_iter().map(|flight| format!("/flights/{flight}")).collect();
        pages.extend([&boarded[0], &missing[3]].into_iter().map(|passenger| format!("/passengers/{passenger}")));
        pages.extend(["/", "/audit-log", "/system", "/wall", "/nowhere"].map(str::to_owned));
        for path in pages {
            page.opens(&path).await;
            page.sees("h1").await;
            page.sees("#link-state[data-status=live], .on-wall .wall").await;
            types_everything(&api, page, &format!("on {path}")).await;
        }
    })
    .await;
}

#[tokio::test]
async fn typing_goes_to_the_search_and_nothing_of_it_is_lost() {
    browse(System::start(), async |system, page| {
        let api = system.api();
        let (flight, _) = flight_with(&api, 0, &NAMES).await;
        for (path, field) in [
            (format!("/flights/{flight}"), "passenger-search"),
            ("/".to_owned(), "board-search"),
            ("/audit-log".to_owned(), "find-subject"),
        ] {
            page.opens(&path).await;
            page.sees(&format!("#{field}")).await;
            for text in ["de wit", "cleo"] {
                // What was searched for before gives way.
                page.evaluates::<()>("document.activeElement.blur()", &[]).await;
                page.types(text).await;
                assert_eq!(page.focused().await.id, field);
                assert_eq!(page.value(&format!("#{field}")).await, text);
            }
        }
        page.opens(&format!("/flights/{flight}")).await;
        page.sees("[aria-label='Board Cleo Patra']").await;
        page.types("cleo").await;
        page.presses(Key::Enter).await;
        page.sees(("a.name:focus", "Cleo Patra")).await;
        page.presses_alt('i').await;
        page.counts(".passengers li[data-status=boarded]", 1).await;
    })
    .await;
}

/// What is done on a flight's page, one after the other, by hand.
async fn acts_on_a_flight(api: &Api, page: &Page) {
    let typed = async |state: &str| types_everything(api, page, state).await;
    // What was typed is searched for; the next action needs all of them.
    let all = async || {
        page.fills("#passenger-search", " ").await;
        page.evaluates::<()>("document.activeElement.blur()", &[]).await;
    };
    page.clicks("[aria-label='Board Ada Lovelace']").await;
    page.counts(".passengers li[data-status=boarded]", 1).await;
    // The next one, but not the button that boards them.
    page.sees(("a.name:focus", "Bob de Wit")).await;
    typed("after boarding").await;
    all().await;
    page.clicks("[aria-label='Correct Ada Lovelace']").await;
    page.fills("dialog[open] [name=name]", "Ada King").await;
    page.submits().await;
    page.sees((".passengers a.name", "Ada King")).await;
    page.sees_no("dialog").await;
    typed("after correcting a name").await;
    page.clicks((".notice button", "Undo")).await;
    page.sees((".notice", "The name is as it was.")).await;
    presses_nothing(page).await;
    typed("after taking it back").await;
    all().await;
    page.clicks("[aria-label='Offload Bob de Wit']").await;
    page.fills("dialog[open] [name=reason]", "No-show").await;
    page.submits().await;
    page.counts(".passengers li[data-status=offloaded]", 1).await;
    page.sees_no("dialog").await;
    presses_nothing(page).await;
    typed("after offloading").await;
    all().await;
    add_passenger(page, "Eve Late").await;
    typed("after adding").await;
    all().await;
    for name in ["Cleo Patra", "Diana Ross", "Eve Late"] {
        page.clicks(&format!("[aria-label='Board {name}']")).await;
        page.sees((".passengers li[data-status=boarded] a.name", name)).await;
    }
    page.sees(".summary .badge[data-status=allBoarded]").await;
    typed("after boarding the last one").await;
    for (button, status) in [("Disembark (departs)", "disembarked"), ("Land", "arrived")] {
        page.clicks((".actions button", button)).await;
        page.clicks(("dialog[open] button", "Cancel")).await;
        page.sees_no("dialog").await;
        typed("after giving up an action").await;
        page.clicks((".actions button", button)).await;
        page.submits().await;
        page.sees(&format!(".summary .badge[data-status={status}]")).await;
        page.sees_no("dialog").await;
        // A button that stays keeps the focus, and says why it does nothing any more.
        let focused = page.focused().await;
        assert!(focused.tag == "h1" || focused.text == button, "the focus is on {focused:?}");
        typed(status).await;
    }
}

#[tokio::test]
async fn typing_does_nothing_after_any_action_on_a_flight() {
    browse(System::start(), async |system, page| {
        let api = system.api();
        let (flight, _) = flight_with(&api, 0, &NAMES).await;
        page.opens(&format!("/flights/{flight}")).await;
        page.sees("[aria-label='Board Ada Lovelace']").await;
        acts_on_a_flight(&api, page).await;
    })
    .await;
}

#[tokio::test]
async fn typing_does_nothing_after_any_action_on_a_passenger_or_the_board() {
    browse(System::start(), async |system, page| {
        let api = system.api();
        let (_, passengers) = flight_with(&api, 0, &NAMES[..1]).await;
        page.opens(&format!("/passengers/{}", passengers[0])).await;
        page.clicks((".actions button", "Board")).await;
        page.sees(".summary .badge[data-status=boarded]").await;
        types_everything(&api, page, "after boarding").await;
        page.clicks((".actions button", "Correct name")).await;
        page.fills("dialog[open] [name=name]", "Ada King").await;
        page.submits().await;
        page.sees(("h1", "Ada King")).await;
        page.sees_no("dialog").await;
        types_everything(&api, page, "after correcting the name").await;
        page.clicks((".actions button", "Offload")).await;
        page.clicks(("dialog[open] button", "Cancel")).await;
        page.sees_no("dialog").await;
        types_everything(&api, page, "after not offloading").await;

        page.opens("/").await;
        page.clicks(("button", "New flight")).await;
        page.presses(Key::Escape).await;
        page.sees_no("dialog").await;
        types_everything(&api, page, "after no new flight").await;
    })
    .await;
}

/// Holds what is asked about passengers until `letGo` is called.
const HOLD: &str = "
    const { fetch } = window;
    const held = new Promise((resolve) => { window.letGo = resolve; });
    window.fetch = async (address, ...rest) => {
        if (String(address).startsWith('/api/passengers/')) await held;
        return fetch(address, ...rest);
    };";

#[tokio::test]
async fn there_is_no_button_before_it_is_known_what_it_is_about() {
    browse(System::shared(), async |system, page| {
        let api = system.api();
        let (flight, passengers) = flight_with(&api, 0, &NAMES[..1]).await;
        page.opens(&format!("/flights/{flight}")).await;
        page.sees(("a.name", NAMES[0])).await;
        page.evaluates::<()>(HOLD, &[]).await;
        page.clicks(("a.name", NAMES[0])).await;
        page.comes_to(&format!("/passengers/{}", passengers[0])).await;
        page.sees(("h2", "History")).await;
        let shown =
            "return [...document.querySelectorAll('button[data-acts]')].some((button) => button.checkVisibility())";
        assert!(!page.evaluates::<bool>(shown, &[]).await);
        page.presses_alt('i').await;
        page.evaluates::<()>("window.letGo()", &[]).await;
        page.sees((".actions button", "Board")).await;
        assert_eq!(api.found(&format!("/api/passengers/{}", passengers[0])).await["status"], "checkedIn");
    })
    .await;
}

/// In a dialog, only what is meant for it does something.
async fn scans_and_types_into(api: &Api, page: &Page, dialog: &str, pass: &str) {
    let before = count(api).await;
    page.sees(&format!("dialog[open] {dialog}")).await;
    page.sees("dialog[open] button[type=submit]:not([data-settling])").await;
    let values = "return [...document.querySelectorAll('dialog[open] input')].map(({ value }) => value)";
    let entered: Vec<String> = page.evaluates(values, &[]).await;
    for scanned in [BAR_CODE, pass] {
        page.scans(scanned).await;
        page.sees(("dialog[open] .refusal", "A bar code was scanned. Nothing was done with it")).await;
        assert_eq!(page.evaluates::<Vec<String>>(values, &[]).await, entered);
    }
    page.presses(Key::Escape).await;
    page.sees_no("dialog").await;
    assert_eq!(count(api).await, before);
}

#[tokio::test]
async fn a_scan_finds_a_passenger_and_changes_nothing() {
    browse(System::start(), async |system, page| {
        let api = system.api();
        let (flight, passengers) = flight_with(&api, 0, &NAMES).await;
        let before = count(&api).await;
        let ours = boarding_pass("DEWIT/BOB MR", "101");
        page.opens(&format!("/flights/{flight}")).await;
        page.sees("[aria-label='Board Ada Lovelace']").await;
        for pass in [ours.clone(), ours.to_lowercase()] {
            page.evaluates::<()>("document.activeElement.blur()", &[]).await;
            page.scans(&pass).await;
            page.sees(("a.name:focus", "Bob de Wit")).await;
            page.sees((".notice", "Bob de Wit: Not boarded.")).await;
            assert_eq!(page.value("#passenger-search").await, "");
        }
        for (scanned, said) in [
            (BAR_CODE.to_owned(), "4006381333931 was scanned: it is no boarding pass that is known here."),
            ("diana".to_owned(), "diana was scanned: it is no boarding pass that is known here."),
            (boarding_pass("DEWIT/BOB", "102"), "The boarding pass is for JB102, not for this flight."),
            (boarding_pass("NOBODY/NORA", "101"), "Nobody on this flight may be NOBODY/NORA."),
        ] {
            // Where a key would do something, and where text is entered.
            let places = ["[aria-label='Board Ada Lovelace']", "#add-passenger", "#passenger-search"];
            for place in places.into_iter().take(if scanned == BAR_CODE { 3 } else { 1 }) {
                page.evaluates::<()>("document.querySelector(arguments[0]).focus()", &[json!(place)]).await;
                page.scans(&scanned).await;
                page.sees((".notice.error", said)).await;
                page.clicks(".notice.error [aria-label='Close message']").await;
                page.sees_no(".notice.error").await;
                assert_eq!(page.value("#add-passenger").await, "");
                assert_eq!(page.value("#passenger-search").await, "");
            }
        }
        // One that comes slowly is typing like any other.
        page.types(&ours).await;
        page.presses(Key::Enter).await;
        assert_eq!(count(&api).await, before);
        for path in ["/", "/audit-log", "/system", "/wall", "/nowhere", &format!("/passengers/{}", passengers[0])] {
            page.opens(path).await;
            page.sees("h1").await;
            page.scans(BAR_CODE).await;
            page.sees((".notice.error", "4006381333931 was scanned")).await;
            page.scans(&ours).await;
            page.sees((".notice", "Its passenger is found on the page of the flight.")).await;
        }
        assert_eq!(count(&api).await, before);
    })
    .await;
}

#[tokio::test]
async fn a_scan_confirms_no_dialog_and_leaves_nothing_in_it() {
    browse(System::start(), async |system, page| {
        let api = system.api();
        let (flight, _) = flight_with(&api, 4, &NAMES).await;
        let pass = boarding_pass("DEWIT/BOB", "101");
        page.opens(&format!("/flights/{flight}")).await;
        page.sees("[aria-label='Offload Ada Lovelace']").await;
        for (button, dialog) in [
            ("[aria-label='Offload Ada Lovelace']", "[name=reason]:focus"),
            ("[aria-label='Correct Ada Lovelace']", "[name=name]:focus"),
            (".actions button:nth-of-type(1)", "button:focus"),
            (".actions button:nth-of-type(3)", "[name=flightNumber]:focus"),
            (".actions button:nth-of-type(4)", "button:focus"),
        ] {
            page.clicks(button).await;
            scans_and_types_into(&api, page, dialog, &pass).await;
        }
        page.opens("/").await;
        page.clicks(("button", "New flight")).await;
        scans_and_types_into(&api, page, "[name=flightNumber]:focus", &pass).await;
    })
    .await;
}
