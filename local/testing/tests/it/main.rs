//! The servers for tests, tested.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod database;
mod event_store;
mod eventually;
mod process_end;
