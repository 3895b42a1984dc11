//! Baggage: a domain beside flights and passengers, which `main.rs` runs together with those. A bag is checked in for a
//! flight, and left behind if that takes none.

mod api;
mod contract;
mod processor;
mod rules;

pub use api::BaggageApi;
pub use processor::BaggageProcessor;
