//! The flight API over HTTP, on tables that are filled by the projection.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod access;
#[cfg(target_os = "linux")]
mod clocks;
mod departures;
mod fingerprints;
mod lists;
mod origins;
mod other_history;
mod plans;
mod rows;
mod search;
mod settings;
mod support;
mod tls;
