//! The life of a flight with the keyboard alone, and the focus, which is never lost.

use fantoccini::key::Key;

use super::browse;
use super::life::flight_number;
use super::page::Page;
use crate::system::System;

/// Presses the Tab key until the focus is on something with one of these texts.
async fn tabs_to(page: &Page, texts: &[&str]) {
    const MOST_STOPS: usize = 50;
    for _ in 0..MOST_STOPS {
        if texts.contains(&page.focused().await.text.as_str()) {
            return;
        }
        page.presses(Key::Tab).await;
    }
    panic!("the Tab key does not lead to {texts:?}");
}

async fn keeps_the_focus(page: &Page) {
    let focused = page.focused().await;
    assert_ne!(focused.tag, "body", "the focus is lost");
}

#[tokio::test]
async fn a_flight_is_handled_by_keys() {
    browse(System::shared(), async |_, page| {
        let number = flight_number();
        page.opens("/").await;
        page.sees("h1").await;

        // A new flight: Enter on the empty form, then what it asks for.
        page.types("n").await;
        page.sees("dialog[open]").await;
        keeps_the_focus(page).await;
        page.presses(Key::Enter).await;
        page.sees("dialog[open] [name=flightNumber][aria-invalid]").await;
        page.sees("dialog[open] [name=flightNumber]:focus").await;
        page.types(&number).await;
        page.presses(Key::Tab).await;
        page.types("HAM").await;
        page.presses(Key::Tab).await;
        page.types("Oslo").await;
        page.presses(Key::Enter).await;
        page.comes_to("/flights/*").await;
        page.sees(("h1", &number)).await;
        page.sees_no("dialog").await;
        keeps_the_focus(page).await;

        // One name after the other, without waiting.
        page.types("n").await;
        let names = ["Ada Lovelace", "Grace Hopper", "Alan Turing"];
        for name in names {
            page.types(name).await;
            page.presses(Key::Enter).await;
        }
        page.counts(".passengers li[data-status=checkedIn]", 3).await;
        assert_eq!(page.focused().await.id, "add-passenger");

        // The last one is offloaded; the button that did it is gone then, and the focus is not.
        tabs_to(page, &names).await;
        page.presses(Key::End).await;
        assert_eq!(page.focused().await.text, "Alan Turing");
        tabs_to(page, &["Offload"]).await;
        page.presses(Key::Enter).await;
        page.sees("dialog[open] [name=reason]:focus").await;
        page.types("No-show").await;
        page.presses(Key::Enter).await;
        page.sees((".passengers li[data-status=offloaded]", "Alan Turing")).await;
        page.sees_no("dialog").await;
        assert_eq!(page.focused().await.text, "Alan Turing");

        // A correction, and the way back from it.
        page.presses(Key::Home).await;
        assert_eq!(page.focused().await.text, "Ada Lovelace");
        page.types("c").await;
        page.sees("dialog[open] [name=name]:focus").await;
        page.types("Ada King").await;
        page.presses(Key::Enter).await;
        page.sees_no("dialog").await;
        page.sees((".passengers a.name", "Ada King")).await;
        assert_eq!(page.focused().await.text, "Ada King");
        tabs_to(page, &["Undo"]).await;
        page.presses(Key::Enter).await;
        page.sees((".passengers a.name", "Ada Lovelace")).await;
        page.sees((".notice", "The name is as it was.")).await;
        keeps_the_focus(page).await;
        tabs_to(page, &["Ada Lovelace"]).await;

        // What cannot be done is said, and nothing else happens.
        page.types("d").await;
        page.sees(("#spoken", "Cannot disembark: 2 passengers have not boarded.")).await;
        page.sees_no("dialog").await;
        keeps_the_focus(page).await;

        // Boarding goes on to the next one by itself.
        page.types("b").await;
        page.counts(".passengers li[data-status=boarded]", 1).await;
        page.sees((".passengers a.name:focus", "Grace Hopper")).await;
        page.types("b").await;
        page.sees(".summary .badge[data-status=allBoarded]").await;
        page.sees(("#spoken", "Grace Hopper has boarded.")).await;
        keeps_the_focus(page).await;

        for (key, button, status) in [("d", "Disembark (departs)", "disembarked"), ("l", "Landed", "arrived")] {
            page.types(key).await;
            page.sees(("dialog[open] button:focus", button)).await;
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
        page.sees(("dialog[open] dd", "Board the passenger who has the focus")).await;
        page.clicks("dialog[open] input[type=checkbox]").await;
        page.presses(Key::Escape).await;
        page.sees_no("dialog").await;

        page.types("n").await;
        assert!(page.texts("dialog[open]").await.is_empty());
        page.reloads().await;
        page.sees("h1").await;
        page.types("?").await;
        assert!(page.texts("dialog[open]").await.is_empty());

        page.clicks("#help").await;
        page.clicks("dialog[open] input[type=checkbox]").await;
        page.presses(Key::Escape).await;
        page.sees_no("dialog").await;
        page.types("n").await;
        page.sees(("dialog[open] h2", "New flight")).await;
    })
    .await;
}
