use flight_contract::FlightId;
use passenger_contract::{FlightEnding, SealAnswer};
use std::sync::{Arc, Mutex};

use flight_application::{FlightService, Manifests};
use flight_core::{FlightCreated, FlightDetails, FlightEvent};
use shared_kernel::{Cause, CommandContext, Execute, Idempotency, IdempotencyKey, Interruption, Revision, Text};
use uuid::Uuid;

use crate::stream::FlightStream;

pub(crate) type Service = FlightService<FlightStream, PassengerDomain>;

/// Answers as the test says, and notes what it was asked.
#[derive(Clone)]
pub(crate) struct PassengerDomain {
    pub(crate) flights: FlightStream,
    pub(crate) seal: Result<SealAnswer, Interruption>,
    /// What is answered to the question before the seal, if it is something else.
    pub(crate) preview: Option<SealAnswer>,
    /// Whether the reaction to the seal is faster than the command that asked for it.
    pub(crate) reaction_is_faster: bool,
    /// What has happened to the flight by the time the departure is prepared.
    pub(crate) before_preparation: Option<FlightEvent>,
    /// What has happened to the flight by the time the manifest is sealed.
    pub(crate) meanwhile: Option<FlightEvent>,
    /// A correction of this version that is tried by the time the manifest is sealed.
    pub(crate) correction_meanwhile: Option<Revision>,
    /// Whether it was accepted.
    pub(crate) correction_accepted: Arc<Mutex<Option<bool>>>,
    pub(crate) close: Result<Option<Revision>, Interruption>,
    pub(crate) asked: Arc<Mutex<Vec<&'static str>>>,
}

impl PassengerDomain {
    /// Two have not boarded, which is what it says when it is asked for the seal.
    pub(crate) fn somebody_is_missing(&mut self) {
        let revision = Some(Revision(4));
        self.seal = Ok(SealAnswer::NotAllBoarded { missing: 2, passengers: Vec::new(), revision });
    }

    /// The manifest was sealed before.
    pub(crate) fn is_sealed(&mut self) {
        self.preview = Some(SealAnswer::Sealed { revision: Some(Revision(7)), newly: false });
    }

    pub(crate) fn asked(&self) -> Vec<&'static str> {
        self.asked.lock().unwrap().clone()
    }

    fn note(&self, question: &'static str) {
        self.asked.lock().unwrap().push(question);
    }
}

impl Manifests for PassengerDomain {
    async fn seal(&self, flight_id: FlightId, cause: Cause) -> Result<SealAnswer, Interruption> {
        self.note("seal");
        if let Some(event) = &self.meanwhile {
            self.flights.append(event.clone());
        }
        if let Some(version) = self.correction_meanwhile {
            let corrected =
                service(self).correct_details(flight_id, other_details(), Some(version.into()), context()).await;
            *self.correction_accepted.lock().unwrap() = Some(corrected.is_ok());
        }
        if self.reaction_is_faster {
            let mut sealed = self.clone();
            sealed.is_sealed();
            service(&sealed).complete_departure(flight_id, context_of(cause)).await.unwrap();
        }
        self.seal.clone()
    }

    async fn preview_seal(&self, _: FlightId) -> Result<SealAnswer, Interruption> {
        self.note("preview");
        if let Some(event) = &self.before_preparation {
            self.flights.append(event.clone());
        }
        self.preview.clone().map_or_else(|| self.seal.clone(), Ok)
    }

    async fn close(&self, _: FlightId, ending: FlightEnding, _: Cause) -> Result<Option<Revision>, Interruption> {
        self.note(match ending {
            FlightEnding::Landed => "close landed",
            FlightEnding::Deleted => "close deleted",
        });
        self.close.clone()
    }
}

fn details() -> FlightDetails {
    FlightDetails {
        flight_number: Text::new("JB101").unwrap(),
        origin: Text::new("LHR").unwrap(),
        destination: Text::new("JFK").unwrap(),
        scheduled_departure: None,
    }
}

pub(crate) fn other_details() -> FlightDetails {
    FlightDetails { flight_number: Text::new("JB102").unwrap(), ..details() }
}

/// A flight that these events have happened to after it was created, and a passenger domain that says yes to
/// everything.
pub(crate) fn flight_after(events: impl IntoIterator<Item = FlightEvent>) -> PassengerDomain {
    let created = FlightEvent::Created(FlightCreated { flight_id: flight_id(), details: details().into() });
    PassengerDomain {
        flights: FlightStream::with([created].into_iter().chain(events)),
        seal: Ok(SealAnswer::Sealed { revision: Some(Revision(7)), newly: true }),
        preview: None,
        reaction_is_faster: false,
        before_preparation: None,
        meanwhile: None,
        correction_meanwhile: None,
        correction_accepted: Arc::default(),
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
        subject: None,
        trace_parent: None,
        step_of: None,
    })
}

pub(crate) fn keyed(key: &str, fingerprint: &str) -> Idempotency {
    Idempotency::new(IdempotencyKey::new(key).unwrap(), fingerprint.to_owned())
}

pub(crate) fn context_with_key(key: &str) -> CommandContext {
    CommandContext { idempotency: Some(keyed(key, "disembark")), ..context() }
}

pub(crate) fn context_of(cause: Cause) -> CommandContext {
    CommandContext::caused_by(Uuid::now_v7(), cause)
}
