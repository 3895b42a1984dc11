use flight_contract::FlightId;
use jiff::Timestamp;
use passenger_contract::FlightEnding;
use serde::{Deserialize, Serialize};
use shared_kernel::Revision;

use crate::{FlightDetails, FlightNumber, OffsetDateTime, PlaceName};

shared_kernel::events! {
    /// What has happened to a flight.
    pub enum FlightEvent about FlightId, keyed by flight_id: FlightId = "flightId";

    /// A flight was announced, at the gate.
    Created(FlightCreated), version 2 (1: DetailsV1), about flight_id {
        /// Which flight.
        flight_id: FlightId,
        /// What was known about it.
        #[serde(flatten)]
        details: StoredDetails,
    }

    /// What is known about a flight was replaced.
    DetailsCorrected(FlightDetailsCorrected), version 2 (1: DetailsV1), about flight_id {
        /// Which flight.
        flight_id: FlightId,
        /// All of its details from then on.
        #[serde(flatten)]
        details: StoredDetails,
    }

    /// A flight heard that everybody on its manifest has boarded.
    AllBoarded(FlightAllBoarded), version 1, about flight_id {
        /// Which flight.
        flight_id: FlightId,
        /// Where in the passenger stream that became so.
        manifest_revision: Revision,
    }

    /// A flight heard that somebody on its manifest has not boarded, or nobody is left on it.
    BoardingReopened(FlightBoardingReopened), version 1, about flight_id {
        /// Which flight.
        flight_id: FlightId,
        /// Where in the passenger stream that became so.
        manifest_revision: Revision,
    }

    /// A flight left the gate.
    Departed(FlightDisembarked), version 1, about flight_id {
        /// Which flight.
        flight_id: FlightId,
    }

    /// A flight landed.
    Landed(FlightLanded), version 1, about flight_id {
        /// Which flight.
        flight_id: FlightId,
    }

    /// A flight was deleted.
    Deleted(FlightDeleted), version 1, about flight_id {
        /// Which flight.
        flight_id: FlightId,
    }
}

/// What is stored of [`FlightDetails`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredDetails {
    /// What the flight is called.
    pub flight_number: FlightNumber,
    /// Where it starts.
    pub origin: PlaceName,
    /// Where it is going.
    pub destination: PlaceName,
    /// When it should leave the gate, as it was given, if that is known.
    #[serde(default)]
    pub scheduled_departure: Option<OffsetDateTime>,
}

impl From<FlightDetails> for StoredDetails {
    fn from(details: FlightDetails) -> Self {
        let FlightDetails { flight_number, origin, destination, scheduled_departure } = details;
        Self { flight_number, origin, destination, scheduled_departure }
    }
}

impl From<StoredDetails> for FlightDetails {
    fn from(stored: StoredDetails) -> Self {
        let StoredDetails { flight_number, origin, destination, scheduled_departure } = stored;
        Self { flight_number, origin, destination, scheduled_departure }
    }
}

/// An event that stores a flight's details, in a version before: the details as they were then.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Earlier<D> {
    flight_id: FlightId,
    #[serde(flatten)]
    details: D,
}

impl<D: Into<StoredDetails>> From<Earlier<D>> for FlightCreated {
    fn from(Earlier { flight_id, details }: Earlier<D>) -> Self {
        Self { flight_id, details: details.into() }
    }
}

impl<D: Into<StoredDetails>> From<Earlier<D>> for FlightDetailsCorrected {
    fn from(Earlier { flight_id, details }: Earlier<D>) -> Self {
        Self { flight_id, details: details.into() }
    }
}

type DetailsV1 = Earlier<StoredDetailsV1>;

/// Version 1 knew the point in time of a departure, but not the offset that it was given with.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredDetailsV1 {
    flight_number: FlightNumber,
    origin: PlaceName,
    destination: PlaceName,
    #[serde(default)]
    scheduled_departure: Option<Timestamp>,
}

impl From<StoredDetailsV1> for StoredDetails {
    fn from(v1: StoredDetailsV1) -> Self {
        let StoredDetailsV1 { flight_number, origin, destination, scheduled_departure } = v1;
        Self { flight_number, origin, destination, scheduled_departure: scheduled_departure.map(OffsetDateTime::utc) }
    }
}

impl FlightEvent {
    /// How the flight has ended with this event, which the passenger domain has to hear; `None` if it has not.
    #[must_use]
    pub const fn ending(&self) -> Option<FlightEnding> {
        match self {
            Self::Landed(_) => Some(FlightEnding::Landed),
            Self::Deleted(_) => Some(FlightEnding::Deleted),
            Self::Created(_)
            | Self::DetailsCorrected(_)
            | Self::AllBoarded(_)
            | Self::BoardingReopened(_)
            | Self::Departed(_) => None,
        }
    }
}
