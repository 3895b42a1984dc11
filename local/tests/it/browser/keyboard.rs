//! The life of a flight with the keyboard alone, and the focus, which is never lost.

use fantoccini::key::Key;

use super::browse;
use super::life::flight_number;
use super::page::Page;
use crate::system::System;

const NAMES: [&str; 3] = ["Ada Lovelace", "Grace Hopper", "Alan Turing"];

/// Presses the Tab key until the focus is on something with one of these texts.
pub(super) async fn tabs_to(page: &Page, texts: &[&str]) {
    const MOST_STOPS: usize = 50;
    for _ in 0..MOST_STOPS {
        if texts.contains(&page.focused().await.text.as_str()) {
            return;
        }
        page.presses(Key::Tab).await;
    }
    panic!("the Tab key does not lead to {texts:?}");
}

pub(super) async fn keeps_the_focus(page: &Page) {
    let focused = page.focused().await;
    assert_ne!(focused.tag, "body", "the focus is lost");
}

/// A new flight: Enter on the empty form, then what it asks for.
async fn creates_flight(page: &Page, number: &str) {
    page.presses_alt('n').await;
    page.sees("dialog[open] button[type=submit]:not([data-settling])").await;
    keeps_the_focus(page).await;
    page.presses(Key::Enter).await;
    page.sees("dialog[open] [name=flightNumber][aria-invalid]").await;
    page.sees("dialog[open] [name=flightNumber]:focus").await;
    page.types(number).await;
    page.presses(Key::Tab).await;
    page.types("HAM").await;
    page.presses(Key::Tab).await;
    page.types("Oslo").await;
    page.presses(Key::Enter).await;
    page.comes_to("/flights/*").await;
    page.sees(("h1", number)).await;
    page.sees_no("dialog").await;
    keeps_the_focus(page).await;
}

/// One name after the other, without waiting.
async fn adds_passengers(page: &Page) {
    page.presses_alt('n').await;
    for name in NAMES {
        page.types(name).await;
        page.presses(Key::Enter).await;
    }
    page.counts(".passengers li[data-status=checkedIn]", 3).await;
    page.sees("#add-passenger:focus").await;
}

/// The button that did it is gone then, and the focus is not.
async fn offloads_the_last(page: &Page) {
    tabs_to(page, &NAMES).await;
    page.presses(Key::End).await;
    page.sees((".passengers a.name:focus", "Alan Turing")).await;
    tabs_to(page, &["Offload"]).await;
    page.presses(Key::Enter).await;
    page.sees("dialog[open] [name=reason]:focus").await;
    page.types("No-show").await;
    // What cannot be undone takes more than what is typed anyway.
    page.presses(Key::Enter).await;
    page.sees(("dialog[open] .refusal", "To confirm, press “Offload”, or Ctrl and Enter together.")).await;
    page.confirms_by_keys().await;
    page.sees((".passengers li[data-status=offloaded]", "Alan Turing")).await;
    page.sees_no("dialog").await;
    page.sees((".passengers a.name:focus", "Alan Turing")).await;
}

async fn corrects_the_first_and_takes_it_back(page: &Page) {
    page.presses(Key::Home).await;
    page.sees((".passengers a.name:focus", "Ada Lovelace")).await;
    page.presses_alt('c').await;
    page.sees("dialog[open] [name=name]:focus").await;
    page.types("Ada King").await;
    page.presses(Key::Enter).await;
    page.sees_no("dialog").await;
    page.sees((".passengers a.name:focus", "Ada King")).await;
    tabs_to(page, &["Undo"]).await;
    page.presses(Key::Enter).await;
    page.sees((".passengers a.name", "Ada Lovelace")).await;
    page.sees((".notice", "The name is as it was.")).await;
    keeps_the_focus(page).await;
    tabs_to(page, &["Ada Lovelace"]).await;
}

#[tokio::test]
async fn a_flight_is_handled_by_keys() {
    browse(System::shared(), async |_, page| {
        let number = flight_number();
        page.opens("/").await;
        page.sees("h1").await;

        creates_flight(page, &number).await;
        adds_passengers(page).await;
        offloads_the_last(page).await;
        corrects_the_first_and_takes_it_back(page).await;

        // What cannot be done is said, and nothing else happens.
        page.presses_alt('g').await;
        page.sees(("#spoken", "Cannot disembark: 2 passengers have not boarded.")).await;
        page.sees_no("dialog").await;
        keeps_the_focus(page).await;

        // Boarding goes on to the next one by itself.
        page.presses_alt('i').await;
        page.counts(".passengers li[data-status=boarded]", 1).await;
        page.sees((".passengers a.name:focus", "Grace Hopper")).await;
        page.presses_alt('i').await;
        page.sees(".summary .badge[data-status=allBoarded]").await;
        page.sees(("#spoken", "Grace Hopper has boarded.")).await;
        keeps_the_focus(page).await;

        for (key, button, status) in [('g', "Disembark (departs)", "disembarked"), ('l', "Landed", "arrived")] {
            page.presses_alt(key).await;
            page.sees(("dialog[open] button:focus", "Cancel")).await;
            tabs_to(page, &[button]).await;
            page.sees("dialog[open] button[type=submit]:not([data-settling])").await;
            page.presses(Key::Enter).await;
            page.sees(&format!(".summary .badge[data-status={status}]")).await;
            page.sees_no("dialog").await;
            keeps_the_focus(page).await;
        }

        // Deleting has no key of its own, and is never one Enter away.
        tabs_to(page, &["Delete"]).await;
        page.presses(Key::Enter).await;
        page.sees("dialog[open]").await;
        assert_eq!(page.focused().await.text, "Cancel");
        tabs_to(page, &["Delete flight"]).await;
        page.sees("dialog[open] button[type=submit]:not([data-settling])").await;
        page.presses(Key::Enter).await;
        page.comes_to("/").await;
        page.sees((".notice", &format!("{number} was deleted."))).await;
        page.sees_no("dialog").await;
        keeps_the_focus(page).await;
    })
    .await;
}

#[tokio::test]
async fn the_help_tells_the_keys_and_switches_them_off() {
    browse(System::shared(), async |_, page| {
        page.opens("/").await;
        page.sees("h1").await;
        page.types("?").await;
        page.sees(("dialog[open] h2", "Keyboard")).await;
        page.sees(("dialog[open] dd", "In: board the passenger who has the focus")).await;
        page.clicks("dialog[open] input[type=checkbox]").await;
        page.presses(Key::Escape).await;
        page.sees_no("dialog").await;

        page.types("/n").await;
        assert_ne!(page.focused().await.id, "board-search");
        page.reloads().await;
        page.sees("h1").await;
        page.types("?").await;
        assert!(page.texts("dialog[open]").await.is_empty());

        page.clicks("#help").await;
        page.clicks("dialog[open] input[type=checkbox]").await;
        page.presses(Key::Escape).await;
        page.sees_no("dialog").await;
        page.types("n").await;
        assert_eq!(page.focused().await.id, "board-search");
    })
    .await;
}
