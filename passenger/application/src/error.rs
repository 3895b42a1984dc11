use passenger_core::PassengerRejection;
use shared_kernel::{ExecuteError, Interruption, Position, Revision};

/// Why something could not be done with a passenger or a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PassengerError {
    /// A rule of passengers and manifests forbids it. Nothing has happened.
    #[error("{rejection}")]
    Rejected {
        /// The rule's own answer.
        rejection: PassengerRejection,
        /// What the decision has taken into account.
        position: Position,
    },
    /// There is no such flight, or it was deleted. Nothing has happened.
    #[error("there is no such flight")]
    UnknownFlight,
    /// The flight has left the gate. Nothing has happened.
    #[error("the flight has left the gate")]
    FlightDeparted,
    /// The flight has landed. Nothing has happened.
    #[error("the flight has landed")]
    FlightArrived,
    /// The idempotency key was used for another request before. Nothing has happened.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// It was not carried out as it should have been.
    #[error(transparent)]
    Interrupted(#[from] Interruption),
}

impl PassengerError {
    pub(crate) fn rejected(rejection: PassengerRejection, revision: Option<Revision>) -> Self {
        Self::Rejected { rejection, position: Position::at(passenger_contract::STREAM, revision) }
    }
}

impl From<ExecuteError<PassengerRejection>> for PassengerError {
    fn from(error: ExecuteError<PassengerRejection>) -> Self {
        match error {
            ExecuteError::Rejected { rejection, revision } => Self::rejected(rejection, revision),
            ExecuteError::KeyReused => Self::KeyReused,
            ExecuteError::Interrupted(interruption) => interruption.into(),
        }
    }
}

impl From<PassengerError> for Interruption {
    /// What is left of an error where no rule can have said no.
    fn from(error: PassengerError) -> Self {
        match error {
            PassengerError::Interrupted(interruption) => interruption,
            other => Self::Internal(other.to_string()),
        }
    }
}
