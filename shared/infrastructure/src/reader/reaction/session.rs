//! Reacting while this instance leads.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::iter;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::ClientWrapper;
use shared_kernel::Revision;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tokio_postgres::Statement;

use super::{Desk, Reacting, Reaction, Sweep};
use crate::checkpoint::Mark;
use crate::event_store::{Recorded, Subscription};
use crate::parking::{self, Subject, Waiting};
use crate::reader::lanes::{Ended, Lanes, Task, What};
use crate::reader::origin::{Understood, Unprocessable, understand};
use crate::reader::{IDLE_CHECKPOINT_INTERVAL, Reading, in_time};
use crate::unfinished::{self, Found};
use crate::worker::{QUEUED_REQUESTS, ReplayedPart, Request, WorkError};

/// How many events are taken from the subscription at once.
const EVENTS_AT_ONCE: usize = 256;
/// How often the checkpoint is saved while there are reactions under way.
const BUSY_CHECKPOINT_INTERVAL: Duration = Duration::from_millis(100);

/// Reacts from the checkpoint on.
pub(super) struct Session<'a, R: Reaction> {
    reading: &'a mut Reading,
    client: &'a mut ClientWrapper,
    advance: Statement,
    lanes: Lanes<R>,
    /// Whether there were reactions since the checkpoint was saved.
    has_reacted: bool,
    replay: Option<Replay>,
    /// Replays that begin when that one has ended.
    replays_to_come: VecDeque<(Option<Revision>, oneshot::Sender<ReplayedPart>)>,
    sweep: Sweep<R>,
}

/// A replay that is under way.
struct Replay {
    reply: oneshot::Sender<ReplayedPart>,
    /// How many of its events are neither released nor kept.
    outstanding: usize,
    replayed: ReplayedPart,
}

impl<'a, R: Reaction> Session<'a, R> {
    pub(super) fn new(
        reading: &'a mut Reading,
        client: &'a mut ClientWrapper,
        advance: Statement,
        desk: Arc<Desk<R>>,
        sweep: Sweep<R>,
    ) -> Self {
        let (lanes, replays_to_come) = (Lanes::new(desk), VecDeque::new());
        Self { reading, client, advance, lanes, has_reacted: false, replay: None, replays_to_come, sweep }
    }

    pub(super) async fn run(
        mut self,
        mut subscription: Subscription,
        requests: &mut mpsc::Receiver<Request>,
    ) -> Result<Infallible, WorkError> {
        loop {
            let (to, due) = (self.finished_up_to(), self.checkpoint_due());
            tokio::select! {
                Some(ended) = self.lanes.next_ended() => self.settle(ended).await?,
                Some(request) = requests.recv(), if self.replays_to_come.len() < QUEUED_REQUESTS => {
                    self.carry_out(request).await?;
                }
                deliveries = subscription.next_batch(EVENTS_AT_ONCE), if self.lanes.have_room() => {
                    let events = self.reading.not_seen(deliveries)?;
                    self.take(&events).await?;
                }
                found = self.sweep.next() => self.finish(found).await?,
                () = sleep_until(due), if to != self.reading.saved => {
                    self.reading.save(&**self.client, &self.advance, to).await?;
                    self.has_reacted = false;
                }
            }
        }
    }

    fn finished_up_to(&self) -> Option<Mark> {
        self.lanes.finished_up_to(self.reading.reached)
    }

    fn checkpoint_due(&self) -> Instant {
        self.reading.saved_at
            + match (self.has_reacted, self.lanes.are_idle()) {
                (true, true) => Duration::ZERO,
                (true, false) => BUSY_CHECKPOINT_INTERVAL,
                (false, _) => IDLE_CHECKPOINT_INTERVAL,
            }
    }

    /// Puts events into the lanes of what they are about. What waits behind parked events is parked.
    async fn take(&mut self, events: &[Recorded]) -> Result<(), WorkError> {
        let mut behind = Vec::new();
        for recorded in events {
            let below = self.reading.reached.replace(Mark::at(recorded));
            if self.reading.discarded.contains(&recorded.event_id) {
                continue;
            }
            let (key, readable) = match understand::<Reacting<R>>(recorded) {
                Understood::Nothing => continue,
                Understood::Event { key, event, metadata } => {
                    (key, Ok(Box::new((event, metadata.cause_of_reaction(recorded.event_id, R::NAME)))))
                }
                Understood::Not(Unprocessable { key, reason }) => (key, Err(reason)),
            };
            let subject = Subject::of(recorded);
            if self.reading.parked.contains(&key) {
                let reason = readable.err();
                let own = reason.map(|reason| Unprocessable { key, reason });
                behind.push((subject, own.unwrap_or_else(|| Unprocessable::behind_another(key))));
            } else {
                self.lanes.take(Task { key, what: What::Event { subject, readable } }, recorded.revision, below);
            }
        }
        self.park(behind).await
    }

    /// Parks events, and saves the checkpoint with them.
    async fn park(&mut self, events: Vec<(Subject, Unprocessable)>) -> Result<(), WorkError> {
        if events.is_empty() {
            return Ok(());
        }
        let to = self.finished_up_to();
        let Self { reading, client, advance, .. } = self;
        in_time(async {
            let transaction = client.transaction().await?;
            for (subject, unprocessable) in &events {
                parking::park(&*transaction, R::NAME, subject, unprocessable).await?;
            }
            reading.save(&*transaction, advance, to).await?;
            Ok(transaction.commit().await?)
        })
        .await
    }

    /// Goes on with what comes after a task that has ended, or parks it with everything that waits behind it.
    async fn settle(&mut self, Ended { task, outcome }: Ended<R::Event>) -> Result<(), WorkError> {
        let key = task.key;
        let reason = match (&task.what, outcome) {
            // It is found again by the next look.
            (What::Unfinished(_), Err(reason)) => Some(reason),
            (_, Err(reason)) => return self.set_aside(task, reason).await,
            (_, Ok(())) => None,
        };
        match task.what {
            What::Unfinished(unfinished) => match reason {
                Some(reason) => {
                    tracing::error!(
                        reader = R::NAME, kind = unfinished.kind, %key, reason,
                        "could not bring about what is missing; trying again with the next look"
                    )
                }
                None => {
                    let finished = unfinished::is_finished(&**self.client, R::NAME, &unfinished);
                    in_time(async { Ok(finished.await?) }).await?;
                }
            },
            What::Event { subject, .. } => {
                self.lanes.is_finished(subject.revision);
                self.reading.meters.events.inc();
                self.has_reacted = true;
            }
            What::Parked(Waiting { revision, .. }) => {
                in_time(async { Ok(parking::release(&**self.client, R::NAME, revision).await?) }).await?;
                self.replayed(|replayed| replayed.replayed += 1).await?;
            }
        }
        self.lanes.go_on(key);
        Ok(())
    }

    async fn set_aside(&mut self, first: Task<R::Event>, reason: String) -> Result<(), WorkError> {
        let key = first.key;
        let mut reason = Some(reason);
        let mut parked = Vec::new();
        self.reading.parked.insert(key);
        for task in iter::once(first).chain(self.lanes.give_up(key)) {
            let reason = reason.take();
            match task.what {
                What::Event { subject, .. } => {
                    self.lanes.is_finished(subject.revision);
                    self.reading.meters.events.inc();
                    let own = reason.map(|reason| Unprocessable { key, reason });
                    parked.push((subject, own.unwrap_or_else(|| Unprocessable::behind_another(key))));
                }
                // It is found again by the next look.
                What::Unfinished(_) => {}
                What::Parked(Waiting { revision, .. }) => {
                    if let Some(reason) = reason {
                        let kept = parking::keep(&**self.client, R::NAME, revision, &reason);
                        in_time(async { Ok(kept.await?) }).await?;
                    }
                    self.replayed(|replayed| replayed.still_parked += 1).await?;
                }
            }
        }
        self.park(parked).await
    }

    /// Keeps what was found missing, and brings it about, unless something about the same thing is in hand.
    async fn finish(&mut self, found: Found) -> Result<(), WorkError> {
        let client = &mut *self.client;
        in_time(async {
            let transaction = client.transaction().await?;
            unfinished::keep(&*transaction, R::NAME, &found).await?;
            Ok(transaction.commit().await?)
        })
        .await?;
        for unfinished in found.unfinished {
            tracing::warn!(
                reader = R::NAME, kind = unfinished.kind, key = %unfinished.key,
                "found something missing that no reaction has brought about; bringing it about"
            );
            if !self.lanes.has(unfinished.key) {
                self.lanes.add(Task { key: unfinished.key, what: What::Unfinished(unfinished) });
            }
        }
        Ok(())
    }

    async fn carry_out(&mut self, request: Request) -> Result<(), WorkError> {
        match request {
            Request::Replay { after, reply } if self.replay.is_none() => self.begin_replay(after, reply).await,
            Request::Replay { after, reply } => {
                self.replays_to_come.push_back((after, reply));
                Ok(())
            }
            // It has resumed already.
            Request::Resume { reply, .. } => {
                let _ = reply.send(false);
                Ok(())
            }
            Request::Discard { discard, reply } => {
                let discarded = self.reading.discard(self.client, &discard).await?;
                self.lanes.are_discarded(discarded.iter().map(|event| event.event_id));
                // What is being replayed is not parked as long as it is.
                if self.replay.is_none() {
                    self.reading.parked = parking::keys(&**self.client, R::NAME).await?;
                }
                // Nobody may wait for it any more.
                let _ = reply.send(discarded);
                Ok(())
            }
        }
    }

    /// Puts a part of the parked events into lanes again, each before what has come after it in the stream.
    async fn begin_replay(
        &mut self,
        after: Option<Revision>,
        reply: oneshot::Sender<ReplayedPart>,
    ) -> Result<(), WorkError> {
        let before = parking::keys_up_to(&**self.client, R::NAME, after).await?;
        let (oldest, beyond) = parking::oldest(&**self.client, R::NAME, after).await?;
        let last = oldest.last().map(|waiting| waiting.revision);
        self.reading.parked = parking::keys_after(&**self.client, R::NAME, last).await?;
        self.reading.parked.extend(&before);
        let (behind, oldest): (Vec<_>, Vec<_>) = oldest.into_iter().partition(|waiting| before.contains(&waiting.key));
        let replayed = ReplayedPart { replayed: 0, still_parked: behind.len(), beyond, last };
        self.replay = Some(Replay { reply, outstanding: oldest.len() + 1, replayed });
        for waiting in oldest {
            self.lanes.add(Task { key: waiting.key, what: What::Parked(waiting) });
        }
        self.replayed(|_| {}).await
    }

    /// Counts an event of the replay, and answers when it was the last one.
    async fn replayed(&mut self, count: impl FnOnce(&mut ReplayedPart)) -> Result<(), WorkError> {
        let Some(replay) = &mut self.replay else { return Ok(()) };
        count(&mut replay.replayed);
        replay.outstanding -= 1;
        if replay.outstanding == 0 {
            self.reading.parked = parking::keys(&**self.client, R::NAME).await?;
            if let Some(Replay { reply, replayed, .. }) = self.replay.take() {
                // Nobody may wait for it any more.
                let _ = reply.send(replayed);
            }
            if let Some((after, reply)) = self.replays_to_come.pop_front() {
                Box::pin(self.begin_replay(after, reply)).await?;
            }
        }
        Ok(())
    }
}
