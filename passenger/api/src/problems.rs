use flight_contract::problem_type as flight;
use passenger_application::PassengerError;
use passenger_contract::problem_type as passenger;
use passenger_core::PassengerRejection;
use shared_service::{Problem, problem_type};

/// What to answer when something could not be done with a passenger.
pub(crate) fn problem(error: PassengerError) -> Problem {
    match error {
        PassengerError::Rejected { rejection, position } => rejected(&rejection).position(position),
        PassengerError::UnknownFlight => Problem::of(flight::FLIGHT_NOT_FOUND),
        PassengerError::FlightDeparted => Problem::of(flight::FLIGHT_DEPARTED),
        PassengerError::FlightArrived => Problem::of(flight::FLIGHT_ARRIVED),
        PassengerError::KeyReused => Problem::of(problem_type::IDEMPOTENCY_KEY_REUSED),
        PassengerError::Interrupted(interruption) => interruption.into(),
    }
}

fn rejected(rejection: &PassengerRejection) -> Problem {
    Problem::of(match rejection {
        PassengerRejection::NotFound | PassengerRejection::NotRemembered { .. } => passenger::PASSENGER_NOT_FOUND,
        PassengerRejection::AlreadyExists => problem_type::ALREADY_EXISTS,
        PassengerRejection::Stale { .. } => problem_type::PRECONDITION_FAILED,
        PassengerRejection::ManifestSealed => passenger::MANIFEST_SEALED,
        PassengerRejection::ManifestClosed { .. } => passenger::MANIFEST_CLOSED,
        PassengerRejection::AlreadyBoarded => passenger::PASSENGER_ALREADY_BOARDED,
        PassengerRejection::Offloaded => passenger::PASSENGER_OFFLOADED,
        PassengerRejection::NotAllBoarded { .. } => flight::NOT_ALL_BOARDED,
    })
}
