//! Jetbridge's API on the command line: a client of a server like any other.

mod arguments;
mod audit;
pub(crate) mod connection;
mod diagnose;
pub(crate) mod failure;
mod flights;
mod follow;
mod output;
mod passengers;
mod rebuild;
pub(crate) mod server;
mod session;

use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

pub(crate) use arguments::{AuditCommand, FlightsCommand, PassengersCommand, Request};
pub(crate) use diagnose::DiagnoseRequest;
use failure::{EXIT_DONE, Failure};
pub(crate) use rebuild::RebuildRequest;
use session::Session;

/// What is asked of a server.
#[derive(Debug)]
pub(crate) enum Asked {
    /// About flights.
    Flights(Request<FlightsCommand>),
    /// About passengers.
    Passengers(Request<PassengersCommand>),
    /// About the audit log.
    Audit(Request<AuditCommand>),
    /// About rebuilds.
    Rebuild(RebuildRequest),
    /// What is wrong with it.
    Diagnose(DiagnoseRequest),
}

/// Asks, until `shutdown`. What goes wrong is said on standard error.
pub(crate) async fn run(asked: &Asked, shutdown: &CancellationToken) -> ExitCode {
    verdict(ask(asked, shutdown).await)
}

/// Writes to standard output.
pub(crate) fn write(text: &str) -> ExitCode {
    verdict(output::lines([text.trim_end().into()]).map(|()| EXIT_DONE).map_err(Failure::from))
}

fn verdict(outcome: Result<u8, Failure>) -> ExitCode {
    match outcome {
        Ok(exit_code) => ExitCode::from(exit_code),
        Err(failure) => {
            if failure.is_worth_saying() {
                output::say(&format!("error: {failure}"));
            }
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Answers the exit code.
async fn ask(asked: &Asked, shutdown: &CancellationToken) -> Result<u8, Failure> {
    let interrupted = Err(Failure::Interrupted);
    let done = match asked {
        Asked::Diagnose(DiagnoseRequest { answers, connection, .. }) => {
            let connection = connection.connect()?;
            let diagnosed = shutdown.run_until_cancelled(diagnose::carry_out(&connection, *answers)).await;
            return diagnosed.unwrap_or(Err(Failure::Interrupted));
        }
        Asked::Rebuild(request) => {
            let session = Session::new(request.connection.connect()?, request.answers);
            shutdown.run_until_cancelled(rebuild::carry_out(&session, request)).await.unwrap_or(interrupted)
        }
        Asked::Flights(Request { command, answers, connection, .. }) => {
            let session = Session::new(connection.connect()?, *answers);
            shutdown.run_until_cancelled(flights::carry_out(&session, command)).await.unwrap_or(interrupted)
        }
        Asked::Passengers(Request { command, answers, connection, .. }) => {
            let session = Session::new(connection.connect()?, *answers);
            shutdown.run_until_cancelled(passengers::carry_out(&session, command)).await.unwrap_or(interrupted)
        }
        Asked::Audit(Request { command, answers, connection, .. }) => {
            let session = Session::new(connection.connect()?, *answers);
            audit::carry_out(&session, command, shutdown).await
        }
    };
    done.map(|()| EXIT_DONE)
}
