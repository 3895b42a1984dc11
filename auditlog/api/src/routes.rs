//! The HTTP API.

use std::convert::Infallible;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequestParts, State};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use shared_access::{Access, Role};
use shared_infrastructure::event_store::StoreError;
use shared_kernel::{Domain, Interruption, Order, Position};
use shared_service::csv::Format;
use shared_service::headers::{JETBRIDGE_POSITION, position_value};
use shared_service::paging::InvalidCursor;
use shared_service::problem::{self, InvalidPart};
use shared_service::{Page, Paging, Params, Problem, Reply, RequestedPosition, Routes};

use crate::Api;
use crate::cursor::Cursor;
use crate::entry::LogEntry;
use crate::export::export;
use crate::feed::{OpenError, problem_event};
use crate::filter::Filter;
use crate::live::{LiveEntry, NotFollowing};
use crate::operations;
use crate::place::{Descent, LogPlace};
use crate::reader::{LogReader, ReadError};
use crate::search::{Found, search};
use crate::stream::Log;

/// How long a request may take until its answer begins. Longer than anything it waits for may.
pub(crate) const REQUEST_LIMIT: Duration = Duration::from_secs(10);
/// How often a client that follows gets a sign of life.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// How soon a client that was turned away may try again.
const FULL_RETRY_AFTER: Duration = Duration::from_secs(5);
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Tells proxies that know it to pass on each event at once.
const NOT_BUFFERED: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));

const VIEWER: Access = Access::Role(Role::Viewer);
const AUDITOR: Access = Access::Role(Role::Auditor);

/// The routes of an audit log of these domains.
pub(crate) fn all(domains: &'static [&'static Domain]) -> Routes<Arc<Api>> {
    let logs = domains.iter().copied().map(Log::Of).chain([Log::All(domains), Log::Refusals]);
    let lists = logs.fold(Routes::new(), |routes, log| {
        let answer = move |State(api): State<Arc<Api>>, input: ListInput, requested: RequestedPosition| async move {
            match input {
                ListInput::Pages(filter, paging) => {
                    list(&api.reader, log, filter, paging, requested).await.map(IntoResponse::into_response)
                }
                ListInput::File(filter, order, after) => export(api, log, filter, order, after, requested).await,
            }
        };
        routes.get(&format!("/api/auditlog/{}", log.name()), AUDITOR, answer).about(operations::list(domains, log))
    });
    lists
        .get("/api/auditlog/events", AUDITOR, entries)
        .about(operations::events(domains))
        .get("/api/changes", VIEWER, changes)
        .about(operations::changes(domains))
}

type ListAnswer = Result<Reply<Page<LogEntry>>, Problem>;

/// Which entries are asked for.
pub(crate) enum ListInput {
    /// In pages.
    Pages(Filter, Paging<Cursor>),
    /// In a file, all after a place.
    File(Filter, Order, Option<Cursor>),
}

impl FromRequestParts<Arc<Api>> for ListInput {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let format = Format::of(&parts.headers);
        Params::read(parts, |params| Self::read(api.domains, format, params))
    }
}

impl ListInput {
    pub(crate) fn read(domains: &[&'static Domain], format: Format, params: &mut Params) -> Option<Self> {
        let filter = Filter::read(domains, params);
        let order = params.order();
        let after = params.cursor("after", Cursor::decode);
        if format == Format::Csv {
            params.refuse("limit", "is not for a CSV file, which has all entries; remove it");
            return Some(Self::File(filter, order?, after?));
        }
        let limit = params.limit();
        Some(Self::Pages(filter, Paging { order: order?, limit: limit?, after: after? }))
    }
}

async fn list(
    reader: &LogReader,
    log: Log,
    filter: Filter,
    Paging { order, limit, after }: Paging<Cursor>,
    RequestedPosition(requested): RequestedPosition,
) -> ListAnswer {
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
    let Found { entries, place, reached_end, is_over } = found.map_err(|error| read_problem(error, invalid_after))?;

    let cursor = Cursor::at(log, place.clone());
    let (position, next) = match place {
        LogPlace::After(seen) if !reached_end => (seen, Some(cursor)),
        // Whatever else was recorded before it, up to the position that is asked for too, is not in the list.
        LogPlace::After(seen) if is_over || log.covers(&seen, &requested) => (requested.and(seen), Some(cursor)),
        LogPlace::After(_) => return Err(Problem::not_yet()),
        // What comes after the first page was recorded before it, so that nothing has to be waited for.
        LogPlace::Before(Descent { top, .. }) => {
            (if is_first { requested.and(top) } else { top }, Some(cursor).filter(|_| !reached_end))
        }
    };
    let items = entries.into_iter().map(LogEntry::from).collect();
    let reply = Reply::ok(Page { items, next: next.map(Cursor::encode) }).position(position);
    Ok(reply.in_one_of_the_formats())
}

/// What to follow, and from where.
pub(crate) struct EventsInput {
    filter: Filter,
    /// The id of the last event, from clients that cannot send it in a header again.
    last_event_id: Option<String>,
    after: Option<String>,
}

impl EventsInput {
    pub(crate) fn read(params: &mut Params, filter: impl FnOnce(&mut Params) -> Filter) -> Option<Self> {
        // What is no cursor is told in the stream.
        let text = |text: &str| Ok::<_, Infallible>(text.to_owned());
        let filter = filter(params);
        let last_event_id = params.optional("lastEventId", text).filter(|id| !id.trim().is_empty());
        Some(Self { filter, last_event_id, after: params.optional("after", text) })
    }
}

/// What to follow of the entries of the audit log.
struct EntriesInput(EventsInput);

impl FromRequestParts<Arc<Api>> for EntriesInput {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let input = |params: &mut Params| EventsInput::read(params, |params| Filter::read_live(api.domains, params));
        Params::read(parts, input).map(Self)
    }
}

/// What to follow of the changes.
struct ChangesInput(EventsInput);

impl FromRequestParts<Arc<Api>> for ChangesInput {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let input = |params: &mut Params| EventsInput::read(params, |params| Filter::read_things(api.domains, params));
        Params::read(parts, input).map(Self)
    }
}

/// How to say that the place where a client wants to begin is none.
type InvalidPlace = fn(&dyn Display) -> Problem;

/// The entries of the audit log as they come.
async fn entries(
    State(api): State<Arc<Api>>,
    EntriesInput(input): EntriesInput,
    covered: RequestedPosition,
    headers: HeaderMap,
) -> Response {
    follow(&api, input, covered, &headers, |entry| &entry.json).await
}

/// That something has changed, without what and by whom.
async fn changes(
    State(api): State<Arc<Api>>,
    ChangesInput(input): ChangesInput,
    covered: RequestedPosition,
    headers: HeaderMap,
) -> Response {
    follow(&api, input, covered, &headers, |entry| &entry.change).await
}

async fn follow(
    api: &Api,
    input: EventsInput,
    RequestedPosition(covered): RequestedPosition,
    headers: &HeaderMap,
    shown: fn(&LiveEntry) -> &str,
) -> Response {
    let (after, invalid) = beginning(Log::All(api.domains), headers, &input, covered);
    let opened = match after.map_err(|error| invalid(&error)) {
        Ok(after) => api.feeds.open(after, input.filter).await.map_err(|error| open_problem(error, invalid)),
        Err(problem) => Err(problem),
    };
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    match opened {
        Ok(feed) => {
            let position = [(JETBRIDGE_POSITION, position_value(feed.place()))];
            let events = feed.into_events(shown, move |error| read_problem(error, invalid));
            (position, [NOT_BUFFERED], Sse::new(events).keep_alive(keep_alive)).into_response()
        }
        Err(problem) => {
            let event = Ok::<_, Infallible>(problem_event(problem));
            ([NOT_BUFFERED], Sse::new(stream::iter([event])).keep_alive(keep_alive)).into_response()
        }
    }
}

/// Where to begin to follow: of what a client says, the one that it has said last. A browser repeats the query of its
/// first request when it comes back: what it has seen since counts.
fn beginning(
    log: Log,
    headers: &HeaderMap,
    input: &EventsInput,
    covered: Option<Position>,
) -> (Result<Option<Position>, InvalidCursor>, InvalidPlace) {
    let place = |cursor: &str| Cursor::decode(cursor)?.position_in(log).map(Some);
    let header = headers.get(LAST_EVENT_ID).map(|value| value.to_str().unwrap_or("not text").trim());
    match (header.filter(|id| !id.is_empty()), &input.last_event_id, &input.after) {
        (Some(id), ..) => (place(id), invalid_last_event_id),
        (None, Some(id), _) => (place(id), |detail| invalid_parameter("lastEventId", detail)),
        (None, None, Some(cursor)) => (place(cursor), invalid_after),
        (None, None, None) => (Ok(covered), |detail| invalid_parameter("Jetbridge-Position", detail)),
    }
}

fn open_problem(error: OpenError, invalid: InvalidPlace) -> Problem {
    match error {
        OpenError::Full => too_many_followers(),
        OpenError::NotFollowing(NotFollowing(outage)) => store_problem(outage.unwrap_or_else(|| {
            StoreError::Unavailable("the live audit log has not begun to follow the event store".to_owned())
        })),
        OpenError::Read(error) => read_problem(error, invalid),
    }
}

pub(crate) fn read_problem(error: ReadError, invalid_cursor: InvalidPlace) -> Problem {
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

pub(crate) fn invalid_after(detail: &dyn Display) -> Problem {
    invalid_parameter("after", detail)
}

fn invalid_last_event_id(detail: &dyn Display) -> Problem {
    Problem::malformed_header("Last-Event-ID", detail)
}

fn invalid_parameter(name: &str, detail: &dyn Display) -> Problem {
    let place = problem::FaultPlace::Parameter(name.to_owned());
    Problem::invalid_request(vec![InvalidPart { place, detail: detail.to_string() }])
}

fn too_many_followers() -> Problem {
    Problem::unavailable("Too many clients follow the audit log at the moment. Poll it instead, or try again later.")
        .retry_after(FULL_RETRY_AFTER)
}
