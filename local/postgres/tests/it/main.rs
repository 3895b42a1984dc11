//! A real PostgreSQL server, from start to stop. Needs PostgreSQL's programs on the machine.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod crash;
mod finding;
mod lifecycle;
mod links;
mod place;
mod support;
