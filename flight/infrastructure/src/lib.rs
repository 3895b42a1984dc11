//! The flight domain's ties to the outside: its stream, its tables, and the passenger domain over JSON-RPC.

mod manifests;
mod migrations;
mod projection;
mod queries;
mod reactions;
mod rows;
mod table;

pub use manifests::RpcManifests;
pub use migrations::migrations;
pub use projection::FlightProjection;
pub use queries::FlightReadModel;
pub use reactions::FlightReactions;
pub use rows::stored_flights;
