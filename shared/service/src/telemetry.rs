//! The log, on standard error.

use std::io::{self, IsTerminal};

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

/// How a process logs.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Log")]
pub struct LogArgs {
    /// What to log: a level (error, warn, info, debug, trace), or levels by target such as "info,hyper=debug"
    #[arg(long = "log", value_name = "FILTER", env = "JETBRIDGE_LOG", default_value = "info")]
    pub filter: String,
    /// The form of a log line
    #[arg(long = "log-format", value_name = "FORMAT", env = "JETBRIDGE_LOG_FORMAT", default_value = "text")]
    pub format: LogFormat,
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object on each line
    Json,
}

/// The log cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The filter is not one.
    #[error("{filter:?} is not a log filter")]
    Filter {
        /// What was given.
        filter: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// It is set up already.
    #[error("the log is set up already")]
    Twice(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The event store's client logs every lost connection as an error. Whoever uses it reports what that means, so it is
/// silent unless the filter names it.
const SILENT: &str = "eventstore=off";

/// Starts logging to standard error, once per process.
///
/// # Errors
/// [`InitError`] if the filter is malformed, or logging has been started before.
pub fn init(args: &LogArgs) -> Result<(), InitError> {
    let filter = EnvFilter::try_new(format!("{SILENT},{}", args.filter))
        .map_err(|source| InitError::Filter { filter: args.filter.clone(), source })?;
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(io::stderr().is_terminal()).with_writer(io::stderr);
    match args.format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    }
    .map_err(InitError::Twice)
}
