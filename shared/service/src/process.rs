//! What every service's `main` does: settings, log, signals, and an exit code.

use std::error::Error;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use clap::{ArgMatches, Command, Parser};
use http::uri::{PathAndQuery, Scheme};
use http::{Request, StatusCode, Uri, header};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use shared_telemetry::history;
use tokio::net::TcpStream;
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::about;
use crate::error_chain::ErrorChain;
use crate::metrics::{self, MetricsSettings};
use crate::server::{raise_open_files, to_anybody};
use crate::telemetry::{self, LogArgs, TraceArgs};

/// What a shell reports for a program that was interrupted.
const EXIT_INTERRUPTED: i32 = 130;
/// How long tasks that were left behind may hold up the end of the process.
const RUNTIME_SHUTDOWN: Duration = Duration::from_secs(1);

/// The subcommand with which a service's program asks a running one for its health.
const HEALTHCHECK: &str = "healthcheck";
/// The argument that says where a service listens.
const LISTEN: &str = "listen";
/// The argument that says that it speaks TLS there.
const TLS_CERTIFICATE: &str = "tls_certificate";
/// Where a service says whether it can do its work.
const READY_PATH: &str = "/health/ready";
/// How long the answer may take.
const HEALTHCHECK_LIMIT: Duration = Duration::from_secs(2);

/// The command line of a service.
pub trait ServiceArgs: Parser {
    /// Whether its program is one service, which can be asked for its health by the subcommand `healthcheck`.
    const IS_SERVICE: bool = true;

    /// How the process logs.
    fn log(&self) -> &LogArgs;

    /// Where Prometheus is answered, if it is.
    fn metrics(&self) -> Option<MetricsSettings> {
        None
    }

    /// Where it sends its traces. `None` for a task that has none.
    fn traces(&self) -> Option<&TraceArgs> {
        None
    }

    /// Does what another subcommand than `healthcheck` asks for, which needs none of the settings. `None` if it is none of
    /// that kind.
    fn carry_out(_subcommand: &str, _matches: &ArgMatches) -> Option<ExitCode> {
        None
    }
}

/// Runs a service from its command line until SIGINT or SIGTERM: `run` gets the settings, and a token that is
/// cancelled at the first signal. A second signal ends the process at once.
///
/// An error is written to standard error, in one line with its causes, and makes the exit code 1.
///
/// With the subcommand `healthcheck` nothing is run: the program asks the instance that has the same settings for
/// `/health/ready`; see [`healthcheck`].
pub fn run_service<A, F, E>(run: impl FnOnce(A, CancellationToken) -> F) -> ExitCode
where
    A: ServiceArgs,
    F: Future<Output = Result<(), E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let command = if A::IS_SERVICE { with_healthcheck(A::command()) } else { A::command() };
    let mut command = without_values_of_variables(command);
    let matches = command.get_matches_mut();
    match matches.subcommand() {
        Some((HEALTHCHECK, matches)) if A::IS_SERVICE => return ask_for_health(matches),
        Some((subcommand, matches)) => {
            if let Some(ended) = A::carry_out(subcommand, matches) {
                return ended;
            }
        }
        None => {}
    }
    let args = A::from_arg_matches(&matches).unwrap_or_else(|error| error.format(&mut A::command()).exit());
    about::begin(&command, &matches);
    ended(start(args, run))
}

/// Keeps the values of environment variables, which may be secret, out of the help.
fn without_values_of_variables(command: Command) -> Command {
    command.mut_args(|arg| arg.hide_env_values(true)).mut_subcommands(without_values_of_variables)
}

/// A service's command line with the subcommand `healthcheck`, which needs none of the settings but `--listen`.
fn with_healthcheck(command: Command) -> Command {
    let listens = command.get_arguments().any(|argument| argument.get_id() == LISTEN);
    if !listens {
        return command;
    }
    let healthcheck = Command::new(HEALTHCHECK).about(
        "Asks the running service whether it is ready: exit code 0 if it is, 1 if not. For health checks of containers",
    );
    let command = command.mut_args(|argument| match argument.get_id().as_str() {
        LISTEN | TLS_CERTIFICATE => argument.global(true),
        _ => argument,
    });
    command.subcommand(healthcheck).subcommand_negates_reqs(true)
}

fn ask_for_health(matches: &ArgMatches) -> ExitCode {
    match matches.get_one::<SocketAddr>(LISTEN) {
        Some(listen) if listen.port() != 0 => {
            let certificate = matches.try_get_one::<PathBuf>(TLS_CERTIFICATE).ok().flatten();
            let scheme = if certificate.is_some() { "https" } else { "http" };
            healthcheck(&format!("{scheme}://{}{READY_PATH}", reachable(*listen)))
        }
        _ => {
            let _ = writeln!(io::stderr().lock(), "error: --listen must name the port of the service, not 0");
            ExitCode::FAILURE
        }
    }
}

/// Where a process on the same machine reaches what listens here: one can listen on all interfaces, but not connect to
/// them.
#[must_use]
pub fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

fn start<A, F, E>(args: A, run: impl FnOnce(A, CancellationToken) -> F) -> Result<(), Box<dyn Error + Send + Sync>>
where
    A: ServiceArgs,
    F: Future<Output = Result<(), E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let telemetry = telemetry::init(args.log(), args.traces(), A::command().get_name(), runtime.handle())?;
    raise_open_files();
    let result = runtime.block_on(async {
        let shutdown = cancelled_by_signal()?;
        let metrics = match args.metrics() {
            Some(settings) => Some(metrics::listen(settings).await?),
            None => None,
        };
        // As long as the service runs, its end included.
        let ended = CancellationToken::new();
        let serving = metrics.map(|listener| tokio::spawn(metrics::serve(listener, ended.clone())));
        let keeping = AbortOnDropHandle::new(tokio::spawn(history::keep()));
        let result = run(args, shutdown).await.map_err(Into::into);
        ended.cancel();
        drop((serving, keeping));
        result
    });
    telemetry.end();
    runtime.shutdown_timeout(RUNTIME_SHUTDOWN);
    result
}

/// What a program ends with: an error is written to standard error, in one line with its causes.
pub fn ended(outcome: Result<(), Box<dyn Error + Send + Sync>>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&*error);
            ExitCode::FAILURE
        }
    }
}

fn report(error: &(dyn Error + 'static)) {
    // If standard error is closed, there is nobody to tell.
    let _ = writeln!(io::stderr().lock(), "error: {}", ErrorChain(error));
}

/// A token that is cancelled at the first SIGINT or SIGTERM. A second one ends the process at once, with code 130.
///
/// # Errors
/// If the signals cannot be listened to.
pub fn cancelled_by_signal() -> io::Result<CancellationToken> {
    let mut signals = Signals::new()?;
    let shutdown = CancellationToken::new();
    let token = shutdown.clone();
    tokio::spawn(async move {
        signals.next().await;
        tracing::info!("shutting down");
        token.cancel();
        signals.next().await;
        std::process::exit(EXIT_INTERRUPTED);
    });
    Ok(shutdown)
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Asks a running service at this address for its health, such as `http://127.0.0.1:8080/health/ready`: exit code 0
/// if it answers 200 within two seconds, otherwise 1 with a line on standard error. For container health checks.
pub fn healthcheck(url: &str) -> ExitCode {
    match probe(url) {
        Ok(StatusCode::OK) => ExitCode::SUCCESS,
        Ok(status) => {
            let _ = writeln!(io::stderr().lock(), "unhealthy: {url} answered {status}");
            ExitCode::FAILURE
        }
        Err(error) => {
            report(&*error);
            ExitCode::FAILURE
        }
    }
}

fn probe(url: &str) -> Result<StatusCode, Box<dyn Error + Send + Sync>> {
    let uri: Uri = url.parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { tokio::time::timeout(HEALTHCHECK_LIMIT, ask(uri)).await? })
}

async fn ask(uri: Uri) -> Result<StatusCode, Box<dyn Error + Send + Sync>> {
    let authority = uri.authority().ok_or("an address has a host")?.as_str();
    let stream = TcpStream::connect(authority).await?;
    let stream = match uri.scheme() == Some(&Scheme::HTTPS) {
        true => Either::Right(to_anybody(stream).await?),
        false => Either::Left(stream),
    };
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let request = Request::get(path).header(header::HOST, authority).body(Empty::<Bytes>::new())?;
    tokio::select! {
        response = sender.send_request(request) => Ok(response?.status()),
        ended = connection => Err(ended.err().map_or("there is no answer".into(), Into::into)),
    }
}
