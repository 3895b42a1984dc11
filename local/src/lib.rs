//! Everything that Jetbridge is, in one process: gateway, APIs, processors, an event store and PostgreSQL.

mod data_dir;
mod database;
mod demo;
mod domains;
mod error;
mod event_store;
mod listeners;
mod patience;
mod readiness;
mod services;
mod settings;
mod supervisor;
mod system;

use std::process::ExitCode;

use shared_service::process::run_service;

pub use domains::{DomainServices, domains};

/// The `main` of a program that runs these domains.
#[must_use]
pub fn main(domains: Vec<DomainServices>) -> ExitCode {
    run_service(|command_line, shutdown| system::run(domains, command_line, shutdown))
}
