use std::fmt;

use flight_contract::FlightId;
use shared_kernel::Revision;

/// An event, by its number in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The name of the stream.
    pub stream: &'static str,
    /// The number of the event.
    pub revision: Revision,
}

/// Something that must not be so. It names no person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The event that it begins with; for a row, the last event about it.
    pub place: Place,
    /// The flight, if it is about one.
    pub flight: Option<FlightId>,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.stream, self.revision)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.flight {
            Some(flight) => write!(f, "{}: flight {flight}: {}", self.place, self.what),
            None => write!(f, "{}: {}", self.place, self.what),
        }
    }
}
