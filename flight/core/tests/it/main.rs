//! The rules of flights, tested through what the rest of the system sees of them.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "Clippy takes only the test functions for tests, not what they share"
)]

mod golden;
mod legality;
mod properties;
mod rules;
mod samples;
