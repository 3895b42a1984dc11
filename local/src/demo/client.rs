//! The demo as a client of the public API.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use shared_infrastructure::back_off::BackOff;
use shared_service::ErrorChain;
use shared_service::headers::{IDEMPOTENCY_KEY, JETBRIDGE_ACTOR};
use tokio::time::timeout;
use uuid::Uuid;

use super::airport::{self, Action, Details, Flight, Passenger, Stage};

/// Who the audit log says has asked.
const ACTOR: &str = "demo";
/// Longer than the gateway waits for a service.
const ANSWER_LIMIT: Duration = Duration::from_secs(40);
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;
/// How often something that fails is asked for again, and how long to wait in between.
const RETRIES: usize = 9;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
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
    http: legacy::Client<HttpConnector, String>,
    base: String,
    is_waiting: AtomicBool,
}

/// A request, which is the same at each attempt.
struct Call {
    method: Method,
    path: String,
    body: Option<Value>,
    key: Uuid,
}

impl Call {
    fn new(method: Method, path: String, body: Option<Value>) -> Self {
        Self { method, path, body, key: Uuid::now_v7() }
    }

    fn get(path: String) -> Self {
        Self::new(Method::GET, path, None)
    }
}

impl From<&Action> for Call {
    fn from(action: &Action) -> Self {
        let post = |path: String, body| Self::new(Method::POST, path, body);
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
                Self::new(Method::PUT, format!("/api/passengers/{passenger}"), Some(json!({"name": name})))
            }
            Action::Offload { passenger, reason, .. } => {
                post(format!("/api/passengers/{passenger}/offload"), Some(json!({"reason": reason})))
            }
            Action::Depart { flight } => post(format!("/api/flights/{flight}/disembark"), None),
            Action::Land { flight } => post(format!("/api/flights/{flight}/land"), None),
            Action::Delete { flight } => Self::new(Method::DELETE, format!("/api/flights/{flight}"), None),
        }
    }
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
    pub(crate) fn new(gateway: SocketAddr) -> Self {
        let http = legacy::Client::builder(TokioExecutor::new()).build_http();
        Self { http, base: format!("http://{gateway}"), is_waiting: AtomicBool::new(false) }
    }

    /// Does something; the answer is the id of what has been made or changed.
    ///
    /// # Errors
    /// [`Refused`] if the API does not do it, or not for a long time.
    pub(crate) async fn carry_out(&self, action: &Action) -> Result<Option<String>, Refused> {
        let answer = self.call(&Call::from(action)).await?;
        Ok(answer["id"].as_str().map(str::to_owned))
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
        let answer = self.call(&call).await?;
        serde_json::from_value(answer).map_err(|error| call.refused(error.to_string(), None))
    }

    /// Tries until there is an answer that will not be another one in a moment.
    async fn call(&self, call: &Call) -> Result<Value, Refused> {
        let mut back_off = BackOff::new(FIRST_PAUSE, LONGEST_PAUSE);
        loop {
            let why = match timeout(ANSWER_LIMIT, self.attempt(call)).await {
                Ok(Ok((status, answer))) if status.is_success() => {
                    if self.is_waiting.swap(false, Ordering::Relaxed) {
                        tracing::info!("the demo has stopped waiting");
                    }
                    return Ok(answer);
                }
                Ok(Ok((status, answer))) => {
                    let why = answer["type"].as_str().map_or_else(|| status.to_string(), str::to_owned);
                    if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS {
                        return Err(call.refused(why, Some(status)));
                    }
                    why
                }
                Ok(Err(error)) => ErrorChain(&*error).to_string(),
                Err(_elapsed) => format!("nothing within {} s", ANSWER_LIMIT.as_secs()),
            };
            if back_off.taken() == RETRIES {
                return Err(call.refused(why, None));
            }
            if !self.is_waiting.swap(true, Ordering::Relaxed) {
                tracing::warn!("the demo waits: {}", call.refused(why, None));
            }
            back_off.pause().await;
        }
    }

    async fn attempt(&self, call: &Call) -> Result<(StatusCode, Value), Box<dyn std::error::Error + Send + Sync>> {
        let mut request = Request::builder().method(&call.method).uri(format!("{}{}", self.base, call.path));
        if call.method != Method::GET {
            request = request.header(IDEMPOTENCY_KEY, call.key.to_string()).header(JETBRIDGE_ACTOR, ACTOR);
        }
        if call.body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let request = request.body(call.body.as_ref().map(Value::to_string).unwrap_or_default())?;
        let response = self.http.request(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES).collect().await?.to_bytes();
        Ok((status, if body.is_empty() { Value::Null } else { serde_json::from_slice(&body)? }))
    }
}

impl Call {
    fn refused(&self, why: String, status: Option<StatusCode>) -> Refused {
        Refused { what: format!("{} {}", self.method, self.path), why, status }
    }
}
