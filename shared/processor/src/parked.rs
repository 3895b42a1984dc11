//! The events that could not be processed: they are listed, processed again, and discarded.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use futures::future::join_all;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use shared_infrastructure::parking::{self, Counted, DiscardedEvent, DiscardedPlace, ParkedEvent, ParkedPlace};
use shared_infrastructure::postgres::DatabaseError;
use shared_infrastructure::worker::{Discard, NotCarriedOut, Replayed};
use shared_kernel::{QueryError, Text};
use shared_service::{CommandOn, EventId, Fields, FromFields, Paging, PathId, Problem, Query, Routes, problem_type};
use uuid::Uuid;

use crate::listed::{Asked, CountedPage, counted};
use crate::routes::{OPERATORS, Processor};

/// How long a replay or a discard may take before its caller is told to look again later.
const LIMIT: Duration = Duration::from_secs(30);

pub(crate) fn routes() -> Routes<Arc<Processor>> {
    Routes::new()
        .get("/parked", OPERATORS, list)
        .get("/parked/discarded", OPERATORS, list_discarded)
        .get("/parked/{eventId}", OPERATORS, show)
        .post("/parked/replay", OPERATORS, replay)
        .post("/parked/{eventId}/discard", OPERATORS, discard)
}

async fn list(
    State(processor): State<Arc<Processor>>,
    Query(Asked(asked)): Query<Asked<ParkedPlace>>,
) -> Result<Json<CountedPage<ParkedEvent>>, Problem> {
    let found = parking::list(&processor.database, asked.limit + 1, asked.after.clone());
    page(found.await, &asked, ParkedEvent::place)
}

async fn list_discarded(
    State(processor): State<Arc<Processor>>,
    Query(Asked(asked)): Query<Asked<DiscardedPlace>>,
) -> Result<Json<CountedPage<DiscardedEvent>>, Problem> {
    page(
        parking::list_discarded(&processor.database, asked.limit + 1, asked.after.clone()).await,
        &asked,
        DiscardedEvent::place,
    )
}

/// The page that was asked for, from up to one event more than its limit.
fn page<T, K: Serialize>(
    found: Result<Counted<T>, DatabaseError>,
    asked: &Paging<K>,
    place: impl FnOnce(&T) -> K,
) -> Result<Json<CountedPage<T>>, Problem> {
    let Counted { events, total } = found.map_err(QueryError::from)?;
    Ok(counted(events, total, asked, place))
}

/// A parked event with what is stored of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    #[serde(flatten)]
    parked: ParkedEvent,
    /// When the event store took it in.
    created: Timestamp,
    /// As JSON; as a text if it is something else.
    data: Value,
    /// The same.
    metadata: Value,
}

async fn show(State(processor): State<Arc<Processor>>, PathId(id): PathId<EventId>) -> Result<Json<Stored>, Problem> {
    let parked = parking::find(&processor.database, Uuid::from(id)).await.map_err(QueryError::from)?;
    let parked = parked.ok_or_else(not_parked)?;
    let read = processor.event_store.event_at(processor.stream, parked.event_number);
    let event = read.await.map_err(|error| {
        Problem::unavailable("What is stored of the event cannot be read at the moment.").caused_by(error)
    })?;
    let json =
        |bytes: &[u8]| serde_json::from_slice(bytes).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(bytes)));
    let (data, metadata) = (json(&event.data), json(&event.custom_metadata));
    Ok(Json(Stored { parked, created: event.created, data, metadata }))
}

fn not_parked() -> Problem {
    Problem::new(problem_type::NOT_FOUND, "No event with this id is parked.")
}

#[derive(Serialize)]
struct ReplayAnswer {
    reader: &'static str,
    #[serde(flatten)]
    outcome: ReplayOutcome,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ReplayOutcome {
    Replayed(Replayed),
    NotReplayed {
        /// Why not, for people.
        detail: String,
    },
}

/// What each reader has done. What one could do counts, whatever keeps the other from it; it is a problem if none
/// could.
async fn replay(State(processor): State<Arc<Processor>>) -> Result<Json<Vec<ReplayAnswer>>, Problem> {
    let replays = processor.workers.iter().map(async |(reader, worker)| (*reader, worker.replay(LIMIT).await));
    let replays = join_all(replays).await;
    if replays.iter().all(|(_, replayed)| replayed.is_err()) {
        return Err(unavailable(replays.iter().filter_map(|(reader, replayed)| Some((*reader, replayed.err()?)))));
    }
    let answers = replays.into_iter().map(|(reader, replayed)| ReplayAnswer {
        reader,
        outcome: match replayed {
            Ok(replayed) => ReplayOutcome::Replayed(replayed),
            Err(reason) => ReplayOutcome::NotReplayed { detail: reason.to_string() },
        },
    });
    Ok(Json(answers.collect()))
}

fn unavailable(reasons: impl Iterator<Item = (&'static str, NotCarriedOut)>) -> Problem {
    let reasons = reasons.map(|(reader, reason)| format!("{reader}: {reason}."));
    Problem::unavailable(reasons.collect::<Vec<_>>().join(" "))
}

/// Why an event is discarded.
struct Reason(Text<500>);

impl FromFields for Reason {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.required("reason", Text::new).map(Self)
    }
}

#[derive(Serialize)]
struct Discarded {
    /// The event, for each reader that had parked it.
    items: Vec<DiscardedEvent>,
}

/// Takes an event out for good, in every reader that has parked it. If one cannot, asking again does the rest.
async fn discard(
    State(processor): State<Arc<Processor>>,
    CommandOn { id, input: Reason(reason), context, .. }: CommandOn<EventId, Reason>,
) -> Result<Json<Discarded>, Problem> {
    let event_id = Uuid::from(id);
    let readers = parking::readers_of(&processor.database, event_id).await.map_err(QueryError::from)?;
    let discard = Discard { event_id, reason: reason.as_str().to_owned(), discarded_by: context.cause.actor };
    let asked = processor.workers.iter().filter(|(reader, _)| readers.iter().any(|name| name == reader));
    let answers = join_all(asked.map(async |(reader, worker)| (*reader, worker.discard(discard.clone(), LIMIT).await)));
    let (mut items, mut failures) = (Vec::new(), Vec::new());
    for (reader, answer) in answers.await {
        match answer {
            Ok(discarded) => items.extend(discarded),
            Err(reason) => failures.push((reader, reason)),
        }
    }
    if !failures.is_empty() {
        return Err(unavailable(failures.into_iter()));
    }
    if items.is_empty() {
        return Err(not_parked());
    }
    Ok(Json(Discarded { items }))
}
