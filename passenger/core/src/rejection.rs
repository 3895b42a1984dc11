use passenger_contract::{FlightEnding, MissingPassenger};
use shared_kernel::Revision;

/// Why a rule forbids a command about a passenger or a manifest. The messages hold no personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PassengerRejection {
    /// There is no such passenger, or they were removed with their flight.
    #[error("there is no such passenger")]
    NotFound,
    /// There is no such passenger any more, or there never was: they may be one of those who were forgotten some time after
    /// their flight had ended. The read model knows.
    #[error("there is no such passenger on a flight that was not forgotten")]
    NotRemembered {
        /// The newest event about those who were forgotten.
        forgotten: Revision,
    },
    /// The identifier of a new passenger is taken. Choose another.
    #[error("a passenger with this identifier exists already")]
    AlreadyExists,
    /// Something has happened to the passenger since the version the command was meant for. Look again, then decide.
    #[error("the passenger has changed; their version is now {current}")]
    Stale {
        /// The version they have now.
        current: Revision,
    },
    /// The flight is leaving or has left the gate, which cannot be undone.
    #[error("the manifest was sealed for the departure")]
    ManifestSealed,
    /// The flight has ended; its manifest is closed for good.
    #[error("the manifest is closed: the flight has ended ({})", .ending.as_str())]
    ManifestClosed {
        /// How it ended.
        ending: FlightEnding,
    },
    /// The passenger is on board.
    #[error("the passenger has boarded already")]
    AlreadyBoarded,
    /// The passenger was taken off the flight. Check them in again, as a new passenger, if they are to fly after all.
    #[error("the passenger was offloaded")]
    Offloaded,
    /// The flight cannot depart: board or offload those who are missing, or add somebody if nobody is on the manifest.
    #[error("{}", who_is_missing(*.missing))]
    NotAllBoarded {
        /// How many have not boarded; zero if nobody is on board and nobody is missing.
        missing: u64,
        /// The first of them by identifier, at most [`passenger_contract::MAX_MISSING_NAMED`].
        passengers: Vec<MissingPassenger>,
    },
}

fn who_is_missing(missing: u64) -> String {
    match missing {
        0 => "nobody is on board".to_owned(),
        1 => "1 passenger has not boarded".to_owned(),
        _ => format!("{missing} passengers have not boarded"),
    }
}
