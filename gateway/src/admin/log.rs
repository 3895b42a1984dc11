//! What the services log, the gateway too, and what they are to log from now on.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use shared_service::telemetry::LogFilter;
use shared_service::{Problem, Routes};

use super::OPERATORS;
use super::ask::{Answer, OfInstance, Question};
use crate::admission::TakenIn;
use crate::forward::Forwarder;
use crate::operations;
use crate::traffic::GATEWAY;
use crate::visitor::Visitor;

/// Where each service shows it.
const PATH: &str = "/log";
/// How long an instance may take to answer.
const LIMIT: Duration = Duration::from_secs(2);

pub(super) fn routes() -> Routes<Arc<Forwarder>> {
    Routes::new()
        .get("/api/admin/log", OPERATORS, show)
        .about(operations::log_filters())
        .put("/api/admin/log", OPERATORS, change)
        .about(operations::set_log_filter())
}

/// What all services log.
#[derive(Serialize)]
pub(super) struct Filters {
    services: Vec<OfService>,
}

/// What one of their instances logs, or why that is not known.
#[derive(Serialize)]
struct OfService {
    service: String,
    /// Its host and port. `None` for the gateway that answers.
    instance: Option<String>,
    #[serde(flatten)]
    told: Told,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Told {
    Filter(String),
    Detail(String),
}

async fn show(
    State(forwarder): State<Arc<Forwarder>>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Json<Filters>, Problem> {
    let question = Question::get(PATH.to_owned(), &visitor);
    ask_all(&forwarder, &visitor, &question).await
}

async fn change(
    State(forwarder): State<Arc<Forwarder>>,
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Result<Json<Filters>, Problem> {
    let (parts, body) = request.into_parts();
    let TakenIn { bytes, room: _room } = forwarder.admission().take_in(visitor.client, &parts.headers, body).await?;
    // Refused here, nobody is told.
    LogFilter::of(&parts.headers, &bytes)?.set();
    let question = Question::put(PATH.to_owned(), &parts.headers, &visitor, bytes);
    ask_all(&forwarder, &visitor, &question).await
}

/// Asks every instance of every service, and answers for this one.
async fn ask_all(forwarder: &Forwarder, visitor: &Visitor, question: &Question) -> Result<Json<Filters>, Problem> {
    let _slot = forwarder.admit(visitor.client)?;
    let asked = question.ask_every_instance(forwarder.upstreams(), LIMIT).await;
    let others = asked.into_iter().map(|OfInstance { service, address, answer, .. }| {
        let told = answer.map_or_else(Told::Detail, |answer| told(&answer));
        OfService { service, instance: Some(address), told }
    });
    let filter = Told::Filter(LogFilter::current().filter);
    let own = OfService { service: GATEWAY.to_owned(), instance: None, told: filter };
    Ok(Json(Filters { services: std::iter::once(own).chain(others).collect() }))
}

fn told(answer: &Answer) -> Told {
    #[derive(Deserialize)]
    struct Filter {
        filter: String,
    }
    match serde_json::from_slice(&answer.body) {
        Ok(Filter { filter }) if answer.status.is_success() => Told::Filter(filter),
        _ => Told::Detail(format!("it answers {}", answer.status)),
    }
}
