//! The executor of one domain stream: decides commands on what the stream says, and appends what they lead to.
//!
//! One task per process folds the stream, takes all commands that wait, decides them one after the other on a speculative
//! copy of the state, and appends their events with the exact revision it expects the stream to have. The append
//! succeeding proves that nothing else was in the stream, so it also proves every rejection decided in the same batch; a batch
//! without events is proved by reading that the stream has nothing new. So several replicas are correct together, and a
//! rejection never rests on a state that is behind.

mod batch;
mod handle;

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use shared_kernel::Decider;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::event_store::{
    AppendFailure, AppendSession, Delivery, EventStore, ProposedAppend, Recorded, StoreError, Subscription,
};
use crate::ledger::Ledger;
use batch::{Batch, Request};
pub use handle::ExecutorHandle;

/// How many commands wait at most. Beyond that a caller is told to come back later.
const QUEUED_COMMANDS: usize = 4_096;
/// How many commands are decided together at most.
const COMMANDS_PER_BATCH: usize = 512;
/// What one append request should stay below, in bytes, unless the event store is known to take larger ones well. Larger
/// ones span HTTP/2 frames, and between two frames the client's Nagle algorithm waits for an acknowledgement, which an event store
/// that delays acknowledgements sends after 40 ms.
pub const CAUTIOUS_APPEND_BYTES: usize = 12 * 1024;
/// The most that is packed into one append, in bytes. The event store takes up to 1 MiB.
pub const LARGEST_APPEND_BYTES: usize = 512 * 1024;
/// How long a batch may take from decision to answer, so that a caller hears within two seconds.
const BATCH_LIMIT: Duration = Duration::from_millis(1_700);
/// How long one append may take within that.
const APPEND_LIMIT: Duration = Duration::from_millis(1_000);
/// How many events one read brings when catching up.
const EVENTS_PER_READ: usize = 1_000;
const FIRST_RETRY_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Executes the commands of one domain, until it is stopped.
pub struct Executor<D: Decider> {
    stream: &'static str,
    ledger: Ledger<D>,
    published: Arc<ArcSwap<Ledger<D>>>,
    connected: watch::Sender<bool>,
    requests: mpsc::Receiver<Request<D>>,
    appends: EventStore,
    subscriptions: EventStore,
    session: Option<AppendSession>,
    append_bytes: usize,
}

/// The executor must fall back to reconnecting; every caller of the batch has been answered.
struct Disconnected;

impl<D: Decider> Executor<D> {
    /// An executor for `stream`, starting from `ledger` (a snapshot, or the default), and the handle that gives it commands.
    ///
    /// # Errors
    /// If the client library cannot be set up for the event store's address.
    pub fn new(
        stream: &'static str,
        event_store: &EventStore,
        ledger: Ledger<D>,
    ) -> Result<(Self, ExecutorHandle<D>), crate::event_store::InvalidAddress> {
        let (sender, requests) = mpsc::channel(QUEUED_COMMANDS);
        let published = Arc::new(ArcSwap::from_pointee(ledger.clone()));
        let (connected, connection) = watch::channel(false);
        let handle = ExecutorHandle::new(sender, Arc::clone(&published), connection);
        let executor = Self {
            stream,
            ledger,
            published,
            connected,
            requests,
            appends: event_store.separate()?,
            subscriptions: event_store.separate()?,
            session: None,
            append_bytes: CAUTIOUS_APPEND_BYTES,
        };
        Ok((executor, handle))
    }

    /// Packs up to this many bytes of events into one append, at most [`LARGEST_APPEND_BYTES`].
    #[must_use]
    pub fn with_append_bytes(mut self, append_bytes: usize) -> Self {
        self.append_bytes = append_bytes.min(LARGEST_APPEND_BYTES);
        self
    }

    /// Runs until `shutdown`. Commands that were taken are finished and answered; the rest are refused.
    pub async fn run(mut self, shutdown: CancellationToken) {
        loop {
            let connected = shutdown.run_until_cancelled(self.connect()).await;
            let Some(subscription) = connected else { break };
            self.connected.send_replace(true);
            let outcome = self.serve(subscription, &shutdown).await;
            self.connected.send_replace(false);
            self.session = None;
            match outcome {
                Ok(()) => break,
                Err(Disconnected) => {
                    self.appends.reconnect();
                    self.subscriptions.reconnect();
                }
            }
        }
        self.requests.close();
        while let Some(request) = self.requests.recv().await {
            request.refuse("the service is stopping");
        }
    }

    /// Connects and catches up, for as long as that takes. Commands are refused at once meanwhile: nothing is queued
    /// behind an outage.
    async fn connect(&mut self) -> Subscription {
        let subscription = {
            let Self { stream, ledger, requests, appends, subscriptions, .. } = self;
            let connecting = connect(stream, ledger, appends, subscriptions);
            tokio::pin!(connecting);
            loop {
                tokio::select! {
                    subscription = &mut connecting => break subscription,
                    Some(request) = requests.recv() => request.refuse("the event store is not available"),
                }
            }
        };
        self.publish();
        tracing::info!(stream = self.stream, stream.revision = ?self.ledger.revision(), "the stream is folded; taking commands");
        subscription
    }

    async fn serve(
        &mut self,
        mut subscription: Subscription,
        shutdown: &CancellationToken,
    ) -> Result<(), Disconnected> {
        let mut requests = Vec::new();
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return Ok(()),
                deliveries = subscription.next_batch(EVENTS_PER_READ) => self.follow(deliveries).await?,
                taken = self.requests.recv_many(&mut requests, COMMANDS_PER_BATCH) => {
                    if taken == 0 {
                        return Ok(());
                    }
                    self.commit(Batch::new(std::mem::take(&mut requests))).await?;
                }
            }
        }
    }

    /// Folds in what the subscription brought and is not known yet, which is what other replicas have appended.
    async fn follow(&mut self, deliveries: Result<Vec<Delivery>, StoreError>) -> Result<(), Disconnected> {
        let deliveries = deliveries.map_err(|error| self.disconnected(&error))?;
        let before = self.ledger.revision();
        for delivery in deliveries {
            let Delivery::Event(recorded) = delivery else { continue };
            let next = self.ledger.next_revision();
            if recorded.revision == next {
                self.ledger.fold(&recorded);
            } else if recorded.revision > next {
                self.catch_up(&mut Batch::new(Vec::new())).await.map_err(|error| self.disconnected(&error))?;
            }
        }
        if self.ledger.revision() != before {
            self.publish();
        }
        Ok(())
    }

    /// Decides, appends and answers a batch. Every request in it has been answered when this returns.
    async fn commit(&mut self, mut batch: Batch<D>) -> Result<(), Disconnected> {
        let deadline = Instant::now() + BATCH_LIMIT;
        let mut pause = FIRST_RETRY_PAUSE;
        loop {
            let decided_on = self.ledger.revision();
            let plan = batch.plan(&self.ledger, self.append_bytes);
            if plan.appends.is_empty() {
                if let Err(error) = self.look(&mut batch, deadline).await {
                    return Err(self.give_up(batch, &error));
                }
                if self.ledger.revision() == decided_on {
                    batch.answer(plan.verdicts, decided_on);
                    return Ok(());
                }
            } else {
                match self.append(plan.appends, deadline).await {
                    Ok(()) => {
                        self.ledger = plan.speculation;
                        self.publish();
                        batch.answer(plan.verdicts, self.ledger.revision());
                        return Ok(());
                    }
                    Err(AppendFailure::NotSent(error)) => return Err(self.give_up(batch, &error)),
                    Err(failure) => {
                        tracing::debug!(stream = self.stream, %failure, "an append did not succeed; looking at the stream");
                        batch.sent(&failure, plan.first_revisions);
                        if let Err(error) = self.look(&mut batch, deadline).await {
                            return Err(self.give_up(batch, &error));
                        }
                        if self.ledger.revision() == decided_on {
                            // Nobody was faster, so the same will happen again for a while.
                            tokio::time::sleep(pause).await;
                            pause *= 2;
                        }
                    }
                }
            }
            batch.answer_found();
            if batch.is_empty() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let error = StoreError::Unavailable("the append did not succeed in time".to_owned());
                batch.fail(self.ledger.next_revision(), &error);
                return Ok(());
            }
        }
    }

    async fn append(&mut self, appends: Vec<ProposedAppend>, deadline: Instant) -> Result<(), AppendFailure> {
        let session = match self.session.take() {
            Some(session) => session,
            None => self.appends.append_session(self.stream).await.map_err(AppendFailure::NotSent)?,
        };
        let limit = APPEND_LIMIT.min(deadline.saturating_duration_since(Instant::now()));
        session.append_all(appends, limit).await?;
        // A session that has failed is dead, so it is kept only now.
        self.session = Some(session);
        Ok(())
    }

    /// Catches up, trying again until `deadline`.
    async fn look(&mut self, batch: &mut Batch<D>, deadline: Instant) -> Result<(), StoreError> {
        let mut pause = FIRST_RETRY_PAUSE;
        loop {
            let looked = tokio::time::timeout_at(deadline.into(), self.catch_up(batch)).await;
            let error = match looked {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => error,
                Err(_) => StoreError::Unavailable("no answer in time".to_owned()),
            };
            if Instant::now() + pause >= deadline {
                return Err(error);
            }
            self.appends.reconnect();
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_RETRY_PAUSE);
        }
    }

    async fn catch_up(&mut self, batch: &mut Batch<D>) -> Result<(), StoreError> {
        let before = self.ledger.revision();
        catch_up(self.stream, &mut self.ledger, &self.appends, |recorded, ledger| batch.saw(recorded, ledger)).await?;
        if self.ledger.revision() != before {
            self.publish();
        }
        Ok(())
    }

    fn publish(&self) {
        self.published.store(Arc::new(self.ledger.clone()));
    }

    fn give_up(&self, batch: Batch<D>, error: &StoreError) -> Disconnected {
        batch.fail(self.ledger.next_revision(), error);
        self.disconnected(error)
    }

    fn disconnected(&self, error: &StoreError) -> Disconnected {
        tracing::warn!(stream = self.stream, %error, "lost the event store; refusing commands until it is back");
        Disconnected
    }
}

async fn connect<D: Decider>(
    stream: &'static str,
    ledger: &mut Ledger<D>,
    appends: &EventStore,
    subscriptions: &EventStore,
) -> Subscription {
    let mut pause = FIRST_RETRY_PAUSE;
    loop {
        let attempt = async {
            catch_up(stream, ledger, appends, |_, _| {}).await?;
            subscriptions.subscribe(stream, ledger.revision()).await
        };
        match attempt.await {
            Ok(subscription) => return subscription,
            Err(error) => tracing::debug!(stream, %error, "the event store is not there yet"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_RETRY_PAUSE);
        appends.reconnect();
        subscriptions.reconnect();
    }
}

/// Folds in everything the stream has beyond the ledger, telling `saw` of each event.
async fn catch_up<D: Decider>(
    stream: &'static str,
    ledger: &mut Ledger<D>,
    event_store: &EventStore,
    mut saw: impl FnMut(&Recorded, &Ledger<D>),
) -> Result<(), StoreError> {
    loop {
        let page = event_store.read_forwards(stream, ledger.next_revision(), EVENTS_PER_READ).await?;
        for recorded in &page {
            ledger.fold(recorded);
            saw(recorded, ledger);
        }
        if page.len() < EVENTS_PER_READ {
            return Ok(());
        }
    }
}
