//! `GET /unfinished`: what is missing in other domains, and reactions that wait for an operator's word.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared_infrastructure::unfinished;
use shared_infrastructure::worker::{Halted, Retrying, WorkerState};
use shared_kernel::QueryError;
use shared_service::{Problem, Query, Routes};
use uuid::Uuid;

use crate::listed::{Asked, CountedPage, counted};
use crate::routes::{OPERATORS, Processor};

/// The kind of reactions that wait for an operator's word.
const OTHER_HISTORY: &str = "otherHistory";

pub(crate) fn routes() -> Routes<Arc<Processor>> {
    Routes::new().get("/unfinished", OPERATORS, list)
}

/// A place in the list, which is in this order.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Place {
    since: Timestamp,
    kind: String,
    /// What it is about; nothing in particular if `None`.
    key: Option<Uuid>,
    reader: String,
}

#[derive(Serialize)]
struct Item {
    #[serde(skip)]
    place: Place,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

/// What an instance knows.
#[derive(Serialize)]
struct OfInstance {
    #[serde(flatten)]
    page: CountedPage<Item>,
    /// Whether its reactions lead. What they have in hand is in no other instance's list.
    leads: bool,
}

/// Reactions that wait for somebody's word or do not succeed, in this instance, and what comparing has found. The oldest
/// first.
async fn list(
    State(processor): State<Arc<Processor>>,
    Query(Asked(asked)): Query<Asked<Place>>,
) -> Result<Json<OfInstance>, Problem> {
    let known = unfinished::list(&processor.database).await.map_err(QueryError::from)?;
    let known = known.into_iter().map(|known| {
        let place = Place { since: known.since, kind: known.kind, key: Some(known.key), reader: known.reader };
        processor.item(place, [])
    });
    let mut items: Vec<Item> = known.chain(processor.halted()).chain(processor.retrying()).collect();
    // Now: if it leads no more, what it had in hand may have been gone already.
    let leads = processor.reactions_lead();
    items.sort_by(|one, other| one.place.cmp(&other.place));
    let total = items.len();
    items.retain(|item| asked.after.as_ref().is_none_or(|after| item.place > *after));
    items.truncate(asked.limit + 1);
    let Json(page) = counted(items, total, &asked, |item| item.place.clone());
    Ok(Json(OfInstance { page, leads }))
}

impl Processor {
    fn reactions_lead(&self) -> bool {
        let [_, (_, reactions)] = &self.workers;
        reactions.state() == WorkerState::Leading
    }

    fn halted(&self) -> impl Iterator<Item = Item> {
        self.workers.iter().filter_map(|(reader, worker)| {
            let Halted { difference, since } = worker.halted()?;
            let place = Place { since, kind: OTHER_HISTORY.to_owned(), key: None, reader: (*reader).to_owned() };
            Some(self.item(place, [("reason", difference.into())]))
        })
    }

    fn retrying(&self) -> impl Iterator<Item = Item> {
        self.workers.iter().flat_map(move |(reader, worker)| {
            worker.retrying().into_iter().map(
                |Retrying { key, event_number, missing, since, attempts, reason, .. }| {
                    let place = Place { since, kind: missing.to_owned(), key: Some(key), reader: (*reader).to_owned() };
                    let number = Value::from(event_number.0);
                    self.item(
                        place,
                        [("eventNumber", number), ("attempts", attempts.into()), ("reason", reason.into())],
                    )
                },
            )
        })
    }

    fn item<const N: usize>(&self, place: Place, others: [(&str, Value); N]) -> Item {
        let mut fields = Map::from_iter([
            ("reader".to_owned(), place.reader.as_str().into()),
            ("kind".to_owned(), place.kind.as_str().into()),
            ("since".to_owned(), place.since.to_string().into()),
        ]);
        fields.extend(place.key.map(|key| (self.key_field.to_owned(), key.to_string().into())));
        fields.extend(others.map(|(name, value)| (name.to_owned(), value)));
        Item { place, fields }
    }
}
