//! The flight API as a service of its own.

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use shared_service::process::{ServiceArgs, run_service};
use shared_service::settings::{AppendArgs, DatabaseArgs, EventStoreArgs, ListenArgs, PassengerApiArgs};
use shared_service::telemetry::LogArgs;
use tokio_util::sync::CancellationToken;

/// Jetbridge's flight API: commands and queries of flights
#[derive(Debug, Parser)]
#[command(name = "flight-api", version)]
struct Args {
    #[command(flatten)]
    listen: ListenArgs<8081>,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    event_store: EventStoreArgs,
    #[command(flatten)]
    append: AppendArgs,
    #[command(flatten)]
    passenger_api: PassengerApiArgs,
    #[command(flatten)]
    log: LogArgs,
}

impl ServiceArgs for Args {
    fn log(&self) -> &LogArgs {
        &self.log
    }
}

fn main() -> ExitCode {
    run_service(run)
}

async fn run(args: Args, shutdown: CancellationToken) -> Result<(), Box<dyn Error + Send + Sync>> {
    let listener = shared_service::bind(args.listen.listen).await?;
    let config = flight_api::Config {
        domain: shared_api::Config {
            database_url: args.database.address()?,
            database_connections: args.database.database_connections,
            event_store: args.event_store.address()?,
            append_bytes: args.append.append_bytes,
            command_queue: args.append.command_queue,
        },
        passenger_api: args.passenger_api.passenger_api,
    };
    Ok(flight_api::run(config, listener, shutdown).await?)
}
