use flight_application::FlightError;
use flight_core::FlightRejection;
use shared_service::{Problem, ProblemType};

/// What to answer when something could not be done with a flight.
pub(crate) fn problem(error: FlightError) -> Problem {
    match error {
        FlightError::Rejected { rejection, position } => rejected(&rejection).position(position),
        FlightError::NotAllBoarded { missing, passengers, position } => {
            let detail = match missing {
                0 => "The flight has no passengers; at least one has to board before it can leave.".to_owned(),
                1 => "1 passenger has not boarded.".to_owned(),
                _ => format!("{missing} passengers have not boarded."),
            };
            Problem::new(ProblemType::NotAllBoarded, detail)
                .with("missing", missing)
                .with("passengers", passengers)
                .position(position)
        }
        FlightError::ManifestClosed => Problem::of(ProblemType::ManifestClosed),
        FlightError::KeyReused => Problem::of(ProblemType::IdempotencyKeyReused),
        FlightError::Interrupted(interruption) => interruption.into(),
    }
}

fn rejected(rejection: &FlightRejection) -> Problem {
    Problem::of(match rejection {
        FlightRejection::NotFound => ProblemType::FlightNotFound,
        FlightRejection::AlreadyExists => ProblemType::AlreadyExists,
        FlightRejection::Stale { .. } => ProblemType::PreconditionFailed,
        FlightRejection::AlreadyDeparted => ProblemType::FlightDeparted,
        FlightRejection::NotDeparted => ProblemType::FlightNotDeparted,
        FlightRejection::AlreadyArrived => ProblemType::FlightArrived,
        FlightRejection::InTheAir => ProblemType::FlightInTheAir,
    })
}
