//! What a processor is: it migrates its domain's database, projects the domain's stream, reacts to it, and shows how that
//! goes.

mod routes;

use std::time::Duration;

use refinery::Runner;
use shared_infrastructure::event_store::{EventStore, InvalidAddress};
use shared_infrastructure::postgres::{Database, InvalidDatabaseUrl};
use shared_infrastructure::projector::{Projection, Projector};
use shared_infrastructure::reactor::{Reaction, Reactor};
use shared_service::settings::SecretUrl;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const FIRST_RETRY_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_RETRY_PAUSE: Duration = Duration::from_secs(5);

/// Where a processor reads and writes.
#[derive(Debug, Clone)]
pub struct Config {
    /// The domain's database.
    pub database_url: SecretUrl,
    /// How many connections to it requests share.
    pub database_connections: usize,
    /// The event store.
    pub event_store: SecretUrl,
}

/// A domain's part in its processor.
pub struct Domain<P, R> {
    /// The domain's stream.
    pub stream: &'static str,
    /// The domain's own tables.
    pub migrations: Runner,
    /// How events become rows.
    pub projection: P,
    /// What events mean for the other domain.
    pub reaction: R,
}

/// A setting is not usable.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The event store's address.
    #[error(transparent)]
    EventStore(#[from] InvalidAddress),
    /// The database's address.
    #[error(transparent)]
    Database(#[from] InvalidDatabaseUrl),
}

/// Runs a processor until `shutdown`. What it needs may be away at the start, and come later.
///
/// # Errors
/// [`StartError`] at once if a setting is not usable.
pub async fn run<P: Projection, R: Reaction>(
    config: Config,
    domain: Domain<P, R>,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), StartError> {
    let event_store = EventStore::new(config.event_store.expose())?;
    let database = Database::with_connections(config.database_url.expose(), config.database_connections)?;
    let Domain { stream, migrations, projection, reaction } = domain;
    let asking = event_store.separate()?;
    let (projector, projecting) = Projector::new(projection, stream, event_store.separate()?, database.clone());
    let (reactor, reacting) = Reactor::new(reaction, stream, event_store, database.clone());
    let router = routes::router(stream, asking, database.clone(), [(P::NAME, projecting), (R::NAME, reacting)]);

    let serving = shared_service::serve(listener, router, shutdown.clone());
    let working = async {
        if migrate(&database, migrations, &shutdown).await {
            tokio::join!(projector.run(shutdown.clone()), reactor.run(shutdown.clone()));
        }
    };
    tokio::join!(serving, working);
    Ok(())
}

/// Migrates, again and again until it succeeds. Answers whether it has.
async fn migrate(database: &Database, migrations: Runner, shutdown: &CancellationToken) -> bool {
    let mut pause = FIRST_RETRY_PAUSE;
    loop {
        match shutdown.run_until_cancelled(database.migrate(&migrations)).await {
            None => return false,
            Some(Ok(())) => return true,
            Some(Err(error)) => {
                tracing::warn!(%error, retry.pause_ms = pause.as_millis(), "could not migrate the database; trying again");
            }
        }
        if shutdown.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            return false;
        }
        pause = (pause * 2).min(LONGEST_RETRY_PAUSE);
    }
}
