//! The gateway as a process of its own.

use std::num::NonZeroU32;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use gateway::{Config, Limits, Services, WebArgs};
use shared_service::BindError;
use shared_service::process::{ServiceArgs, run_service};
use shared_service::settings::{AuditlogApiArgs, FlightApiArgs, ListenArgs, PassengerApiArgs, ServiceUrl};
use shared_service::telemetry::LogArgs;
use tokio_util::sync::CancellationToken;

/// Jetbridge's gateway: the one address that clients talk to
#[derive(Debug, Parser)]
#[command(name = "gateway", version)]
struct Args {
    #[command(flatten)]
    listen: ListenArgs<8080>,
    #[command(flatten)]
    flight_api: FlightApiArgs,
    #[command(flatten)]
    passenger_api: PassengerApiArgs,
    #[command(flatten)]
    auditlog_api: AuditlogApiArgs,
    /// The flight processor, to show how it is
    #[arg(long, value_name = "URL", env = "JETBRIDGE_FLIGHT_PROCESSOR", hide_env_values = true)]
    flight_processor: Option<ServiceUrl>,
    /// The passenger processor, to show how it is
    #[arg(long, value_name = "URL", env = "JETBRIDGE_PASSENGER_PROCESSOR", hide_env_values = true)]
    passenger_processor: Option<ServiceUrl>,
    /// Requests per second that each client address may send; 0 for no limit
    #[arg(long, value_name = "NUMBER", env = "JETBRIDGE_RATE_LIMIT", hide_env_values = true, default_value_t = 0)]
    rate_limit: u32,
    /// Requests that wait for an answer at a time
    #[arg(
        long,
        value_name = "NUMBER",
        env = "JETBRIDGE_MAX_IN_FLIGHT",
        hide_env_values = true,
        default_value_t = 4096,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    max_in_flight: u32,
    /// Seconds that a service may take until its answer begins
    #[arg(
        long,
        value_name = "SECONDS",
        env = "JETBRIDGE_REQUEST_LIMIT",
        hide_env_values = true,
        default_value_t = 35,
        value_parser = clap::value_parser!(u32).range(1..=3600)
    )]
    request_limit: u32,
    #[command(flatten)]
    web: WebArgs,
    #[command(flatten)]
    log: LogArgs,
}

impl ServiceArgs for Args {
    fn log(&self) -> &LogArgs {
        &self.log
    }
}

impl From<Args> for Config {
    fn from(args: Args) -> Self {
        Self {
            services: Services {
                flight_api: args.flight_api.flight_api,
                passenger_api: args.passenger_api.passenger_api,
                auditlog_api: args.auditlog_api.auditlog_api,
                flight_processor: args.flight_processor,
                passenger_processor: args.passenger_processor,
            },
            limits: Limits {
                request: Duration::from_secs(args.request_limit.into()),
                in_flight: usize::try_from(args.max_in_flight).unwrap_or(usize::MAX),
                requests_per_second: NonZeroU32::new(args.rate_limit),
                ..Limits::default()
            },
            web_dir: args.web.web_dir,
        }
    }
}

fn main() -> ExitCode {
    run_service(|args: Args, shutdown: CancellationToken| async move {
        let listener = shared_service::bind(args.listen.listen).await?;
        gateway::run(args.into(), listener, shutdown).await;
        Ok::<(), BindError>(())
    })
}
