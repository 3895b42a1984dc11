//! Everything that Jetbridge is, in one process: gateway, APIs, processors, an event store and PostgreSQL.

mod backup;
mod client;
mod data_dir;
mod database;
mod demo;
mod domains;
mod error;
mod event_store;
mod keys;
mod listeners;
mod patience;
mod privileges;
mod readiness;
mod running;
mod services;
mod settings;
mod supervisor;
mod system;
mod verify;

use std::cell::Cell;
use std::process::ExitCode;

use shared_service::process::run_service;
use tokio_util::sync::CancellationToken;

use crate::error::Report;
use crate::settings::{CommandLine, Task};
pub use domains::{DomainServices, domains, routes};

/// The `main` of a program that runs these domains.
#[must_use]
pub fn main(domains: Vec<DomainServices>) -> ExitCode {
    let verdict = Cell::new(None);
    let ended = run_service(async |command_line, shutdown| carry_out(domains, command_line, shutdown, &verdict).await);
    verdict.get().unwrap_or(ended)
}

/// Does what the command line says. A verdict is the exit code of a task that has more than success and failure, or
/// that says itself what goes wrong.
async fn carry_out(
    domains: Vec<DomainServices>,
    command_line: CommandLine,
    shutdown: CancellationToken,
    verdict: &Cell<Option<ExitCode>>,
) -> Result<(), Report> {
    match command_line.into_task() {
        Task::Run(settings, demo) => system::run(domains, *settings, demo, shutdown).await,
        Task::Verify(settings) => {
            let verified = shutdown.run_until_cancelled(verify::run(&domains, &settings)).await;
            let (exit_code, outcome) = verify::verdict(verified.unwrap_or(Err(error::SystemError::Interrupted)));
            verdict.set(Some(exit_code));
            outcome
        }
        Task::Backup(settings) => Ok(backup::back_up(settings).await?),
        Task::Restore(settings) => Ok(backup::restore(settings).await?),
        Task::Keys(settings) => Ok(keys::change(&domains, settings)?),
        Task::Ask(asked) => {
            verdict.set(Some(client::run(&asked, &shutdown).await));
            Ok(())
        }
        Task::Complete(shell) => {
            verdict.set(Some(client::write(&settings::completions(shell))));
            Ok(())
        }
    }
}
