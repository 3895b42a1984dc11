use flight_application::FlightError;
use flight_contract::problem_type as flight;
use flight_core::FlightRejection;
use passenger_contract::problem_type as passenger;
use shared_service::{Problem, problem_type};

/// What to answer when something could not be done with a flight.
pub(crate) fn problem(error: FlightError) -> Problem {
    match error {
        FlightError::Rejected { rejection, position } => rejected(&rejection).position(position),
        FlightError::NotAllBoarded { missing, passengers, position } => {
            let detail = match missing {
                0 => "Nobody is on board. At least one passenger has to board before the flight can leave.".to_owned(),
                1 => "1 passenger has not boarded.".to_owned(),
                _ => format!("{missing} passengers have not boarded."),
            };
            Problem::new(flight::NOT_ALL_BOARDED, detail)
                .with("missing", missing)
                .with("passengers", passengers)
                .position(position)
        }
        FlightError::ManifestClosed => Problem::of(passenger::MANIFEST_CLOSED),
        FlightError::KeyReused => Problem::of(problem_type::IDEMPOTENCY_KEY_REUSED),
        FlightError::Interrupted(interruption) => interruption.into(),
    }
}

fn rejected(rejection: &FlightRejection) -> Problem {
    Problem::of(match rejection {
        FlightRejection::NotFound => flight::FLIGHT_NOT_FOUND,
        FlightRejection::AlreadyExists => problem_type::ALREADY_EXISTS,
        FlightRejection::Stale { .. } => problem_type::PRECONDITION_FAILED,
        FlightRejection::AlreadyDeparted => flight::FLIGHT_DEPARTED,
        FlightRejection::NotDeparted => flight::FLIGHT_NOT_DEPARTED,
        FlightRejection::AlreadyArrived => flight::FLIGHT_ARRIVED,
        FlightRejection::InTheAir => flight::FLIGHT_IN_THE_AIR,
    })
}
