//! What the rest of Jetbridge knows of the flight domain: its description, its identifiers, its problems, and the words
//! in which other domains ask it.
//!
//! Without a transport: `flight-rpc` carries these words.

pub mod problem_type;

use serde::{Deserialize, Serialize};
use shared_kernel::{Described, Domain, ProblemType, PublicKey, Schema, Stream, names_schema};

/// The stream that holds every event of the flight domain.
pub const STREAM: Stream = Stream::new("flight-stream", "f");

/// The flight domain.
pub const DOMAIN: &Domain = &Domain {
    name: "flight",
    stream: STREAM,
    collections: &["flights"],
    id_field: "flightId",
    calls: &["passenger"],
    problem_types: problem_type::ALL,
    api_port: 8081,
    processor_port: 8091,
};

shared_kernel::id! {
    /// Identifies a flight, and with it the flight's manifest. New ones are UUIDv7, so they sort by creation time.
    FlightId
}

impl PublicKey for FlightId {
    const NOT_FOUND: &'static ProblemType = problem_type::FLIGHT_NOT_FOUND;
}

/// Whether a flight takes passengers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Admission {
    /// It is at the gate.
    Open,
    /// There is no such flight, or it was deleted.
    UnknownFlight,
    /// It has left the gate.
    Departed,
    /// It has landed.
    Arrived,
}

impl Described for Admission {
    fn schema() -> Schema {
        names_schema(&["open", "unknownFlight", "departed", "arrived"])
    }
}
