//! The domains, with their services.

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
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Runs a service with its settings until it is told to stop.
type Run<C, E> = fn(C, TcpListener, CancellationToken) -> BoxFuture<'static, Result<(), E>>;

/// A domain and its services.
#[derive(Clone, Copy)]
pub struct DomainServices {
    pub(crate) domain: &'static Domain,
    pub(crate) run_api: Run<shared_api::Config, shared_api::RunError>,
    pub(crate) run_processor: Run<shared_processor::Config, InvalidSetting>,
}

impl DomainServices {
    /// The domain of this API and this processor.
    #[must_use]
    pub fn of<A: DomainApi, P: DomainProcessor>() -> Self {
        Self {
            domain: A::DOMAIN,
            run_api: |config, listener, shutdown| shared_api::run::<A>(config, listener, shutdown).boxed(),
            run_processor: |config, listener, shutdown| shared_processor::run::<P>(config, listener, shutdown).boxed(),
        }
    }
}

/// Every domain of Jetbridge.
#[must_use]
pub fn domains() -> Vec<DomainServices> {
    vec![DomainServices::of::<FlightApi, FlightProcessor>(), DomainServices::of::<PassengerApi, PassengerProcessor>()]
}
