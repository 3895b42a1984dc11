//! What all instances of all services tell about themselves: what they have measured lately, and how they are set.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::{HeaderValue, StatusCode, header};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use shared_service::about::{CONFIGURATION_PATH, Configuration, NUMBERS_PATH, Numbers, Wanted};
use shared_service::{Problem, Routes};

use super::OPERATORS;
use super::ask::{Answer, OfInstance, Question};
use crate::forward::Forwarder;
use crate::operations;
use crate::traffic::GATEWAY;
use crate::upstream::Standing;
use crate::visitor::Visitor;

/// How long each instance may take to answer.
const LIMIT: Duration = Duration::from_secs(2);

pub(super) fn routes() -> Routes<Arc<Forwarder>> {
    Routes::new()
        .get("/api/admin/numbers", OPERATORS, numbers)
        .about(operations::numbers())
        .get("/api/admin/configuration", OPERATORS, configuration)
        .about(operations::configuration())
}

#[derive(Serialize)]
struct AllNumbers {
    services: Vec<OfService>,
}

#[derive(Serialize)]
struct OfService {
    service: String,
    instances: Vec<NumbersOf>,
}

/// What an instance has measured, or why that is not known.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NumbersOf {
    /// Its host and port. `None` for the gateway that answers.
    address: Option<String>,
    /// Whether requests go to it.
    in_use: bool,
    /// Whether it is left out because requests to it have failed.
    left_out: bool,
    /// Since when either is so, as long as this gateway knows.
    since: Option<Timestamp>,
    /// How often it was left out.
    ejections: u64,
    #[serde(flatten)]
    told: Told,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Told {
    /// What it says of itself.
    Itself(Map<String, Value>),
    /// Why it says nothing.
    Nothing { detail: String },
}

impl Told {
    fn of(answer: Result<Answer, String>) -> Self {
        let told = answer.and_then(|answer| match answer.status {
            StatusCode::OK => serde_json::from_slice(&answer.body).map_err(|_| "its answer cannot be read".to_owned()),
            // A release from before.
            StatusCode::NOT_FOUND => Err("it does not tell".to_owned()),
            status => Err(format!("it answers {status}")),
        });
        told.map_or_else(|detail| Self::Nothing { detail }, Self::Itself)
    }
}

async fn numbers(
    State(forwarder): State<Arc<Forwarder>>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, Problem> {
    let _slot = forwarder.admit(visitor.client)?;
    let question = Question::get(NUMBERS_PATH.to_owned(), &visitor);
    let asked = question.ask_every_instance(forwarder.upstreams(), LIMIT).await;
    let own = serde_json::to_value(Numbers::of(&Wanted::of_service(GATEWAY))).map_err(Problem::internal)?;
    let own = NumbersOf {
        address: None,
        in_use: true,
        left_out: false,
        since: None,
        ejections: 0,
        told: Told::Itself(object(own)),
    };
    let mut services = vec![OfService { service: GATEWAY.to_owned(), instances: vec![own] }];
    for OfInstance { service, address, standing, answer } in asked {
        let Standing { in_use, left_out, since, ejections } = standing;
        let told = Told::of(answer);
        let numbers = NumbersOf { address: Some(address), in_use, left_out, since, ejections, told };
        match services.last_mut().filter(|last| last.service == service) {
            Some(last) => last.instances.push(numbers),
            None => services.push(OfService { service, instances: vec![numbers] }),
        }
    }
    Ok(not_stored(AllNumbers { services }))
}

#[derive(Serialize)]
struct AllConfigurations {
    processes: Vec<OfProcess>,
    /// The instances that could not be asked.
    unreachable: Vec<NotTold>,
}

/// How a process is set.
#[derive(Serialize)]
struct OfProcess {
    /// What it is: one service, or several.
    instances: Vec<Place>,
    #[serde(flatten)]
    told: Map<String, Value>,
}

/// An instance of a service.
#[derive(Serialize)]
struct Place {
    service: String,
    address: Option<String>,
}

#[derive(Serialize)]
struct NotTold {
    #[serde(flatten)]
    place: Place,
    detail: String,
}

async fn configuration(
    State(forwarder): State<Arc<Forwarder>>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, Problem> {
    let _slot = forwarder.admit(visitor.client)?;
    let question = Question::get(CONFIGURATION_PATH.to_owned(), &visitor);
    let asked = question.ask_every_instance(forwarder.upstreams(), LIMIT).await;
    let own = serde_json::to_value(Configuration::current()).map_err(Problem::internal)?;
    let place = Place { service: GATEWAY.to_owned(), address: None };
    let mut all = AllConfigurations {
        processes: vec![OfProcess { instances: vec![place], told: object(own) }],
        unreachable: vec![],
    };
    for OfInstance { service, address, answer, .. } in asked {
        let place = Place { service, address: Some(address) };
        match Told::of(answer) {
            Told::Itself(told) => all.take(place, told),
            Told::Nothing { detail } => all.unreachable.push(NotTold { place, detail }),
        }
    }
    Ok(not_stored(all))
}

impl AllConfigurations {
    /// Takes what an instance says, which may be one of several services in a process.
    fn take(&mut self, place: Place, told: Map<String, Value>) {
        let id = process_of(&told);
        let known = self.processes.iter_mut().find(|one| id.is_some() && process_of(&one.told) == id);
        match known {
            Some(process) => process.instances.push(place),
            None => self.processes.push(OfProcess { instances: vec![place], told }),
        }
    }
}

fn process_of(told: &Map<String, Value>) -> Option<String> {
    told.get("process")?.as_str().map(str::to_owned)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn not_stored<T: Serialize>(body: T) -> Response {
    ([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(body)).into_response()
}
