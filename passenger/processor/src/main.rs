//! The passenger processor as a service of its own.

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use shared_service::process::{ServiceArgs, run_service};
use shared_service::settings::{DatabaseArgs, EventStoreArgs, FlightApiArgs, ListenArgs};
use shared_service::telemetry::LogArgs;
use tokio_util::sync::CancellationToken;

/// Jetbridge's passenger processor: read model and reactions of passengers
#[derive(Debug, Parser)]
#[command(name = "passenger-processor", version)]
struct Args {
    #[command(flatten)]
    listen: ListenArgs<8092>,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    event_store: EventStoreArgs,
    #[command(flatten)]
    flight_api: FlightApiArgs,
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
    let config = passenger_processor::Config {
        database_url: args.database.address()?,
        database_connections: args.database.database_connections,
        event_store: args.event_store.address()?,
        flight_api: args.flight_api.flight_api,
    };
    Ok(passenger_processor::run(config, listener, shutdown).await?)
}
