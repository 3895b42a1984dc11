use flight_contract::FlightId;
use passenger_contract::{FlightEnding, PassengerId};
use passenger_core::{
    ManifestClosed, ManifestCompleted, ManifestReopened, ManifestSealed, PassengerArrived, PassengerBoarded,
    PassengerCheckedIn, PassengerCommand, PassengerEvent, PassengerNameCorrected, PassengerOffloaded, PassengerRemoved,
};
use shared_kernel::Text;
use uuid::{Uuid, uuid};

/// The flight that most tests are about.
pub(crate) const FLIGHT: FlightId = FlightId::new(uuid!("01926e2a-7c3e-7b52-8f6d-0a4f6b1c9d01"));

/// Two passengers who are on the flight in most tests.
pub(crate) const ZOE: PassengerId = passenger(1);
pub(crate) const MAX: PassengerId = passenger(2);

/// The passenger with this number. Identifiers sort like the numbers.
pub(crate) const fn passenger(number: u128) -> PassengerId {
    PassengerId::new(Uuid::from_u128(0x0192_6e2b_0000_7000_8000_0000_0000_0000 + number))
}

pub(crate) fn text(text: &str) -> Text<100> {
    Text::new(text).expect("a valid text")
}

pub(crate) fn checked_in(passenger_id: PassengerId) -> PassengerEvent {
    PassengerEvent::CheckedIn(PassengerCheckedIn { flight_id: FLIGHT, passenger_id, name: text("Zoë Ångström") })
}

pub(crate) fn name_corrected(passenger_id: PassengerId) -> PassengerEvent {
    PassengerEvent::NameCorrected(PassengerNameCorrected {
        flight_id: FLIGHT,
        passenger_id,
        name: text("Zoe Angstrom"),
    })
}

pub(crate) fn boarded(passenger_id: PassengerId) -> PassengerEvent {
    PassengerEvent::Boarded(PassengerBoarded { flight_id: FLIGHT, passenger_id })
}

pub(crate) fn offloaded(passenger_id: PassengerId) -> PassengerEvent {
    PassengerEvent::Offloaded(PassengerOffloaded { flight_id: FLIGHT, passenger_id, reason: text("no-show") })
}

pub(crate) fn arrived(passenger_id: PassengerId) -> PassengerEvent {
    PassengerEvent::Arrived(PassengerArrived { flight_id: FLIGHT, passenger_id })
}

pub(crate) fn removed(passenger_id: PassengerId) -> PassengerEvent {
    PassengerEvent::Removed(PassengerRemoved { flight_id: FLIGHT, passenger_id })
}

pub(crate) fn completed(boarded: u64) -> PassengerEvent {
    PassengerEvent::ManifestCompleted(ManifestCompleted { flight_id: FLIGHT, boarded })
}

pub(crate) fn reopened(missing: u64) -> PassengerEvent {
    PassengerEvent::ManifestReopened(ManifestReopened { flight_id: FLIGHT, missing })
}

pub(crate) fn sealed(boarded: u64) -> PassengerEvent {
    PassengerEvent::ManifestSealed(ManifestSealed { flight_id: FLIGHT, boarded })
}

pub(crate) fn closed(ending: FlightEnding) -> PassengerEvent {
    PassengerEvent::ManifestClosed(ManifestClosed { flight_id: FLIGHT, ending })
}

pub(crate) fn check_in(passenger_id: PassengerId) -> PassengerCommand {
    PassengerCommand::CheckIn { passenger_id, flight_id: FLIGHT, name: text("Zoë Ångström") }
}

pub(crate) fn correct_name(passenger_id: PassengerId) -> PassengerCommand {
    PassengerCommand::CorrectName { passenger_id, name: text("Zoe Angstrom"), if_version: None }
}

pub(crate) fn board(passenger_id: PassengerId) -> PassengerCommand {
    PassengerCommand::Board { passenger_id, if_version: None }
}

pub(crate) fn offload(passenger_id: PassengerId) -> PassengerCommand {
    PassengerCommand::Offload { passenger_id, reason: text("no-show"), if_version: None }
}

pub(crate) const SEAL: PassengerCommand = PassengerCommand::Seal { flight_id: FLIGHT };

pub(crate) fn close(ending: FlightEnding) -> PassengerCommand {
    PassengerCommand::Close { flight_id: FLIGHT, ending }
}
