//! The passenger domain's ties to the outside: its stream, its tables, and the flight domain over JSON-RPC.

mod flights;
mod migrations;
mod projection;
mod queries;
mod reactions;
mod rows;
mod table;
mod unfinished;

pub use flights::RpcFlights;
pub use migrations::migrations;
pub use projection::PassengerProjection;
pub use queries::{FIRST_PASSENGERS, PassengerReadModel};
pub use reactions::PassengerReactions;
pub use rows::{stored_manifests, stored_passengers};
