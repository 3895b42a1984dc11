//! What can be done with passengers and manifests, in the order in which it has to happen across the two domains, and
//! what a query shows.
//!
//! Knows neither transport nor SQL: the executor, the flight domain and their failures are behind ports.

mod error;
mod flights;
mod records;
mod service;
mod view;

pub use error::PassengerError;
pub use flights::{Completeness, Flights};
pub use records::Records;
pub use service::PassengerService;
pub use view::{ManifestFilter, ManifestView, ManifestWithPassengers, MissingView, PassengerFilter, PassengerView};
