//! Notes which commands are refused.

use std::collections::HashMap;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::value::RawValue;
use shared_infrastructure::refusals::{RefusalLog, Refused};
use shared_kernel::{Decider, DomainEvent, ProblemType};
use shared_service::{ReadCommand, Routes, parse};
use uuid::Uuid;

use crate::DomainApi;

/// What is answered to a command that was understood, and is refused for what it asks for. What could not be read at all
/// and what failed is none.
const REFUSALS: [StatusCode; 4] =
    [StatusCode::NOT_FOUND, StatusCode::CONFLICT, StatusCode::PRECONDITION_FAILED, StatusCode::UNPROCESSABLE_ENTITY];

/// What it takes to say what a refused command was.
#[derive(Clone)]
struct Noting {
    log: RefusalLog,
    /// The field that names what is in the path of a command.
    id_field: &'static str,
    /// The fields of bodies that are kept, if they hold an identifier.
    body_fields: [&'static str; 2],
}

/// The same routes, whose refusals of commands are noted.
pub(crate) fn noted<A: DomainApi>(routes: Routes, log: RefusalLog) -> Routes {
    let id_field = A::DOMAIN.id_field;
    let body_fields = [id_field, <A::Decider as Decider>::Event::KEY_FIELD];
    routes.layer(middleware::from_fn_with_state(Noting { log, id_field, body_fields }, note))
}

async fn note(State(noting): State<Noting>, mut request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let Some(route) = route.filter(|_| !request.method().is_safe()) else { return next.run(request).await };
    let (method, uri, read) = (request.method().clone(), request.uri().clone(), ReadCommand::default());
    request.extensions_mut().insert(read.clone());
    let response = next.run(request).await;
    if REFUSALS.contains(&response.status())
        && let Some(problem) = response.extensions().get::<&ProblemType>()
        && let Some((cause, body)) = read.get()
    {
        // What the path names counts.
        let things = noting.in_body(body).into_iter().chain(noting.in_path(route.as_str(), uri.path()));
        noting.log.note(Refused {
            command: format!("{method} {}", route.as_str()),
            things: things.collect(),
            problem: problem.slug,
            status: response.status().as_u16(),
            cause: cause.clone(),
            at: Timestamp::now(),
        });
    }
    response
}

impl Noting {
    /// What the path names, if it is an identifier.
    fn in_path(&self, route: &str, path: &str) -> Option<(&'static str, Uuid)> {
        let mut parts = route.split('/').zip(path.split('/'));
        let text = parts.find_map(|(part, text)| part.starts_with('{').then_some(text))?;
        Some((self.id_field, parse::id(text).ok()?))
    }

    /// What the body names.
    fn in_body(&self, body: &[u8]) -> Vec<(&'static str, Uuid)> {
        let fields: HashMap<String, &RawValue> = serde_json::from_slice(body).unwrap_or_default();
        let id = |field: &'static str| {
            let text: String = serde_json::from_str(fields.get(field)?.get()).ok()?;
            Some((field, parse::id(&text).ok()?))
        };
        self.body_fields.into_iter().filter_map(id).collect()
    }
}
