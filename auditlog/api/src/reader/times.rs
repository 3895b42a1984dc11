//! Finding the place in a list where a time begins, without reading what comes before it.
//!
//! In a stream, the times at which events were recorded grow, as long as the clock of the event store is not set back: a
//! few reads of single events find the place.

use futures::future::try_join_all;
use jiff::Timestamp;
use shared_kernel::{Revision, Stream};

use super::{LogReader, ReadError};
use crate::filter::Times;
use crate::place::{Descent, LogPlace};
use crate::stream::Log;

impl LogReader {
    /// The place from which to read on: this one, or a later one in its direction if what lies between was recorded at
    /// other times.
    pub(crate) async fn skip_to(&self, log: Log, place: LogPlace, times: &Times) -> Result<LogPlace, ReadError> {
        let Some(time) = times.near(place.order()) else { return Ok(place) };
        self.in_time(async {
            match place {
                LogPlace::After(mut seen) => {
                    let firsts = log.streams().map(async |stream| {
                        let next = seen.revision_in(stream).map_or(Revision(0), Revision::next);
                        Ok::<_, ReadError>((stream, next, self.first_since(stream, next, time).await?))
                    });
                    for (stream, next, first) in try_join_all(firsts).await? {
                        if let Some(before) = first.0.checked_sub(1).filter(|_| first > next) {
                            seen = seen.with(stream, Some(Revision(before)));
                        }
                    }
                    Ok(LogPlace::After(seen))
                }
                LogPlace::Before(Descent { top, mut rest }) => {
                    let lasts = log.streams().filter_map(|stream| Some((stream, rest.revision_in(stream)?)));
                    let lasts = lasts.map(async |(stream, from)| {
                        Ok::<_, ReadError>((stream, self.last_before_time(stream, from, time).await?))
                    });
                    for (stream, last) in try_join_all(lasts).await? {
                        rest = rest.with(stream, last);
                    }
                    Ok(LogPlace::Before(Descent { top, rest }))
                }
            }
        })
        .await
    }

    /// The first event of a stream, from `next` on, that was recorded at `time` or later; the one after its last if there is
    /// none.
    async fn first_since(&self, stream: Stream, next: Revision, time: Timestamp) -> Result<Revision, ReadError> {
        let Some(newest) = self.newest(stream).await? else { return Ok(next) };
        let end = newest.revision.next();
        // Of a reader who has come that far already, or further than there is, which the next read says.
        if next >= end || newest.created < time || self.is_since(stream, next, time).await? {
            return Ok(if newest.created < time { end.max(next) } else { next });
        }
        self.boundary(stream, next.next(), end, time).await
    }

    /// The last event of a stream, from `from` on towards the beginning, that was recorded before `time`.
    async fn last_before_time(
        &self,
        stream: Stream,
        from: Revision,
        time: Timestamp,
    ) -> Result<Option<Revision>, ReadError> {
        if !self.is_since(stream, from, time).await? {
            return Ok(Some(from));
        }
        let first = self.boundary(stream, Revision(0), from, time).await?;
        Ok(first.0.checked_sub(1).map(Revision))
    }

    /// The first of these events that was recorded at `time` or later; `end` if there is none.
    async fn boundary(
        &self,
        stream: Stream,
        begin: Revision,
        end: Revision,
        time: Timestamp,
    ) -> Result<Revision, ReadError> {
        let (mut low, mut high) = (begin.0, end.0);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.is_since(stream, Revision(middle), time).await? {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(Revision(low))
    }

    /// Whether an event was recorded at `time` or later. One that has expired counts as the first that has not.
    async fn is_since(&self, stream: Stream, revision: Revision, time: Timestamp) -> Result<bool, ReadError> {
        let event = self.store.read_forwards(stream.name, revision, 1).await?.pop();
        Ok(event.is_some_and(|event| event.created >= time))
    }
}

#[cfg(test)]
mod tests;
