//! The decision procedure for appends and deletes: what EventStoreDB answers, given what a stream holds.
//!
//! Pure apart from look-ups through [`History`], so it can be tested without storage.

#[cfg(test)]
mod tests;

use uuid::Uuid;

/// What a client says about a stream before it writes to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExpectedRevision {
    Any,
    StreamExists,
    NoStream,
    Exact(u64),
}

impl ExpectedRevision {
    /// An exact revision as sent on the wire, where `u64::MAX` stands for "no stream".
    pub(crate) fn exact(revision: u64) -> Self {
        match revision {
            u64::MAX => Self::NoStream,
            revision => Self::Exact(revision),
        }
    }

    /// The signed number that EventStoreDB uses in texts and trailers.
    pub(crate) fn signed(self) -> i64 {
        match self {
            Self::NoStream => -1,
            Self::Any => -2,
            Self::StreamExists => -4,
            Self::Exact(revision) => i64::try_from(revision).unwrap_or(i64::MAX),
        }
    }
}

/// What a stream is before a write.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct StreamStatus {
    /// The last event's revision. A soft-deleted stream keeps its own; a tombstone does not count.
    pub(crate) last: Option<u64>,
    pub(crate) tombstoned: bool,
    pub(crate) soft_deleted: bool,
}

/// Where an event was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) revision: u64,
    pub(crate) position: u64,
}

/// What the rules need to know about earlier writes to the same stream.
pub(crate) trait History {
    /// Why a look-up failed.
    type Error;

    /// Whether the stream's metadata stream has an event.
    fn has_metadata(&mut self) -> Result<bool, Self::Error>;

    /// Where this stream's event `id` was written, if it is among the ids remembered.
    fn remembered(&self, id: Uuid) -> Option<Recorded>;

    /// The id and the position of the event with this revision.
    fn stored(&mut self, revision: u64) -> Result<Option<(Uuid, u64)>, Self::Error>;
}

/// What is to be written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Write<'a> {
    /// Events with these ids, or none.
    Append(&'a [Uuid]),
    /// The end of the stream: a delete or a tombstone.
    End,
}

/// What to do with a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Write after the stream's last event. `recreates`: the stream was soft-deleted until now.
    Accept {
        recreates: bool,
    },
    /// All of it was written before; answer as then.
    AlreadyWritten(Recorded),
    WrongRevision,
    Deleted,
}

/// Decides about a write.
pub(crate) fn decide<H: History>(
    stream: StreamStatus,
    expected: ExpectedRevision,
    write: Write<'_>,
    history: &mut H,
) -> Result<Decision, H::Error> {
    let (ids, recreates_nothing) = match write {
        Write::Append(ids) => (ids, ids.is_empty()),
        Write::End => (&[][..], false),
    };
    if stream.tombstoned {
        return Ok(Decision::Deleted);
    }
    if expected == ExpectedRevision::StreamExists {
        if stream.soft_deleted {
            return Ok(Decision::Deleted);
        }
        if stream.last.is_none() && !history.has_metadata()? {
            return Ok(Decision::WrongRevision);
        }
    }
    let accept = Decision::Accept { recreates: stream.soft_deleted };
    // The first revision that the request's events would have had, if it was sent before.
    let first = match expected {
        ExpectedRevision::Any | ExpectedRevision::StreamExists => {
            return Ok(remembered_retry(ids, history).unwrap_or(accept));
        }
        ExpectedRevision::NoStream if stream.last.is_none() => return Ok(accept),
        ExpectedRevision::NoStream => 0,
        ExpectedRevision::Exact(revision) => match stream.last {
            Some(last) if last == revision => return Ok(accept),
            Some(last) if revision < last => revision.saturating_add(1),
            _ => return Ok(Decision::WrongRevision),
        },
    };
    match stored_retry(first, ids, history)? {
        Retry::Complete(recorded) => Ok(Decision::AlreadyWritten(recorded)),
        Retry::None if expected == ExpectedRevision::NoStream && stream.soft_deleted && !recreates_nothing => {
            Ok(accept)
        }
        Retry::None | Retry::Partial => Ok(Decision::WrongRevision),
    }
}

/// Without an exact revision, a retry is known by the ids remembered in memory.
fn remembered_retry<H: History>(ids: &[Uuid], history: &H) -> Option<Decision> {
    let (first, rest) = ids.split_first()?;
    let first = history.remembered(*first)?;
    let last = rest.iter().try_fold(first, |_, id| history.remembered(*id));
    Some(last.map_or(Decision::WrongRevision, Decision::AlreadyWritten))
}

enum Retry {
    /// The first event is not the one that is stored there.
    None,
    /// It begins like a retry and then differs.
    Partial,
    Complete(Recorded),
}

/// With an exact revision, a retry is known by the ids in the stream itself.
fn stored_retry<H: History>(first: u64, ids: &[Uuid], history: &mut H) -> Result<Retry, H::Error> {
    let mut outcome = Retry::None;
    for (revision, id) in (first..).zip(ids) {
        match history.stored(revision)? {
            Some((stored, position)) if stored == *id => {
                outcome = Retry::Complete(Recorded { revision, position });
            }
            _ if revision == first => return Ok(Retry::None),
            _ => return Ok(Retry::Partial),
        }
    }
    Ok(outcome)
}
