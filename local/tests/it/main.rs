//! Everything in one process, as a user starts it.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod access_keys;
mod backup;
mod bad_input;
mod browser;
mod client;
mod command_line;
mod contract;
mod crash;
mod demo;
mod documents;
#[cfg(target_os = "linux")]
mod durability;
mod embedded_store;
mod events;
mod history;
mod kill_under_load;
mod outage;
mod own_servers;
mod parked;
mod previous_release;
mod race;
mod reactions;
mod rebuild;
mod refusals;
mod replicas;
mod restored;
mod rolling;
mod root;
mod scenarios;
mod start;
mod stop;
mod system;
mod traces;
mod verify;
