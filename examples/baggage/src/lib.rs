//! Baggage: a domain beside flights and passengers. Bags are checked in for a flight; one that comes too late, or for a flight
//! that does not exist, is left behind.
//!
//! `main.rs` runs it together with the others. Here it is one crate with a module for each layer.

mod api;
mod contract;
mod processor;
mod rules;

pub use api::BaggageApi;
pub use processor::BaggageProcessor;
