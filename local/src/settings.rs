use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use gateway::{AuthenticationArgs, ClientArgs, LimitArgs, Limits, TrustedProxies, WebArgs, WebDir};
use jetbridge_postgres::{ArchiveDigest, Download};
use shared_access::keys::KeysArgs;
use shared_service::process::ServiceArgs;
use shared_service::settings::{ListenArgs, SecretUrl};
use shared_service::telemetry::{LogArgs, TraceArgs};
use shared_service::{ConnectionLimits, MetricsSettings, ServerSettings};

use crate::client::{Asked, AuditCommand, DiagnoseRequest, FlightsCommand, PassengersCommand, RebuildRequest, Request};

/// What a person who starts everything on one machine wants to read; the services' own news is for operators.
const QUIET: &str = "warn,jetbridge=info,jetbridge_postgres=info,shared_service::process=info";

/// Jetbridge in one process: web client and API, event store and PostgreSQL
#[derive(Debug, Parser)]
#[command(
    name = "jetbridge",
    version,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    mut_arg("filter", |filter| filter.default_value(QUIET))
)]
pub(crate) struct CommandLine {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts everything, fills it with a made-up day at an airport, and keeps that moving. Flights of others are left
    /// alone
    #[command(mut_arg("filter", |filter| filter.default_value(QUIET)))]
    #[command(mut_arg("data_dir", |folder| folder.default_value("./jetbridge-demo-data")))]
    Demo {
        #[command(flatten)]
        settings: Box<Settings>,
        #[command(flatten)]
        demo: DemoSettings,
    },
    /// Checks that streams and read models of a running Jetbridge hold what they have to, and says where they do not.
    /// Exit code 0 if they do, 1 if not, 3 if they cannot be read
    #[command(mut_arg("filter", |filter| filter.default_value(QUIET)))]
    Verify(Box<VerifySettings>),
    /// Copies the events, also while Jetbridge runs, into a folder that is new or empty, and checks the copy. What is in
    /// PostgreSQL is made anew from the events
    #[command(mut_arg("filter", |filter| filter.default_value(QUIET)))]
    Backup(BackupSettings),
    /// Puts the events of a backup into a data folder that is new or empty
    #[command(mut_arg("filter", |filter| filter.default_value(QUIET)))]
    Restore(BackupSettings),
    /// Makes, lists and revokes access keys. Those that Jetbridge runs with count within seconds
    #[command(mut_arg("filter", |filter| filter.default_value(QUIET)))]
    #[command(mut_arg("data_dir", |folder| folder.global(true)))]
    Keys(KeysSettings),
    /// Lists and changes flights of a running Jetbridge
    Flights(Box<Request<FlightsCommand>>),
    /// Lists and changes passengers of a running Jetbridge
    Passengers(Box<Request<PassengersCommand>>),
    /// Lists and follows the audit log of a running Jetbridge
    Audit(Box<Request<AuditCommand>>),
    /// Rebuilds a read model of a running Jetbridge beside the one that is shown, and puts it in its place
    Rebuild(Box<RebuildRequest>),
    /// Says what is wrong with a running Jetbridge, what could not be checked, and what to do. Exit code 0 if nothing is
    /// wrong, 1 if something is, 3 if it cannot be reached
    Diagnose(Box<DiagnoseRequest>),
    /// Writes a script that completes command lines, to be read by the shell
    Completions {
        /// Of which shell
        shell: Shell,
    },
}

/// What the program is to do.
pub(crate) enum Task {
    /// Run everything, with the demo if there is to be one.
    Run(Box<Settings>, Option<DemoSettings>),
    /// Check what there is.
    Verify(Box<VerifySettings>),
    /// Copy the events.
    Backup(BackupSettings),
    /// Put a copy of the events in place.
    Restore(BackupSettings),
    /// Change the access keys.
    Keys(KeysSettings),
    /// Ask a server.
    Ask(Box<Asked>),
    /// Write what completes command lines.
    Complete(Shell),
}

/// What is to be checked.
#[derive(Debug, Args)]
pub(crate) struct VerifySettings {
    #[command(flatten)]
    pub(crate) folder: DataDirArgs,
    /// The event store, such as esdb://host:2113?tls=false [default: that of the program that runs on the data folder]
    #[arg(long, value_name = "URL", env = "JETBRIDGE_EVENT_STORE")]
    pub(crate) event_store: Option<SecretUrl>,
    /// The PostgreSQL database that Jetbridge in one process was given, with a schema for each domain [default: that of
    /// the program that runs on the data folder]
    #[arg(long, value_name = "URL", env = "JETBRIDGE_DATABASE_URL")]
    pub(crate) database_url: Option<SecretUrl>,
    /// The flight domain's database, where services run by themselves
    #[arg(long, value_name = "URL", env = "JETBRIDGE_FLIGHT_DATABASE_URL")]
    #[arg(requires = "passenger_database_url")]
    pub(crate) flight_database_url: Option<SecretUrl>,
    /// The passenger domain's database, where services run by themselves
    #[arg(long, value_name = "URL", env = "JETBRIDGE_PASSENGER_DATABASE_URL")]
    #[arg(requires = "flight_database_url")]
    pub(crate) passenger_database_url: Option<SecretUrl>,
    /// Seconds for which what is legal only in passing, such as a sealed manifest of a flight at the gate, is watched
    /// before it counts as a violation
    #[arg(long, value_name = "SECONDS", env = "JETBRIDGE_SETTLE", default_value_t = 10)]
    #[arg(value_parser = clap::value_parser!(u64).range(..=3600))]
    pub(crate) settle: u64,
    #[command(flatten)]
    log: LogArgs,
}

/// A backup, and the data folder that it is of.
#[derive(Debug, Args)]
pub(crate) struct BackupSettings {
    /// Folder of the backup
    #[arg(value_name = "BACKUP")]
    pub(crate) backup: PathBuf,
    #[command(flatten)]
    pub(crate) folder: DataDirArgs,
    #[command(flatten)]
    log: LogArgs,
}

/// The access keys, and the data folder that they are in unless they are elsewhere.
#[derive(Debug, Args)]
pub(crate) struct KeysSettings {
    #[command(flatten)]
    pub(crate) keys: KeysArgs,
    #[command(flatten)]
    pub(crate) folder: DataDirArgs,
    #[command(flatten)]
    log: LogArgs,
}

/// The folder with all that is kept on this machine.
#[derive(Debug, Args)]
pub(crate) struct DataDirArgs {
    /// Folder for the events and PostgreSQL's files, made if it is missing. One process at a time can use it
    #[arg(long, value_name = "FOLDER", env = "JETBRIDGE_DATA_DIR", default_value = "./jetbridge-data")]
    pub(crate) data_dir: PathBuf,
}

/// How the demo goes on.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Demo")]
pub(crate) struct DemoSettings {
    /// Changes a second, from 0.5 to 20
    #[arg(
        long,
        value_name = "NUMBER",
        env = "JETBRIDGE_PACE",
        default_value_t = 2.0,
        value_parser = pace
    )]
    pub(crate) pace: f64,
    /// Fill the servers given with --event-store and --database-url as well. What the demo does stays in their audit
    /// log for ever
    #[arg(long)]
    pub(crate) fill_given_servers: bool,
}

fn pace(text: &str) -> Result<f64, &'static str> {
    let pace = text.parse().ok().filter(|pace| (0.5..=20.0).contains(pace));
    pace.ok_or("must be a number from 0.5 to 20")
}

/// What everything together has to know.
#[derive(Debug, Args)]
pub(crate) struct Settings {
    #[command(flatten)]
    pub(crate) listen: ListenArgs<8080>,
    #[command(flatten)]
    pub(crate) folder: DataDirArgs,
    /// PostgreSQL database of your own, such as postgres://user:password@host/database, with
    /// ?sslmode=verify-full&sslrootcert=FILE over TLS; the tables go to a schema for each domain, such as
    /// jetbridge_flight [default: a private PostgreSQL, with its files in the data folder]
    #[arg(long, value_name = "URL", env = "JETBRIDGE_DATABASE_URL")]
    pub(crate) database_url: Option<SecretUrl>,
    /// EventStoreDB of your own, such as esdb://host:2113?tls=false [default: an embedded one, with its events in the
    /// data folder]
    #[arg(long, value_name = "URL", env = "JETBRIDGE_EVENT_STORE")]
    pub(crate) event_store: Option<SecretUrl>,
    #[command(flatten)]
    pub(crate) download: DownloadArgs,
    #[command(flatten)]
    pub(crate) authentication: AuthenticationArgs,
    #[command(flatten)]
    pub(crate) clients: ClientArgs,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    pub(crate) web: WebArgs,
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    traces: TraceArgs,
}

/// PostgreSQL's programs, for a machine that has none.
#[derive(Debug, Args)]
pub(crate) struct DownloadArgs {
    /// Version of PostgreSQL's programs, such as 17.5.0, to download from
    /// https://github.com/theseus-rs/postgresql-binaries/releases if there are none on this machine [default: none]
    #[arg(long, value_name = "VERSION", env = "JETBRIDGE_DOWNLOAD_POSTGRES", requires = "download_postgres_sha256")]
    download_postgres: Option<String>,
    /// SHA-256 of that version's archive for this machine. Another archive is not unpacked
    #[arg(long, value_name = "SHA256", env = "JETBRIDGE_DOWNLOAD_POSTGRES_SHA256", requires = "download_postgres")]
    download_postgres_sha256: Option<ArchiveDigest>,
}

impl DownloadArgs {
    pub(crate) fn download(&self) -> Option<Download> {
        let (version, sha256) = self.download_postgres.as_ref().zip(self.download_postgres_sha256)?;
        Some(Download::new(version, sha256))
    }
}

impl Settings {
    /// What clients get.
    pub(crate) fn front(&self) -> Front {
        let mut server = self.clients.applied_to(self.listen.server(ConnectionLimits::of_a_part()));
        server.public_hosts.extend(self.authentication.public_host());
        Front {
            server,
            limits: self.limits.limits(Limits::default().request),
            web_dir: self.web.web_dir.clone(),
            authentication: self.authentication.clone(),
            trusted_proxies: self.clients.trusted_proxies(),
        }
    }
}

/// What is set of the gateway.
#[derive(Debug)]
pub(crate) struct Front {
    pub(crate) server: ServerSettings,
    pub(crate) limits: Limits,
    pub(crate) web_dir: Option<WebDir>,
    pub(crate) authentication: AuthenticationArgs,
    pub(crate) trusted_proxies: TrustedProxies,
}

impl CommandLine {
    pub(crate) fn into_task(self) -> Task {
        match self.command {
            None => Task::Run(Box::new(self.settings), None),
            Some(Command::Demo { settings, demo }) => Task::Run(settings, Some(demo)),
            Some(Command::Verify(settings)) => Task::Verify(settings),
            Some(Command::Backup(settings)) => Task::Backup(settings),
            Some(Command::Restore(settings)) => Task::Restore(settings),
            Some(Command::Keys(settings)) => Task::Keys(settings),
            Some(Command::Flights(request)) => Task::Ask(Box::new(Asked::Flights(*request))),
            Some(Command::Passengers(request)) => Task::Ask(Box::new(Asked::Passengers(*request))),
            Some(Command::Audit(request)) => Task::Ask(Box::new(Asked::Audit(*request))),
            Some(Command::Rebuild(request)) => Task::Ask(Box::new(Asked::Rebuild(*request))),
            Some(Command::Diagnose(request)) => Task::Ask(Box::new(Asked::Diagnose(*request))),
            Some(Command::Completions { shell }) => Task::Complete(shell),
        }
    }
}

/// What completes command lines in a shell.
pub(crate) fn completions(shell: Shell) -> String {
    let mut command = CommandLine::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

impl ServiceArgs for CommandLine {
    const IS_SERVICE: bool = false;

    fn log(&self) -> &LogArgs {
        match &self.command {
            None | Some(Command::Completions { .. }) => &self.settings.log,
            Some(Command::Demo { settings, .. }) => &settings.log,
            Some(Command::Verify(settings)) => &settings.log,
            Some(Command::Backup(settings) | Command::Restore(settings)) => &settings.log,
            Some(Command::Keys(settings)) => &settings.log,
            Some(Command::Flights(request)) => &request.log,
            Some(Command::Passengers(request)) => &request.log,
            Some(Command::Audit(request)) => &request.log,
            Some(Command::Rebuild(request)) => &request.log,
            Some(Command::Diagnose(request)) => &request.log,
        }
    }

    fn metrics(&self) -> Option<MetricsSettings> {
        match &self.command {
            None => self.settings.listen.metrics(),
            Some(Command::Demo { settings, .. }) => settings.listen.metrics(),
            Some(_) => None,
        }
    }

    fn traces(&self) -> Option<&TraceArgs> {
        match &self.command {
            None => Some(&self.settings.traces),
            Some(Command::Demo { settings, .. }) => Some(&settings.traces),
            Some(_) => None,
        }
    }
}
