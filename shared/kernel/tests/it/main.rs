//! Events as a domain declares and stores them.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "Clippy takes only the test functions for tests, not what they share"
)]

mod events;
mod golden;
mod parcels;
