//! The services, put together.

use std::convert::Infallible;

use gateway::{Authentication, Gateway, Probe, Resolver};
use shared_infrastructure::event_store::InProcess as InProcessStore;
use shared_service::domain_service::ApiUrls;
use shared_service::settings::{SecretUrl, ServiceTrust};
use shared_service::{ConnectionLimits, InProcess, ServerSettings, ServiceTokens, openapi};
use tokio::net::TcpListener;

use crate::domains::{self, DomainServices};
use crate::error::SystemError;
use crate::listeners::Internal;
use crate::settings::Front;
use crate::supervisor::{Stage, Supervisor};

/// What the services keep their data in.
#[derive(Debug)]
pub(crate) struct Stores {
    pub(crate) event_store: EventStorePlace,
    /// Those of the domains, in their order.
    pub(crate) databases: Vec<SecretUrl>,
}

/// Where the event store is.
#[derive(Debug, Clone)]
pub(crate) struct EventStorePlace {
    pub(crate) address: SecretUrl,
    /// The way to it, if it is the embedded one.
    pub(crate) in_process: Option<InProcessStore>,
}

/// A domain whose services have their ports.
struct Bound<'a> {
    services: &'a DomainServices,
    api: Internal,
    processor: Internal,
    database_url: SecretUrl,
}

/// Starts all services. They become ready by and by, which can be seen by what this gives.
pub(crate) async fn start(
    supervisor: &mut Supervisor,
    domains: &[DomainServices],
    stores: Stores,
    gateway_listener: TcpListener,
    (front, authentication): (Front, Authentication),
) -> Result<Probe, SystemError> {
    let Stores { event_store, databases } = stores;
    let auditlog_api = Internal::bind().await?;
    let mut bound = Vec::new();
    for (services, database_url) in domains.iter().zip(databases) {
        bound.push(Bound { services, api: Internal::bind().await?, processor: Internal::bind().await?, database_url });
    }
    let places = bound.iter().map(|Bound { services, api, processor, .. }| gateway::DomainServices {
        domain: services.domain,
        api: api.url.clone().into(),
        processor: Some(processor.url.clone().into()),
    });
    let services = gateway::Services { domains: places.collect(), auditlog_api: auditlog_api.url.into() };
    let Front { server, limits, web_dir, trusted_proxies, .. } = front;
    let in_process = server.in_process.clone();
    // They are all in this process, so that nobody else has to know it.
    let tokens = ServiceTokens::random();
    let documents = domains::routes(domains).values().map(openapi::document).collect();
    let config = gateway::Config {
        services,
        resolver: Resolver::default(),
        trust: ServiceTrust::default(),
        tokens: tokens.clone(),
        documents,
        limits,
        web_dir,
        server,
        authentication,
        trusted_proxies,
    };
    let gateway = Gateway::new(config);
    let apis: ApiUrls = bound.iter().map(|bound| (bound.services.domain.name, bound.api.url.clone().into())).collect();
    for domain in bound {
        start_domain(supervisor, domain, &event_store, &apis, (&tokens, &in_process));
    }
    let config = auditlog_api::Config {
        // They are there as long as the process.
        domains: domains.iter().map(|services| services.domain).collect::<Vec<_>>().leak(),
        event_store: event_store.address,
        event_store_in_process: event_store.in_process,
        max_followers: auditlog_api::Config::DEFAULT_MAX_FOLLOWERS,
        tokens,
        server: inner(&in_process),
    };
    let running = auditlog_api::run(config, auditlog_api.listener, supervisor.token(Stage::Apis));
    supervisor.spawn(Stage::Apis, "audit log API", running);
    let probe = gateway.probe();
    let running = gateway.run(gateway_listener, supervisor.token(Stage::Gateway));
    supervisor.spawn(Stage::Gateway, "gateway", async {
        running.await;
        Ok::<_, Infallible>(())
    });
    Ok(probe)
}

fn start_domain(
    supervisor: &mut Supervisor,
    domain: Bound,
    event_store: &EventStorePlace,
    apis: &ApiUrls,
    (tokens, in_process): (&ServiceTokens, &InProcess),
) {
    let Bound { services: DomainServices { domain, run_api, run_processor, .. }, api, processor, database_url } =
        domain;
    let EventStorePlace { address, in_process: in_process_store } = event_store;
    let config = shared_api::Config::new(database_url.clone(), address.clone(), apis.clone(), tokens.clone());
    let event_store_in_process = in_process_store.clone();
    let config = shared_api::Config { event_store_in_process, server: inner(in_process), ..config };
    let running = run_api(config, api.listener, supervisor.token(Stage::Apis));
    supervisor.spawn(Stage::Apis, format!("{} API", domain.name), running);
    let config = shared_processor::Config::new(database_url, address.clone(), apis.clone(), tokens.clone());
    let event_store_in_process = in_process_store.clone();
    let config = shared_processor::Config { event_store_in_process, server: inner(in_process), ..config };
    let running = run_processor(config, processor.listener, supervisor.token(Stage::Processors));
    supervisor.spawn(Stage::Processors, format!("{} processor", domain.name), running);
}

/// How the services behind the gateway are served: on ports of this machine, and to the gateway without a connection.
fn inner(in_process: &InProcess) -> ServerSettings {
    let (limits, in_process) = (ConnectionLimits::of_a_part(), in_process.clone());
    ServerSettings { limits, in_process, ..ServerSettings::default() }
}
