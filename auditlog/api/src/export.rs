//! The lists as files.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use shared_kernel::{Domain, Order, Position};
use shared_service::csv::{self, Incomplete, Rows};
use shared_service::headers::{JETBRIDGE_POSITION, position_value};
use shared_service::{Problem, RequestedPosition};

use crate::Api;
use crate::cursor::Cursor;
use crate::entry::{json, metadata};
use crate::facets::Facets;
use crate::filter::Filter;
use crate::place::{Descent, LogPlace};
use crate::reader::{LogReader, ReadError};
use crate::routes::{invalid_after, read_problem};
use crate::search::{Found, search};
use crate::stream::{Log, LogEvent};

/// How many entries go into a file at once.
const PIECE: usize = 500;

/// Answers with all entries after a place that fit a filter, up to where the log ends at that moment.
pub(crate) async fn export(
    api: Arc<Api>,
    log: Log,
    filter: Filter,
    order: Order,
    after: Option<Cursor>,
    RequestedPosition(requested): RequestedPosition,
) -> Result<Response, Problem> {
    let problem = |error| read_problem(error, invalid_after);
    let requested = requested.unwrap_or_default();
    let after = after.map(|cursor| cursor.place_in(log, order)).transpose().map_err(|error| invalid_after(&error))?;
    let top = api.reader.head(log).await.map_err(problem)?;
    if !log.covers(&top, &requested) {
        return Err(Problem::not_yet());
    }
    let from = after.unwrap_or_else(|| match order {
        Order::OldestFirst => LogPlace::After(Position::default()),
        Order::NewestFirst => LogPlace::Before(Descent::from_top(top.clone())),
    });
    let export = Export { reader: Arc::clone(&api.reader), log, filter, top, domains: api.domains };
    // Before anything is answered, so that what is wrong with it can be said.
    let first = export.read(from).await.map_err(problem)?;
    let position = [(JETBRIDGE_POSITION, position_value(&requested.and(export.top.clone())))];
    let (name, columns) = (format!("audit-log-{}.csv", log.name()), export.columns());
    let file = csv::file(&name, &columns, |rows| export.send(first, rows))?;
    Ok((position, file).into_response())
}

/// What a file is made of.
struct Export {
    reader: Arc<LogReader>,
    log: Log,
    filter: Filter,
    /// Where the log ended when it was asked for.
    top: Position,
    domains: &'static [&'static Domain],
}

impl Export {
    async fn read(&self, from: LogPlace) -> Result<Found, ReadError> {
        let mut found = search(&self.reader, self.log, from, PIECE, &self.filter).await?;
        if let LogPlace::After(seen) = &found.place {
            found.reached_end |= self.log.covers(seen, &self.top);
            found.entries.retain(|entry| self.log.covers(&self.top, &entry.position()));
        }
        Ok(found)
    }

    async fn send(self, first: Found, mut rows: Rows) -> Result<(), Incomplete> {
        let mut found = first;
        loop {
            rows.send(found.entries.iter().map(|entry| self.cells(entry))).await?;
            if found.reached_end {
                return Ok(());
            }
            found = self.read(found.place).await.map_err(Incomplete::unreadable)?;
        }
    }

    fn id_fields(&self) -> impl Iterator<Item = &'static str> {
        self.domains.iter().map(|domain| domain.id_field)
    }

    fn columns(&self) -> Vec<&'static str> {
        let before = ["stream", "eventNumber", "eventId", "eventType", "created"];
        before.into_iter().chain(self.id_fields()).chain(["actor", "data", "metadata", "position", "subject"]).collect()
    }

    fn cells(&self, entry: &LogEvent) -> Vec<String> {
        let recorded = &entry.recorded;
        let facets = Facets::of(recorded);
        let mut cells = vec![
            entry.stream.name.to_owned(),
            recorded.revision.to_string(),
            recorded.event_id.to_string(),
            recorded.event_type.clone(),
            recorded.created.to_string(),
        ];
        let ids = self.id_fields().map(|field| facets.thing(field).map(|id| id.to_string()));
        cells.extend(ids.chain([facets.actor.clone()]).map(Option::unwrap_or_default));
        let shown = [json(&recorded.data), metadata(&recorded.custom_metadata)];
        cells.extend(shown.map(|shown| shown.get().to_owned()));
        cells.extend([entry.position().to_string(), facets.subject.unwrap_or_default()]);
        cells
    }
}
