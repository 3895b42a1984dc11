//! The domains, with their services.

use std::collections::BTreeMap;

use flight_api::FlightApi;
use flight_processor::FlightProcessor;
use futures::FutureExt;
use futures::future::BoxFuture;
use passenger_api::PassengerApi;
use passenger_processor::PassengerProcessor;
use shared_api::DomainApi;
use shared_infrastructure::InvalidSetting;
use shared_kernel::Domain;
use shared_processor::DomainProcessor;
use shared_service::Route;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Runs a service with its settings until it is told to stop.
type Run<C, E> = fn(C, TcpListener, CancellationToken) -> BoxFuture<'static, Result<(), E>>;

/// A domain and its services.
#[derive(Clone, Copy)]
pub struct DomainServices {
    pub(crate) domain: &'static Domain,
    pub(crate) run_api: Run<shared_api::Config, shared_api::RunError>,
    pub(crate) routes: fn() -> Vec<Route>,
    pub(crate) run_processor: Run<shared_processor::Config, InvalidSetting>,
}

impl DomainServices {
    /// The domain of this API and this processor.
    #[must_use]
    pub fn of<A: DomainApi, P: DomainProcessor>() -> Self {
        Self {
            domain: A::DOMAIN,
            routes: || A::routes().list().to_vec(),
            run_api: |config, listener, shutdown| shared_api::run::<A>(config, listener, shutdown).boxed(),
            run_processor: |config, listener, shutdown| shared_processor::run::<P>(config, listener, shutdown).boxed(),
        }
    }
}

/// The public routes of the APIs of these domains and of the audit log, by their names.
#[must_use]
pub fn routes(domains: &[DomainServices]) -> BTreeMap<&'static str, Vec<Route>> {
    let own = domains.iter().map(|services| (services.domain.name, (services.routes)()));
    // They are there as long as the process.
    let all: &'static [&'static Domain] = domains.iter().map(|services| services.domain).collect::<Vec<_>>().leak();
    own.chain([("auditlog", auditlog_api::routes(all).list().to_vec())]).collect()
}

/// Every domain of Jetbridge.
#[must_use]
pub fn domains() -> Vec<DomainServices> {
    vec![DomainServices::of::<FlightApi, FlightProcessor>(), DomainServices::of::<PassengerApi, PassengerProcessor>()]
}
