//! Everything that Jetbridge is, in one process: gateway, APIs, processors, an event store and PostgreSQL.

mod data_dir;
mod database;
mod demo;
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

fn main() -> ExitCode {
    run_service(system::run)
}
