//! The log, on standard error, and traces, to a collector.

mod lines;
mod repeats;
mod routes;

use std::io::{self, IsTerminal};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use clap::{Args, ValueEnum};
use shared_trace::{Exporting, SetUpError};
use tokio::runtime::Handle;
use tracing_subscriber::filter::{EnvFilter, ParseError};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{fmt, reload};

pub(crate) use lines::refused;
use repeats::WithoutRepeats;
pub use routes::{LogFilter, routes};

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

/// Where a process sends its traces.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Traces")]
pub struct TraceArgs {
    /// Collector that takes traces by OTLP over HTTP, such as http://host:4318 [default: none, unless the variables of
    /// OpenTelemetry (OTEL_…) name one]
    #[arg(long, value_name = "URL", env = "JETBRIDGE_OTLP_ENDPOINT")]
    pub otlp_endpoint: Option<String>,
    /// Share of requests of which traces are recorded, from 0 to 1. What fails is recorded in any case [default: 0.1]
    #[arg(long, value_name = "NUMBER", env = "JETBRIDGE_TRACE_RATIO", value_parser = ratio)]
    pub trace_ratio: Option<f64>,
}

fn ratio(text: &str) -> Result<f64, &'static str> {
    let ratio = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or("must be a number from 0 to 1")
}

/// Log or traces cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The filter is not one.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// There is no way to the collector.
    #[error(transparent)]
    Traces(#[from] SetUpError),
    /// It is set up already.
    #[error("the log is set up already")]
    Twice(#[from] TryInitError),
}

/// A text is no filter.
#[derive(Debug, thiserror::Error)]
#[error("{filter:?} is not a log filter")]
pub struct FilterError {
    /// What was given.
    pub filter: String,
    /// What is wrong with it.
    pub source: ParseError,
}

/// What is not logged unless the filter names it. The event store's client logs every lost connection as an error;
/// whoever uses it reports what that means. PostgreSQL's client logs the parameters of statements, which name people.
/// The spans of traces are not for the log.
const SILENT: &str = "eventstore=off,tokio_postgres=info,jetbridge::trace=off";

/// What the process logs at the moment.
static LOG: OnceLock<Log> = OnceLock::new();

struct Log {
    filter: Mutex<String>,
    set: Box<dyn Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync>,
}

fn parsed(filter: &str) -> Result<EnvFilter, FilterError> {
    let parsed = EnvFilter::try_new(format!("{SILENT},{filter}"));
    parsed.map_err(|source| FilterError { filter: filter.to_owned(), source })
}

/// What runs beside a program for its log and traces.
#[derive(Debug, Default)]
pub struct Telemetry {
    exporting: Option<Exporting>,
}

/// How long the end of the process waits for traces to be sent.
const LAST_EXPORT: Duration = Duration::from_secs(2);

impl Telemetry {
    /// Sends what is left.
    pub fn end(self) {
        if let Some(exporting) = self.exporting {
            exporting.end(LAST_EXPORT);
        }
        repeats::report();
    }
}

/// Starts logging to standard error and, if there is a collector, recording traces for it, once per process. `program`
/// is what it is called there.
///
/// # Errors
/// [`InitError`] if a setting is malformed, or logging has been started before.
pub fn init(
    log: &LogArgs,
    traces: Option<&TraceArgs>,
    program: &str,
    runtime: &Handle,
) -> Result<Telemetry, InitError> {
    let (filter, handle) = reload::Layer::new(parsed(&log.filter)?);
    let (traces, exporting) = match traces {
        Some(TraceArgs { otlp_endpoint, trace_ratio }) => {
            let settings = shared_trace::Settings {
                endpoint: otlp_endpoint.clone(),
                ratio: *trace_ratio,
                service: program.to_owned(),
                version: env!("CARGO_PKG_VERSION"),
            };
            shared_trace::layer(settings, runtime.clone())?.unzip()
        }
        None => (None, None),
    };
    let lines = fmt::layer().with_ansi(io::stderr().is_terminal()).with_writer(io::stderr);
    let lines = match log.format {
        LogFormat::Text => lines.map_event_format(WithoutRepeats).boxed(),
        LogFormat::Json => {
            lines.json().flatten_event(true).with_span_list(false).map_event_format(WithoutRepeats).boxed()
        }
    };
    let lines = lines.with_filter(filter);
    tracing_subscriber::registry().with(traces).with(lines).try_init()?;
    let set = Box::new(move |filter| handle.reload(filter));
    // Nobody else has set it: the log is set up once.
    let _ = LOG.set(Log { filter: Mutex::new(log.filter.clone()), set });
    runtime.spawn(repeats::report_now_and_then());
    Ok(Telemetry { exporting })
}

/// What this process logs at the moment; `None` if it does not log.
#[must_use]
pub fn filter() -> Option<String> {
    LOG.get().map(|log| log.filter.lock().unwrap_or_else(PoisonError::into_inner).clone())
}

/// Logs what this filter says from now on, until the process ends.
///
/// # Errors
/// [`FilterError`]; nothing has changed then.
pub fn set_filter(filter: &str) -> Result<(), FilterError> {
    let parsed = parsed(filter)?;
    let Some(log) = LOG.get() else { return Ok(()) };
    let mut current = log.filter.lock().unwrap_or_else(PoisonError::into_inner);
    // It is there as long as the process.
    if (log.set)(parsed).is_ok() && *current != filter {
        filter.clone_into(&mut current);
        drop(current);
        tracing::info!(log.filter = filter, "the log filter was changed");
    }
    Ok(())
}
