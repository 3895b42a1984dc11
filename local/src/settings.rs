use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use gateway::WebArgs;
use shared_service::process::ServiceArgs;
use shared_service::settings::{ListenArgs, SecretUrl};
use shared_service::telemetry::LogArgs;

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
        settings: Settings,
        #[command(flatten)]
        demo: DemoSettings,
    },
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
    /// Folder for the events and PostgreSQL's files, made if it is missing. One process at a time can use it
    #[arg(long, value_name = "FOLDER", env = "JETBRIDGE_DATA_DIR", default_value = "./jetbridge-data")]
    pub(crate) data_dir: PathBuf,
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
    pub(crate) web: WebArgs,
    #[command(flatten)]
    log: LogArgs,
}

impl CommandLine {
    /// The settings, and those of the demo if there is to be one.
    pub(crate) fn into_settings(self) -> (Settings, Option<DemoSettings>) {
        match self.command {
            None => (self.settings, None),
            Some(Command::Demo { settings, demo }) => (settings, Some(demo)),
        }
    }
}

impl ServiceArgs for CommandLine {
    fn log(&self) -> &LogArgs {
        match &self.command {
            None => &self.settings.log,
            Some(Command::Demo { settings, .. }) => &settings.log,
        }
    }
}
