//! Passengers whom the write side has forgotten: what callers hear of them is what the read model shows.

use flight_contract::Admission;
use passenger_application::{PassengerError, PassengerService, PassengerView};
use passenger_contract::{FlightEnding, PassengerId};
use passenger_core::{MAX_CLOSED_PER_COMMAND, ManifestState, PassengerEvent, PassengerRejection, Passengers};
use shared_kernel::testing::InMemory;
use shared_kernel::{Execute, IfVersion, Interruption, QueryError, Revision, Text};
use std::sync::Arc;

use crate::{FlightDomain, Gate, ReadModel, context, flight_id, gate};

/// A flight with as many passengers that has landed, and was forgotten; and what the read model shows of them.
async fn landed(passengers: usize, page: usize) -> (Gate, ReadModel) {
    let gate = gate(Ok(Admission::Open));
    for _ in 0..passengers {
        let added = gate.service.add(flight_id(), Text::new("Ada").unwrap(), context()).await.unwrap();
        gate.service.board(added.value.id, None, context()).await.unwrap();
    }
    gate.service.seal(flight_id(), context()).await.unwrap();
    gate.flights.end(Admission::Arrived);
    gate.service.close(flight_id(), FlightEnding::Landed, context().cause).await.unwrap();
    let manifest = gate.stream.inspect(|state| state.manifest(&flight_id()));
    let shown: Vec<_> = manifest.passengers().map(|passenger| PassengerView::from(&**passenger)).collect();
    gate.stream.forget(flight_id().uuid());
    let records = ReadModel { passengers: Arc::new(shown.into()), page, away: None };
    (gate, records)
}

fn service(gate: &Gate, records: &ReadModel) -> PassengerService<InMemory<Passengers>, FlightDomain, ReadModel> {
    PassengerService::new(gate.stream.clone(), gate.flights.clone(), records.clone())
}

fn rejection(answer: Result<impl Sized, PassengerError>) -> PassengerRejection {
    match answer.err() {
        Some(PassengerError::Rejected { rejection, .. }) => rejection,
        other => panic!("not rejected: {other:?}"),
    }
}

#[tokio::test]
async fn what_is_said_about_them_is_the_same() {
    let (gate, records) = landed(1, 10).await;
    let service = service(&gate, &records);
    let (id, current) = {
        let shown = records.passengers.lock().unwrap();
        (shown[0].id, shown[0].version)
    };
    let closed = PassengerRejection::ManifestClosed { ending: FlightEnding::Landed };
    let stale = PassengerRejection::Stale { current };
    let text = || Text::new("Bob").unwrap();
    for (version, said) in [(None, &closed), (Some(current), &closed), (Some(Revision(0)), &stale)] {
        let if_version = || version.map(IfVersion::from);
        assert_eq!(&rejection(service.board(id, if_version(), context()).await), said);
        assert_eq!(&rejection(service.offload(id, text(), if_version(), context()).await), said);
        assert_eq!(&rejection(service.correct_name(id, text(), if_version(), context()).await), said);
    }
    assert_eq!(rejection(service.add(flight_id(), text(), context()).await), closed);

    let unknown = PassengerId::new(uuid::Uuid::now_v7());
    assert_eq!(rejection(service.board(unknown, None, context()).await), PassengerRejection::NotFound);
    // Somebody who was added since is known soon; nobody claims that their flight has ended.
    records.passengers.lock().unwrap()[0].version = Revision(1_000);
    assert_eq!(rejection(service.board(id, None, context()).await), PassengerRejection::NotFound);
}

#[tokio::test]
async fn nobody_is_said_to_be_unknown_while_the_read_model_cannot_be_asked() {
    let (gate, records) = landed(1, 10).await;
    let id = records.passengers.lock().unwrap()[0].id;
    let away = Interruption::Unavailable("away".to_owned());
    for error in [QueryError::NotYet, QueryError::Interrupted(away)] {
        let records = ReadModel { away: Some(error), ..records.clone() };
        let answer = service(&gate, &records).board(id, None, context()).await;
        assert!(matches!(answer, Err(PassengerError::Interrupted(Interruption::Unavailable(_)))), "{answer:?}");
    }
}

#[tokio::test]
async fn a_deletion_removes_each_of_them_once() {
    let passengers = MAX_CLOSED_PER_COMMAND + 3;
    let (gate, records) = landed(passengers, 2 * MAX_CLOSED_PER_COMMAND).await;
    let shown = records.passengers.lock().unwrap().clone();
    let before = gate.stream.events().len();

    gate.flights.end(Admission::UnknownFlight);
    // The read model does not show all of them yet: it is said so, and done later.
    records.passengers.lock().unwrap().truncate(5);
    let delete = async |records: &ReadModel| {
        service(&gate, records).close(flight_id(), FlightEnding::Deleted, context().cause).await
    };
    let waiting = delete(&records).await;
    assert!(matches!(waiting, Err(PassengerError::Interrupted(Interruption::Unavailable(_)))), "{waiting:?}");
    *records.passengers.lock().unwrap() = shown.clone();
    delete(&records).await.unwrap();
    delete(&records).await.unwrap();

    let events = gate.stream.events().split_off(before);
    let mut removed: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            PassengerEvent::Removed(event) => Some(event.passenger_id),
            _ => None,
        })
        .collect();
    removed.sort_unstable();
    assert_eq!(removed, shown.iter().map(|passenger| passenger.id).collect::<Vec<_>>());
    assert_eq!(events.len(), passengers + 1, "and the manifest was closed once");
    gate.stream.forget(flight_id().uuid());
    let manifest = gate.stream.inspect(|state| state.manifest(&flight_id()));
    assert_eq!((manifest.state(), manifest.unlisted()), (ManifestState::Closed(FlightEnding::Deleted), 0));
    assert_eq!(delete(&records).await.unwrap(), Some(Revision(gate.stream.events().len() as u64 - 1)));
}
