//! The audit log API as a service of its own.

use std::error::Error;
use std::process::ExitCode;

use auditlog_api::Config;
use clap::Parser;
use shared_allocator as _;
use shared_service::process::{ServiceArgs, run_service};
use shared_service::settings::{EventStoreArgs, ListenArgs};
use shared_service::telemetry::{LogArgs, TraceArgs};
use shared_service::{ConnectionLimits, DrainArgs, MetricsSettings, ServerSettings, ServiceTokenArgs, TlsArgs, bind};
use tokio_util::sync::CancellationToken;

/// Jetbridge's audit log API: everything that has happened, in pages and live
#[derive(Debug, Parser)]
#[command(name = "auditlog-api", version)]
struct Args {
    #[command(flatten)]
    listen: ListenArgs<8083>,
    #[command(flatten)]
    event_store: EventStoreArgs,
    #[command(flatten)]
    tokens: ServiceTokenArgs,
    #[command(flatten)]
    tls: TlsArgs,
    /// Clients that follow the audit log live at a time
    #[arg(
        long,
        value_name = "NUMBER",
        env = "JETBRIDGE_MAX_FOLLOWERS",
        default_value_t = Config::DEFAULT_MAX_FOLLOWERS
    )]
    max_followers: usize,
    #[command(flatten)]
    drain: DrainArgs,
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    traces: TraceArgs,
}

impl ServiceArgs for Args {
    fn log(&self) -> &LogArgs {
        &self.log
    }

    fn metrics(&self) -> Option<MetricsSettings> {
        self.listen.metrics()
    }

    fn traces(&self) -> Option<&TraceArgs> {
        Some(&self.traces)
    }
}

fn main() -> ExitCode {
    run_service(run)
}

async fn run(args: Args, shutdown: CancellationToken) -> Result<(), Box<dyn Error + Send + Sync>> {
    let listener = bind(args.listen.listen).await?;
    let config = Config {
        domains: domains::ALL,
        event_store: args.event_store.address()?,
        event_store_in_process: None,
        max_followers: args.max_followers,
        tokens: args.tokens.tokens()?,
        server: ServerSettings {
            drain: args.drain.drain(),
            tls: args.tls.tls()?,
            ..args.listen.server(ConnectionLimits::of_a_process())
        },
    };
    Ok(auditlog_api::run(config, listener, shutdown).await?)
}
