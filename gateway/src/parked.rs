//! `/api/admin/parked`: the parked events of all domains, which their processors keep.

mod ask;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};
use futures::future::join_all;
use http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared_service::paging::{InvalidCursor, decode_cursor, encode_cursor};
use shared_service::problem::{FaultPlace, InvalidPart, PROBLEM_JSON};
use shared_service::{EventId, FromQuery, Params, PathId, Problem, Query, problem_type};

use crate::admission::TakenIn;
use crate::forward::Forwarder;
use crate::places;
use crate::upstream::Processor;
use ask::{Answer, Question, Unanswered};

/// How long each processor may take for its part of a list.
const LIST_LIMIT: Duration = Duration::from_secs(5);

/// The routes of operators. They count against the same limits as all that is passed on.
pub(crate) fn routes() -> Router<Arc<Forwarder>> {
    Router::new()
        .route("/api/admin/parked", list_of("/parked"))
        .route("/api/admin/parked/discarded", list_of("/parked/discarded"))
        .route("/api/admin/parked/replay", post(replay))
        .route("/api/admin/parked/{eventId}/discard", post(discard))
}

/// The part of a list that is asked for.
struct Asked {
    limit: usize,
    after: Option<Place>,
}

/// A place in the list of all domains: in that of this one, after what its own processor calls so.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    domain: String,
    after: Option<String>,
}

impl FromQuery for Asked {
    fn read(params: &mut Params) -> Option<Self> {
        let limit = params.limit();
        let after = params.or("after", None, |cursor| decode_cursor(cursor).map(Some));
        Some(Self { limit: limit?, after: after? })
    }
}

/// What the processors say together.
#[derive(Default, Serialize)]
struct List {
    /// Each with its `domain`.
    items: Vec<Map<String, Value>>,
    next: Option<String>,
    /// How many there are in the domains that could be asked.
    total: u64,
    /// The domains whose processors could not be asked, and why. What they have is missing in the list.
    unreachable: Vec<Unreachable>,
}

#[derive(Serialize)]
struct Unreachable {
    domain: &'static str,
    detail: String,
}

/// What one processor says.
#[derive(Deserialize)]
struct Part {
    items: Vec<Map<String, Value>>,
    next: Option<String>,
    total: u64,
}

/// What the processors of all domains list at this path of theirs.
fn list_of(path: &'static str) -> MethodRouter<Arc<Forwarder>> {
    get(async move |State(forwarder): State<Arc<Forwarder>>, Query(asked): Query<Asked>, extensions: Extensions| {
        list(&forwarder, path, asked, &extensions).await
    })
}

/// Counts a request without a body against all limits, until what this gives is dropped.
fn admit(forwarder: &Forwarder, extensions: &Extensions) -> Result<places::Place, Problem> {
    forwarder.admission().check_rate(extensions)?;
    forwarder.admission().admit(extensions)
}

/// One domain after the other. Those that come before or after the page are asked too: how many they have.
async fn list(
    forwarder: &Forwarder,
    path: &'static str,
    Asked { limit, after }: Asked,
    extensions: &Extensions,
) -> Result<Response, Problem> {
    let _place = admit(forwarder, extensions)?;
    let processors = forwarder.upstreams().processors();
    let beginning = after.as_ref().map(|place| processors.iter().position(|one| one.domain.name == place.domain));
    let first = beginning.unwrap_or(Some(0)).ok_or_else(not_a_cursor)?;
    let mut list = List::default();
    for (at, processor) in processors.iter().enumerate() {
        let domain = processor.domain.name;
        let room = if at < first || list.next.is_some() { 0 } else { limit - list.items.len() };
        let after = after.as_ref().filter(|_| at == first).and_then(|place| place.after.as_deref());
        match part(forwarder, processor, path, room.max(1), after).await {
            Ok(part) => {
                list.total += part.total;
                if at >= first && list.next.is_none() {
                    list.take(domain, part, room, limit);
                }
            }
            Err(detail) => list.unreachable.push(Unreachable { domain, detail }),
        }
    }
    if list.unreachable.len() == processors.len() {
        return Err(unavailable(&list.unreachable));
    }
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((no_store, Json(list)).into_response())
}

fn not_a_cursor() -> Problem {
    let place = FaultPlace::Parameter("after".to_owned());
    Problem::invalid_request(vec![InvalidPart { place, detail: InvalidCursor.to_string() }])
}

impl List {
    /// Takes what a domain has for the page, or, if there is no room for it, that there is more.
    fn take(&mut self, domain: &'static str, part: Part, room: usize, limit: usize) {
        let place = |after| Some(encode_cursor(&Place { domain: domain.to_owned(), after }));
        if room == 0 {
            self.next = if part.items.is_empty() { None } else { place(None) };
            return;
        }
        self.items.extend(part.items.into_iter().map(|item| of_domain(domain, item)));
        self.items.truncate(limit);
        self.next = part.next.and_then(|next| place(Some(next)));
    }
}

fn of_domain(domain: &str, item: Map<String, Value>) -> Map<String, Value> {
    [("domain".to_owned(), Value::from(domain))].into_iter().chain(item).collect()
}

async fn part(
    forwarder: &Forwarder,
    processor: &Processor,
    path: &str,
    limit: usize,
    after: Option<&str>,
) -> Result<Part, String> {
    // A cursor is in the alphabet of URLs.
    let after = after.map(|after| format!("&after={after}")).unwrap_or_default();
    let question = Question::get(format!("{path}?limit={limit}{after}"));
    let answer =
        question.ask(forwarder.upstreams(), processor, LIST_LIMIT).await.map_err(|reason| reason.to_string())?;
    if answer.status != StatusCode::OK {
        return Err(answer.detail());
    }
    serde_json::from_slice(&answer.body).map_err(|_| Unanswered::Unclear.to_string())
}

/// What each reader of each domain has done. It is a problem if none could do anything.
async fn replay(
    State(forwarder): State<Arc<Forwarder>>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Response, Problem> {
    let _place = admit(&forwarder, &extensions)?;
    let question = Question::post("/parked/replay".to_owned(), &headers, Bytes::new());
    let processors = forwarder.upstreams().processors();
    let limit = forwarder.answer_limit();
    let asked = processors.iter().map(|processor| question.ask(forwarder.upstreams(), processor, limit));
    let (mut answers, mut unreachable) = (Vec::new(), Vec::new());
    for (processor, answer) in processors.iter().zip(join_all(asked).await) {
        let domain = processor.domain.name;
        match answer.map_err(|reason| reason.to_string()).and_then(readers) {
            Ok(readers) => answers.extend(readers.into_iter().map(|reader| of_domain(domain, reader))),
            Err(detail) => unreachable.push(Unreachable { domain, detail }),
        }
    }
    if answers.is_empty() {
        return Err(unavailable(&unreachable));
    }
    let not_replayed = unreachable.into_iter().map(|Unreachable { domain, detail }| {
        let item = Map::from_iter([("detail".to_owned(), Value::from(detail))]);
        of_domain(domain, item)
    });
    Ok(Json(answers.into_iter().chain(not_replayed).collect::<Vec<_>>()).into_response())
}

fn readers(answer: Answer) -> Result<Vec<Map<String, Value>>, String> {
    if answer.status != StatusCode::OK {
        return Err(answer.detail());
    }
    serde_json::from_slice(&answer.body).map_err(|_| Unanswered::Unclear.to_string())
}

/// Asks one processor after the other, until one has it.
async fn discard(
    State(forwarder): State<Arc<Forwarder>>,
    PathId(id): PathId<EventId>,
    request: Request,
) -> Result<Response, Problem> {
    let admission = forwarder.admission();
    admission.check_rate(request.extensions())?;
    let (parts, body) = request.into_parts();
    let TakenIn { bytes, room: _room } = admission.take_in(&parts.extensions, &parts.headers, body).await?;
    let _place = admission.admit(&parts.extensions)?;
    let question = Question::post(format!("/parked/{id}/discard"), &parts.headers, bytes);
    let processors = forwarder.upstreams().processors();
    let mut unreachable = Vec::new();
    for processor in processors {
        let domain = processor.domain.name;
        match question.ask(forwarder.upstreams(), processor, forwarder.answer_limit()).await {
            Ok(answer) if answer.status == StatusCode::NOT_FOUND => {}
            Ok(answer) if answer.status == StatusCode::OK => return of_discarded(domain, &answer),
            Ok(answer) if answer.status.is_client_error() => {
                return Ok((answer.status, [(header::CONTENT_TYPE, PROBLEM_JSON)], answer.body).into_response());
            }
            Ok(answer) => unreachable.push(Unreachable { domain, detail: answer.detail() }),
            Err(Unanswered::Late | Unanswered::Unclear) => {
                return Err(Problem::outcome_unknown().caused_by(format!("{domain}: no answer to a discard")));
            }
            Err(reason) => unreachable.push(Unreachable { domain, detail: reason.to_string() }),
        }
    }
    if unreachable.is_empty() {
        return Err(Problem::new(problem_type::NOT_FOUND, "No event with this id is parked."));
    }
    Err(unavailable(&unreachable))
}

fn of_discarded(domain: &str, answer: &Answer) -> Result<Response, Problem> {
    #[derive(Serialize, Deserialize)]
    struct Discarded {
        items: Vec<Map<String, Value>>,
    }
    let Discarded { items } = serde_json::from_slice(&answer.body).map_err(Problem::internal)?;
    let items = items.into_iter().map(|item| of_domain(domain, item)).collect();
    Ok(Json(Discarded { items }).into_response())
}

fn unavailable(unreachable: &[Unreachable]) -> Problem {
    let reasons = unreachable.iter().map(|Unreachable { domain, detail }| format!("{domain}: {detail}"));
    Problem::unavailable(reasons.collect::<Vec<_>>().join("; "))
}
