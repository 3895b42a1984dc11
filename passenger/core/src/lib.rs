//! The rules of passengers and manifests: what may be done with them, what has happened then, and how they stand after
//! that.
//!
//! Pure and synchronous. The manifest of a flight is where its departure is decided: it can be sealed only when
//! everybody on it has boarded, and nobody can be added once it is sealed. Whether the flight itself exists is for the
//! flight domain to say.

mod close;
mod command;
mod decide;
mod event;
mod manifest;
mod passenger;
mod rejection;
mod state;

pub use close::MAX_CLOSED_PER_COMMAND;
pub use command::PassengerCommand;
pub use decide::{PassengerOutcome, PassengerSubject, Passengers};
pub use event::*;
pub use manifest::{Counts, Manifest, ManifestState};
pub use passenger::{OffloadReason, Passenger, PassengerName, PassengerStatus};
pub use rejection::PassengerRejection;
pub use state::{PassengerState, is_legal};
