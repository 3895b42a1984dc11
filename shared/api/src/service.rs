//! The API of a domain as a service: what it starts, checks and stops.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::{Extension, Router};
use shared_infrastructure::InvalidSetting;
use shared_infrastructure::event_store::{EventStore, Refusal, StoreError};
use shared_infrastructure::executor::{Executor, ExecutorHandle, ExecutorSettings};
use shared_infrastructure::ledger::Ledger;
use shared_infrastructure::limits;
use shared_infrastructure::postgres::Database;
use shared_infrastructure::read_model::{CheckpointFollower, ReadModel};
use shared_infrastructure::refusals::{RefusalLog, RefusalRecorder};
use shared_infrastructure::rpc::Peers;
use shared_infrastructure::snapshot::Snapshots;
use shared_kernel::{Decider, Domain};
use shared_service::ServerSettings;
use shared_service::about::{self, Wanted};
use shared_service::domain_service::{DomainService, ServiceKind};
use shared_service::health::{self, Checks, Trouble};
use shared_service::{ServiceNames, openapi, rpc, telemetry};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{Backend, Config, DomainApi, RunError, refusals};

/// The API of a domain, as far as its command line says so.
pub(crate) struct ApiService<A>(PhantomData<A>);

impl<A: DomainApi> DomainService for ApiService<A> {
    const DOMAIN: &'static Domain = A::DOMAIN;
    const KIND: ServiceKind = ServiceKind::Api;
    const PURPOSE: &'static str = "commands and queries of";
}

pub(crate) async fn run<A: DomainApi>(
    config: Config,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), RunError> {
    let peers = Peers::new(rpc::urls(&config.apis), config.tokens.credential());
    let peers = peers.trusting(config.trust.config().cloned());
    let prepared = Tasks::<A::Decider>::prepare(&config, A::DOMAIN, A::PROJECTION);
    let tasks = prepared.map_err(RunError::Setting)?;
    let checks = config.server.drain.noted_in(tasks.checks());
    let shutdown = config.server.drain.before_end(shutdown);
    let api = A::api(tasks.backend(A::DOMAIN), &peers).map_err(|unusable| RunError::Setting(unusable.into()))?;
    let (methods, _rpc_handle) = rpc::routes(A::methods(&api));
    let routes = A::routes();
    let document = openapi::route(openapi::document(routes.list()));
    let public = routes.with_state(Arc::new(api));
    let commands = match &tasks.refusals {
        Some((log, _)) => refusals::noted::<A>(public, log.clone()),
        None => public,
    };
    let names = Extension(ServiceNames::known_to(A::DOMAIN));
    let public = commands.layer(names).merge(health::routes(checks)).merge(telemetry::routes()).merge(document);
    let wanted = [Wanted::of_service(&A::DOMAIN.api()), Wanted::of_stream(A::DOMAIN.stream.name)].concat();
    let public = public.merge(about::routes(wanted));
    let public = public.finish_as(&A::DOMAIN.api(), limits::REQUEST);
    let _measured = tasks.database.measured(&A::DOMAIN.api());
    tokio::spawn(config.tokens.clone().follow(shutdown.clone()));
    tasks.run(config.server, listener, config.tokens.guard(public.merge(methods)), shutdown).await
}

/// Everything that runs beside the answers of an API, ready to run.
struct Tasks<D: Decider> {
    executor: Executor<D>,
    handle: ExecutorHandle<D>,
    read_model: ReadModel,
    follower: CheckpointFollower,
    snapshots: Snapshots,
    database: Database,
    /// `None` if refused commands are not recorded.
    refusals: Option<(RefusalLog, RefusalRecorder)>,
}

impl<D: Decider> Tasks<D> {
    /// Connects to nothing yet.
    fn prepare(config: &Config, domain: &'static Domain, projection: &'static str) -> Result<Self, InvalidSetting> {
        let stream = domain.stream.name;
        let event_store = EventStore::reached(config.event_store.expose(), config.event_store_in_process.clone())?;
        let database = Database::with_connections(config.database_url.expose(), config.database_connections)?;
        let snapshots = Snapshots::new(database.clone(), stream);
        let settings = ExecutorSettings { append_bytes: config.append_bytes, command_queue: config.command_queue };
        let empty = Ledger::default().forgetting_after(config.forget_after);
        let (executor, handle) = Executor::new(stream, &event_store, empty, settings);
        let (read_model, follower) = ReadModel::new(database.clone(), stream, projection);
        let refusals = config.keep_refusals_for.map(|age| RefusalLog::new(&event_store, domain.api(), age));
        Ok(Self { executor, handle, read_model, follower, snapshots, database, refusals })
    }

    fn backend(&self, domain: &'static Domain) -> Backend<D> {
        Backend { executor: self.handle.clone(), read_model: self.read_model.clone(), domain }
    }

    /// Whether commands are taken, and queries answered.
    fn checks(&self) -> Checks {
        let (executor, read_model) = (self.handle.clone(), self.read_model.clone());
        Checks::new()
            .with("event-store", move || {
                let known = match (executor.outage(), executor.other_history()) {
                    (Some(StoreError::Refused(refusal @ Refusal::OtherHistory { .. })), _) => {
                        Err(Trouble::Down(other_history(&refusal)))
                    }
                    (Some(error), _) => Err(Trouble::Down(error.to_string())),
                    (None, Some(refusal)) => Err(Trouble::Degraded(other_history(&refusal))),
                    (None, None) => Ok(None),
                };
                async move { known }
            })
            .with("postgresql", move || {
                let read_model = read_model.clone();
                async move {
                    let revision = read_model.revision().await;
                    revision.map(|_| None).map_err(|error| Trouble::Down(error.to_string()))
                }
            })
    }

    /// Runs them and serves `router` until `shutdown`.
    async fn run(
        self,
        server: ServerSettings,
        listener: TcpListener,
        router: Router,
        shutdown: CancellationToken,
    ) -> Result<(), RunError> {
        // The executor answers what is being served before it stops, and what is refused until then is recorded.
        let (stop_executor, stop_others) = (CancellationToken::new(), shutdown.child_token());
        let mut tasks = JoinSet::new();
        let (snapshots, empty) = (self.snapshots.clone(), self.handle.current());
        let loading = async move { empty.or_from(snapshots.load().await) };
        tasks.spawn(self.executor.run_from(loading, stop_executor.clone()));
        if let Some((_, recorder)) = self.refusals {
            tasks.spawn(recorder.run(stop_executor.clone()));
        }
        tasks.spawn(self.follower.run(stop_others.clone()));
        tasks.spawn(self.snapshots.run(self.handle, stop_others.clone()));
        let served = shared_service::serve_beside(server, listener, router, &mut tasks, shutdown).await;
        stop_others.cancel();
        stop_executor.cancel();
        while tasks.join_next().await.is_some() {}
        Ok(served?)
    }
}

/// The event store was emptied or restored since this process has begun. Commands are decided on what it holds now;
/// whoever reads this has to know all the same.
fn other_history(refusal: &Refusal) -> String {
    format!("other-history: {refusal}; the state was folded anew")
}
