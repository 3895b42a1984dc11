//! The rules of flights: what may be done with one, what has happened then, and how it stands after that.
//!
//! Pure and synchronous. Whether everybody has boarded is decided by the flight's manifest, in the passenger domain; a
//! flight only hears of it.

mod command;
mod decide;
mod event;
mod flight;
mod offset_date_time;
mod state;

pub use command::{FlightCommand, FlightRejection};
pub use decide::{Flights, may_depart};
pub use event::*;
pub use flight::{Flight, FlightDetails, FlightNumber, FlightStatus, PlaceName};
pub use offset_date_time::OffsetDateTime;
pub use state::{FlightState, is_legal};
