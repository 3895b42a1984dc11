//! The services, put together.

use gateway::{Limits, WebDir};
use shared_infrastructure::postgres::POOLED_CONNECTIONS;
use shared_service::settings::SecretUrl;
use tokio::net::TcpListener;

use crate::database::Databases;
use crate::error::SystemError;
use crate::listeners::Internal;
use crate::supervisor::{Stage, Supervisor};

/// What the services keep their data in.
#[derive(Debug)]
pub(crate) struct Stores {
    pub(crate) event_store: SecretUrl,
    pub(crate) databases: Databases,
}

/// Starts all services. They become ready by and by.
pub(crate) async fn start(
    supervisor: &mut Supervisor,
    Stores { event_store, databases }: Stores,
    gateway_listener: TcpListener,
    web_dir: Option<WebDir>,
) -> Result<(), SystemError> {
    let flight_api = Internal::bind().await?;
    let passenger_api = Internal::bind().await?;
    let auditlog_api = Internal::bind().await?;
    let flight_processor = Internal::bind().await?;
    let passenger_processor = Internal::bind().await?;

    let gateway_config = gateway::Config {
        services: gateway::Services {
            flight_api: flight_api.url.clone(),
            passenger_api: passenger_api.url.clone(),
            auditlog_api: auditlog_api.url,
            flight_processor: Some(flight_processor.url),
            passenger_processor: Some(passenger_processor.url),
        },
        limits: Limits::default(),
        web_dir,
    };

    let apis = supervisor.token(Stage::Apis);
    let domain = |database_url: &SecretUrl| shared_api::Config::new(database_url.clone(), event_store.clone());
    let config = flight_api::Config { domain: domain(&databases.flight), passenger_api: passenger_api.url.clone() };
    let running = flight_api::run(config, flight_api.listener, apis.clone());
    supervisor.spawn(Stage::Apis, "flight API", running);
    let config = passenger_api::Config { domain: domain(&databases.passenger), flight_api: flight_api.url.clone() };
    let running = passenger_api::run(config, passenger_api.listener, apis.clone());
    supervisor.spawn(Stage::Apis, "passenger API", running);
    let config = auditlog_api::Config {
        event_store: event_store.clone(),
        max_followers: auditlog_api::Config::DEFAULT_MAX_FOLLOWERS,
    };
    let running = auditlog_api::run(config, auditlog_api.listener, apis);
    supervisor.spawn(Stage::Apis, "audit log API", running);

    let processors = supervisor.token(Stage::Processors);
    let config = flight_processor::Config {
        database_url: databases.flight,
        database_connections: POOLED_CONNECTIONS,
        event_store: event_store.clone(),
        passenger_api: passenger_api.url,
    };
    let running = flight_processor::run(config, flight_processor.listener, processors.clone());
    supervisor.spawn(Stage::Processors, "flight processor", running);
    let config = passenger_processor::Config {
        database_url: databases.passenger,
        database_connections: POOLED_CONNECTIONS,
        event_store,
        flight_api: flight_api.url,
    };
    let running = passenger_processor::run(config, passenger_processor.listener, processors);
    supervisor.spawn(Stage::Processors, "passenger processor", running);

    start_gateway(supervisor, gateway_config, gateway_listener);
    Ok(())
}

fn start_gateway(supervisor: &mut Supervisor, config: gateway::Config, listener: TcpListener) {
    let running = gateway::run(config, listener, supervisor.token(Stage::Gateway));
    let running = async {
        running.await;
        Ok::<_, std::convert::Infallible>(())
    };
    supervisor.spawn(Stage::Gateway, "gateway", running);
}
