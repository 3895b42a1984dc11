use crate::{
    Manifest, ManifestClosed, ManifestState, PassengerArrived, PassengerEvent, PassengerRemoved, PassengerStatus,
};
use flight_contract::FlightId;
use passenger_contract::{FlightEnding, PassengerId};

/// How many passengers one [`crate::PassengerCommand::Close`] lets arrive or removes at most, because the events of one
/// command are appended at once and one append is limited to 1 MiB.
pub const MAX_CLOSED_PER_COMMAND: usize = 500;

/// What closing a manifest comes to next. Nothing once it is finished.
pub(crate) fn close(flight_id: FlightId, manifest: &Manifest, ending: FlightEnding) -> Vec<PassengerEvent> {
    if manifest.is_finished(ending) {
        return Vec::new();
    }
    let closed = (manifest.state() != ManifestState::Closed(ending))
        .then_some(PassengerEvent::ManifestClosed(ManifestClosed { flight_id, ending }));
    closed.into_iter().chain(passenger_events(flight_id, manifest, ending)).collect()
}

/// What removes these passengers, who are not listed.
pub(crate) fn remove_unlisted(
    flight_id: FlightId,
    manifest: &Manifest,
    passengers: &[PassengerId],
) -> Vec<PassengerEvent> {
    let mut left = manifest.clone();
    let mut removed = Vec::new();
    for &passenger_id in passengers.iter().take(MAX_CLOSED_PER_COMMAND) {
        if left.may_remove(&passenger_id) {
            left.remove_unlisted(passenger_id);
            removed.push(PassengerEvent::Removed(PassengerRemoved { flight_id, passenger_id }));
        }
    }
    removed
}

fn passenger_events(flight_id: FlightId, manifest: &Manifest, ending: FlightEnding) -> Vec<PassengerEvent> {
    match ending {
        FlightEnding::Landed => manifest
            .passengers_with(PassengerStatus::Boarded)
            .take(MAX_CLOSED_PER_COMMAND)
            .map(|passenger| PassengerEvent::Arrived(PassengerArrived { flight_id, passenger_id: passenger.id }))
            .collect(),
        FlightEnding::Deleted => manifest
            .passengers()
            .take(MAX_CLOSED_PER_COMMAND)
            .map(|passenger| PassengerEvent::Removed(PassengerRemoved { flight_id, passenger_id: passenger.id }))
            .collect(),
    }
}
