//! What clients are told about each route.

use axum::http::StatusCode;
use flight_contract::problem_type as flight;
use passenger_application::{ManifestView, ManifestWithPassengers, PassengerView};
use passenger_contract::{PassengerId, problem_type as passenger};
use serde_json::{Value, json};
use shared_kernel::Described;
use shared_service::NoBody;
use shared_service::openapi::{Operation, Thing};

use crate::input::{AddInput, ManifestInput, ManifestKey, ManifestsInput, NameInput, OffloadInput, PassengersInput};

pub(crate) fn list() -> Operation {
    Operation::query("listPassengers", "Lists passengers")
        .parameters::<PassengersInput>()
        .answers_page(PassengerView::schema())
}

pub(crate) fn add() -> Operation {
    let example = json!({"flightId": "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b", "name": "Ada Lovelace"});
    Operation::command::<AddInput>("addPassenger", "Adds a passenger to a flight", &example)
        .refused_with(&[flight::FLIGHT_NOT_FOUND, flight::FLIGHT_DEPARTED, flight::FLIGHT_ARRIVED])
        .refused_with(&[passenger::MANIFEST_SEALED, passenger::MANIFEST_CLOSED])
        .answers_made::<PassengerView>("The passenger, checked in")
        .leading_to(&["showPassenger", "renamePassenger", "boardPassenger", "offloadPassenger"])
}

pub(crate) fn show() -> Operation {
    Operation::query("showPassenger", "Shows a passenger")
        .on::<PassengerId>(Thing::Versioned)
        .answers_thing::<PassengerView>("The passenger")
}

pub(crate) fn correct_name() -> Operation {
    Operation::command::<NameInput>("renamePassenger", "Corrects a passenger's name", &json!({"name": "Ada King"}))
        .on::<PassengerId>(Thing::Versioned)
        .refused_with(&[passenger::MANIFEST_SEALED, passenger::MANIFEST_CLOSED])
        .answers_thing::<PassengerView>("The passenger with the new name")
}

pub(crate) fn board() -> Operation {
    Operation::command::<NoBody>("boardPassenger", "Boards a passenger", &Value::Null)
        .on::<PassengerId>(Thing::Versioned)
        .refused_with(&[passenger::PASSENGER_ALREADY_BOARDED, passenger::PASSENGER_OFFLOADED])
        .refused_with(&[passenger::MANIFEST_SEALED, passenger::MANIFEST_CLOSED])
        .answers_thing::<PassengerView>("The passenger, on board")
}

pub(crate) fn offload() -> Operation {
    Operation::command::<OffloadInput>(
        "offloadPassenger",
        "Takes a passenger off the flight",
        &json!({"reason": "no-show"}),
    )
    .describing("The flight does not wait for them any more.")
    .on::<PassengerId>(Thing::Versioned)
    .refused_with(&[passenger::PASSENGER_OFFLOADED])
    .refused_with(&[passenger::MANIFEST_SEALED, passenger::MANIFEST_CLOSED])
    .answers_thing::<PassengerView>("The passenger, offloaded")
}

pub(crate) fn list_manifests() -> Operation {
    Operation::query("listManifests", "Lists manifests")
        .describing("Without those of deleted flights, and of flights that nobody was ever added to.")
        .parameters::<ManifestsInput>()
        .answers_page(ManifestView::schema())
}

pub(crate) fn show_manifest() -> Operation {
    let forms = [("application/json", ManifestWithPassengers::schema()), ("text/csv", String::schema())];
    let headers = ["ETag", "Jetbridge-Position"];
    Operation::query("showManifest", "Shows who is on a flight")
        .describing("As CSV, with `Accept: text/csv`, it has all passengers.")
        .on::<ManifestKey>(Thing::Versioned)
        .parameters::<ManifestInput>()
        .answers_as(StatusCode::OK, "The manifest", &forms, &headers)
        .answers_as(StatusCode::NOT_MODIFIED, "As it was", &[], &headers)
}
