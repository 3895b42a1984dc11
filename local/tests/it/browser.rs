//! The web client as people use it: a real Chromium at the real system.
//!
//! ```ignore
//! #[tokio::test]
//! async fn the_board_tells_that_it_is_empty() {
//!     browse(System::start(), async |_, page| {
//!         page.opens("/").await;
//!         page.sees(("h2", "No flights yet")).await;
//!     })
//!     .await;
//! }
//! ```
//!
//! Without Chromium the tests say that they are skipped, and pass; where `CI` is set they fail.

mod accessibility;
mod audit_log;
mod chromium;
mod clocks;
mod connection;
mod control_room;
mod hands;
mod keyboard;
mod life;
mod names;
mod navigation;
mod once;
mod operators;
mod page;
mod sign_in;

mod together;
mod typing;
mod wire;

use std::borrow::Borrow;
use std::fs;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::Path;
use std::time::Duration;

use futures::FutureExt;
use jetbridge_testing::{skip, test_name};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use self::chromium::{Chromium, Program};
use self::page::Page;
use crate::system::System;

/// How soon the page has to show something.
const LIMIT: Duration = Duration::from_secs(10);
/// How long a test may wait until others have closed their browsers.
const TURN_LIMIT: Duration = Duration::from_secs(900);

/// Two browsers keep two cores busy.
const MOST_BROWSERS: usize = 2;
static BROWSERS: Semaphore = Semaphore::const_new(MOST_BROWSERS);

/// Runs a test with a browser at a system, which is not started where there is no browser.
async fn browse<S: Borrow<System>>(system: impl Future<Output = S>, test: impl AsyncFnOnce(&mut S, &Page)) {
    browse_with(1, system, async |system, pages| test(system, &pages[0]).await).await;
}

/// Runs a test with two browsers at the same system.
async fn browse_both<S: Borrow<System>>(system: impl Future<Output = S>, test: impl AsyncFnOnce(&mut S, &Page, &Page)) {
    browse_with(2, system, async |system, pages| test(system, &pages[0], &pages[1]).await).await;
}

async fn browse_with<S: Borrow<System>>(
    count: u32,
    system: impl Future<Output = S>,
    test: impl AsyncFnOnce(&mut S, &[Page]),
) {
    let Some(program) = Program::find() else {
        return skip("Chromium and its chromedriver are not installed");
    };
    let turn = timeout(TURN_LIMIT, BROWSERS.acquire_many(count)).await;
    let _turn = turn.expect("browsers that are closed in time").unwrap();
    let mut system = system.await;
    let (mut browsers, mut pages) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let browser = Chromium::start(&program).await;
        pages.push(Page::of(&browser, system.borrow().url()));
        browsers.push(browser);
    }
    let outcome = AssertUnwindSafe(async {
        test(&mut system, &pages).await;
        for page in &pages {
            page.has_no_errors().await;
        }
    })
    .catch_unwind()
    .await;
    if let Err(failure) = outcome {
        for (number, page) in pages.iter().enumerate() {
            explain(number, page).await;
        }
        resume_unwind(failure);
    }
    for browser in browsers {
        browser.close().await;
    }
}

/// Says what a page shows and what it has complained about.
#[allow(clippy::print_stderr, reason = "it is told with the failure")]
async fn explain(number: usize, page: &Page) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    let file = folder.join(format!("{}-{number}.png", test_name().replace("::", "-")));
    let screenshot = timeout(LIMIT, page.screenshot()).await;
    let saved = screenshot.map_err(|_| "no screenshot in time".to_owned()).and_then(|screenshot| {
        let screenshot = screenshot?;
        let saved = fs::create_dir_all(&folder).and_then(|()| fs::write(&file, screenshot));
        saved.map_err(|error| error.to_string())
    });
    match saved {
        Ok(()) => eprintln!("page {number}: {}", file.display()),
        Err(error) => eprintln!("page {number}: {error}"),
    }
    match timeout(LIMIT, page.messages()).await {
        Ok(messages) => messages.iter().for_each(|message| eprintln!("page {number}: {message}")),
        Err(_) => eprintln!("page {number}: no messages in time"),
    }
}
