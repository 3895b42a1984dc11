//! What can be done with flights, in the order in which it has to happen across the two domains, and what a query
//! shows.
//!
//! Knows neither transport nor SQL: the executor, the passenger domain and their failures are behind ports.

mod departure;
mod error;
mod manifests;
mod reconcile;
mod service;
mod view;

pub use error::FlightError;
pub use manifests::Manifests;
pub use service::FlightService;
pub use view::{FlightFilter, FlightView};
