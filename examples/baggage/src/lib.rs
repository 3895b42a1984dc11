//! Baggage: a domain beside flights and passengers. A bag is checked in for a flight, and left behind if that takes
//! none.
//!
//! `main.rs` runs it together with the others.

mod api;
mod contract;
mod processor;
mod rules;

pub use api::BaggageApi;
pub use processor::BaggageProcessor;
