//! What the API of every domain is: an executor of the domain's stream that starts from a snapshot, a read model, and
//! the domain's own routes and JSON-RPC methods on top of both.
//!
//! A domain implements [`DomainApi`]; its `main` is [`main`].

mod refusals;
mod service;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use jsonrpsee::Methods;
use shared_infrastructure::InvalidSetting;
use shared_infrastructure::event_store::InProcess;
use shared_infrastructure::executor::{ExecutorHandle, ExecutorSettings};
use shared_infrastructure::ledger::FORGET_AFTER;
use shared_infrastructure::postgres::POOLED_CONNECTIONS;
use shared_infrastructure::read_model::ReadModel;
use shared_infrastructure::refusals::KEEP_REFUSALS_FOR;
use shared_infrastructure::rpc::{InvalidRpcAddress, Peers};
use shared_kernel::{Decider, Domain, Position};
use shared_service::domain_service::{ApiUrls, DomainServiceArgs};
use shared_service::process::run_service;
use shared_service::settings::{AppendArgs, SecretUrl, ServiceTrust};
use shared_service::{DrainArgs, Routes, ServerSettings, ServiceTokens};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use service::ApiService;

/// The API of one domain.
pub trait DomainApi: Send + Sync + 'static {
    /// The domain.
    const DOMAIN: &'static Domain;
    /// The name of the projection that its read model is written by.
    const PROJECTION: &'static str;
    /// Its rules.
    type Decider: Decider;

    /// What its routes work with.
    type Api: Send + Sync + 'static;

    /// Its public routes, and who may call each of them.
    fn routes() -> Routes<Arc<Self::Api>>;

    /// What they work with, from what every API works with and the APIs of the domains that it calls.
    ///
    /// # Errors
    /// [`InvalidRpcAddress`] if one of them cannot be called.
    fn api(backend: Backend<Self::Decider>, peers: &Peers) -> Result<Self::Api, InvalidRpcAddress>;

    /// The JSON-RPC methods that other domains call.
    fn methods(api: &Self::Api) -> Methods;
}

/// What the API of a domain works with.
pub struct Backend<D: Decider> {
    /// Executes commands.
    pub executor: ExecutorHandle<D>,
    /// Answers queries.
    pub read_model: ReadModel,
    domain: &'static Domain,
}

impl<D: Decider> Backend<D> {
    /// What a query has to cover: what its client has seen, or, if it does not say, soon what this process has seen
    /// happen.
    pub async fn cover(&self, requested: Option<Position>) -> Position {
        let requested = requested.unwrap_or_default();
        if requested.revision_in(self.domain.stream).is_none() {
            self.read_model.settle(self.executor.current().revision()).await;
        }
        requested
    }
}

/// What the API of a domain needs.
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
    /// How many bytes of events go into one append.
    pub append_bytes: usize,
    /// How many commands wait to be decided.
    pub command_queue: usize,
    /// How long after its end, by the times of events, something leaves the state.
    pub forget_after: Duration,
    /// For how long refused commands are kept in the audit log; `None` if they are not recorded.
    pub keep_refusals_for: Option<Duration>,
    /// Where the APIs are of the domains that it calls.
    pub apis: ApiUrls,
    /// Whom to believe that they are these APIs, over TLS.
    pub trust: ServiceTrust,
    /// By what it knows the other services, and they know it.
    pub tokens: ServiceTokens,
    /// For whom it listens.
    pub server: ServerSettings,
}

impl Config {
    /// An API that keeps its data there; everything else as it is unless an operator says otherwise.
    #[must_use]
    pub fn new(database_url: SecretUrl, event_store: SecretUrl, apis: ApiUrls, tokens: ServiceTokens) -> Self {
        let ExecutorSettings { append_bytes, command_queue } = ExecutorSettings::default();
        Self {
            database_url,
            database_connections: POOLED_CONNECTIONS,
            event_store,
            event_store_in_process: None,
            append_bytes,
            command_queue,
            forget_after: FORGET_AFTER,
            keep_refusals_for: Some(KEEP_REFUSALS_FOR),
            apis,
            trust: ServiceTrust::default(),
            tokens,
            server: ServerSettings::default(),
        }
    }
}

/// Why an API does not run, or not any more.
pub type RunError = shared_service::RunError<InvalidSetting>;

/// Runs the API of a domain until `shutdown`. What it needs may be away at the start, and come later.
///
/// # Errors
/// [`RunError`] at once if a setting is not usable, or when a task that it cannot do without has ended.
pub async fn run<A: DomainApi>(
    config: Config,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), RunError> {
    service::run::<A>(config, listener, shutdown).await
}

/// What only an API has to know.
#[derive(Debug, Clone, Copy, Args)]
struct ApiArgs {
    #[command(flatten)]
    append: AppendArgs,
    #[command(flatten)]
    drain: DrainArgs,
}

/// The `main` of a domain's API as a service of its own.
#[must_use]
pub fn main<A: DomainApi>() -> ExitCode {
    run_service(async |args: DomainServiceArgs<ApiService<A>, ApiArgs>, shutdown| {
        let listener = shared_service::bind(args.listen()).await?;
        let ApiArgs { append, drain } = args.own;
        let config = Config {
            database_url: args.database()?,
            database_connections: args.database_connections(),
            event_store: args.event_store()?,
            event_store_in_process: None,
            append_bytes: append.append_bytes,
            command_queue: append.command_queue,
            forget_after: append.forget_after(),
            keep_refusals_for: append.keep_refusals_for(),
            server: ServerSettings { drain: drain.drain(), ..args.server()? },
            tokens: args.tokens()?,
            apis: args.apis()?,
            trust: args.trust()?,
        };
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(run::<A>(config, listener, shutdown).await?)
    })
}
