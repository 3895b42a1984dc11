//! Everything together: the order of starting and of stopping.

use std::convert::Infallible;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use gateway::{Authentication, AuthenticationFiles};
use jetbridge_postgres::Download;
use shared_infrastructure::event_store::InProcess;
use shared_service::process::reachable;
use shared_service::settings::SecretUrl;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::data_dir::{DataDir, Purpose, SESSION_KEYS};
use crate::database;
use crate::domains::DomainServices;
use crate::error::{Report, SystemError};
use crate::running::Running;
use crate::services::{self, EventStorePlace, Stores};
use crate::settings::{DemoSettings, Front, Settings};
use crate::supervisor::{Stage, Supervisor};
use crate::{demo, event_store, keys, listeners, privileges, readiness};

/// Starts everything and runs it until `shutdown`, or until a part of it ends: half alive is not alive.
///
/// # Errors
/// What did not start, or ended.
pub(crate) async fn run(
    domains: Vec<DomainServices>,
    settings: Settings,
    demo: Option<DemoSettings>,
    shutdown: CancellationToken,
) -> Result<(), Report> {
    // First what fails at once, so that nobody waits to hear of it.
    settings.authentication.check(settings.listen.listen).map_err(SystemError::from)?;
    if demo.is_some() && !settings.authentication.is_none() {
        return Err(SystemError::NotForKnownClients.into());
    }
    let listener = listeners::bind(settings.listen.listen).await?;
    let (front, keys_file) = (settings.front(), keys::file_in(&settings.folder.data_dir));
    let sources = Sources::choose(settings, demo.as_ref())?;
    sources.give_up_rights(front.web_dir.is_some() || front.authentication.names_files()).await?;
    // By whoever reads it from now on.
    let session_keys = sources.data_dir().map(|data_dir| data_dir.path.join(SESSION_KEYS));
    let files = AuthenticationFiles { access_keys: Some(keys_file), session_keys };
    let opened = front.authentication.open(files, &front.server.allowed_origins);
    let authentication = opened.map_err(SystemError::from)?;
    let front = (front, authentication);
    let mut supervisor = Supervisor::default();
    let outcome = tokio::select! {
        outcome = start_and_watch(&mut supervisor, &domains, &sources, listener, front, demo) => outcome.map(|never| match never {}),
        () = shutdown.cancelled() => Ok(()),
    };
    supervisor.stop().await;
    Ok(outcome?)
}

/// Goes on until something ends that should not.
async fn start_and_watch(
    supervisor: &mut Supervisor,
    domains: &[DomainServices],
    sources: &Sources,
    listener: TcpListener,
    front: (Front, Authentication),
    demo: Option<DemoSettings>,
) -> Result<Infallible, SystemError> {
    let address =
        listener.local_addr().map_err(|source| SystemError::Listen { address: listeners::ANY_PORT, source })?;
    let stores = start_stores(supervisor, domains, sources).await?;
    let running = Running::new(address, domains, &stores);
    let probe = services::start(supervisor, domains, stores, listener, front).await?;
    tokio::select! {
        ready = readiness::wait(&probe) => ready?,
        ended = supervisor.task_ended() => return Err(ended.into()),
    }
    // Taken away when this ends, however it does.
    let _file = sources.data_dir().map(|data_dir| running.write(&data_dir.running)).transpose()?;
    announce(address);
    if let Some(DemoSettings { pace, .. }) = demo {
        let running = demo::run(reachable(address), pace, supervisor.token(Stage::Gateway));
        supervisor.spawn(Stage::Gateway, "demo", running);
    }
    Err(supervisor.task_ended().await.into())
}

/// Where each kind of data is kept. The data folder stays taken as long as this lives.
#[derive(Debug)]
struct Sources {
    event_store: Source,
    database: Source,
    /// What to do where PostgreSQL is missing.
    download: Option<Download>,
}

#[derive(Debug)]
enum Source {
    /// In a server of the user's own.
    Given(SecretUrl),
    /// In a server of ours, which keeps it in the data folder.
    Own(Arc<DataDir>),
}

impl Source {
    fn own(&self) -> Option<&DataDir> {
        match self {
            Self::Own(data_dir) => Some(data_dir),
            Self::Given(_) => None,
        }
    }
}

impl Sources {
    /// Takes the data folder, if anything is to be kept in it.
    fn choose(settings: Settings, demo: Option<&DemoSettings>) -> Result<Self, SystemError> {
        let is_given = settings.event_store.is_some() || settings.database_url.is_some();
        if is_given && demo.is_some_and(|demo| !demo.fill_given_servers) {
            return Err(SystemError::NotForGivenServers);
        }
        let download = settings.download.download();
        let purpose = if demo.is_some() { Purpose::Demo } else { Purpose::Work };
        let (event_store, database) = match (settings.event_store, settings.database_url) {
            (Some(event_store), Some(database)) => (Source::Given(event_store), Source::Given(database)),
            (event_store, database) => {
                let data_dir = Arc::new(DataDir::take(&settings.folder.data_dir, purpose)?);
                let or_own =
                    |given: Option<SecretUrl>| given.map_or_else(|| Source::Own(Arc::clone(&data_dir)), Source::Given);
                (or_own(event_store), or_own(database))
            }
        };
        Ok(Self { event_store, database, download })
    }

    /// The data folder, if anything is kept in it.
    fn data_dir(&self) -> Option<&DataDir> {
        [&self.event_store, &self.database].into_iter().find_map(Source::own)
    }

    /// Root's, where all that is needed is the data folder: files that are given may be for root alone.
    async fn give_up_rights(&self, has_files: bool) -> Result<(), SystemError> {
        let is_given = self.event_store.own().is_none() || self.database.own().is_none();
        let needed = "--event-store, --database-url, --web-dir or files for --authentication may be for root alone";
        match self.data_dir() {
            Some(data_dir) => privileges::give_up(data_dir, (is_given || has_files).then_some(needed)).await,
            None => {
                privileges::stay(needed);
                Ok(())
            }
        }
    }
}

/// Starts event store and PostgreSQL at the same time, or waits for those that are given.
async fn start_stores(
    supervisor: &mut Supervisor,
    domains: &[DomainServices],
    sources: &Sources,
) -> Result<Stores, SystemError> {
    let domains: Vec<_> = domains.iter().map(|services| services.domain).collect();
    let stop = supervisor.token(Stage::Stores);
    let event_store = async {
        Ok::<_, SystemError>(match &sources.event_store {
            Source::Given(address) => {
                event_store::wait_for(address).await?;
                (address.clone(), None, None)
            }
            Source::Own(data_dir) => {
                let server = event_store::start(data_dir, stop.clone()).await?;
                let here = InProcess::new(server.routes());
                (SecretUrl::new(server.connection_string()), Some(here), Some(server))
            }
        })
    };
    let databases = async {
        Ok::<_, SystemError>(match &sources.database {
            Source::Given(address) => (database::prepare(address, &domains).await?, None),
            Source::Own(data_dir) => {
                let (postgres, databases) = database::start(data_dir, &domains, sources.download.clone()).await?;
                (databases, Some(postgres))
            }
        })
    };
    let ((address, in_process, server), (databases, postgres)) = tokio::try_join!(event_store, databases)?;
    // The embedded one acknowledges at once.
    if let Some(server) = server {
        supervisor.spawn(Stage::Stores, "embedded event store", server.wait());
    }
    if let Some(postgres) = postgres {
        supervisor.spawn(Stage::Stores, "private PostgreSQL", async move {
            stop.cancelled().await;
            postgres.stop().await
        });
    }
    Ok(Stores { event_store: EventStorePlace { address, in_process }, databases })
}

fn announce(address: SocketAddr) {
    let mut out = io::stdout().lock();
    // If standard output is closed, there is nobody to tell.
    let _ = writeln!(out, "Jetbridge is ready at http://{address}").and_then(|()| out.flush());
}
