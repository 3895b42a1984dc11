//! The flight processor as a program.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod access;
mod health;
mod parked;
mod rebuild;
mod resumed;
mod settings;
mod support;
