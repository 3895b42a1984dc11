//! What happens in which order across the domains, with the flight domain played by the test.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "Clippy takes only the test functions for tests, not what they share"
)]

mod forgotten;

use flight_contract::{Admission, FlightId};
use passenger_contract::{FlightEnding, PassengerId, SealAnswer};
use std::sync::{Arc, Mutex};

use passenger_application::{Completeness, Flights, PassengerError, PassengerService, PassengerView, Records};
use passenger_core::{MAX_CLOSED_PER_COMMAND, PassengerEvent, PassengerRejection, Passengers};
use shared_kernel::testing::InMemory;
use shared_kernel::{
    Cause, CommandContext, Idempotency, IdempotencyKey, Interruption, Position, QueryError, Revision, Text,
};
use uuid::Uuid;

/// Answers as the test says, and notes what it was told.
#[derive(Clone)]
struct FlightDomain {
    admission: Result<Admission, Interruption>,
    /// What it says in place of that once the flight has ended, to whoever asks how it is now.
    ended: Arc<Mutex<Option<Admission>>>,
    told: Arc<Mutex<Vec<(bool, Revision)>>>,
}

impl FlightDomain {
    fn end(&self, as_what: Admission) {
        *self.ended.lock().unwrap() = Some(as_what);
    }
}

impl Flights for FlightDomain {
    async fn admission(&self, _: FlightId) -> Result<Admission, Interruption> {
        self.admission.clone()
    }

    async fn admission_now(&self, _: FlightId) -> Result<Admission, Interruption> {
        self.ended.lock().unwrap().map_or_else(|| self.admission.clone(), Ok)
    }

    async fn note_manifest(
        &self,
        _: FlightId,
        Completeness { complete, as_of }: Completeness,
        _: Cause,
    ) -> Result<Option<Revision>, Interruption> {
        self.told.lock().unwrap().push((complete, as_of));
        Ok(Some(Revision(40)))
    }
}

/// Shows what the test has put there.
#[derive(Clone, Default)]
struct ReadModel {
    passengers: Arc<Mutex<Vec<PassengerView>>>,
    /// How many are on a page.
    page: usize,
    /// Why it answers nothing.
    away: Option<QueryError>,
}

impl Records for ReadModel {
    async fn passenger(&self, id: PassengerId, _: Option<Revision>) -> Result<Option<PassengerView>, QueryError> {
        if let Some(error) = &self.away {
            return Err(error.clone());
        }
        Ok(self.passengers.lock().unwrap().iter().find(|passenger| passenger.id == id).cloned())
    }

    async fn passengers_of(
        &self,
        flight_id: FlightId,
        after: Option<PassengerId>,
        _: Option<Revision>,
    ) -> Result<Vec<PassengerId>, QueryError> {
        let passengers = self.passengers.lock().unwrap();
        let of_flight = passengers.iter().filter(|passenger| passenger.flight_id == flight_id);
        Ok(of_flight.map(|passenger| passenger.id).filter(|id| Some(*id) > after).take(self.page).collect())
    }
}

struct Gate {
    stream: InMemory<Passengers>,
    flights: FlightDomain,
    service: PassengerService<InMemory<Passengers>, FlightDomain, ReadModel>,
}

fn gate(admission: Result<Admission, Interruption>) -> Gate {
    let stream = InMemory::with([]);
    let flights = FlightDomain { admission, ended: Arc::default(), told: Arc::default() };
    Gate { service: PassengerService::new(stream.clone(), flights.clone(), ReadModel::default()), stream, flights }
}

fn flight_id() -> FlightId {
    FlightId::new(Uuid::from_u128(1))
}

fn context() -> CommandContext {
    CommandContext::caused_by(
        Uuid::now_v7(),
        Cause {
            correlation_id: "c".to_owned(),
            causation_id: None,
            actor: "gate 7".to_owned(),
            subject: None,
            trace_parent: None,
            step_of: None,
        },
    )
}

fn context_with_key(key: &str) -> CommandContext {
    let key = IdempotencyKey::new(key).unwrap();
    CommandContext { idempotency: Some(Idempotency::new(key, "add".to_owned())), ..context() }
}

#[tokio::test]
async fn nobody_is_added_to_a_flight_that_takes_no_passengers() {
    let refusals = [
        (Admission::UnknownFlight, PassengerError::UnknownFlight),
        (Admission::Departed, PassengerError::FlightDeparted),
        (Admission::Arrived, PassengerError::FlightArrived),
    ];
    for (admission, refusal) in refusals {
        let gate = gate(Ok(admission));
        assert_eq!(gate.service.add(flight_id(), Text::new("Ada").unwrap(), context()).await, Err(refusal));
        assert!(gate.stream.events().is_empty());
    }
}

#[tokio::test]
async fn nobody_is_added_while_the_flight_domain_cannot_be_asked() {
    let away = Interruption::Unavailable("away".to_owned());
    let gate = gate(Err(away.clone()));
    let refused = gate.service.add(flight_id(), Text::new("Ada").unwrap(), context()).await;
    assert_eq!(refused, Err(PassengerError::Interrupted(away)));
    assert!(gate.stream.events().is_empty());
}

#[tokio::test]
async fn a_repeated_addition_gets_the_first_outcome_although_the_flight_has_departed_since() {
    let mut gate = gate(Ok(Admission::Open));
    let first = gate.service.add(flight_id(), Text::new("Ada").unwrap(), context_with_key("k")).await.unwrap();
    gate.flights.admission = Ok(Admission::Departed);
    let service = PassengerService::new(gate.stream.clone(), gate.flights.clone(), ReadModel::default());
    let second = service.add(flight_id(), Text::new("Ada").unwrap(), context_with_key("k")).await.unwrap();
    assert_eq!(first, second);
    assert_eq!(gate.stream.events().len(), 1);
}

#[tokio::test]
async fn the_flight_hears_at_once_that_everybody_has_boarded_and_that_somebody_came_after() {
    let gate = gate(Ok(Admission::Open));
    let ada = gate.service.add(flight_id(), Text::new("Ada").unwrap(), context()).await.unwrap();
    assert_eq!(ada.position, Position::at(passenger_contract::STREAM, Some(Revision(0))));
    let boarded = gate.service.board(ada.value.id, None, context()).await.unwrap();
    assert_eq!(boarded.position.to_string(), "f40.p2");
    gate.service.add(flight_id(), Text::new("Bob").unwrap(), context()).await.unwrap();
    assert_eq!(*gate.flights.told.lock().unwrap(), [(true, Revision(2)), (false, Revision(4))]);
}

#[tokio::test]
async fn a_seal_names_who_is_missing() {
    let gate = gate(Ok(Admission::Open));
    let ada = gate.service.add(flight_id(), Text::new("Ada").unwrap(), context()).await.unwrap();
    let SealAnswer::NotAllBoarded { missing, passengers, revision } =
        gate.service.seal(flight_id(), context()).await.unwrap()
    else {
        panic!("sealed with somebody missing");
    };
    assert_eq!((missing, passengers.first().unwrap().id, revision), (1, ada.value.id, Some(Revision(0))));
    gate.service.board(ada.value.id, None, context()).await.unwrap();
    let sealed = |newly, revision| SealAnswer::Sealed { revision: Some(Revision(revision)), newly };
    assert_eq!(gate.service.preview_seal(flight_id()).await, Ok(sealed(true, 2)));
    assert_eq!(gate.service.seal(flight_id(), context()).await, Ok(sealed(true, 3)));
    assert_eq!(gate.service.seal(flight_id(), context()).await, Ok(sealed(false, 3)));
    assert_eq!(gate.service.preview_seal(flight_id()).await, Ok(sealed(false, 3)));
}

#[tokio::test]
async fn closing_goes_on_until_nobody_is_left() {
    let gate = gate(Ok(Admission::Open));
    let passengers = 2 * MAX_CLOSED_PER_COMMAND + 1;
    for _ in 0..passengers {
        gate.service.add(flight_id(), Text::new("Ada").unwrap(), context()).await.unwrap();
    }
    gate.flights.end(Admission::UnknownFlight);
    gate.service.close(flight_id(), FlightEnding::Deleted, context().cause).await.unwrap();
    let events = gate.stream.events();
    let removed = events.iter().filter(|event| matches!(event, PassengerEvent::Removed(_))).count();
    let closed = events.iter().filter(|event| matches!(event, PassengerEvent::ManifestClosed(_))).count();
    assert_eq!((removed, closed), (passengers, 1));
    let late = gate.service.add(flight_id(), Text::new("Late").unwrap(), context()).await;
    let rejection = PassengerRejection::ManifestClosed { ending: FlightEnding::Deleted };
    assert!(matches!(late, Err(PassengerError::Rejected { rejection: found, .. }) if found == rejection));
}

/// Whoever says so: the flight domain knows.
#[tokio::test]
async fn a_manifest_is_closed_only_as_its_flight_has_ended() {
    for (admission, ending) in [
        (Admission::Open, FlightEnding::Landed),
        (Admission::Open, FlightEnding::Deleted),
        (Admission::Departed, FlightEnding::Landed),
        (Admission::Departed, FlightEnding::Deleted),
        (Admission::Arrived, FlightEnding::Deleted),
    ] {
        let gate = gate(Ok(Admission::Open));
        gate.service.add(flight_id(), Text::new("Ada").unwrap(), context()).await.unwrap();
        gate.flights.end(admission);
        let refused = gate.service.close(flight_id(), ending, context().cause).await;
        assert!(
            matches!(refused, Err(PassengerError::Interrupted(Interruption::Unavailable(_)))),
            "{admission:?}: {refused:?}"
        );
        assert_eq!(gate.stream.events().len(), 1, "{admission:?}, {ending:?}");
    }
}

/// What is heard late stays true: by then the flight may have been deleted, or be forgotten.
#[tokio::test]
async fn a_manifest_is_closed_however_late_that_is_heard() {
    for (admission, ending) in [
        (Admission::Arrived, FlightEnding::Landed),
        (Admission::UnknownFlight, FlightEnding::Landed),
        (Admission::UnknownFlight, FlightEnding::Deleted),
    ] {
        let gate = gate(Ok(Admission::Open));
        gate.service.add(flight_id(), Text::new("Ada").unwrap(), context()).await.unwrap();
        gate.flights.end(admission);
        gate.service.close(flight_id(), ending, context().cause).await.unwrap();
        let events = gate.stream.events();
        assert!(events.iter().any(|event| matches!(event, PassengerEvent::ManifestClosed(_))), "{events:?}");
    }
}
