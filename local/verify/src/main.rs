//! Checks a system whose services run by themselves, from beside them: in a container, for example.

use std::cell::Cell;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use jetbridge_verify::{EXIT_UNCHECKED, Stores, Summary, verify_aloud};
use shared_service::process::{ServiceArgs, run_service};
use shared_service::settings::{EventStoreArgs, SecretUrl, database_address};
use shared_service::telemetry::LogArgs;

/// Checks that streams and read models of a running Jetbridge hold what they have to, and says where they do not. Exit
/// code 0 if they do, 1 if not, 3 if they cannot be read
#[derive(Debug, Parser)]
#[command(name = "verify", version)]
struct VerifyArgs {
    #[command(flatten)]
    event_store: EventStoreArgs,
    /// The flight domain's database
    #[arg(long, value_name = "URL", env = "JETBRIDGE_FLIGHT_DATABASE_URL")]
    flight_database_url: SecretUrl,
    /// File with the password of the user of the flight domain's database
    #[arg(long, value_name = "FILE", env = "JETBRIDGE_FLIGHT_DATABASE_PASSWORD_FILE")]
    flight_database_password_file: Option<PathBuf>,
    /// The passenger domain's database
    #[arg(long, value_name = "URL", env = "JETBRIDGE_PASSENGER_DATABASE_URL")]
    passenger_database_url: SecretUrl,
    /// File with the password of the user of the passenger domain's database
    #[arg(long, value_name = "FILE", env = "JETBRIDGE_PASSENGER_DATABASE_PASSWORD_FILE")]
    passenger_database_password_file: Option<PathBuf>,
    /// File with the certificates of the authorities that vouch for PostgreSQL, for sslmode=verify-full [default: those
    /// of the system]
    #[arg(long, value_name = "FILE", env = "JETBRIDGE_DATABASE_CA_FILE")]
    database_ca_file: Option<PathBuf>,
    /// Seconds for which what is legal only in passing, such as a sealed manifest of a flight at the gate, is watched
    /// before it counts as a violation
    #[arg(long, value_name = "SECONDS", env = "JETBRIDGE_SETTLE", default_value_t = 10)]
    #[arg(value_parser = clap::value_parser!(u64).range(..=3600))]
    settle: u64,
    #[command(flatten)]
    log: LogArgs,
}

impl ServiceArgs for VerifyArgs {
    fn log(&self) -> &LogArgs {
        &self.log
    }
}

impl VerifyArgs {
    async fn verify(&self) -> Result<Summary, Box<dyn Error + Send + Sync>> {
        let database = |url, password_file: &Option<PathBuf>| {
            let address = database_address(url, password_file.as_deref(), self.database_ca_file.as_deref());
            address.map(|address| address.expose().to_owned())
        };
        let stores = Stores {
            event_store: self.event_store.address()?.expose().to_owned(),
            flight_database: database(&self.flight_database_url, &self.flight_database_password_file)?,
            passenger_database: database(&self.passenger_database_url, &self.passenger_database_password_file)?,
        };
        Ok(verify_aloud(&stores, Duration::from_secs(self.settle)).await?)
    }
}

fn main() -> ExitCode {
    let verdict = Cell::new(ExitCode::from(EXIT_UNCHECKED));
    run_service(async |args: VerifyArgs, shutdown| {
        if let Some(verified) = shutdown.run_until_cancelled(args.verify()).await {
            verdict.set(verified?.exit_code());
        }
        Ok::<_, Box<dyn Error + Send + Sync>>(())
    });
    verdict.get()
}
