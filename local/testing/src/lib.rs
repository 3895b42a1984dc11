//! Real servers for integration tests, and a way to wait for them.
//!
//! - [`TestDatabase`]: a PostgreSQL database for one test, on a server that all tests of a process share.
//! - [`TestEventStore`]: an event store for one test, which can be stopped and started again.
//! - [`TestProxy`]: a connection to either of them that loses, holds and counts what passes.
//! - [`CallProxy`]: the same for single calls to an event store, which it ends or silences.
//! - [`TestCluster`]: several event store nodes for one test, of which one leads.
//! - [`TestAuthority`] and [`TlsFront`]: TLS in front of either of them.
//! - [`TestService`]: a service of ours in the process of a test, and [`Api`], a client of it.
//! - [`assert_access`]: asks for routes as everybody who may and who may not.
//! - [`temporary_folder`]: a folder for one test.
//! - [`assert_settings_documented`]: compares a program's settings with the page for operators.
//! - [`Reaper`]: cleans up after a test process, however it ends.
//! - [`Syncs`]: what a program makes durable.
//! - [`skip`]: says by name that a test cannot run here.
//! - [`eventually`]: waits for a condition, with a limit.
//!
//! Whatever is started here is gone when the test process ends, in whatever way it ends.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that has no server is a test that fails, and it fails by panicking"
)]

mod accept;
mod access;
mod api;
mod audit;
mod call_proxy;
mod cluster;
mod cost;
mod database;
mod event_store;
mod eventually;
mod postgres;
mod process;
mod proxy;
mod reaper;
mod scratch;
mod service;
mod settings;
mod skip;
mod syncs;
mod tls;
mod upstream;

pub use access::{assert_access, assert_api_access};
pub use api::{Answer, Api, Call, at, flight_details, http, reversed, texts, unique, unknown_id};
pub use audit::Entry;
pub use call_proxy::CallProxy;
pub use cluster::TestCluster;
pub use database::TestDatabase;
pub use event_store::TestEventStore;
pub use eventually::{Outcome, eventually};
pub use jetbridge_eventstore::Right;
pub use postgres::TestPostgres;
pub use process::is_running;
pub use proxy::TestProxy;
pub use reaper::Reaper;
pub use scratch::temporary_folder;
pub use service::{SERVICE_TOKEN, SERVICE_TOKEN_FILE, TestService};
pub use settings::assert_settings_documented;
pub use skip::{pass_over, skip, test_name};
pub use syncs::Syncs;
pub use tls::{TestAuthority, TlsFront};
