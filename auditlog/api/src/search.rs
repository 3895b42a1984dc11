//! Pages of a list, with or without a filter.

use std::time::Duration;

use tokio::time::Instant;

use crate::filter::Filter;
use crate::place::LogPlace;
use crate::reader::{LogReader, ReadError};
use crate::stream::{Log, LogEvent};

/// How many events a filtered search looks at, and how long it goes on, before it answers with what it has found.
const MAX_LOOKED_AT: usize = 10_000;
const MAX_TIME: Duration = Duration::from_millis(500);
/// How many events a filtered search reads at once.
const CHUNK: usize = 500;

/// What a search has found.
pub(crate) struct Found {
    pub(crate) entries: Vec<LogEvent>,
    /// Everything on the way to here was looked at.
    pub(crate) place: LogPlace,
    /// Whether this is everything on the way, as far as it was recorded before the search began.
    pub(crate) reached_end: bool,
    /// Whether nothing that is recorded later can be found any more.
    pub(crate) is_over: bool,
}

/// Looks for entries from a place on, until there are enough of them, or none left, or it takes too long.
pub(crate) async fn search(
    reader: &LogReader,
    log: Log,
    from: LogPlace,
    limit: usize,
    filter: &Filter,
) -> Result<Found, ReadError> {
    let deadline = Instant::now() + MAX_TIME;
    let (order, times) = (from.order(), filter.times());
    let place = reader.skip_to(log, from, times).await?;
    let mut found = Found { entries: Vec::new(), place, reached_end: false, is_over: false };
    let mut looked_at = 0;
    while found.entries.len() < limit && !found.reached_end && looked_at < MAX_LOOKED_AT && Instant::now() < deadline {
        let chunk_size = if filter.is_open() { limit - found.entries.len() } else { CHUNK };
        let chunk = reader.read(log, &found.place, chunk_size).await?;
        found.reached_end = chunk.reached_end;
        for event in chunk.events {
            if times.are_over(order, event.recorded.created) {
                (found.reached_end, found.is_over) = (true, true);
                break;
            }
            if found.entries.len() == limit {
                found.reached_end = false;
                break;
            }
            looked_at += 1;
            found.place.pass(&event);
            if filter.matches(&event.recorded) {
                found.entries.push(event);
            }
        }
    }
    Ok(found)
}
