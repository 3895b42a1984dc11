//! Plain reads: pages of events until the count is reached or the end.

use std::sync::Arc;

use futures::stream::{self, Stream, StreamExt};
use shared_eventstore_protocol::client::StreamIdentifier;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::request::{AllFilter, READ_ALL, ReadRequest, Source, Start};
use crate::filter::FilterError;
use crate::log::{AtPosition, Considered, Direction, EventLog, LogError, Resolved, Snapshot, StreamRange};
use crate::proto::streams::ReadResp;
use crate::proto::streams::read_resp::{Content, StreamNotFound};
use crate::status;

/// Events in one page. The first page is small: most reads want few.
const FIRST_PAGE: usize = 32;
const PAGE: usize = 512;
/// Events that one step of a filtered read looks at.
const SCAN: usize = 2048;

/// Why a page could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum PageError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Filter(#[from] FilterError),
    #[error("no record begins at the position")]
    InvalidPosition,
}

impl From<rusqlite::Error> for PageError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Log(error.into())
    }
}

impl From<PageError> for Status {
    fn from(error: PageError) -> Self {
        match error {
            PageError::Log(error) => error.into(),
            PageError::Filter(error) => Status::unknown(error.to_string()),
            PageError::InvalidPosition => status::no_page(READ_ALL, "InvalidPosition"),
        }
    }
}

/// A frame with this content.
pub(super) fn frame(content: Content) -> ReadResp {
    ReadResp { content: Some(content) }
}

/// All frames of a read.
pub(super) fn frames(
    log: EventLog,
    request: ReadRequest,
    count: u64,
    shutdown: CancellationToken,
) -> impl Stream<Item = Result<ReadResp, Status>> {
    let reader = Reader { log, remaining: count, next: None, request, shutdown };
    let pages = stream::unfold(Some(reader), |reader| async move {
        let mut reader = reader?;
        match reader.page().await {
            Ok((frames, End::No)) => Some((Ok(frames), Some(reader))),
            Ok((frames, End::Yes)) => Some((Ok(frames), None)),
            Err(status) => Some((Err(status), None)),
        }
    });
    pages.flat_map(|page| {
        let items: Vec<_> = match page {
            Ok(frames) => frames.into_iter().map(Ok).collect(),
            Err(status) => vec![Err(status)],
        };
        stream::iter(items)
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Yes,
    No,
}

struct Reader {
    log: EventLog,
    request: ReadRequest,
    remaining: u64,
    /// Where the next page begins, inclusive in both directions; `None` before the first.
    next: Option<u64>,
    shutdown: CancellationToken,
}

impl Reader {
    async fn page(&mut self) -> Result<(Vec<ReadResp>, End), Status> {
        if self.shutdown.is_cancelled() {
            return Err(status::not_ready());
        }
        match self.request.source.clone() {
            Source::Stream(stream) => self.stream_page(stream).await,
            Source::All(filter) => self.all_page(filter).await,
        }
    }

    fn limit(&self) -> usize {
        let page = if self.next.is_none() { FIRST_PAGE } else { PAGE };
        usize::try_from(self.remaining).unwrap_or(PAGE).min(page)
    }

    async fn stream_page(&mut self, stream: Arc<str>) -> Result<(Vec<ReadResp>, End), Status> {
        let (start, direction, limit) = (self.request.start, self.request.direction, self.limit());
        let (resolve_links, next) = (self.request.resolve_links, self.next);
        let name = Arc::clone(&stream);
        let query = move |snapshot: &Snapshot<'_>| {
            let range = snapshot.range(&name)?;
            let StreamRange::Readable { row, first, last } = range else {
                return Ok((range, None, Vec::new()));
            };
            let from = next.unwrap_or(match (direction, start) {
                (_, Start::At(revision) | Start::JustBefore(revision)) => revision,
                (_, Start::First | Start::Nowhere) => 0,
                (Direction::Forwards, Start::End) => u64::MAX,
                (Direction::Backwards, Start::End) => last,
            });
            let wanted = match direction {
                Direction::Forwards => (from.max(first), last),
                Direction::Backwards => (first, from.min(last)),
            };
            let page = snapshot.stream_page(&name, row, wanted, direction, limit)?;
            let reached = page.last().map(|event| event.revision);
            Ok((range, reached, resolve(snapshot, page, resolve_links)?))
        };
        let (range, reached, page) = self.log.read(query).await?;
        let (first, last) = match range {
            StreamRange::Deleted => return Err(status::stream_deleted(&stream)),
            StreamRange::Missing if self.next.is_none() => {
                return Ok((vec![not_found(&stream)], End::Yes));
            }
            StreamRange::Missing => return Ok((Vec::new(), End::Yes)),
            StreamRange::Readable { first, last, .. } => (first, last),
        };
        let mut frames = Vec::with_capacity(page.len() + 2);
        if let Some(position) = self.first_position(first, last) {
            frames.push(frame(Content::FirstStreamPosition(position)));
        }
        self.remaining = self.remaining.saturating_sub(page.len() as u64);
        let form = self.request.id_form;
        frames.extend(page.iter().map(|event| frame(Content::Event(event.encode(form)))));
        self.next = match (direction, reached) {
            (_, None) => None,
            (Direction::Forwards, Some(reached)) => reached.checked_add(1).filter(|n| *n <= last),
            (Direction::Backwards, Some(reached)) => reached.checked_sub(1).filter(|n| *n >= first),
        };
        if self.next.is_some() && self.remaining > 0 {
            return Ok((frames, End::No));
        }
        if self.request.wants_stream_positions {
            frames.push(frame(Content::LastStreamPosition(last)));
        }
        Ok((frames, End::Yes))
    }

    /// The next revision there is, told when the first page that EventStoreDB would read is empty.
    fn first_position(&self, first: u64, last: u64) -> Option<u64> {
        let wanted =
            self.request.wants_stream_positions && self.next.is_none() && self.request.direction == Direction::Forwards;
        let start = match self.request.start {
            Start::At(revision) => revision,
            _ => 0,
        };
        let end = last.saturating_add(1);
        let page_end = start.saturating_add(self.remaining.min(FIRST_PAGE as u64));
        let nothing_left = first >= end || start >= end;
        match nothing_left {
            _ if !wanted => None,
            true => (start != end).then_some(end),
            false => (page_end <= first).then_some(first),
        }
    }

    async fn all_page(&mut self, filter: Option<AllFilter>) -> Result<(Vec<ReadResp>, End), Status> {
        let direction = self.request.direction;
        let (start, limit, next) = (self.request.start, self.limit(), self.next);
        let resolve_links = self.request.resolve_links;
        let scan = if filter.is_some() { SCAN } else { limit };
        let query = move |snapshot: &Snapshot<'_>| {
            if next.is_none() && !is_readable(snapshot, start, direction)? {
                return Ok(Err(PageError::InvalidPosition));
            }
            let head = snapshot.head()?;
            let range = match (direction, next.map_or(start, Start::At)) {
                (Direction::Forwards, Start::At(position) | Start::JustBefore(position)) => (position, head),
                (Direction::Forwards, Start::End) => return Ok(Ok(None)),
                (Direction::Forwards, _) => (0, head),
                (Direction::Backwards, Start::At(position) | Start::JustBefore(position)) => {
                    (0, position.saturating_sub(1))
                }
                (Direction::Backwards, Start::End) => (0, head),
                (Direction::Backwards, _) => return Ok(Ok(None)),
            };
            let page = scan_all(snapshot, range, direction, scan, filter.as_ref(), resolve_links);
            Ok(page.map(Some))
        };
        let Some(considered) = self.log.read(query).await?? else {
            return Ok((Vec::new(), End::Yes));
        };
        let reached = considered.last().map(|considered| considered.position);
        let form = self.request.id_form;
        let count = usize::try_from(self.remaining).unwrap_or(usize::MAX);
        let events = considered.into_iter().filter_map(|considered| considered.event);
        let frames: Vec<_> = events.take(count).map(|event| frame(Content::Event(event.encode(form)))).collect();
        self.remaining = self.remaining.saturating_sub(frames.len() as u64);
        // Backwards is exclusive, so there the next page begins at what was reached itself.
        self.next = match direction {
            Direction::Forwards => reached.map(|reached| reached.saturating_add(1)),
            Direction::Backwards => reached,
        };
        let end = match self.next {
            Some(_) if self.remaining > 0 => End::No,
            _ => End::Yes,
        };
        Ok((frames, end))
    }
}

/// Whether a read of `$all` can begin here. Forwards there is nothing beyond the end, but backwards that is no place.
fn is_readable(snapshot: &Snapshot<'_>, start: Start, direction: Direction) -> Result<bool, rusqlite::Error> {
    let (Start::At(position) | Start::JustBefore(position)) = start else {
        return Ok(true);
    };
    Ok(match snapshot.place(position)? {
        AtPosition::Record => true,
        AtPosition::Beyond => direction == Direction::Forwards,
        AtPosition::Inside => false,
    })
}

/// Puts what links point at beside them, if that is asked for.
pub(super) fn resolve(
    snapshot: &Snapshot<'_>,
    events: Vec<Arc<crate::log::StoredEvent>>,
    resolve_links: bool,
) -> Result<Vec<Resolved>, rusqlite::Error> {
    let each = |event| match resolve_links {
        true => snapshot.resolve(event),
        false => Ok(Resolved::Event(event)),
    };
    events.into_iter().map(each).collect()
}

/// A step over `$all`.
pub(super) fn scan_all(
    snapshot: &Snapshot<'_>,
    range: (u64, u64),
    direction: Direction,
    limit: usize,
    filter: Option<&AllFilter>,
    resolve_links: bool,
) -> Result<Vec<Considered>, PageError> {
    let wanted = |stream: &str, event_type: &str| match filter {
        Some(filter) => Ok::<_, PageError>(filter.filter.matches(stream, event_type)?),
        None => Ok(true),
    };
    let mut considered = snapshot.scan(range, direction, limit, wanted)?;
    if resolve_links {
        for step in &mut considered {
            if let Some(Resolved::Event(event)) = &step.event {
                step.event = Some(snapshot.resolve(Arc::clone(event))?);
            }
        }
    }
    Ok(considered)
}

fn not_found(stream: &str) -> ReadResp {
    frame(Content::StreamNotFound(StreamNotFound { stream_identifier: Some(StreamIdentifier::from(stream)) }))
}
