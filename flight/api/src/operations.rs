//! What clients are told about each route.

use flight_application::FlightView;
use flight_contract::{FlightId, problem_type as flight};
use passenger_contract::problem_type as passenger;
use serde_json::{Value, json};
use shared_kernel::Described;
use shared_service::NoBody;
use shared_service::openapi::{Operation, Thing};

use crate::input::{DetailsInput, ListInput};

fn details() -> Value {
    json!({
        "flightNumber": "JB 101", "origin": "HAM", "destination": "Oslo",
        "scheduledDeparture": "2026-05-01T12:30:00+02:00",
    })
}

pub(crate) fn list() -> Operation {
    Operation::query("listFlights", "Lists flights").parameters::<ListInput>().answers_page(FlightView::schema())
}

pub(crate) fn create() -> Operation {
    Operation::command::<DetailsInput>("createFlight", "Creates a flight", &details())
        .answers_made::<FlightView>("The flight, at the gate and without passengers")
        .leading_to(&["showFlight", "correctFlight", "disembarkFlight", "landFlight", "deleteFlight"])
}

pub(crate) fn show() -> Operation {
    Operation::query("showFlight", "Shows a flight")
        .on::<FlightId>(Thing::Versioned)
        .answers_thing::<FlightView>("The flight")
}

pub(crate) fn correct() -> Operation {
    Operation::command::<DetailsInput>("correctFlight", "Corrects what is said about a flight", &details())
        .describing("All details are sent, also those that stay.")
        .on::<FlightId>(Thing::Versioned)
        .refused_with(&[flight::FLIGHT_DEPARTED, flight::FLIGHT_ARRIVED])
        .answers_thing::<FlightView>("The flight with its new details")
}

pub(crate) fn depart() -> Operation {
    Operation::command::<NoBody>("disembarkFlight", "Lets a flight leave the gate", &Value::Null)
        .describing("Everybody has to be on board. After it nobody is added, boarded or taken off.")
        .on::<FlightId>(Thing::Versioned)
        .refused_with(&[flight::NOT_ALL_BOARDED, flight::FLIGHT_DEPARTED, flight::FLIGHT_ARRIVED])
        .refused_with(&[passenger::MANIFEST_CLOSED])
        .answers_thing::<FlightView>("The flight, which has left the gate")
}

pub(crate) fn land() -> Operation {
    Operation::command::<NoBody>("landFlight", "Lands a flight", &Value::Null)
        .describing("Its passengers arrive.")
        .on::<FlightId>(Thing::Versioned)
        .refused_with(&[flight::FLIGHT_NOT_DEPARTED, flight::FLIGHT_ARRIVED])
        .answers_thing::<FlightView>("The flight, which has landed")
}

pub(crate) fn delete() -> Operation {
    Operation::command::<NoBody>("deleteFlight", "Deletes a flight", &Value::Null)
        .describing("Its passengers are removed as well.")
        .on::<FlightId>(Thing::Versioned)
        .refused_with(&[flight::FLIGHT_IN_THE_AIR])
        .answers_nothing("The flight is deleted")
}
