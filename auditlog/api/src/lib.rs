//! The audit log: everything that has happened in the domains, as it is recorded in the event store, to be read in
//! pages, polled for what is new, or followed as server-sent events.
//!
//! Every answer is read from the streams themselves, so it holds whatever was recorded before the request. There is no
//! read model, and no state worth keeping: a cursor says how far its reader has come in each stream, and reading goes
//! on behind it whatever the length of the log.

mod change;
mod cursor;
mod entry;
mod export;
mod facets;
mod feed;
mod filter;
mod joining;
mod live;
mod operations;
mod place;
mod reader;
mod routes;
mod search;
mod stream;

use std::sync::Arc;

use shared_infrastructure::event_store::{EventStore, InProcess, InvalidAddress};
use shared_kernel::Domain;
use shared_service::about::{self, Wanted};
use shared_service::health::{self, Checks, Trouble};
use shared_service::settings::SecretUrl;
use shared_service::{Routes, ServerSettings, ServiceTokens, openapi, telemetry};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use feed::Feeds;
use live::{Live, Tail};
use reader::LogReader;
use stream::Log;

/// Its name in metrics.
const NAME: &str = "auditlog-api";

/// What the audit log API needs.
#[derive(Debug, Clone)]
pub struct Config {
    /// The domains whose streams it reads.
    pub domains: &'static [&'static Domain],
    /// The event store.
    pub event_store: SecretUrl,
    /// The way to it, if it is in this process.
    pub event_store_in_process: Option<InProcess>,
    /// How many clients may follow the audit log with server-sent events at a time.
    pub max_followers: usize,
    /// By what it knows the other services.
    pub tokens: ServiceTokens,
    /// For whom it listens.
    pub server: ServerSettings,
}

impl Config {
    /// What [`Config::max_followers`] is unless something else is wanted.
    pub const DEFAULT_MAX_FOLLOWERS: usize = 1_000;
}

/// Why the service does not run, or not any more.
pub type RunError = shared_service::RunError<InvalidAddress>;

/// What the routes work with.
pub struct Api {
    domains: &'static [&'static Domain],
    reader: Arc<LogReader>,
    feeds: Feeds,
}

/// The routes of the audit log of these domains but those of its health, and who may call each of them.
#[must_use]
pub fn routes(domains: &'static [&'static Domain]) -> Routes<Arc<Api>> {
    routes::all(domains)
}

/// Runs the audit log API until `shutdown`. The event store may be away at the start, and come later.
///
/// # Errors
/// [`RunError`] at once if a setting is not usable, or when following the log has ended.
pub async fn run(config: Config, listener: TcpListener, shutdown: CancellationToken) -> Result<(), RunError> {
    let store = EventStore::reached(config.event_store.expose(), config.event_store_in_process);
    let store = store.map_err(RunError::Setting)?;
    let log = Log::All(config.domains);
    let (live, tail) = Live::new(log, store.separate());
    let reader = Arc::new(LogReader::new(store));
    let checks = config.server.drain.noted_in(checks(log, Arc::clone(&reader), tail.clone()));
    let shutdown = config.server.drain.before_end(shutdown);
    let feeds = Feeds::new(log, Arc::clone(&reader), tail, config.max_followers);
    let _measured = feeds.measured();
    let api = Arc::new(Api { domains: config.domains, feeds, reader });

    let stop_following = shutdown.child_token();
    let mut tasks = JoinSet::new();
    tasks.spawn(live.run(stop_following.clone()));
    let routes = routes(config.domains);
    let document = openapi::route(openapi::document(routes.list()));
    let routes = routes.with_state(api).merge(health::routes(checks)).merge(telemetry::routes()).merge(document);
    let routes = routes.merge(about::routes(Wanted::of_service(NAME)));
    let router = config.tokens.guard(routes.finish_as(NAME, routes::REQUEST_LIMIT));
    tokio::spawn(config.tokens.follow(stop_following.clone()));
    let served = shared_service::serve_beside(config.server, listener, router, &mut tasks, shutdown).await;
    stop_following.cancel();
    while tasks.join_next().await.is_some() {}
    Ok(served?)
}

fn checks(log: Log, reader: Arc<LogReader>, tail: Tail) -> Checks {
    Checks::new()
        .with("event-store", move || {
            let reader = Arc::clone(&reader);
            async move {
                let answer = reader.head(log).await;
                answer.map(|_| None).map_err(|error| Trouble::Down(error.to_string()))
            }
        })
        .with("live-audit-log", move || {
            let outage = tail.outage();
            async move { outage.map_or(Ok(None), |error| Err(Trouble::Down(error.to_string()))) }
        })
}
