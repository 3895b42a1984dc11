use passenger_application::PassengerError;
use passenger_core::PassengerRejection;
use shared_service::{Problem, ProblemType};

/// What to answer when something could not be done with a passenger.
pub(crate) fn problem(error: PassengerError) -> Problem {
    match error {
        PassengerError::Rejected { rejection, position } => rejected(&rejection).position(position),
        PassengerError::UnknownFlight => Problem::of(ProblemType::FlightNotFound),
        PassengerError::FlightDeparted => Problem::of(ProblemType::FlightDeparted),
        PassengerError::FlightArrived => Problem::of(ProblemType::FlightArrived),
        PassengerError::KeyReused => Problem::of(ProblemType::IdempotencyKeyReused),
        PassengerError::Interrupted(interruption) => interruption.into(),
    }
}

fn rejected(rejection: &PassengerRejection) -> Problem {
    Problem::of(match rejection {
        PassengerRejection::NotFound => ProblemType::PassengerNotFound,
        PassengerRejection::AlreadyExists => ProblemType::AlreadyExists,
        PassengerRejection::Stale { .. } => ProblemType::PreconditionFailed,
        PassengerRejection::ManifestSealed => ProblemType::ManifestSealed,
        PassengerRejection::ManifestClosed { .. } => ProblemType::ManifestClosed,
        PassengerRejection::AlreadyBoarded => ProblemType::PassengerAlreadyBoarded,
        PassengerRejection::Offloaded => ProblemType::PassengerOffloaded,
        PassengerRejection::NotAllBoarded { .. } => ProblemType::NotAllBoarded,
    })
}
