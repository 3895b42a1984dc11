use flight_core::FlightRejection;
use passenger_contract::MissingPassenger;
use shared_kernel::{ExecuteError, Interruption, Position, Revision};

/// Why something could not be done with a flight.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlightError {
    /// A rule of flights forbids it. Nothing has happened.
    #[error("{rejection}")]
    Rejected {
        /// The rule's own answer.
        rejection: FlightRejection,
        /// What the decision has taken into account.
        position: Position,
    },
    /// Somebody on its manifest has not boarded, or nobody is on board. Nothing has happened.
    #[error("not everybody has boarded, or nobody is on board")]
    NotAllBoarded {
        /// How many have not boarded; zero if nobody is on board and nobody is missing.
        missing: u64,
        /// The first of them.
        passengers: Vec<MissingPassenger>,
        /// What the decision has taken into account.
        position: Position,
    },
    /// Its manifest is closed, since the flight has ended. Nothing has happened.
    #[error("the manifest is closed")]
    ManifestClosed,
    /// The idempotency key was used for another request before. Nothing has happened.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// It was not carried out as it should have been.
    #[error(transparent)]
    Interrupted(#[from] Interruption),
}

impl FlightError {
    pub(crate) fn rejected(rejection: FlightRejection, revision: Option<Revision>) -> Self {
        Self::Rejected { rejection, position: Position::at(flight_contract::STREAM, revision) }
    }
}

impl From<ExecuteError<FlightRejection>> for FlightError {
    fn from(error: ExecuteError<FlightRejection>) -> Self {
        match error {
            ExecuteError::Rejected { rejection, revision } => Self::rejected(rejection, revision),
            ExecuteError::KeyReused => Self::KeyReused,
            ExecuteError::Interrupted(interruption) => interruption.into(),
        }
    }
}

impl From<FlightError> for Interruption {
    /// What is left of an error where no rule can have said no.
    fn from(error: FlightError) -> Self {
        match error {
            FlightError::Interrupted(interruption) => interruption,
            other => Self::Internal(other.to_string()),
        }
    }
}
