//! Catch-up subscriptions: pages from the log until its end, then what is committed, as it is committed.
//!
//! Commits are only a signal to look: what is delivered always comes from the log in order of position, so there is
//! neither a gap nor a duplicate where catching up ends, and a slow consumer cannot make anything overflow.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, Stream, StreamExt};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use uuid::Uuid;

use super::checkpoints::Checkpoints;
use super::read::{PageError, frame, resolve, scan_all};
use super::request::{AllFilter, ReadRequest, Source, Start};
use crate::log::{
    AtPosition, Considered, Direction, EventLog, Resolved, Snapshot, StoredEvent, StreamRange, TOMBSTONE_REVISION,
    is_hidden, is_link,
};
use crate::proto::client::Empty;
use crate::proto::streams::ReadResp;
use crate::proto::streams::read_resp::{Content, SubscriptionConfirmation};
use crate::status;

/// Events in one page while catching up, and in one step of live delivery.
const PAGE: usize = 512;
/// Events that EventStoreDB keeps for a live subscription. If more come at once, it goes back to catching up.
const LIVE_BUFFER: usize = 32;
/// How long what is committed is collected after a live delivery, so that whoever follows is woken for many events rather
/// than for each. One that comes later than that is delivered at once.
const COLLECTING: Duration = Duration::from_millis(3);

/// All frames of a subscription. It ends with an error, never by itself.
pub(super) fn frames(
    log: EventLog,
    request: ReadRequest,
    strict: bool,
    shutdown: CancellationToken,
) -> impl Stream<Item = Result<ReadResp, Status>> {
    let subscription = Subscription::new(log, request, strict, shutdown);
    let steps = stream::unfold(Some(subscription), |subscription| async move {
        let mut subscription = subscription?;
        let step = subscription.step().await;
        let go_on = step.end.is_none();
        Some((step, go_on.then_some(subscription)))
    });
    steps.flat_map(|step| {
        let end = step.end.map(Err);
        stream::iter(step.frames.into_iter().map(Ok).chain(end))
    })
}

/// Some frames, and the error that ends the subscription after them, if it ends.
#[derive(Default)]
struct Step {
    frames: Vec<ReadResp>,
    end: Option<Status>,
}

impl From<Status> for Step {
    fn from(status: Status) -> Self {
        Self { frames: Vec::new(), end: Some(status) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Begin,
    CatchUp,
    Live,
}

struct Subscription {
    log: EventLog,
    head: watch::Receiver<u64>,
    request: ReadRequest,
    strict: bool,
    shutdown: CancellationToken,
    phase: Phase,
    /// Everything up to this position in `$all` was considered. For a stream it counts only once it is live.
    position: u64,
    /// The next revision wanted of a stream.
    revision: u64,
    checkpoints: Option<Checkpoints>,
    /// When the next live delivery may be made.
    due: Instant,
}

impl Subscription {
    fn new(log: EventLog, request: ReadRequest, strict: bool, shutdown: CancellationToken) -> Self {
        let checkpoints = match &request.source {
            Source::All(Some(filter)) => Some(Checkpoints::new(filter.checkpoint_interval)),
            _ => None,
        };
        let (position, revision) = match (&request.source, request.start) {
            (Source::All(_), Start::At(position)) => (position, 0),
            (Source::All(_), Start::JustBefore(position)) => (position.saturating_sub(1), 0),
            (Source::Stream(_), Start::At(revision)) => (0, revision.saturating_add(1)),
            _ => (0, 0),
        };
        let (head, phase, due) = (log.head(), Phase::Begin, Instant::now());
        Self { log, head, request, strict, shutdown, phase, position, revision, checkpoints, due }
    }

    /// The next frames, once there are any.
    async fn step(&mut self) -> Step {
        loop {
            if self.shutdown.is_cancelled() {
                return status::not_ready().into();
            }
            let step = match self.phase {
                Phase::Begin => self.begin().await,
                Phase::CatchUp => self.catch_up().await,
                Phase::Live => self.live().await,
            };
            match step {
                Ok(step) if step.frames.is_empty() && step.end.is_none() => {}
                Ok(step) => return step,
                Err(status) => return status.into(),
            }
        }
    }

    /// The first page, with the confirmation before it: a tombstoned stream gives an error instead of both.
    async fn begin(&mut self) -> Result<Step, Status> {
        if self.request.start == Start::End {
            self.skip_to_end().await?;
        }
        let mut step = match self.is_nowhere().await? {
            true => Status::invalid_argument("Trying to read from an invalid position.").into(),
            false => self.catch_up().await?,
        };
        let subscription_id = Uuid::new_v4().to_string();
        let confirmation = SubscriptionConfirmation { subscription_id };
        step.frames.insert(0, frame(Content::Confirmation(confirmation)));
        Ok(step)
    }

    /// Whether the subscription is to begin in the midst of a record.
    async fn is_nowhere(&self) -> Result<bool, Status> {
        match (&self.request.source, self.request.start) {
            (Source::All(_), Start::At(position) | Start::JustBefore(position)) => {
                let place = self.log.read(move |snapshot: &Snapshot<'_>| snapshot.place(position)).await?;
                Ok(place == AtPosition::Inside)
            }
            _ => Ok(false),
        }
    }

    async fn skip_to_end(&mut self) -> Result<(), Status> {
        let source = self.request.source.clone();
        let query = move |snapshot: &Snapshot<'_>| {
            let range = match source {
                Source::Stream(stream) => snapshot.range(&stream)?,
                Source::All(_) => StreamRange::Missing,
            };
            Ok((snapshot.head()?, range))
        };
        let (head, range) = self.log.read(query).await?;
        self.position = head;
        if let StreamRange::Readable { last, .. } = range {
            self.revision = last.saturating_add(1);
        }
        Ok(())
    }

    /// One page. At the end of the log the subscription is live.
    async fn catch_up(&mut self) -> Result<Step, Status> {
        self.phase = Phase::CatchUp;
        match self.request.source.clone() {
            Source::Stream(stream) => self.stream_page(stream).await,
            Source::All(filter) => self.all_page(filter).await,
        }
    }

    async fn stream_page(&mut self, stream: Arc<str>) -> Result<Step, Status> {
        let (next, resolve_links) = (self.revision, self.request.resolve_links);
        let name = Arc::clone(&stream);
        let query = move |snapshot: &Snapshot<'_>| {
            let (range, head) = (snapshot.range(&name)?, snapshot.head()?);
            let StreamRange::Readable { row, first, last } = range else {
                return Ok((range, head, None, Vec::new()));
            };
            let wanted = (next.max(first), last);
            let page = snapshot.stream_page(&name, row, wanted, Direction::Forwards, PAGE)?;
            let reached = page.last().map(|event| event.revision);
            Ok((range, head, reached, resolve(snapshot, page, resolve_links)?))
        };
        let (range, head, reached, page) = self.log.read(query).await?;
        let mut step = Step::default();
        step.frames.extend(page.iter().map(|event| self.event(event)));
        if let Some(reached) = reached {
            self.revision = reached.saturating_add(1);
        }
        match (range, reached) {
            (StreamRange::Deleted, _) => return Err(status::stream_deleted(&stream)),
            (StreamRange::Readable { last, .. }, Some(reached)) if reached < last => {}
            _ => {
                self.position = head;
                self.caught_up(&mut step);
            }
        }
        Ok(step)
    }

    async fn all_page(&mut self, filter: Option<AllFilter>) -> Result<Step, Status> {
        let (position, resolve_links) = (self.position, self.request.resolve_links);
        let query = move |snapshot: &Snapshot<'_>| {
            let head = snapshot.head()?;
            let range = (position.saturating_add(1), head);
            let forwards = Direction::Forwards;
            let page = scan_all(snapshot, range, forwards, PAGE, filter.as_ref(), resolve_links);
            Ok(page.map(|page| (head, page)))
        };
        let (head, page) = self.log.read(query).await??;
        let mut step = Step::default();
        for considered in page {
            self.consider(considered, &mut step.frames);
        }
        if self.position >= head {
            if let Some(position) = self.checkpoints.as_mut().and_then(Checkpoints::flush) {
                step.frames.push(frame(Content::Checkpoint(position.into())));
            }
            self.caught_up(&mut step);
        }
        Ok(step)
    }

    fn caught_up(&mut self, step: &mut Step) {
        step.frames.push(frame(Content::CaughtUp(Empty {})));
        self.phase = Phase::Live;
    }

    /// Takes an event of `$all` into account, and its checkpoint if one is due.
    fn consider(&mut self, considered: Considered, frames: &mut Vec<ReadResp>) {
        self.position = considered.position;
        if let Some(event) = &considered.event {
            frames.push(self.event(event));
        }
        let due = self.checkpoints.as_mut().is_some_and(|checkpoints| checkpoints.consider(considered.position));
        if due {
            frames.push(frame(Content::Checkpoint(considered.position.into())));
        }
    }

    /// Waits for commits and delivers them from memory; goes back to catching up if they are no longer there.
    async fn live(&mut self) -> Result<Step, Status> {
        let head = *self.head.borrow_and_update();
        if self.position >= head {
            return tokio::select! {
                changed = self.head.changed() => match changed {
                    Ok(()) => Ok(Step::default()),
                    Err(_) => Err(status::not_ready()),
                },
                () = self.shutdown.cancelled() => Err(status::not_ready()),
            };
        }
        if self.due > Instant::now() {
            tokio::select! {
                () = sleep_until(self.due) => {}
                () = self.shutdown.cancelled() => return Err(status::not_ready()),
            }
        }
        self.due = Instant::now() + COLLECTING;
        let stream = match &self.request.source {
            Source::Stream(stream) => Some(&**stream),
            Source::All(_) => None,
        };
        let Some((events, reached)) = self.log.recent().after(self.position, stream, PAGE) else {
            self.phase = Phase::CatchUp;
            return Ok(Step::default());
        };
        if self.strict && events.len() > LIVE_BUFFER {
            self.phase = Phase::CatchUp;
            return Ok(Step::default());
        }
        let step = match self.request.source.clone() {
            Source::Stream(stream) => self.live_stream(&stream, events).await?,
            Source::All(filter) => self.live_all(filter.as_ref(), events).await?,
        };
        self.position = reached;
        Ok(step)
    }

    async fn live_stream(&mut self, stream: &str, mut events: Vec<Arc<StoredEvent>>) -> Result<Step, Status> {
        events.retain(|event| event.revision >= self.revision);
        let Some(last) = events.last().map(|event| event.revision) else {
            return Ok(Step::default());
        };
        self.revision = last.saturating_add(1);
        let events = self.resolve(events).await?;
        Ok(Step {
            frames: events.iter().map(|event| self.event(event)).collect(),
            end: (last == TOMBSTONE_REVISION).then(|| status::stream_deleted(stream)),
        })
    }

    async fn live_all(&mut self, filter: Option<&AllFilter>, events: Vec<Arc<StoredEvent>>) -> Result<Step, Status> {
        let mut wanted = Vec::with_capacity(events.len());
        for event in &events {
            wanted.push(
                !is_hidden(&event.stream)
                    && match filter {
                        Some(filter) => {
                            filter.filter.matches(&event.stream, &event.event_type).map_err(PageError::from)?
                        }
                        None => true,
                    },
            );
        }
        let mut step = Step::default();
        for (event, wanted) in self.resolve(events).await?.into_iter().zip(wanted) {
            let considered = Considered { position: event.position(), event: wanted.then_some(event) };
            self.consider(considered, &mut step.frames);
        }
        Ok(step)
    }

    /// Resolves links if that is asked for. Only then is the database needed.
    async fn resolve(&self, events: Vec<Arc<StoredEvent>>) -> Result<Vec<Resolved>, Status> {
        if self.request.resolve_links && events.iter().any(|event| is_link(&event.event_type)) {
            let query = move |snapshot: &Snapshot<'_>| resolve(snapshot, events, true);
            return Ok(self.log.read(query).await?);
        }
        Ok(events.into_iter().map(Resolved::Event).collect())
    }

    fn event(&self, event: &Resolved) -> ReadResp {
        frame(Content::Event(event.encode(self.request.id_form)))
    }
}

#[cfg(test)]
mod tests;
