//! Hands that are quicker than the page, or that hold a key down.

use fantoccini::key::Key;
use jetbridge_testing::Api;
use reqwest::StatusCode;
use serde_json::json;

use super::browse;
use super::page::Page;
use crate::history::History;
use crate::system::System;

/// Clicks on a place, and again as soon as another button has come there.
const CLICK_AGAIN: &str = "
    const [first, second, done] = arguments;
    const { x, y, width, height } = document.querySelector(first).getBoundingClientRect();
    const there = () => document.elementFromPoint(x + width / 2, y + height / 2).closest('button');
    new MutationObserver((_, observer) => {
        if (!there()?.matches(second)) return;
        observer.disconnect();
        there().click();
        done();
    }).observe(document.querySelector('.passengers'), { childList: true, subtree: true, attributes: true });
    there().click();";

/// Confirms a dialog in every way as soon as it is there.
const CONFIRM_AT_ONCE: &str = "
    const [opener, done] = arguments;
    new MutationObserver((_, observer) => {
        const dialog = document.querySelector('dialog[open]');
        if (!dialog) return;
        observer.disconnect();
        const button = dialog.querySelector('button[type=submit]');
        button.click();
        dialog.querySelector('form').requestSubmit(button);
        done();
    }).observe(document.body, { childList: true, subtree: true, attributes: true });
    document.querySelector(opener).click();";

async fn boarded(api: &Api) -> usize {
    History::read(api).await.entries.iter().filter(|entry| entry.event_type == "PassengerBoarded").count()
}

async fn count(api: &Api) -> usize {
    History::read(api).await.entries.len()
}

#[tokio::test]
async fn a_button_that_comes_under_the_hand_does_nothing_for_a_moment() {
    browse(System::start(), async |system, page| {
        let api = system.api();
        let flight = api.new_flight().await;
        for name in ["Ada", "Grace", "Alan"] {
            api.add(&flight, name).send().await.expect(StatusCode::CREATED);
        }
        page.opens(&format!("/flights/{flight}")).await;
        page.sees("[aria-label='Board Ada']").await;
        page.sees_no(".passengers li[data-settling]").await;
        page.awaits::<()>(CLICK_AGAIN, &[json!("[aria-label='Board Ada']"), json!("[aria-label='Board Grace']")]).await;
        page.sees((".notice", "What you clicked on had only just come there, so nothing was done.")).await;
        page.clicks("[aria-label='Board Grace']").await;
        page.counts(".passengers li[data-status=boarded]", 2).await;
        assert_eq!(boarded(&api).await, 2);
    })
    .await;
}

/// A key presses what has the focus, wherever that has moved; a message that leaves holds up no "Undo" beside it.
#[tokio::test]
async fn a_key_presses_what_has_the_focus_although_it_has_just_moved() {
    const MOVE: &str = "
        const button = document.querySelector(arguments[0]);
        button.closest('li').dataset.settling = '';
        button.focus();";
    browse(System::start(), async |system, page| {
        let api = system.api();
        let flight = api.new_flight().await;
        api.new_boarded(&flight).await;
        page.opens(&format!("/flights/{flight}")).await;
        let offload = "[aria-label='Offload Ada Lovelace']";
        page.sees(offload).await;
        page.sees_no("[data-settling]").await;
        page.evaluates::<()>(MOVE, &[json!(offload)]).await;
        page.presses(Key::Enter).await;
        page.sees(("dialog[open] h2", "Offload passenger?")).await;
    })
    .await;
}

#[tokio::test]
async fn a_dialog_confirms_nothing_at_once_and_by_no_key_that_is_held_down() {
    browse(System::start(), async |system, page| {
        let api = system.api();
        let flight = api.new_flight().await;
        api.new_boarded(&flight).await;
        page.opens(&format!("/flights/{flight}")).await;
        page.sees("[aria-label='Offload Ada Lovelace']").await;
        page.sees(".summary .badge[data-status=allBoarded]").await;
        let before = count(&api).await;
        let openers = [1, 3, 4].map(|at| format!(".actions button:nth-of-type({at})"));
        let openers = openers.iter().map(String::as_str);
        for opener in openers.chain(["[aria-label='Offload Ada Lovelace']", "[aria-label='Correct Ada Lovelace']"]) {
            page.sees_no("[data-settling]").await;
            page.awaits::<()>(CONFIRM_AT_ONCE, &[json!(opener)]).await;
            page.sees("dialog[open] button[type=submit]:not([data-settling])").await;
            page.presses(Key::Escape).await;
            page.sees_no("dialog").await;

            page.sees_no("[data-settling]").await;
            page.evaluates::<()>("document.querySelector(arguments[0]).focus()", &[json!(opener)]).await;
            page.holds_enter(7).await;
            page.sees("dialog[open] button[type=submit]:not([data-settling])").await;
            page.presses(Key::Escape).await;
            page.sees_no("dialog").await;
        }
        assert_eq!(count(&api).await, before);
    })
    .await;
}

#[tokio::test]
async fn the_way_back_closes_what_was_asked() {
    browse(System::start(), async |system, page| {
        let api = system.api();
        let flight = api.new_flight().await;
        api.new_boarded(&flight).await;
        page.opens("/").await;
        page.clicks("a.number").await;
        page.clicks((".actions button", "Disembark (departs)")).await;
        page.sees("dialog[open]").await;
        page.goes_back().await;
        page.comes_to("/").await;
        page.sees_no("dialog").await;
        page.sees("a.number").await;
    })
    .await;
}

#[tokio::test]
async fn a_list_is_not_pasted_as_one_name() {
    const PASTE: &str = "
        const [field, text] = arguments;
        const clipboardData = new DataTransfer();
        clipboardData.setData('text/plain', text);
        const paste = new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true });
        return document.querySelector(field).dispatchEvent(paste)";
    browse(System::start(), async |system, page| {
        let api = system.api();
        let flight = api.new_flight().await;
        page.opens(&format!("/flights/{flight}")).await;
        let pastes = async |page: &Page, field: &str, text: &str| {
            page.sees(field).await;
            page.evaluates::<bool>(PASTE, &[json!(field), json!(text)]).await
        };
        assert!(pastes(page, "#add-passenger", "Ada Lovelace\n").await);
        assert!(!pastes(page, "#add-passenger", "Ada Lovelace\nGrace Hopper").await);
        page.sees(("#add-passenger-error", "that has several lines, and this field takes one.")).await;
        page.opens("/").await;
        page.clicks(("button", "New flight")).await;
        assert!(!pastes(page, "dialog[open] [name=origin]", "HAM\r\nOSL").await);
        page.sees(("dialog[open] .field-error", "that has several lines, and this field takes one.")).await;
    })
    .await;
}

/// Somebody else boards the passenger whose button has the focus, or the one above.
#[tokio::test]
async fn the_focus_stays_where_no_key_does_anything_when_others_act() {
    browse(System::start(), async |system, page| {
        let api = system.api();
        let flight = api.new_flight().await;
        let [ada, _] = [api.new_passenger(&flight).await, api.add(&flight, "Grace").send().await.id()];
        page.opens(&format!("/flights/{flight}")).await;
        page.sees("[aria-label='Board Ada Lovelace']").await;
        let focus = "document.querySelector(arguments[0]).focus()";
        page.evaluates::<()>(focus, &[json!("[aria-label='Board Ada Lovelace']")]).await;
        api.board(&ada).send().await.expect(StatusCode::OK);
        page.sees(("a.name:focus", "Ada Lovelace")).await;

        page.opens(&format!("/passengers/{ada}")).await;
        page.sees((".actions button", "Offload")).await;
        page.evaluates::<()>(focus, &[json!(".actions button:nth-of-type(2)")]).await;
        api.offload(&ada).send().await.expect(StatusCode::OK);
        page.sees("h1:focus").await;
    })
    .await;
}
