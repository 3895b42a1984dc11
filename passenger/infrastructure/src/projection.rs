use deadpool_postgres::Transaction;
use flight_contract::FlightId;
use passenger_contract::PassengerId;
use passenger_core::{ManifestState, PassengerEvent, PassengerName, PassengerStatus};
use shared_infrastructure::read_model::Changes;
use shared_infrastructure::reader::{Numbered, ProjectResult, Projection};

use crate::table::{MANIFESTS, ManifestColumns, PASSENGERS, PassengerColumns, SEARCH};

/// Projects passenger events into the tables `passengers` and `manifests`.
#[derive(Debug, Clone, Copy, Default)]
pub struct PassengerProjection;

impl Projection for PassengerProjection {
    type Event = PassengerEvent;
    const NAME: &'static str = "passenger-projection";
    const TABLES: &'static [&'static str] = &[MANIFESTS.name(), PASSENGERS.name()];

    async fn project(&self, transaction: &Transaction<'_>, events: &[Numbered<PassengerEvent>]) -> ProjectResult {
        let (passengers, manifests) = changes(events);
        write_passengers(transaction, &passengers).await?;
        write_manifests(transaction, &manifests).await
    }

    async fn make_anew(&self, transaction: &Transaction<'_>) -> Result<usize, tokio_postgres::Error> {
        PASSENGERS.make_search_anew(transaction, &SEARCH, PassengerColumns::name).await
    }
}

/// The parts of a passenger's row that change by themselves.
#[derive(Debug, Default)]
struct Passenger<'a> {
    flight_id: Option<FlightId>,
    name: Option<&'a PassengerName>,
    status: Option<PassengerStatus>,
}

type Passengers<'a> = Changes<PassengerId, Passenger<'a>>;

/// What becomes of the state of each manifest that something happened on; `None` if it stays as it is.
type Manifests = Changes<FlightId, Option<ManifestState>>;

fn changes(events: &[Numbered<PassengerEvent>]) -> (Passengers<'_>, Manifests) {
    let (mut passengers, mut manifests) = (Passengers::default(), Manifests::default());
    for &Numbered { ref event, revision } in events {
        let state = manifests.change(event.flight_id(), revision);
        match event {
            PassengerEvent::CheckedIn(event) => {
                *passengers.add(event.passenger_id, revision) = Passenger {
                    flight_id: Some(event.flight_id),
                    name: Some(&event.name),
                    status: Some(PassengerStatus::CheckedIn),
                };
            }
            PassengerEvent::NameCorrected(event) => {
                passengers.change(event.passenger_id, revision).name = Some(&event.name);
            }
            PassengerEvent::Boarded(event) => {
                passengers.change(event.passenger_id, revision).status = Some(PassengerStatus::Boarded);
            }
            PassengerEvent::Offloaded(event) => {
                passengers.change(event.passenger_id, revision).status = Some(PassengerStatus::Offloaded);
            }
            PassengerEvent::Arrived(event) => {
                passengers.change(event.passenger_id, revision).status = Some(PassengerStatus::Arrived);
            }
            PassengerEvent::Removed(event) => passengers.delete(event.passenger_id),
            PassengerEvent::ManifestSealed(_) => *state = Some(ManifestState::Sealed),
            PassengerEvent::ManifestClosed(event) => *state = Some(ManifestState::Closed(event.ending)),
            PassengerEvent::ManifestCompleted(_) | PassengerEvent::ManifestReopened(_) => {}
        }
    }
    (passengers, manifests)
}

async fn write_passengers(transaction: &Transaction<'_>, passengers: &Passengers<'_>) -> ProjectResult {
    PASSENGERS.delete(transaction, passengers.deleted()).await?;

    let checked_in = passengers.added(|new| Some((new.flight_id?, new.name?, new.status?)));
    let rows = PASSENGERS.rows(&checked_in).with(PassengerColumns::flight_id, |(flight_id, ..)| flight_id);
    let rows = rows.with(PassengerColumns::name, |new| new.1).with_search(&SEARCH, |new| new.1);
    rows.with(PassengerColumns::status, |(.., status)| status).upsert(transaction).await?;

    let corrected = passengers.changed(|passenger| passenger.name);
    let rows = PASSENGERS.rows(&corrected).with(PassengerColumns::name, |name| *name);
    rows.with_search(&SEARCH, |name| *name).update(transaction).await?;

    let moved = passengers.changed(|passenger| passenger.status);
    PASSENGERS.rows(&moved).with(PassengerColumns::status, |status| status).update(transaction).await
}

async fn write_manifests(transaction: &Transaction<'_>, manifests: &Manifests) -> ProjectResult {
    // Whether there is a row already is not known.
    let touched = manifests.changed(|_| Some(ManifestState::Open));
    MANIFESTS.rows(&touched).with_if_new(ManifestColumns::state, |state| state).upsert(transaction).await?;

    let changed = manifests.changed(|state| *state);
    MANIFESTS.rows(&changed).with(ManifestColumns::state, |state| state).update(transaction).await
}
