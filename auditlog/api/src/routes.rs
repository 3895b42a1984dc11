//! The HTTP API.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRequestParts, State};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use shared_infrastructure::event_store::StoreError;
use shared_kernel::{Interruption, Order, Position};
use shared_service::headers::{JETBRIDGE_POSITION, position_value};
use shared_service::health::{self, Checks};
use shared_service::paging::InvalidCursor;
use shared_service::problem::{self, InvalidPart};
use shared_service::{FromQuery, Page, Paging, Params, Problem, Query, Reply, RequestedPosition, finish};

use crate::Api;
use crate::cursor::Cursor;
use crate::entry::LogEntry;
use crate::feed::OpenError;
use crate::filter::Filter;
use crate::live::NotFollowing;
use crate::place::{Descent, LogPlace};
use crate::reader::{LogReader, ReadError};
use crate::search::{Found, search};
use crate::stream::Log;

/// How long a request may take until its answer begins. Longer than anything it waits for may.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);
/// How often a client that follows gets a sign of life.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// How soon a client that was turned away may try again.
const FULL_RETRY_AFTER: Duration = Duration::from_secs(5);
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Tells proxies that know it to pass on each event at once.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

pub(crate) fn router(api: Arc<Api>, checks: Checks) -> Router {
    let logs = api.domains.iter().copied().map(Log::Of).chain([Log::All(api.domains)]);
    let lists = logs.fold(Router::new(), |router, log| {
        let answer = move |State(api): State<Arc<Api>>, input: ListInput, requested: RequestedPosition| async move {
            list(&api.reader, log, input, requested).await
        };
        router.route(&format!("/api/auditlog/{}", log.name()), get(answer))
    });
    let log = lists.route("/api/auditlog/events", get(events)).with_state(api);
    finish(log.merge(health::routes(checks)), REQUEST_LIMIT)
}

type ListAnswer = Result<Reply<Page<LogEntry>>, Problem>;

/// Which entries are asked for.
struct ListInput {
    filter: Filter,
    paging: Paging<Cursor>,
}

impl FromRequestParts<Arc<Api>> for ListInput {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        Params::read(parts, |params| {
            let filter = Filter::read(api.domains, params);
            let (order, limit) = (params.order(), params.limit());
            let after = params.optional("after", Cursor::decode);
            Some(Self { filter, paging: Paging { order: order?, limit: limit?, after } })
        })
    }
}

async fn list(
    reader: &LogReader,
    log: Log,
    input: ListInput,
    RequestedPosition(requested): RequestedPosition,
) -> ListAnswer {
    let ListInput { filter, paging: Paging { order, limit, after } } = input;
    let requested = requested.unwrap_or_default();
    let after = after.map(|cursor| cursor.place_in(log, order)).transpose().map_err(|error| invalid_after(&error))?;
    let is_first = after.is_none();
    let from = match (after, order) {
        (Some(place), _) => place,
        (None, Order::OldestFirst) => LogPlace::After(Position::default()),
        (None, Order::NewestFirst) => {
            let top = reader.head(log).await.map_err(|error| read_problem(error, invalid_after))?;
            if !log.covers(&top, &requested) {
                return Err(Problem::not_yet());
            }
            LogPlace::Before(Descent::from_top(top))
        }
    };
    let found = search(reader, log, from, limit, &filter).await;
    let Found { entries, place, reached_end } = found.map_err(|error| read_problem(error, invalid_after))?;

    let cursor = Cursor::at(log, place.clone());
    let (position, next) = match place {
        LogPlace::After(seen) if !reached_end => (seen, Some(cursor)),
        LogPlace::After(seen) if log.covers(&seen, &requested) => (requested.and(seen), Some(cursor)),
        LogPlace::After(_) => return Err(Problem::not_yet()),
        // What comes after the first page was recorded before it, so that nothing has to be waited for.
        LogPlace::Before(Descent { top, .. }) => {
            (if is_first { requested.and(top) } else { top }, Some(cursor).filter(|_| !reached_end))
        }
    };
    Ok(Reply::ok(Page { items: entries, next: next.map(Cursor::encode) }).position(position))
}

/// Where to begin to follow.
struct EventsInput {
    after: Option<Cursor>,
}

impl FromQuery for EventsInput {
    fn read(params: &mut Params) -> Option<Self> {
        Some(Self { after: params.optional("after", Cursor::decode) })
    }
}

async fn events(
    State(api): State<Arc<Api>>,
    Query(input): Query<EventsInput>,
    RequestedPosition(covered): RequestedPosition,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let log = Log::All(api.domains);
    // A browser repeats the query of its first request when it comes back: what it has seen since counts.
    let resumed = last_event_id(log, &headers).map_err(|error| invalid_last_event_id(&error))?;
    let asked = input.after.map(|cursor| cursor.position_in(log)).transpose();
    let asked = asked.map_err(|error| invalid_after(&error))?;
    let invalid = match (&resumed, &asked, &covered) {
        (Some(_), ..) => invalid_last_event_id,
        (None, None, Some(_)) => invalid_position,
        _ => invalid_after,
    };
    let feed = api.feeds.open(resumed.or(asked).or(covered)).await.map_err(|error| match error {
        OpenError::Full => too_many_followers(),
        OpenError::NotFollowing(NotFollowing(outage)) => store_problem(outage.unwrap_or_else(|| {
            StoreError::Unavailable("the live audit log has not begun to follow the event store".to_owned())
        })),
        OpenError::Read(error) => read_problem(error, invalid),
    })?;
    let headers =
        [(JETBRIDGE_POSITION, position_value(feed.place())), (X_ACCEL_BUFFERING, HeaderValue::from_static("no"))];
    let sse = Sse::new(feed.into_events()).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    Ok((headers, sse).into_response())
}

/// Where `Last-Event-ID` says that the client has come to; an empty one says nothing.
fn last_event_id(log: Log, headers: &HeaderMap) -> Result<Option<Position>, InvalidCursor> {
    let Some(value) = headers.get(LAST_EVENT_ID) else {
        return Ok(None);
    };
    match value.to_str().map_err(|_| InvalidCursor)?.trim() {
        "" => Ok(None),
        id => Cursor::decode(id)?.position_in(log).map(Some),
    }
}

fn read_problem(error: ReadError, invalid_cursor: fn(&dyn Display) -> Problem) -> Problem {
    match error {
        ReadError::BeyondEnd => invalid_cursor(&error),
        ReadError::Store(error) => store_problem(error),
    }
}

fn store_problem(error: StoreError) -> Problem {
    match error {
        StoreError::Unavailable(cause) => {
            Problem::unavailable("The event store is not available at the moment.").caused_by(cause)
        }
        StoreError::Refused(refusal) => Problem::from(Interruption::Refused(refusal.to_string())),
    }
}

fn invalid_after(detail: &dyn Display) -> Problem {
    let place = problem::FaultPlace::Parameter("after".to_owned());
    Problem::invalid_request(vec![InvalidPart { place, detail: detail.to_string() }])
}

fn invalid_last_event_id(detail: &dyn Display) -> Problem {
    Problem::malformed_header("Last-Event-ID", detail)
}

fn invalid_position(detail: &dyn Display) -> Problem {
    let place = problem::FaultPlace::Parameter("Jetbridge-Position".to_owned());
    Problem::invalid_request(vec![InvalidPart { place, detail: detail.to_string() }])
}

fn too_many_followers() -> Problem {
    Problem::unavailable("Too many clients follow the audit log at the moment. Poll it instead, or try again later.")
        .retry_after(FULL_RETRY_AFTER)
}
