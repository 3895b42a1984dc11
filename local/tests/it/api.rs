//! A client of the public API. It checks in every answer what has to hold for all of them.

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex};

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Body, Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::system::{System, http};

/// Talks to one system.
#[derive(Clone)]
pub(crate) struct Api {
    client: Client,
    base: String,
}

impl Api {
    /// A client of this system, with connections of its own.
    pub(crate) fn of(system: &System) -> Self {
        Self { client: http(), base: system.url().to_owned() }
    }

    /// A client of the system that tests share.
    pub(crate) async fn shared() -> Self {
        Self::of(System::shared().await)
    }

    /// The same system, over another connection.
    pub(crate) fn another_connection(&self) -> Self {
        Self { client: http(), base: self.base.clone() }
    }

    pub(crate) fn call(&self, method: Method, path: &str) -> Call {
        let request = self.client.request(method.clone(), format!("{}{path}", self.base));
        Call { api: self.clone(), request, what: format!("{method} {path}") }
    }

    pub(crate) fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> Call {
        self.call(Method::POST, path)
    }

    pub(crate) fn put(&self, path: &str) -> Call {
        self.call(Method::PUT, path)
    }

    pub(crate) fn delete(&self, path: &str) -> Call {
        self.call(Method::DELETE, path)
    }

    pub(crate) fn create_flight(&self) -> Call {
        self.post("/api/flights").json(&flight_details())
    }

    pub(crate) fn add(&self, flight: &str, name: &str) -> Call {
        self.post("/api/passengers").json(&json!({"flightId": flight, "name": name}))
    }

    pub(crate) fn board(&self, passenger: &str) -> Call {
        self.post(&format!("/api/passengers/{passenger}/board"))
    }

    pub(crate) fn offload(&self, passenger: &str) -> Call {
        self.post(&format!("/api/passengers/{passenger}/offload")).json(&json!({"reason": "no-show"}))
    }

    pub(crate) fn rename(&self, passenger: &str, name: &str) -> Call {
        self.put(&format!("/api/passengers/{passenger}")).json(&json!({"name": name}))
    }

    pub(crate) fn disembark(&self, flight: &str) -> Call {
        self.post(&format!("/api/flights/{flight}/disembark"))
    }

    pub(crate) fn land(&self, flight: &str) -> Call {
        self.post(&format!("/api/flights/{flight}/land"))
    }

    pub(crate) fn delete_flight(&self, flight: &str) -> Call {
        self.delete(&format!("/api/flights/{flight}"))
    }

    /// A flight at the gate, without passengers.
    pub(crate) async fn new_flight(&self) -> String {
        self.create_flight().send().await.expect(StatusCode::CREATED).id()
    }

    /// A passenger who is checked in on this flight.
    pub(crate) async fn new_passenger(&self, flight: &str) -> String {
        self.add(flight, "Ada Lovelace").send().await.expect(StatusCode::CREATED).id()
    }

    /// A passenger who has boarded this flight.
    pub(crate) async fn new_boarded(&self, flight: &str) -> String {
        let passenger = self.new_passenger(flight).await;
        self.board(&passenger).send().await.expect(StatusCode::OK);
        passenger
    }

    /// A flight that has left the gate, and its passenger.
    pub(crate) async fn new_departed(&self) -> (String, String) {
        let flight = self.new_flight().await;
        let passenger = self.new_boarded(&flight).await;
        self.disembark(&flight).send().await.expect(StatusCode::OK);
        (flight, passenger)
    }

    /// A flight that has landed, and its passenger.
    pub(crate) async fn new_landed(&self) -> (String, String) {
        let (flight, passenger) = self.new_departed().await;
        self.land(&flight).send().await.expect(StatusCode::OK);
        (flight, passenger)
    }

    /// All items of a list, page after page, as they are at `position` or later.
    pub(crate) async fn walk(&self, path: &str, limit: usize, position: &str) -> Vec<Value> {
        let separator = if path.contains('?') { '&' } else { '?' };
        let mut items = Vec::new();
        let mut after = String::new();
        loop {
            let page = self.get(&format!("{path}{separator}limit={limit}{after}")).position(position);
            let page = page.send().await.expect(StatusCode::OK);
            let found = page.body["items"].as_array().expect("items");
            assert!(found.len() <= limit, "{} of at most {limit} in {path}", found.len());
            items.extend_from_slice(found);
            match page.body["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return items,
            }
        }
    }
}

/// The details of some flight.
pub(crate) fn flight_details() -> Value {
    json!({"flightNumber": "JB 101", "origin": "HAM", "destination": "Oslo", "scheduledDeparture": null})
}

/// A text that no other test uses.
pub(crate) fn unique() -> String {
    Uuid::new_v4().simple().to_string()
}

/// An identifier that nothing has.
pub(crate) fn unknown_id() -> String {
    Uuid::now_v7().to_string()
}

/// A request that is being put together.
pub(crate) struct Call {
    api: Api,
    request: RequestBuilder,
    what: String,
}

impl Call {
    pub(crate) fn json(mut self, body: &Value) -> Self {
        self.request = self.request.json(body);
        self
    }

    /// A body that is said to be JSON.
    pub(crate) fn raw_json(self, body: impl Into<Body>) -> Self {
        self.header("Content-Type", "application/json").body(body)
    }

    pub(crate) fn body(mut self, body: impl Into<Body>) -> Self {
        self.request = self.request.body(body);
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub(crate) fn key(self, key: &str) -> Self {
        self.header("Idempotency-Key", key)
    }

    pub(crate) fn if_match(self, etag: &str) -> Self {
        self.header("If-Match", etag)
    }

    pub(crate) fn position(self, position: &str) -> Self {
        self.header("Jetbridge-Position", position)
    }

    /// The answer; fails if there is none.
    pub(crate) async fn send(self) -> Answer {
        let what = self.what.clone();
        match self.try_send().await {
            Ok(answer) => answer,
            Err(error) => panic!("{what}: no answer: {error:?}"),
        }
    }

    /// The answer with its body still to come.
    pub(crate) async fn response(self) -> Response {
        let what = self.what;
        self.request.send().await.unwrap_or_else(|error| panic!("{what}: no answer: {error:?}"))
    }

    /// The answer, or why there is none.
    pub(crate) async fn try_send(self) -> Result<Answer, reqwest::Error> {
        let response = self.request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await?;
        let is_json = headers.get(CONTENT_TYPE).is_some_and(|found| found.as_bytes().ends_with(b"json"));
        let body = match is_json && !text.is_empty() {
            true => serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}: {text}", self.what)),
            false => Value::Null,
        };
        let answer = Answer { what: self.what, status, headers, body, text };
        // A health check that fails is an answer, not a problem.
        let is_problem = status.as_u16() >= 400 && !answer.what.contains("health");
        if is_problem && !answer.what.starts_with("HEAD") {
            answer.check_problem();
            check_explained(&self.api, &answer).await;
        }
        Ok(answer)
    }
}

/// Every type of problem has a page that explains it. Each is looked at once.
async fn check_explained(api: &Api, answer: &Answer) {
    static EXPLAINED: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);
    let kind = answer.body["type"].as_str().expect("a type").to_owned();
    if EXPLAINED.lock().unwrap().contains(&kind) {
        return;
    }
    // The system may have been killed since it answered; then another answer of this type is looked at.
    let Ok(page) = api.client.get(format!("{}{kind}", api.base)).send().await else { return };
    assert_eq!(page.status(), StatusCode::OK, "{kind} is not explained");
    assert_eq!(page.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
    let Ok(page) = page.text().await else { return };
    assert!(page.contains(&kind), "{page}");
    EXPLAINED.lock().unwrap().insert(kind);
}

/// What the system has answered.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) what: String,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The body if it is JSON, or null.
    pub(crate) body: Value,
    /// The body as it came.
    pub(crate) text: String,
}

impl Answer {
    fn check_problem(&self) {
        assert_eq!(self.header("Content-Type"), Some("application/problem+json"), "{self:?}");
        assert_eq!(self.body["status"], self.status.as_u16(), "{self:?}");
        for member in ["type", "title", "detail"] {
            assert!(self.body[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {self:?}");
        }
        assert!(self.body["type"].as_str().unwrap().starts_with("/problems/"), "{self:?}");
        let is_temporary = matches!(self.status.as_u16(), 429 | 503);
        assert_eq!(self.header("Retry-After").is_some(), is_temporary, "{self:?}");
        assert_ne!(self.status, StatusCode::INTERNAL_SERVER_ERROR, "{self:?}");
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            assert!(self.header("Allow").is_some(), "{self:?}");
        }
        if self.slug() == "invalid-request" {
            let errors = self.body["errors"].as_array().expect("errors");
            assert!(!errors.is_empty(), "{self:?}");
            for error in errors {
                assert!(error["pointer"].is_string() != error["parameter"].is_string(), "{self:?}");
                assert!(error["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{self:?}");
            }
        }
    }

    /// This answer, which has this status.
    #[track_caller]
    pub(crate) fn expect(self, status: StatusCode) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.what, self.text);
        self
    }

    /// This answer, which is a problem of this type.
    #[track_caller]
    pub(crate) fn expect_problem(self, status: u16, slug: &str) -> Self {
        assert_eq!((self.status.as_u16(), self.slug()), (status, slug), "{}: {}", self.what, self.text);
        self
    }

    /// The last part of the problem's type; empty if this is not a problem.
    pub(crate) fn slug(&self) -> &str {
        self.body["type"].as_str().unwrap_or_default().trim_start_matches("/problems/")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("a readable header"))
    }

    /// The `id` of what is in the body.
    #[track_caller]
    pub(crate) fn id(&self) -> String {
        self.body["id"].as_str().unwrap_or_else(|| panic!("no id: {self:?}")).to_owned()
    }

    #[track_caller]
    pub(crate) fn position(&self) -> String {
        self.header("Jetbridge-Position").unwrap_or_else(|| panic!("no position: {self:?}")).to_owned()
    }

    #[track_caller]
    pub(crate) fn etag(&self) -> String {
        self.header("ETag").unwrap_or_else(|| panic!("no ETag: {self:?}")).to_owned()
    }

    /// Where the body or the query is at fault: pointers and parameters, sorted.
    pub(crate) fn faults(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        let place = |error: &'_ Value| error["pointer"].as_str().is_some();
        let mut faults: Vec<&str> = errors
            .iter()
            .map(|error| if place(error) { &error["pointer"] } else { &error["parameter"] })
            .filter_map(Value::as_str)
            .collect();
        faults.sort_unstable();
        faults
    }
}
