//! Two people who look at the same flights.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::life::{add_passenger, flight_number};
use super::page::Page;
use super::{LIMIT, browse_both};
use crate::system::System;

/// Longer than anything that a page would do by itself again and again.
const QUIET: Duration = Duration::from_secs(4);

/// Every request of the page that has been answered since it was opened. The live connection may break and come back.
async fn requests(page: &Page) -> Vec<String> {
    let script = "return performance.getEntriesByType('resource').map(({ name }) => name)";
    let mut requests: Vec<String> = page.evaluates(script, &[]).await;
    requests.retain(|request| !request.contains("/api/changes"));
    requests
}

#[tokio::test]
async fn one_sees_what_another_does() {
    browse_both(System::start(), async |_, one, other| {
        let number = flight_number();
        other.opens("/").await;
        other.sees(("h2", "No flights yet")).await;
        other.sees("#link-state[data-status=live]").await;
        // A page that is loaded anew forgets this.
        other.evaluates::<()>("window.isTheSame = true", &[]).await;

        one.opens("/").await;
        one.clicks(("button", "New flight")).await;
        for (field, text) in [("flightNumber", number.as_str()), ("origin", "HAM"), ("destination", "Oslo")] {
            one.fills(&format!("dialog[open] [name={field}]"), text).await;
        }
        one.clicks("dialog[open] button[type=submit]").await;
        one.sees(("h1", &number)).await;
        other.sees(("a.number", &number)).await;
        other.sees((".fraction", "nobody yet")).await;

        for name in ["Ada Lovelace", "Grace Hopper"] {
            add_passenger(one, name).await;
        }
        other.sees((".fraction", "0/2")).await;
        one.clicks("[aria-label='Board Ada Lovelace']").await;
        other.sees((".fraction", "1/2")).await;
        one.clicks("[aria-label='Board Grace Hopper']").await;
        other.sees((".fraction", "2/2")).await;
        other.sees(".badge[data-status=allBoarded]").await;

        // Also on the flight's own page.
        other.clicks(("a.number", &number)).await;
        other.counts(".passengers li[data-status=boarded]", 2).await;
        one.clicks((".actions button", "Disembark (departs)")).await;
        one.clicks("dialog[open] button[type=submit]").await;
        other.sees(".summary .badge[data-status=disembarked]").await;
        other.clicks((".actions button", "Land")).await;
        other.clicks("dialog[open] button[type=submit]").await;
        one.sees(".summary .badge[data-status=arrived]").await;
        one.clicks((".actions button", "Delete")).await;
        one.clicks("dialog[open] button[type=submit]").await;
        other.sees(("p", "This flight was deleted.")).await;

        assert!(other.evaluates::<bool>("return window.isTheSame", &[]).await);
    })
    .await;
}

#[tokio::test]
async fn nobody_asks_while_nothing_happens() {
    browse_both(System::start(), async |_, one, other| {
        one.opens("/").await;
        one.clicks(("button", "New flight")).await;
        for field in ["flightNumber", "origin", "destination"] {
            one.fills(&format!("dialog[open] [name={field}]"), "Somewhere").await;
        }
        other.opens("/").await;
        other.sees("#link-state[data-status=live]").await;
        one.clicks("dialog[open] button[type=submit]").await;
        other.sees("a.number").await;
        one.sees("#add-passenger").await;

        // Not a sign of anything, but a time in which nothing must happen.
        let settled = settles(other).await;
        sleep(QUIET).await;
        assert_eq!(requests(other).await, settled);
        assert_eq!(other.texts("#progress:not([hidden])").await, Vec::<String>::new());
    })
    .await;
}

/// What has been asked for, once nothing more is.
async fn settles(page: &Page) -> Vec<String> {
    let begin = Instant::now();
    let mut last = requests(page).await;
    let mut since = Instant::now();
    while since.elapsed() < Duration::from_secs(1) {
        assert!(begin.elapsed() < LIMIT, "the page goes on asking: {last:?}");
        sleep(Duration::from_millis(100)).await;
        let now = requests(page).await;
        if now != last {
            (last, since) = (now, Instant::now());
        }
    }
    last
}
