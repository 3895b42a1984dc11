use flight_contract::FlightId;
use shared_kernel::{IfVersion, Revision};

use crate::FlightDetails;

/// What can be asked of the flight domain.
///
/// Where there is an `if_version`, it says which [`crate::Flight::version`] the command is meant for, and the command is
/// rejected as stale if the flight has another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlightCommand {
    /// Announce a new flight, at the gate.
    Create {
        /// A new identifier.
        flight_id: FlightId,
        /// What is known about it.
        details: FlightDetails,
    },
    /// Replace what is known about a flight that is still at the gate.
    CorrectDetails {
        /// Which flight.
        flight_id: FlightId,
        /// All of its details, corrected.
        details: FlightDetails,
        /// The version that was corrected.
        if_version: Option<IfVersion>,
    },
    /// Hear from the passenger domain whether everybody on the manifest has boarded. Never rejected: news that is older
    /// than what the flight knows, or comes too late to matter to it, changes nothing.
    NoteManifest {
        /// Which flight.
        flight_id: FlightId,
        /// Whether everybody has boarded.
        complete: bool,
        /// Where in the passenger stream that became so.
        manifest_revision: Revision,
    },
    /// Get ready to leave the gate in this version, before the seal is asked for. A manifest on which everybody has
    /// boarded is news that makes another version of the flight. So of this and a correction that are meant for the
    /// same version, one is stale.
    PrepareDeparture {
        /// Which flight.
        flight_id: FlightId,
        /// Where in the passenger stream everybody had boarded.
        manifest_revision: Revision,
        /// The version that is to depart.
        if_version: Revision,
    },
    /// Leave the gate. To be asked for only once the manifest is sealed, which decides that everybody has boarded;
    /// check [`crate::may_depart`] before asking for the seal.
    ///
    /// The reaction to the seal may be faster: after a seal, [`FlightRejection::AlreadyDeparted`] means that the flight
    /// has left as asked.
    Depart {
        /// Which flight.
        flight_id: FlightId,
    },
    /// React to a sealed manifest: leave the gate, unless the flight has left already or no longer exists. Never
    /// rejected.
    CompleteDeparture {
        /// Which flight.
        flight_id: FlightId,
    },
    /// Land a flight that has left the gate.
    Land {
        /// Which flight.
        flight_id: FlightId,
        /// The version that is to land.
        if_version: Option<IfVersion>,
    },
    /// Delete a flight that is not in the air.
    Delete {
        /// Which flight.
        flight_id: FlightId,
        /// The version that is to be deleted.
        if_version: Option<IfVersion>,
    },
}

impl FlightCommand {
    /// The flight that the command is about.
    #[must_use]
    pub const fn flight_id(&self) -> FlightId {
        match self {
            Self::Create { flight_id, .. }
            | Self::CorrectDetails { flight_id, .. }
            | Self::NoteManifest { flight_id, .. }
            | Self::PrepareDeparture { flight_id, .. }
            | Self::Depart { flight_id }
            | Self::CompleteDeparture { flight_id }
            | Self::Land { flight_id, .. }
            | Self::Delete { flight_id, .. } => *flight_id,
        }
    }
}

/// Why a rule forbids a command about a flight.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlightRejection {
    /// There is no such flight, or it was deleted.
    #[error("there is no such flight")]
    NotFound,
    /// The identifier of a new flight is taken. Choose another.
    #[error("a flight with this identifier exists already")]
    AlreadyExists,
    /// Something has happened to the flight since the version the command was meant for. Look at it again, then decide.
    #[error("the flight has changed; its version is now {current}")]
    Stale {
        /// The version it has now.
        current: Revision,
    },
    /// The flight has left the gate, which cannot be undone.
    #[error("the flight has left the gate already")]
    AlreadyDeparted,
    /// The flight is at the gate. It has to depart before it can land.
    #[error("the flight has not left the gate yet")]
    NotDeparted,
    /// The flight has landed already.
    #[error("the flight has landed already")]
    AlreadyArrived,
    /// The flight is on its way. It can be deleted once it has landed.
    #[error("the flight is in the air")]
    InTheAir,
}
