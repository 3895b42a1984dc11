//! Jetbridge's API on the command line: a client of a server like any other.

mod arguments;
mod audit;
pub(crate) mod connection;
pub(crate) mod failure;
mod flights;
mod follow;
mod output;
mod passengers;
pub(crate) mod server;
mod session;

use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

pub(crate) use arguments::{AuditCommand, FlightsCommand, PassengersCommand, Request};
use failure::{EXIT_DONE, Failure};
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
}

/// Asks, until `shutdown`. What goes wrong is said on standard error.
pub(crate) async fn run(asked: &Asked, shutdown: &CancellationToken) -> ExitCode {
    verdict(ask(asked, shutdown).await)
}

/// Writes to standard output.
pub(crate) fn write(text: &str) -> ExitCode {
    verdict(output::lines([text.trim_end().into()]).map_err(Failure::from))
}

fn verdict(outcome: Result<(), Failure>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::from(EXIT_DONE),
        Err(failure) => {
            if failure.is_worth_saying() {
                output::say(&format!("error: {failure}"));
            }
            ExitCode::from(failure.exit_code())
        }
    }
}

async fn ask(asked: &Asked, shutdown: &CancellationToken) -> Result<(), Failure> {
    let interrupted = Err(Failure::Interrupted);
    match asked {
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
    }
}
