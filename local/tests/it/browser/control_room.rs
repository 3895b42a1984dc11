//! The System page while something is away, and by keys alone.

use fantoccini::key::Key;
use jetbridge_testing::{TestDatabase, TestEventStore, TestProxy, eventually};
use serde_json::json;

use super::connection::start_at_lasting_port;
use super::keyboard::{keeps_the_focus, tabs_to};
use super::operators::append_unreadable;
use super::page::Page;
use super::{LIMIT, browse};
use crate::system::System;

/// The sections of operators that say that what they show is not of now.
const OUTDATED: &str = ".system section > .outdated";

/// From now on requests to these addresses fail.
async fn block(page: &Page, addresses: &[&str]) {
    page.devtools("Network.enable", json!({})).await;
    page.devtools("Network.setBlockedURLs", json!({ "urls": addresses })).await;
}

/// What is asked for less often than the page looks is not of now either in between.
async fn stays_marked_while_silent(page: &Page) {
    block(page, &["*/api/admin/numbers*"]).await;
    page.sees(("[aria-labelledby=instances] > .outdated", "Not known at the moment.")).await;
    let watch = "window.changes = 0;
        const mark = document.querySelector('[aria-labelledby=instances] > .outdated');
        new MutationObserver(() => window.changes++).observe(mark, { attributes: true });";
    page.evaluates::<()>(watch, &[]).await;
    for _ in 0..3 {
        let before = page.texts("[aria-labelledby=services] .hint").await;
        let has_looked = async || page.texts("[aria-labelledby=services] .hint").await != before;
        eventually("it looks again", LIMIT, has_looked).await;
    }
    assert_eq!(page.evaluates::<u32>("return window.changes", &[]).await, 0);
}

#[tokio::test]
async fn what_is_away_is_named_and_nothing_of_before_is_shown_as_if_it_were_so() {
    let mut event_store = TestEventStore::start().await;
    let database = TestDatabase::create().await;
    let proxy = TestProxy::of_database(&database).await;
    let database_url = database.url_at(&proxy.address().to_string());
    let (address, event_store_address) = (database_url.as_str(), event_store.connection_string().to_owned());
    append_unreadable(&event_store).await;
    let arguments = ["--event-store", &event_store_address, "--database-url", address];
    let started = start_at_lasting_port(&arguments);
    browse(started, async |system, page| {
        page.may_lose_the_server();
        page.opens("/system").await;
        page.sees((".overall", "Something needs looking after.")).await;
        page.counts(".parked tbody tr", 2).await;
        page.sees((".instances td", "Gets requests")).await;
        page.sees("svg[role=img]").await;

        event_store.stop().await;
        page.sees((".service .status[data-status=down]", "Down")).await;
        page.sees((".service .detail", "the event store is not available")).await;
        page.counts(".parked tbody tr", 2).await;
        event_store.start_again().await;
        page.sees((".overall", "Something needs looking after.")).await;

        proxy.cut();
        for list in ["parked", "unfinished", "rebuilds"] {
            page.sees((format!("[aria-labelledby={list}] p[role=status]").as_str(), "Nothing was done. passenger: "))
                .await;
        }
        page.counts(".parked tbody tr", 0).await;
        page.sees((".service .detail", "PostgreSQL is not available")).await;
        proxy.mend();
        page.counts(".parked tbody tr", 2).await;

        // One part alone may be silent.
        block(page, &["*/api/admin/parked*"]).await;
        page.sees(("[aria-labelledby=parked] > .outdated", "Not known at the moment.")).await;
        page.counts(OUTDATED, 1).await;
        stays_marked_while_silent(page).await;
        block(page, &[]).await;
        page.sees_no(OUTDATED).await;

        system.kill().await;
        page.sees((".overall", "The gateway cannot be reached.")).await;
        page.sees((OUTDATED, "Not known at the moment. What is shown is from ")).await;
        // Services, instances, charts and the four lists below them.
        page.counts(OUTDATED, 7).await;
        system.start_again();
        page.sees((".overall", "Something needs looking after.")).await;
        page.sees_no(OUTDATED).await;
    })
    .await;
}

#[tokio::test]
async fn the_control_room_is_walked_and_used_by_keys_alone() {
    let store = TestEventStore::start().await;
    append_unreadable(&store).await;
    browse(System::start_with(&["--event-store", store.connection_string()]), async |_, page| {
        page.opens("/system").await;
        page.counts(".parked tbody tr", 2).await;
        page.sees(".process summary").await;
        page.sees("svg[role=img]").await;

        tabs_to(page, &["Show…"]).await;
        is_seen_to_have_the_focus(page).await;
        page.sees_no("[data-settling]").await;
        page.presses(Key::Enter).await;
        page.sees(("dialog[open] pre", "{")).await;
        page.sees(("dialog[open] pre", "Nothing is stored.")).await;
        keeps_the_focus(page).await;
        page.types("nonsense").await;
        page.sees(("dialog[open] pre", "{")).await;
        page.presses(Key::Escape).await;
        page.sees_no("dialog").await;
        assert_eq!(page.focused().await.text, "Show…", "where it came from");

        tabs_to(page, &["Rebuild…"]).await;
        is_seen_to_have_the_focus(page).await;
        page.sees_no("[data-settling]").await;
        page.presses(Key::Enter).await;
        page.sees("dialog[open] [value=flights]:focus").await;
        page.presses(Key::Escape).await;
        page.sees_no("dialog").await;
        assert_eq!(page.focused().await.text, "Rebuild…");
        page.sees_no("[data-settling]").await;
        page.presses(Key::Enter).await;
        page.sees("dialog[open] [value=flights]:focus").await;
        page.types(" ").await;
        page.sees("dialog[open] button[type=submit]:not([data-settling])").await;
        page.confirms_by_keys().await;
        page.sees((".notice", "The read model of flights is being rebuilt.")).await;
        page.sees_no("dialog").await;
        keeps_the_focus(page).await;
        page.sees((".rebuilds td", "Done: it is shown.")).await;

        tabs_to_summary(page).await;
        is_seen_to_have_the_focus(page).await;
        page.presses(Key::Enter).await;
        page.sees("details.process[open]").await;
        page.presses(Key::Tab).await;
        page.sees(".process .listed:focus").await;
        is_seen_to_have_the_focus(page).await;

        // Whatever is typed where the focus happens to be.
        page.types("discard replay all 1234567890").await;
        page.presses(Key::Enter).await;
        page.sees_no("dialog").await;
        page.counts(".parked tbody tr", 2).await;
        page.counts(".rebuilds tbody tr", 1).await;
    })
    .await;
}

async fn tabs_to_summary(page: &Page) {
    const MOST_STOPS: usize = 50;
    for _ in 0..MOST_STOPS {
        if page.focused().await.tag == "summary" {
            return;
        }
        page.presses(Key::Tab).await;
    }
    panic!("the Tab key does not lead to the configuration");
}

/// What has the focus is on the screen, and drawn otherwise than without it.
async fn is_seen_to_have_the_focus(page: &Page) {
    keeps_the_focus(page).await;
    let is_seen: bool = page
        .evaluates(
            "const one = document.activeElement;
             const { outlineStyle, outlineWidth } = getComputedStyle(one);
             const { top, bottom } = one.getBoundingClientRect();
             return outlineStyle !== 'none' && parseFloat(outlineWidth) > 0 && bottom > 0 && top < innerHeight;",
            &[],
        )
        .await;
    assert!(is_seen, "the focus is on {:?} and cannot be seen", page.focused().await.text);
}
