//! The event store on its own.

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use jetbridge_eventstore::{Config, HostName, Password, start};
use shared_allocator as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// A single-node event store that speaks EventStoreDB's gRPC protocol. For one machine; for more, use EventStoreDB
/// itself.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Address to listen on; port 0 takes any free one
    #[arg(long, env = "JETBRIDGE_EVENTSTORE_LISTEN", default_value = "127.0.0.1:2113")]
    listen: SocketAddr,

    /// Folder for the events, created if it is missing
    #[arg(long, env = "JETBRIDGE_EVENTSTORE_DATA_DIR", default_value = "eventstore-data")]
    data_dir: PathBuf,

    /// Name by which clients may call this server, beside localhost and its addresses; may be given several times
    #[arg(long, value_name = "NAME", env = "JETBRIDGE_EVENTSTORE_PUBLIC_HOST", value_delimiter = ',')]
    public_host: Vec<HostName>,

    /// File with the password of the user admin, without which clients may do nothing [default: everybody who reaches
    /// the server may do everything]
    #[arg(long, value_name = "FILE", env = "JETBRIDGE_EVENTSTORE_PASSWORD_FILE")]
    password_file: Option<PathBuf>,

    /// Behave like EventStoreDB 24.6.0 where that hurts, for tests of clients
    #[arg(long, env = "JETBRIDGE_EVENTSTORE_STRICT")]
    strict: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{}", with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let shutdown = CancellationToken::new();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        stop.cancel();
    });
    let Arguments { listen, data_dir, public_host: public_hosts, password_file, strict } = arguments;
    let password = password_file.map(|file| Password::read(&file)).transpose()?;
    let is_open = password.is_none() && !listen.ip().is_loopback();
    let server = start(Config { public_hosts, password, strict, ..Config::new(listen, data_dir) }, shutdown).await?;
    if is_open {
        tracing::warn!("everybody who reaches this machine may do everything: give the event store a --password-file");
    }
    tracing::info!("event store is ready at esdb://{}?tls=false", server.address());
    server.wait().await?;
    tracing::info!("event store has stopped");
    Ok(())
}

/// An error and what caused it, in one line.
fn with_causes(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.fold(error.to_string(), |line, cause| format!("{line}: {cause}"))
}
