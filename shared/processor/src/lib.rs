//! What the processor of every domain is: it migrates the domain's database, projects the domain's stream, reacts to
//! it, and shows how that goes.
//!
//! A domain implements [`DomainProcessor`]; its `main` is [`main`].

mod checks;
mod command_line;
mod listed;
mod meters;
mod parked;
mod reactions;
mod rebuild;
mod routes;
mod unfinished;

use std::marker::PhantomData;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use clap::Args;
use refinery::Runner;
use shared_infrastructure::InvalidSetting;
use shared_infrastructure::back_off::BackOff;
use shared_infrastructure::event_store::{EventStore, InProcess};
use shared_infrastructure::postgres::{Database, POOLED_CONNECTIONS};
use shared_infrastructure::reader::{LOOK_INTERVAL, Projection, Projector, Reaction, Reactor};
use shared_infrastructure::rpc::{InvalidRpcAddress, Peers};
use shared_kernel::{Domain, DomainEvent};
use shared_service::about::{self, Wanted};
use shared_service::domain_service::{ApiUrls, DomainService, ServiceKind};
use shared_service::process::run_service;
use shared_service::settings::{SecretUrl, ServiceTrust};
use shared_service::{ServerSettings, ServiceTokens};
use shared_service::{ServiceNames, health, rpc, telemetry};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use command_line::ProcessorArgs;
pub use routes::{Processor, routes};

const REQUEST_LIMIT: Duration = Duration::from_secs(35);
const FIRST_RETRY_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_RETRY_PAUSE: Duration = Duration::from_secs(5);

/// The processor of one domain.
pub trait DomainProcessor: Send + Sync + 'static {
    /// The domain.
    const DOMAIN: &'static Domain;
    /// How its events become rows.
    type Projection: Projection + Default;
    /// What its events mean for other domains.
    type Reaction: Reaction;

    /// The migrations of its own tables.
    fn migrations() -> Runner;

    /// What its events mean for other domains, which it calls.
    ///
    /// # Errors
    /// [`InvalidRpcAddress`] if one of them cannot be called.
    fn reaction(peers: &Peers) -> Result<Self::Reaction, InvalidRpcAddress>;
}

/// What the processor of a domain needs.
#[derive(Debug, Clone)]
pub struct Config {
    /// The domain's database.
    pub database_url: SecretUrl,
    /// How many connections to it requests share.
    pub database_connections: usize,
    /// The event store.
    pub event_store: SecretUrl,
    /// The way to it, if it is in this process.
    pub event_store_in_process: Option<InProcess>,
    /// Where the APIs are of the domains that it calls.
    pub apis: ApiUrls,
    /// Whom to believe that they are these APIs, over TLS.
    pub trust: ServiceTrust,
    /// By what it knows the other services, and they know it.
    pub tokens: ServiceTokens,
    /// How often it is looked for what is missing in other domains.
    pub look_interval: Duration,
    /// For whom it listens.
    pub server: ServerSettings,
}

impl Config {
    /// A processor that keeps its data there; everything else as it is unless an operator says otherwise.
    #[must_use]
    pub fn new(database_url: SecretUrl, event_store: SecretUrl, apis: ApiUrls, tokens: ServiceTokens) -> Self {
        let (database_connections, look_interval) = (POOLED_CONNECTIONS, LOOK_INTERVAL);
        let (trust, server) = (ServiceTrust::default(), ServerSettings::default());
        Self {
            database_url,
            database_connections,
            event_store,
            event_store_in_process: None,
            apis,
            trust,
            tokens,
            look_interval,
            server,
        }
    }
}

/// Runs the processor of a domain until `shutdown`. What it needs may be away at the start, and come later.
///
/// # Errors
/// [`InvalidSetting`] at once.
pub async fn run<P: DomainProcessor>(
    config: Config,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), InvalidSetting> {
    let event_store = EventStore::reached(config.event_store.expose(), config.event_store_in_process)?;
    let database = Database::with_connections(config.database_url.expose(), config.database_connections)?;
    let peers =
        Peers::new(rpc::urls(&config.apis), config.tokens.credential()).trusting(config.trust.config().cloned());
    let (stream, reaction) = (P::DOMAIN.stream.name, P::reaction(&peers)?);
    let [asking, measuring, showing] = [(); 3].map(|()| event_store.separate());
    let (projector, projecting) =
        Projector::new(P::Projection::default(), stream, event_store.separate(), database.clone());
    let (reactor, reacting) =
        Reactor::looking_every(config.look_interval, reaction, stream, event_store, database.clone());
    let workers = [(P::Projection::NAME, projecting), (P::Reaction::NAME, reacting)];
    let checks = checks::of(&workers, stream, asking, &database);
    let _measured = (meters::of(&workers, stream, measuring, &database), database.measured(&P::DOMAIN.processor()));
    let key_field = <P::Reaction as Reaction>::Event::KEY_FIELD;
    let processor = Arc::new(Processor {
        database: database.clone(),
        event_store: showing,
        stream,
        workers,
        key_field,
        read_model: P::DOMAIN.list(),
    });
    let routes = routes().with_state(processor).merge(health::routes(checks)).merge(telemetry::routes());
    let of_workers = [P::Projection::NAME, P::Reaction::NAME].map(Wanted::of_reader).concat();
    let wanted = [Wanted::of_service(&P::DOMAIN.processor()), of_workers].concat();
    let routes = routes.merge(about::routes(wanted));
    let routes = routes.finish_as(&P::DOMAIN.processor(), REQUEST_LIMIT);
    let router = config.tokens.guard(routes.layer(Extension(ServiceNames::known_to(P::DOMAIN))));
    tokio::spawn(config.tokens.follow(shutdown.clone()));

    let serving = shared_service::serve_with(config.server, listener, router, shutdown.clone());
    let working = async {
        if migrate(&database, P::migrations(), &shutdown).await {
            tokio::join!(projector.run(shutdown.clone()), reactor.run(shutdown.clone()));
        }
    };
    tokio::join!(serving, working);
    Ok(())
}

/// The `main` of a domain's processor as a service of its own.
#[must_use]
pub fn main<P: DomainProcessor>() -> ExitCode {
    run_service(async |ProcessorArgs(args): ProcessorArgs<P>, shutdown| {
        let listener = shared_service::bind(args.listen()).await?;
        let config = Config {
            database_connections: args.database_connections(),
            server: args.server()?,
            trust: args.trust()?,
            ..Config::new(args.database()?, args.event_store()?, args.apis()?, args.tokens()?)
        };
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(run::<P>(config, listener, shutdown).await?)
    })
}

/// The processor of a domain, as far as its command line says so.
struct ProcessorService<P>(PhantomData<P>);

impl<P: DomainProcessor> DomainService for ProcessorService<P> {
    const DOMAIN: &'static Domain = P::DOMAIN;
    const KIND: ServiceKind = ServiceKind::Processor;
    const PURPOSE: &'static str = "read model and reactions of";
}

/// No settings beyond those of every service.
#[derive(Debug, Args)]
struct NoMore {}

/// Migrates, again and again until it succeeds. Answers whether it has.
async fn migrate(database: &Database, migrations: Runner, shutdown: &CancellationToken) -> bool {
    // What a newer version has migrated adds to what is there, so that this one can work beside it.
    let migrations = migrations.set_abort_missing(false);
    let mut back_off = BackOff::new(FIRST_RETRY_PAUSE, LONGEST_RETRY_PAUSE);
    loop {
        let error = match shutdown.run_until_cancelled(database.migrate(&migrations)).await {
            None => return false,
            Some(Ok(())) => return true,
            Some(Err(error)) => error,
        };
        let pause = back_off.next_pause();
        tracing::warn!(%error, retry.pause_ms = pause.as_millis(), "could not migrate the database; trying again");
        if shutdown.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            return false;
        }
    }
}
