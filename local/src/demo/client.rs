//! The demo as a client of the public API.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, StatusCode};
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use shared_service::headers::JETBRIDGE_ACTOR;
use uuid::Uuid;

use super::airport::{self, Action, Details, Flight, Passenger, Stage};
use crate::client::connection::{Answer, Call, Connection};
use crate::client::failure::Failure;
use crate::client::server::Server;

/// Who the audit log says has asked.
const ACTOR: &str = "demo";
/// For how long something that fails is asked for again.
const RETRY_FOR: Duration = Duration::from_secs(60);
/// How far back the audit log is searched for the demo's flights: many times what the demo keeps.
const PAGES: usize = 5;
const FLIGHTS_PER_PAGE: usize = 100;
/// How many passengers of a flight are looked at: many times what the demo puts on one.
const PASSENGERS: usize = 1000;

/// What the API does not do, in words for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} was answered with {why}")]
pub(crate) struct Refused {
    what: String,
    why: String,
    status: Option<StatusCode>,
}

/// A client that tries again for as long as that can help.
#[derive(Debug)]
pub(crate) struct Client {
    connection: Connection,
    is_waiting: AtomicBool,
}

impl From<&Action> for Call {
    fn from(action: &Action) -> Self {
        let command = |method, path: String, body: Option<Value>| {
            Self::command(method, path, body.as_ref(), Uuid::now_v7().to_string())
        };
        let post = |path: String, body| command(Method::POST, path, body);
        match action {
            Action::Announce(Details { number, origin, destination, departure }) => {
                let details = json!({
                    "flightNumber": number, "origin": origin, "destination": destination, "scheduledDeparture": departure,
                });
                post("/api/flights".to_owned(), Some(details))
            }
            Action::CheckIn { flight, name } => {
                post("/api/passengers".to_owned(), Some(json!({"flightId": flight, "name": name})))
            }
            Action::Board { passenger, .. } => post(format!("/api/passengers/{passenger}/board"), None),
            Action::CorrectName { passenger, name, .. } => {
                command(Method::PUT, format!("/api/passengers/{passenger}"), Some(json!({"name": name})))
            }
            Action::Offload { passenger, reason, .. } => {
                post(format!("/api/passengers/{passenger}/offload"), Some(json!({"reason": reason})))
            }
            Action::Depart { flight } => post(format!("/api/flights/{flight}/disembark"), None),
            Action::Land { flight } => post(format!("/api/flights/{flight}/land"), None),
            Action::Delete { flight } => command(Method::DELETE, format!("/api/flights/{flight}"), None),
        }
    }
}

/// What has been made or changed.
#[derive(Deserialize)]
struct Made {
    id: String,
}

#[derive(Deserialize)]
struct Page<T> {
    items: Vec<T>,
    next: Option<String>,
}

/// An entry of the audit log that says that a flight was created.
#[derive(Deserialize)]
struct Created {
    data: CreatedFlight,
    metadata: Metadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreatedFlight {
    flight_id: String,
}

#[derive(Deserialize)]
struct Metadata {
    actor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FlightFound {
    id: String,
    flight_number: String,
    scheduled_departure: Option<Timestamp>,
    status: String,
}

#[derive(Deserialize)]
struct PassengerFound {
    id: String,
    name: String,
    status: String,
}

impl Client {
    /// A client of the gateway at this address.
    ///
    /// # Errors
    /// [`Failure`] if there is none on this system.
    pub(crate) fn new(gateway: SocketAddr) -> Result<Self, Failure> {
        let actor = HeaderMap::from_iter([(JETBRIDGE_ACTOR, HeaderValue::from_static(ACTOR))]);
        let connection = Connection::new(Server::at_address(gateway)?, actor, RETRY_FOR)?;
        Ok(Self { connection, is_waiting: AtomicBool::new(false) })
    }

    /// Does something; the answer is the id of what has been made or changed.
    ///
    /// # Errors
    /// [`Refused`] if the API does not do it, or not for a long time.
    pub(crate) async fn carry_out(&self, action: &Action) -> Result<Option<String>, Refused> {
        let call = Call::from(action);
        let answer = self.call(&call).await?;
        if answer.body.is_empty() {
            return Ok(None);
        }
        let made: Made = answer.read().map_err(|failure| Refused::new(&call, &failure))?;
        Ok(Some(made.id))
    }

    /// The flights that the demo has made, now or when it ran before: those of others are not its business.
    ///
    /// # Errors
    /// [`Refused`] if the API does not say, or not for a long time.
    pub(crate) async fn flights(&self, now: Timestamp) -> Result<Vec<Flight>, Refused> {
        let mut flights = Vec::new();
        let mut after = String::new();
        for _ in 0..PAGES {
            let query = format!("eventType=FlightCreated&order=newestFirst&limit={FLIGHTS_PER_PAGE}{after}");
            let created: Page<Created> = self.read(format!("/api/auditlog/flights?{query}")).await?;
            let own = created.items.into_iter().filter(|created| created.metadata.actor.as_deref() == Some(ACTOR));
            let ids: Vec<String> = own.map(|created| created.data.flight_id).collect();
            if !ids.is_empty() {
                let path = format!("/api/flights?ids={}&limit={FLIGHTS_PER_PAGE}", ids.join(","));
                let found: Page<FlightFound> = self.read(path).await?;
                for found in found.items {
                    flights.push(self.with_passengers(found, now).await?);
                }
            }
            let Some(next) = created.next else { break };
            after = format!("&after={}", utf8_percent_encode(&next, NON_ALPHANUMERIC));
        }
        Ok(flights)
    }

    /// A flight, if there is one with this id.
    ///
    /// # Errors
    /// [`Refused`] if the API does not say, or not for a long time.
    pub(crate) async fn flight(&self, id: &str, now: Timestamp) -> Result<Option<Flight>, Refused> {
        match self.read(format!("/api/flights/{}", utf8_percent_encode(id, NON_ALPHANUMERIC))).await {
            Ok(found) => self.with_passengers(found, now).await.map(Some),
            Err(Refused { status: Some(StatusCode::NOT_FOUND), .. }) => Ok(None),
            Err(refused) => Err(refused),
        }
    }

    async fn with_passengers(&self, found: FlightFound, now: Timestamp) -> Result<Flight, Refused> {
        let FlightFound { id, flight_number: number, scheduled_departure, status } = found;
        let stage = match status.as_str() {
            "disembarked" => Stage::InTheAir,
            "arrived" => Stage::Landed,
            _ => Stage::AtTheGate,
        };
        let mut passengers = Vec::new();
        if stage == Stage::AtTheGate {
            let path = format!("/api/passengers?flightId={id}&limit={PASSENGERS}");
            let found: Page<PassengerFound> = self.read(path).await?;
            passengers.extend(found.items.into_iter().filter(|found| found.status != "offloaded").map(|found| {
                let PassengerFound { id, name, status } = found;
                Passenger { id, name, has_boarded: status == "boarded" }
            }));
        }
        // When everybody has boarded, nobody else is waited for.
        let seats = if status == "allBoarded" { passengers.len() } else { airport::seats(&number) };
        Ok(Flight { id, departure: scheduled_departure.unwrap_or(now), stage, passengers, seats, due: now, number })
    }

    async fn read<T: DeserializeOwned>(&self, path: String) -> Result<T, Refused> {
        let call = Call::get(path);
        self.call(&call).await?.read().map_err(|failure| Refused::new(&call, &failure))
    }

    /// Tries until there is an answer that will not be another one in a moment.
    async fn call(&self, call: &Call) -> Result<Answer, Refused> {
        let repeating = |failure: &Failure| {
            if !self.is_waiting.swap(true, Ordering::Relaxed) {
                tracing::warn!("the demo waits: {}", Refused::new(call, failure));
            }
        };
        let answer = self.connection.call(call, repeating).await.map_err(|failure| Refused::new(call, &failure))?;
        if self.is_waiting.swap(false, Ordering::Relaxed) {
            tracing::info!("the demo has stopped waiting");
        }
        Ok(answer)
    }
}

impl Refused {
    fn new(call: &Call, failure: &Failure) -> Self {
        let (why, status) = match failure {
            Failure::Refused(refusal) => (refusal.slug(), Some(refusal.status)),
            failure => (failure.to_string(), None),
        };
        Self { what: call.name(), why, status }
    }
}
