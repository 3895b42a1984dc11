//! Notes which commands are refused.

use std::collections::HashMap;

use axum::Router;
use axum::extract::{FromRequestParts, MatchedPath, RawPathParams, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use jiff::Timestamp;
use serde_json::value::RawValue;
use shared_infrastructure::refusals::{RefusalLog, Refused};
use shared_kernel::{Decider, DomainEvent, ProblemType};
use shared_service::headers::X_CORRELATION_ID;
use shared_service::{ReadBody, parse};
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
pub(crate) fn noted<A: DomainApi>(routes: Router, log: RefusalLog) -> Router {
    let id_field = A::DOMAIN.id_field;
    let body_fields = [id_field, <A::Decider as Decider>::Event::KEY_FIELD];
    routes.layer(middleware::from_fn_with_state(Noting { log, id_field, body_fields }, note))
}

async fn note(State(noting): State<Noting>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let Some(route) = route.filter(|_| !request.method().is_safe()) else { return next.run(request).await };
    let (mut parts, body) = request.into_parts();
    // One that is not said as it has to be is refused for that.
    let Ok(cause) = shared_service::cause(&parts.headers, &parts.extensions) else {
        return next.run(Request::from_parts(parts, body)).await;
    };
    if !parts.headers.contains_key(X_CORRELATION_ID)
        && let Ok(id) = HeaderValue::from_str(&cause.correlation_id)
    {
        // So that whatever this request leads to has the same.
        parts.headers.insert(X_CORRELATION_ID, id);
    }
    let read = ReadBody::default();
    parts.extensions.insert(read.clone());
    let command = format!("{} {}", parts.method, route.as_str());
    let in_path = noting.in_path(&mut parts).await;
    let response = next.run(Request::from_parts(parts, body)).await;
    if REFUSALS.contains(&response.status())
        && let Some(problem) = response.extensions().get::<&ProblemType>()
    {
        // What the path names counts.
        let things = noting.in_body(&read).into_iter().chain(in_path).collect();
        let (problem, status) = (problem.slug, response.status().as_u16());
        noting.log.note(Refused { command, things, problem, status, cause, at: Timestamp::now() });
    }
    response
}

impl Noting {
    /// What the path names, if it is an identifier.
    async fn in_path(&self, parts: &mut Parts) -> Option<(&'static str, Uuid)> {
        let params = RawPathParams::from_request_parts(parts, &()).await.ok()?;
        let (_, text) = params.iter().next()?;
        Some((self.id_field, parse::id(text).ok()?))
    }

    /// What the body names.
    fn in_body(&self, read: &ReadBody) -> Vec<(&'static str, Uuid)> {
        let body = read.get().map_or(&[][..], |body| body);
        let fields: HashMap<String, &RawValue> = serde_json::from_slice(body).unwrap_or_default();
        let id = |field: &'static str| {
            let text: String = serde_json::from_str(fields.get(field)?.get()).ok()?;
            Some((field, parse::id(&text).ok()?))
        };
        self.body_fields.into_iter().filter_map(id).collect()
    }
}
