use std::path::PathBuf;

use clap::Parser;
use shared_service::process::ServiceArgs;
use shared_service::settings::{ListenArgs, SecretUrl};
use shared_service::telemetry::LogArgs;

/// What a person who starts everything on one machine wants to read; the services' own news is for operators.
const QUIET: &str = "warn,jetbridge=info,jetbridge_postgres=info,shared_service::process=info";

/// Jetbridge in one process: web client and API, event store and PostgreSQL
#[derive(Debug, Parser)]
#[command(name = "jetbridge", version, mut_arg("filter", |filter| filter.default_value(QUIET)))]
pub(crate) struct Settings {
    #[command(flatten)]
    pub(crate) listen: ListenArgs<8080>,
    /// Folder for the events and PostgreSQL's files, made if it is missing. One process at a time can use it
    #[arg(
        long,
        value_name = "FOLDER",
        env = "JETBRIDGE_DATA_DIR",
        hide_env_values = true,
        default_value = "./jetbridge-data"
    )]
    pub(crate) data_dir: PathBuf,
    /// PostgreSQL database of your own, such as postgres://user:password@host/database; the tables go to the schemas
    /// jetbridge_flight and jetbridge_passenger [default: a private PostgreSQL, with its files in the data folder]
    #[arg(long, value_name = "URL", env = "JETBRIDGE_DATABASE_URL", hide_env_values = true)]
    pub(crate) database_url: Option<SecretUrl>,
    /// EventStoreDB of your own, such as esdb://host:2113?tls=false [default: an embedded one, with its events in the
    /// data folder]
    #[arg(long, value_name = "URL", env = "JETBRIDGE_EVENT_STORE", hide_env_values = true)]
    pub(crate) event_store: Option<SecretUrl>,
    #[command(flatten)]
    log: LogArgs,
}

impl ServiceArgs for Settings {
    fn log(&self) -> &LogArgs {
        &self.log
    }
}
