//! The executor, projector, reactor, read side and RPC client, against an embedded event store and a real PostgreSQL.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod accounts;
mod append;
mod bank;
mod cluster;
mod credentials;
mod cryptography;
mod database;
mod deleted;
mod events;
mod executor;
mod history;
mod idempotency;
mod in_process;
mod lanes;
mod limits;
mod lost_answers;
mod metadata;
mod other_history;
mod outages;
mod parked;
mod projector;
mod reactor;
mod read_model;
mod rebuild;
mod refusals;
mod replicas;
mod rights;
mod rpc;
mod settings;
mod snapshots;
mod subscriptions;
mod tables;
mod tls;
mod workers;
