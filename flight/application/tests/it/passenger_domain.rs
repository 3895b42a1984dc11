use flight_contract::FlightId;
use passenger_contract::{FlightEnding, SealAnswer};
use std::sync::{Arc, Mutex};

use flight_application::{FlightService, Manifests};
use flight_core::{FlightCreated, FlightDetails, FlightEvent, Flights};
use shared_kernel::testing::InMemory;
use shared_kernel::{Cause, CommandContext, Execute, Idempotency, IdempotencyKey, Interruption, Revision, Text};
use uuid::Uuid;

pub(crate) type Service = FlightService<InMemory<Flights>, PassengerDomain>;

/// Answers as the test says, and notes what it was asked.
#[derive(Clone)]
pub(crate) struct PassengerDomain {
    pub(crate) flights: InMemory<Flights>,
    pub(crate) seal: Result<SealAnswer, Interruption>,
    /// Whether the reaction to the seal is faster than the command that asked for it.
    pub(crate) reaction_is_faster: bool,
    /// What has happened to the flight by the time the manifest is sealed.
    pub(crate) meanwhile: Option<FlightEvent>,
    pub(crate) close: Result<Option<Revision>, Interruption>,
    pub(crate) asked: Arc<Mutex<Vec<&'static str>>>,
}

impl PassengerDomain {
    pub(crate) fn asked(&self) -> Vec<&'static str> {
        self.asked.lock().unwrap().clone()
    }
}

impl Manifests for PassengerDomain {
    async fn seal(&self, flight_id: FlightId, cause: Cause) -> Result<SealAnswer, Interruption> {
        self.asked.lock().unwrap().push("seal");
        if let Some(event) = &self.meanwhile {
            self.flights.append(event.clone());
        }
        if self.reaction_is_faster {
            let reaction = FlightService::new(self.flights.clone(), self.clone());
            reaction.complete_departure(flight_id, context_of(cause)).await.unwrap();
        }
        self.seal.clone()
    }

    async fn close(&self, _: FlightId, ending: FlightEnding, _: Cause) -> Result<Option<Revision>, Interruption> {
        self.asked.lock().unwrap().push(match ending {
            FlightEnding::Landed => "close landed",
            FlightEnding::Deleted => "close deleted",
        });
        self.close.clone()
    }
}

/// A flight that these events have happened to after it was created, and a passenger domain that says yes to
/// everything.
pub(crate) fn flight_after(events: impl IntoIterator<Item = FlightEvent>) -> PassengerDomain {
    let details = FlightDetails {
        flight_number: Text::new("JB101").unwrap(),
        origin: Text::new("LHR").unwrap(),
        destination: Text::new("JFK").unwrap(),
        scheduled_departure: None,
    };
    let created = FlightEvent::Created(FlightCreated { flight_id: flight_id(), details: details.into() });
    PassengerDomain {
        flights: InMemory::with([created].into_iter().chain(events)),
        seal: Ok(SealAnswer::Sealed { revision: Some(Revision(7)) }),
        reaction_is_faster: false,
        meanwhile: None,
        close: Ok(Some(Revision(9))),
        asked: Arc::default(),
    }
}

pub(crate) fn service(passengers: &PassengerDomain) -> Service {
    FlightService::new(passengers.flights.clone(), passengers.clone())
}

pub(crate) fn flight_id() -> FlightId {
    FlightId::new(Uuid::from_u128(1))
}

pub(crate) fn status(passengers: &PassengerDomain) -> Option<&'static str> {
    passengers.flights.inspect(|state| state.flight(&flight_id()).map(|flight| flight.status.as_str()))
}

pub(crate) fn context() -> CommandContext {
    context_of(Cause {
        correlation_id: "c".to_owned(),
        causation_id: None,
        actor: "gate 7".to_owned(),
        trace_parent: None,
        step_of: None,
    })
}

pub(crate) fn context_with_key(key: &str) -> CommandContext {
    let key = IdempotencyKey::new(key).unwrap();
    CommandContext { idempotency: Some(Idempotency { key, fingerprint: "disembark".to_owned() }), ..context() }
}

fn context_of(cause: Cause) -> CommandContext {
    CommandContext::caused_by(Uuid::now_v7(), cause)
}
