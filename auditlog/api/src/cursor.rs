//! Cursors: places in the lists, as clients keep them.

mod version_1;

use serde::{Deserialize, Serialize};
use shared_kernel::{Order, Position, Revision};
use shared_service::paging::{InvalidCursor, decode_cursor, encode_cursor};

use crate::place::{Descent, LogPlace};
use crate::stream::Log;
use version_1::CursorV1;

/// A place in one list, read in one order.
///
/// A cursor names its list and the order, so that it is not taken for a cursor of another list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    list: String,
    #[serde(flatten)]
    place: StoredPlace,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum StoredPlace {
    /// Oldest first: the last event that its reader has seen of each stream of the list.
    After(Position),
    /// Newest first.
    Before(Descent),
}

/// A cursor in any form that was ever handed out.
#[derive(Deserialize)]
#[serde(untagged)]
enum AnyCursor {
    Current(Cursor),
    V1(CursorV1),
}

impl Log {
    /// What the list is called, in paths and in its cursors.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Of(domain) => domain.list(),
            Self::All(_) => "all",
            Self::Refusals => "refusals",
        }
    }
}

impl Cursor {
    /// The cursor of a reader who has come to `place` in `log`.
    pub(crate) fn at(log: Log, place: LogPlace) -> Self {
        let place = match place {
            LogPlace::After(seen) => StoredPlace::After(seen),
            LogPlace::Before(descent) => StoredPlace::Before(descent),
        };
        Self { list: log.name().to_owned(), place }
    }

    /// Where it stands in `log`, read in `order`.
    ///
    /// # Errors
    /// [`InvalidCursor`] if it is a cursor of another list or order, or of a place that no stream has.
    pub(crate) fn place_in(self, log: Log, order: Order) -> Result<LogPlace, InvalidCursor> {
        match order {
            Order::OldestFirst => self.position_in(log).map(LogPlace::After),
            Order::NewestFirst => self.descent_in(log).map(LogPlace::Before),
        }
    }

    /// Where it stands in `log`, read oldest first.
    ///
    /// # Errors
    /// As [`Cursor::place_in`].
    pub(crate) fn position_in(self, log: Log) -> Result<Position, InvalidCursor> {
        match self.place {
            StoredPlace::After(seen) if self.list == log.name() && can_exist(log, &seen) => Ok(seen),
            _ => Err(InvalidCursor),
        }
    }

    fn descent_in(self, log: Log) -> Result<Descent, InvalidCursor> {
        match self.place {
            StoredPlace::Before(descent)
                if self.list == log.name()
                    && can_exist(log, &descent.top)
                    && can_exist(log, &descent.rest)
                    && log.covers(&descent.top, &descent.rest) =>
            {
                Ok(descent)
            }
            _ => Err(InvalidCursor),
        }
    }

    pub(crate) fn encode(self) -> String {
        encode_cursor(&self)
    }

    pub(crate) fn decode(text: &str) -> Result<Self, InvalidCursor> {
        Ok(match decode_cursor(text)? {
            AnyCursor::Current(cursor) => cursor,
            AnyCursor::V1(cursor) => cursor.into(),
        })
    }
}

/// Whether it is a position in the streams of this list, and each can be that long.
fn can_exist(log: Log, position: &Position) -> bool {
    /// The event store counts in signed numbers.
    const LAST_REVISION: Revision = Revision(i64::MAX as u64);
    *position == log.position(|stream| position.revision_in(stream).filter(|revision| *revision < LAST_REVISION))
}

#[cfg(test)]
mod tests;
