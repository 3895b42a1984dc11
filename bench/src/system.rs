//! What is measured: each is started on an empty folder, with a PostgreSQL of its own where it needs one, and stopped
//! again. Everything is durable, as it is for users.

mod child;
mod services;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;
use jetbridge_postgres::Postgres;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::failure::Failure;
use crate::http::Target;
use crate::processes::Processes;
use child::Child;

/// What of Jetbridge there is in services of their own, and where.
pub(crate) use services::SERVICES;

/// Where the flights of ours are; those of the baselines are below the root.
const OURS: &str = "/api/flights";
const BASELINE: &str = "/flights";
const PROGRAM: &str = "jetbridge";
const CQRS_ES: &str = "bench-cqrs-es";

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Subject {
    /// A bare axum server that answers with what it is sent.
    Echo,
    /// A plain service with one INSERT for each flight.
    Crud,
    /// A service with the libraries `cqrs-es` and `postgres-es`.
    CqrsEs,
    /// All services of Jetbridge, asked at the flight API's own port.
    Direct,
    /// All services of Jetbridge, asked at the gateway.
    Gateway,
    /// The program that is everything, asked at its gateway.
    OneProcess,
}

impl Subject {
    /// What it is called in tables and files.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// Where programs are, and where subjects may write.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// The programs of the workspace.
    pub(crate) programs: PathBuf,
    /// That of the baseline with `cqrs-es`.
    pub(crate) cqrs_es: PathBuf,
    /// Folders are made in it; `None` for the system's temporary folder.
    pub(crate) folder: Option<PathBuf>,
}

impl Places {
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    fn new_folder(&self) -> Result<TempDir, Failure> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("jetbridge-bench-");
        let folder = match &self.folder {
            Some(above) => builder.tempdir_in(above),
            None => builder.tempdir(),
        }?;
        // Also for the user that PostgreSQL runs as.
        fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755))?;
        Ok(folder)
    }
}

/// A subject that runs.
pub(crate) struct Running {
    pub(crate) target: Target,
    /// Where flights are created.
    pub(crate) path: &'static str,
    pub(crate) processes: Processes,
    /// In the order in which they are stopped.
    children: Vec<Child>,
    postgres: Option<Postgres>,
    pub(crate) folder: Folder,
}

/// Where a subject keeps its data.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Running {
    /// Starts a subject, and waits until it answers.
    pub(crate) async fn start(subject: Subject, places: &Places) -> Result<Self, Failure> {
        let folder = Folder(places.new_folder()?);
        match subject {
            Subject::Echo => Self::baseline(folder, &places.program("bench"), &["serve", "echo"], None).await,
            Subject::Crud => {
                let postgres = start_postgres(&folder, &["flights"]).await?;
                Self::baseline(folder, &places.program("bench"), &["serve", "crud"], Some(postgres)).await
            }
            Subject::CqrsEs => {
                let postgres = start_postgres(&folder, &["flights"]).await?;
                Self::baseline(folder, &places.cqrs_es.join(CQRS_ES), &[], Some(postgres)).await
            }
            Subject::Direct => services::start(folder, places, services::Port::FlightApi).await,
            Subject::Gateway => services::start(folder, places, services::Port::Gateway).await,
            Subject::OneProcess => Self::one_process(folder, places, &[]).await,
        }
    }

    async fn baseline(
        folder: Folder,
        program: &Path,
        arguments: &[&str],
        postgres: Option<Postgres>,
    ) -> Result<Self, Failure> {
        let mut processes = Processes::default();
        let mut command = child::command(program);
        command.args(arguments);
        if let Some(postgres) = &postgres {
            command.env("DATABASE_URL", postgres.url("flights"));
            processes.add("PostgreSQL", postmaster(postgres)?);
        }
        let mut child = Child::spawn(command, "server", folder.path())?;
        let address = child.announced().await?;
        processes.add("server", child.pid());
        let children = vec![child];
        Ok(Self { target: Target::new(address), path: BASELINE, processes, children, postgres, folder })
    }

    /// Starts the program that is everything, with these settings.
    pub(crate) async fn start_set(places: &Places, settings: &[String]) -> Result<Self, Failure> {
        Self::one_process(Folder(places.new_folder()?), places, settings).await
    }

    async fn one_process(folder: Folder, places: &Places, settings: &[String]) -> Result<Self, Failure> {
        let mut command = child::command(&places.program(PROGRAM));
        command.args(["--listen", "127.0.0.1:0", "--data-dir"]).arg(folder.path().join("data")).args(settings);
        let mut child = Child::spawn(command, PROGRAM, folder.path())?;
        let address = child.announced().await?;
        let mut processes = Processes::default();
        processes.add(PROGRAM, child.pid());
        let children = vec![child];
        Ok(Self { target: Target::new(address), path: OURS, processes, children, postgres: None, folder })
    }

    /// Starts the program that is everything on what it has kept.
    pub(crate) async fn start_on(folder: Folder, places: &Places) -> Result<Self, Failure> {
        Self::one_process(folder, places, &[]).await
    }

    /// Stops it, and gives what it has kept.
    pub(crate) async fn stop(self) -> Result<Folder, Failure> {
        for child in self.children {
            child.stop().await?;
        }
        if let Some(postgres) = self.postgres {
            postgres.stop().await.map_err(|error| Failure::Asked(error.to_string()))?;
        }
        Ok(self.folder)
    }
}

/// A private server with these databases.
async fn start_postgres(folder: &Folder, databases: &[&str]) -> Result<Postgres, Failure> {
    let postgres = jetbridge_postgres::start(jetbridge_postgres::Config::new(folder.path().join("postgres"))).await?;
    for database in databases {
        postgres.create_database_if_missing(database).await?;
    }
    Ok(postgres)
}

/// The process that all others of a PostgreSQL come from.
fn postmaster(postgres: &Postgres) -> Result<i32, Failure> {
    let text = fs::read_to_string(postgres.home().join("data/postmaster.pid"))?;
    let pid = text.lines().next().and_then(|line| line.trim().parse().ok());
    pid.ok_or_else(|| Failure::Asked("postmaster.pid holds no process".to_owned()))
}

/// How long a program may take to become ready: long enough to read many millions of events.
const START_LIMIT: Duration = Duration::from_secs(600);
