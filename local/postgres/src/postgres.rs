//! Starting, using and stopping the server.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nix::unistd::User;
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::AbortOnDropHandle;
use tracing::info;

use crate::account::Account;
use crate::binaries::{self, Binaries};
use crate::cluster::{self, Initialise};
use crate::config::{Config, Storage};
use crate::download::{self, DownloadError};
use crate::endpoint::Endpoint;
use crate::error::{DatabaseError, StartError, StopError, io_error};
use crate::folder::Folder;
use crate::home::{self, Home};
use crate::leash::{Leashed, RemovedAtEnd};
use crate::log::ServerLog;
use crate::server::{MAINTENANCE_DATABASE, Server};
use crate::supervisor::Supervisor;

const CREATE_DATABASE_LIMIT: Duration = Duration::from_secs(30);
/// A port on loopback can be taken by somebody else between choosing and using it.
const LAUNCH_ATTEMPTS: u32 = 3;

/// A running server. It is restarted when it ends unexpectedly, and stops when this is dropped.
pub struct Postgres {
    endpoint: Endpoint,
    password: String,
    version: String,
    home: PathBuf,
    stop: DropGuard,
    supervisor: tokio::task::JoinHandle<Result<(), StopError>>,
}

/// Starts a server, after finding its programs, or downloading them if that is asked for, and making its cluster where
/// there is none yet.
///
/// # Errors
///
/// See [`StartError`]; its messages say what a person can do. Data that exists is never changed by a failed start.
pub async fn start(config: Config) -> Result<Postgres, StartError> {
    let place = ServerPlace::prepare(&config).await?;
    let data_major = cluster::major_version(home::cluster_in(place.home.open()?.as_ref())?.as_ref())?;
    let binaries = choose_binaries(&config, &place, data_major).await?;
    let folders = place.home.create(&place.account)?;
    let lock = folders.lock()?;
    if let Some(data_dir) = &place.data_dir {
        folders.note_data_dir(data_dir.path())?;
    }
    let log = ServerLog::open(&folders.log)?;
    let password = place.password(data_major.is_some())?;
    if data_major.is_none() {
        Initialise {
            binaries: &binaries,
            account: &place.account,
            home: &folders,
            log: &log,
            password: &password,
            durable: config.is_durable(),
        }
        .run()
        .await?;
    }

    let server = Server {
        endpoint: choose_endpoint(&place.home)?,
        account: place.account,
        binaries,
        home: place.home,
        folders,
        password,
        max_connections: config.max_connections,
        durable: config.is_durable(),
        start_limit: config.start_limit,
        log,
        _lock: lock,
    };
    let (server, process) = launch(server).await?;
    Ok(Postgres::supervised(server, process, place.removed_at_end))
}

/// The user that runs the server of this data directory where root starts it, if that user can reach the data directory,
/// and its files are there or will be. `None` where the files are outside, or this process is not root's.
///
/// # Errors
///
/// As [`start`]. The data directory is created when it is missing.
pub async fn user_of(data_dir: &Path) -> Result<Option<User>, StartError> {
    let data_dir = Arc::new(home::open_data_dir(data_dir)?);
    let existing = Home::existing(&data_dir)?;
    let account = Account::choose(existing.as_ref().map_or(Ok(None), Home::open)?.as_ref())?;
    let is_inside = existing.is_none_or(|home| home.root().starts_with(data_dir.path()));
    Ok(if is_inside && account.can_enter(data_dir.path()).await { account.other() } else { None })
}

/// Where the server's files go and who they belong to.
struct ServerPlace {
    account: Account,
    home: Home,
    /// Where the password is kept; `None` where nothing is.
    data_dir: Option<Arc<Folder>>,
    removed_at_end: Option<RemovedAtEnd>,
}

impl ServerPlace {
    async fn prepare(config: &Config) -> Result<Self, StartError> {
        match &config.storage {
            Storage::Kept(data_dir) => Self::kept(data_dir, config).await,
            Storage::Ephemeral => Self::ephemeral().await,
        }
    }

    async fn kept(data_dir: &Path, config: &Config) -> Result<Self, StartError> {
        let data_dir = Arc::new(home::open_data_dir(data_dir)?);
        let existing = Home::existing(&data_dir)?;
        let folder = existing.as_ref().map_or(Ok(None), Home::open)?;
        let account = Account::choose(folder.as_ref())?;
        let home = match existing {
            Some(home) => home,
            None => Home::choose(&data_dir, &config.outside_dir, &account).await?,
        };
        Ok(Self { account, home, data_dir: Some(data_dir), removed_at_end: None })
    }

    async fn ephemeral() -> Result<Self, StartError> {
        let account = Account::choose(None)?;
        let temporary = home::temporary_dir(&account).await?;
        let home = Home::at(temporary.join(format!("jetbridge-pg-{}", home::random_name())));
        let pid_file = home.cluster().join("postmaster.pid");
        let removed_at_end =
            RemovedAtEnd::watch(home.root(), &pid_file, &account).map_err(io_error("watch over", home.root()))?;
        Ok(Self { account, home, data_dir: None, removed_at_end: Some(removed_at_end) })
    }

    fn password(&self, cluster_exists: bool) -> Result<String, StartError> {
        let cluster = self.home.cluster();
        match &self.data_dir {
            Some(data_dir) => cluster::password(data_dir, cluster_exists.then_some(cluster.as_path())),
            None => Ok(cluster::new_password()),
        }
    }
}

/// Programs of the version that wrote the data, or the preferred ones where there is no data yet.
async fn choose_binaries(
    config: &Config,
    place: &ServerPlace,
    data_major: Option<u32>,
) -> Result<Binaries, StartError> {
    let mut dirs = config.binary_dirs.clone();
    dirs.extend(download::kept(&place.home.binaries()));
    let found = binaries::find(&dirs, &place.account).await;
    let fits = |binaries: &&Binaries| data_major.is_none_or(|major| binaries.major == major);
    if let Some(binaries) = found.iter().find(fits) {
        return Ok(binaries.clone());
    }

    let failed = match download(config, place, data_major).await {
        Ok(Some(binaries)) => return Ok(binaries),
        Ok(None) => None,
        Err(error) => Some(Box::new(error)),
    };
    Err(match data_major {
        Some(data_major) => {
            let mut found: Vec<u32> = found.iter().map(|binaries| binaries.major).collect();
            found.sort_unstable();
            found.dedup();
            StartError::OtherMajorVersion { directory: place.home.cluster(), data_major, found, download: failed }
        }
        None => StartError::NoBinaries { download: failed },
    })
}

/// `None` where no download is wanted.
async fn download(
    config: &Config,
    place: &ServerPlace,
    data_major: Option<u32>,
) -> Result<Option<Binaries>, DownloadError> {
    let Some(asked) = &config.download else {
        return Ok(None);
    };
    let exactly = download::exactly(asked, data_major)?;
    // The home must be there, and its owner's, before anything is put into it.
    place.home.create(&place.account).map_err(|error| DownloadError::Folder(Box::new(error)))?;
    download::download(asked, exactly, &place.home.binaries(), &place.account).await.map(Some)
}

fn choose_endpoint(home: &Home) -> Result<Endpoint, StartError> {
    let run = home.run();
    Endpoint::choose(&run).map_err(io_error("find a port instead of a socket in", &run))
}

async fn launch(mut server: Server) -> Result<(Server, Leashed), StartError> {
    for _ in 1..LAUNCH_ATTEMPTS {
        match server.launch().await {
            Ok(process) => return Ok((server, process)),
            Err(StartError::Ended { .. }) if matches!(server.endpoint, Endpoint::Loopback(_)) => {
                server.endpoint = choose_endpoint(&server.home)?;
            }
            Err(error) => return Err(error),
        }
    }
    let process = server.launch().await?;
    Ok((server, process))
}

impl Postgres {
    fn supervised(server: Server, process: Leashed, removed_at_end: Option<RemovedAtEnd>) -> Self {
        info!(
            postgres.version = server.binaries.version,
            postgres.binaries = %server.binaries.dir.display(),
            postgres.home = %server.home.root().display(),
            postgres.user = server.account.name(),
            "PostgreSQL is ready"
        );
        let stop = CancellationToken::new();
        let endpoint = server.endpoint.clone();
        let password = server.password.clone();
        let version = server.binaries.version.clone();
        let home = server.home.root().to_path_buf();
        let supervisor = Supervisor { server, stop: stop.clone(), removed_at_end };
        Self {
            endpoint,
            password,
            version,
            home,
            stop: stop.drop_guard(),
            supervisor: tokio::spawn(supervisor.run(process)),
        }
    }

    /// How to connect to a database of this server, with its role and password. The same after every restart of the
    /// server.
    pub fn config(&self, database: &str) -> tokio_postgres::Config {
        self.endpoint.config(&self.password, database)
    }

    /// The same as [`config`](Self::config), as a `postgresql://` URL. It contains the password.
    pub fn url(&self, database: &str) -> String {
        self.endpoint.url(&self.password, database)
    }

    /// The server's version, such as `17.5`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The folder with the cluster (`data`), the server's log and its socket.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Creates the database `name` unless there is one already.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached or says no.
    pub async fn create_database_if_missing(&self, name: &str) -> Result<(), DatabaseError> {
        let config = self.config(MAINTENANCE_DATABASE);
        match tokio::time::timeout(CREATE_DATABASE_LIMIT, create_database(&config, name)).await {
            Ok(created) => created.map_err(|source| DatabaseError::Postgres { name: name.to_owned(), source }),
            Err(_) => Err(DatabaseError::Limit { name: name.to_owned(), limit: CREATE_DATABASE_LIMIT }),
        }
    }

    /// Stops the server: its clients are disconnected, what is committed is kept. Takes a second, at most about ten.
    ///
    /// # Errors
    ///
    /// When the server does not go in time. The next [`start`] deals with it.
    pub async fn stop(self) -> Result<(), StopError> {
        drop(self.stop);
        self.supervisor.await.map_err(StopError::Unwatched)?
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Postgres")
            .field("version", &self.version)
            .field("home", &self.home)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

async fn create_database(config: &tokio_postgres::Config, name: &str) -> Result<(), tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    let _connection = AbortOnDropHandle::new(tokio::spawn(connection));
    let exists = client.query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&name]).await?.is_some();
    if exists {
        return Ok(());
    }
    let quoted = name.replace('"', "\"\"");
    match client.batch_execute(&format!("CREATE DATABASE \"{quoted}\"")).await {
        // Somebody else was faster.
        Err(error) if matches!(error.code(), Some(&SqlState::DUPLICATE_DATABASE | &SqlState::UNIQUE_VIOLATION)) => {
            Ok(())
        }
        outcome => outcome,
    }
}
