//! Which events of a stream may be read.

use rusqlite::{OptionalExtension, params};

use super::metadata::{Retention, base_of};
use super::snapshot::{Snapshot, signed, ticks_now};

/// 100-nanosecond ticks in a second.
const TICKS_PER_SECOND: i64 = 10_000_000;

/// What a reader may see of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StreamRange {
    /// It has no events, or was soft-deleted.
    Missing,
    /// It was tombstoned.
    Deleted,
    /// Events from `first` to `last`; none if `first` is greater.
    Readable { row: i64, first: u64, last: u64 },
}

impl Snapshot<'_> {
    /// What `stream`'s metadata says about the visibility of its events.
    pub(super) fn retention(&self, stream: &str) -> Result<Retention, rusqlite::Error> {
        let metadata = self.metadata(stream)?;
        Ok(metadata.map_or_else(Retention::default, |(is_json, data)| Retention::parse(is_json, &data)))
    }

    /// What may be read of `stream` now.
    pub(crate) fn range(&self, stream: &str) -> Result<StreamRange, rusqlite::Error> {
        let base = base_of(stream);
        if let Some(base) = base
            && let Some(row) = self.row(base)?
            && self.status(row)?.tombstoned
        {
            return Ok(StreamRange::Deleted);
        }
        let Some(row) = self.row(stream)? else {
            return Ok(StreamRange::Missing);
        };
        let status = self.status(row)?;
        if status.tombstoned {
            return Ok(StreamRange::Deleted);
        }
        let Some(last) = status.last else {
            return Ok(StreamRange::Missing);
        };
        if base.is_some() {
            let first = last;
            return Ok(StreamRange::Readable { row, first, last });
        }
        let retention = self.retention(stream)?;
        if retention.soft_deleted() {
            return Ok(StreamRange::Missing);
        }
        let first = self.first_visible(row, last, retention)?;
        Ok(StreamRange::Readable { row, first, last })
    }

    fn first_visible(&self, row: i64, last: u64, retention: Retention) -> Result<u64, rusqlite::Error> {
        let end = last.saturating_add(1);
        let by_count = retention.max_count.map_or(0, |count| end.saturating_sub(count));
        let first = by_count.max(retention.truncate_before.unwrap_or(0)).min(end);
        match retention.max_age_seconds {
            None => Ok(first),
            Some(seconds) => self.first_younger(row, first, end, seconds),
        }
    }

    /// The first revision in `first..end` that is not older than `seconds`. Creation times never go back in the log, so
    /// halving the range finds it.
    fn first_younger(&self, row: i64, first: u64, end: u64, seconds: u64) -> Result<u64, rusqlite::Error> {
        let age = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(TICKS_PER_SECOND);
        let oldest = ticks_now().saturating_sub(age);
        let sql = "SELECT created FROM events WHERE stream = ?1 AND revision = ?2";
        let mut statement = self.0.prepare_cached(sql)?;
        let (mut low, mut high) = (first, end);
        while low < high {
            let middle = low + (high - low) / 2;
            let created = statement.query_row(params![row, signed(middle)], |row| row.get(0));
            let created: Option<i64> = created.optional()?;
            if created.is_some_and(|created| created >= oldest) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(low)
    }
}
