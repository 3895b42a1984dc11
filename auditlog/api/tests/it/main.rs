//! The audit log API over HTTP, on an event store of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod access;
mod deleted;
mod events;
mod files;
mod filters;
mod following;
mod history;
mod lists;
mod newest_first;
mod outage;
mod refusals;
mod rights;
mod settings;
mod support;
