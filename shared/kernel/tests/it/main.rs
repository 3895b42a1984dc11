//! What is stored and sent: events, and where they come from.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "Clippy takes only the test functions for tests, not what they share"
)]

mod causes;
mod events;
mod golden;
mod parcels;
