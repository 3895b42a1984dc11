//! The executor of one domain stream: decides commands on what the stream says, and appends what they lead to.
//!
//! One task per process folds the stream, takes all commands that wait, decides them one after the other on a
//! speculative copy of the state, and appends their events with the exact revision it expects the stream to have. The
//! append succeeding proves that nothing else was in the stream, so it also proves every rejection decided in the same
//! batch; a batch without events is proved by reading that the stream has nothing new. So several replicas are correct
//! together, and a rejection never rests on a state that is behind.

mod batch;
mod catch_up;
mod connecting;
mod handle;
mod meters;
mod settings;
mod turns;

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use shared_kernel::{Decider, Interruption, Revision};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::back_off::BackOff;
use crate::event_store::{
    AppendError, AppendFailure, Appender, Delivery, EventStore, ProposedAppend, Refusal, StoreError, Subscription,
};
use crate::ledger::Ledger;
use crate::limits;
use batch::{Batch, Request};
use catch_up::{catch_up, shorter};
use connecting::{disconnected, refusing};
pub use handle::ExecutorHandle;
use meters::Meters;
pub use settings::ExecutorSettings;
use turns::Turns;

/// How many commands are decided together at most.
const COMMANDS_PER_BATCH: usize = 512;
/// The most that is packed into one append, in bytes. The event store takes up to 1 MiB.
const LARGEST_APPEND_BYTES: usize = 512 * 1024;
/// How many events are taken from the subscription at once.
const EVENTS_PER_BATCH: usize = 1_000;
/// How long the subscription may take to bring what another replica has appended, before it is read instead.
const NEWS_LIMIT: Duration = Duration::from_millis(20);
const FIRST_RETRY_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Executes the commands of one domain, until it is stopped.
pub struct Executor<D: Decider> {
    stream: &'static str,
    ledger: Ledger<D>,
    published: Arc<ArcSwap<Ledger<D>>>,
    connection: watch::Sender<Connection>,
    other_history: watch::Sender<Option<Refusal>>,
    requests: mpsc::Receiver<Request<D>>,
    reads: EventStore,
    subscriptions: EventStore,
    appender: Appender,
    append_bytes: usize,
    turns: Turns,
    meters: Meters,
}

/// Whether commands are taken; if not, why.
pub(crate) type Connection = Result<(), StoreError>;

/// The executor must fall back to reconnecting; every caller of the batch has been answered.
struct Disconnected;

impl<D: Decider> Executor<D> {
    /// An executor for `stream`, starting from `ledger` (a snapshot, or the default), and the handle that gives it
    /// commands.
    pub fn new(
        stream: &'static str,
        event_store: &EventStore,
        ledger: Ledger<D>,
        settings: ExecutorSettings,
    ) -> (Self, ExecutorHandle<D>) {
        let (sender, requests) = mpsc::channel(settings.command_queue.max(1));
        let published = Arc::new(ArcSwap::from_pointee(ledger.clone()));
        let beginning = StoreError::Unavailable("it was not asked yet".to_owned());
        let (connection, watched) = watch::channel(Err(beginning));
        let (other_history, noticed) = watch::channel(None);
        let meters = Meters::of(stream, &sender, watched.clone());
        let handle = ExecutorHandle::new(stream, sender, Arc::clone(&published), watched, noticed);
        let executor = Self {
            stream,
            ledger,
            published,
            connection,
            other_history,
            requests,
            reads: event_store.separate(),
            subscriptions: event_store.separate(),
            appender: event_store.appender(stream),
            append_bytes: settings.append_bytes.min(LARGEST_APPEND_BYTES),
            turns: Turns::default(),
            meters,
        };
        (executor, handle)
    }

    /// Runs until `shutdown`, from the ledger that `loading` brings, whose revision may be far ahead of the one that the
    /// executor was made with. Commands are refused until it is there.
    pub async fn run_from(mut self, loading: impl Future<Output = Ledger<D>>, shutdown: CancellationToken) {
        let beginning = StoreError::Unavailable("the state of this service is still being read".to_owned());
        drop(self.connection.send_replace(Err(beginning)));
        let loading = refusing(loading, &mut self.requests, &self.connection);
        if let Some(ledger) = shutdown.run_until_cancelled(loading).await {
            self.ledger = ledger;
            self.publish();
        }
        self.run(shutdown).await;
    }

    /// Runs until `shutdown`. Commands that were taken are finished and answered; the rest are refused.
    pub async fn run(mut self, shutdown: CancellationToken) {
        loop {
            let connected = shutdown.run_until_cancelled(self.connect()).await;
            let Some(subscription) = connected else { break };
            self.connected();
            match self.serve(subscription, &shutdown).await {
                Ok(()) => break,
                Err(Disconnected) => {
                    self.appender.disconnect();
                    self.reads.reconnect();
                    self.subscriptions.reconnect();
                }
            }
        }
        self.requests.close();
        while let Some(request) = self.requests.recv().await {
            request.refuse(Interruption::Unavailable("the service is stopping".to_owned()));
        }
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
                deliveries = subscription.next_batch(EVENTS_PER_BATCH) => {
                    let deliveries = deliveries.map_err(|error| self.disconnected(error))?;
                    self.follow(deliveries, &mut Batch::new(Vec::new()));
                }
                taken = self.requests.recv_many(&mut requests, COMMANDS_PER_BATCH) => {
                    if taken == 0 {
                        return Ok(());
                    }
                    let batch = Batch::new(std::mem::take(&mut requests));
                    let span = batch.span(self.stream);
                    self.commit(batch, &mut subscription).instrument(span).await?;
                    self.let_others(&mut subscription).await?;
                }
            }
        }
    }

    /// Folds in what the subscription brought and is not known yet, which is what other replicas have appended. Answers
    /// whether there was any.
    fn follow(&mut self, deliveries: Vec<Delivery>, batch: &mut Batch<D>) -> bool {
        let before = self.ledger.revision();
        for delivery in deliveries {
            // The subscription leaves nothing out, so what comes later than the next event is not reached here.
            let Delivery::Event(recorded) = delivery else { continue };
            match recorded.revision.cmp(&self.ledger.next_revision()) {
                Ordering::Equal => {
                    self.ledger.fold(&recorded);
                    batch.saw(&recorded, &self.ledger);
                }
                // One of this process's own, which was folded in when it was appended.
                Ordering::Less => self.ledger.date(recorded.revision, recorded.created),
                Ordering::Greater => {}
            }
        }
        let has_news = self.ledger.revision() != before;
        if has_news {
            self.turns.others_appended();
            self.publish();
        }
        has_news
    }

    /// Lets another replica have its turn, if one is at work. Whoever has appended could append again at once, and the
    /// others, who have to look at what is new first, would come too late for ever.
    async fn let_others(&mut self, subscription: &mut Subscription) -> Result<(), Disconnected> {
        let Some(turn) = self.turns.of_others() else { return Ok(()) };
        let end = tokio::time::Instant::now() + turn;
        while let Ok(deliveries) = tokio::time::timeout_at(end, subscription.next_batch(EVENTS_PER_BATCH)).await {
            let deliveries = deliveries.map_err(|error| self.disconnected(error))?;
            if self.follow(deliveries, &mut Batch::new(Vec::new())) {
                return Ok(());
            }
        }
        self.turns.others_are_idle();
        Ok(())
    }

    /// Decides, appends and answers a batch. Every request in it has been answered when this returns.
    async fn commit(&mut self, mut batch: Batch<D>, subscription: &mut Subscription) -> Result<(), Disconnected> {
        self.meters.commands.observe(batch.len() as f64);
        let deadline = Instant::now() + limits::BATCH;
        let mut back_off = BackOff::new(FIRST_RETRY_PAUSE, LONGEST_RETRY_PAUSE);
        loop {
            batch.drop_abandoned();
            if batch.is_empty() {
                return Ok(());
            }
            let decided_on = self.ledger.revision();
            let decided = self.meters.decided.start_timer();
            let plan = batch.plan(&self.ledger, self.append_bytes);
            decided.observe_duration();
            let proved = if plan.appends.is_empty() {
                // Nothing is appended that would prove the verdicts; that the stream has nothing new does.
                self.look(&mut batch, None, deadline).await.map(|()| self.ledger.revision() == decided_on)
            } else {
                match self.append(plan.appends, deadline).await {
                    Ok(()) => {
                        self.ledger = plan.speculation;
                        self.publish();
                        Ok(true)
                    }
                    Err(error) => {
                        batch.sent(&error.failure, plan.first_revisions);
                        self.after_failure(&mut batch, error, subscription, &mut back_off, deadline)
                            .await
                            .map(|()| false)
                    }
                }
            };
            match proved {
                Ok(true) => {
                    batch.answer(plan.verdicts, self.ledger.revision());
                    return Ok(());
                }
                Ok(false) => batch.answer_found(),
                Err(error) => return Err(self.give_up(batch, error)),
            }
            if Instant::now() >= deadline {
                let error = StoreError::Unavailable("the append did not succeed in time".to_owned());
                batch.fail(self.ledger.next_revision(), &error);
                return Ok(());
            }
        }
    }

    async fn append(&mut self, appends: Vec<ProposedAppend>, deadline: Instant) -> Result<(), AppendError> {
        let begun = Instant::now();
        let limit = limits::APPEND.min(deadline.saturating_duration_since(begun));
        let span = shared_trace::span!(
            "send",
            otel.kind = "producer",
            messaging.system = "eventstoredb",
            "messaging.operation.type" = "send",
            messaging.operation.name = "append",
            messaging.destination.name = self.stream,
            messaging.batch.message_count = appends.iter().map(|append| append.events.len()).sum::<usize>()
        );
        let appended = self.appender.append_all(appends, limit).instrument(span.clone()).await;
        appended.inspect_err(|error| shared_trace::fail(&span, error.failure.word()))?;
        let took = begun.elapsed();
        self.turns.appended_in(took);
        self.meters.appended.observe(took.as_secs_f64());
        Ok(())
    }

    /// Finds out how the stream is after an append that did not succeed, so that the batch can be decided again. An
    /// error is for the whole batch.
    async fn after_failure(
        &mut self,
        batch: &mut Batch<D>,
        AppendError { written, failure }: AppendError,
        subscription: &mut Subscription,
        back_off: &mut BackOff,
        deadline: Instant,
    ) -> Result<(), StoreError> {
        tracing::debug!(stream = self.stream, %failure, "an append did not succeed; looking at the stream");
        self.meters.failed(&failure);
        let before = self.ledger.revision();
        match failure {
            AppendFailure::WrongExpectedRevision { current } => {
                if current < before {
                    return Err(shorter(self.stream, current, self.ledger.next_revision()));
                }
                self.turns.others_appended();
                if !self.hear(batch, current, subscription).await {
                    self.look(batch, current, deadline).await?;
                }
            }
            AppendFailure::NotWritten(error) if written == 0 => {
                // A node that does not lead any more, or a connection that nobody has used for long. Not more than
                // once: a store that is away is found out about while connecting, and nobody waits for that.
                if matches!(error, StoreError::Refused(_)) || back_off.taken() > 0 {
                    return Err(error);
                }
            }
            AppendFailure::NotWritten(_) | AppendFailure::Unknown(_) => self.look(batch, None, deadline).await?,
        }
        if self.ledger.revision() == before {
            // Nobody was faster, so the same will happen again for a while.
            back_off.pause().await;
        }
        Ok(())
    }

    /// Waits for the subscription to bring the stream up to `reached`, which it is about to do: that takes no request.
    /// Answers whether it has.
    async fn hear(&mut self, batch: &mut Batch<D>, reached: Option<Revision>, subscription: &mut Subscription) -> bool {
        let end = tokio::time::Instant::now() + NEWS_LIMIT;
        while self.ledger.revision() < reached {
            match tokio::time::timeout_at(end, subscription.next_batch(EVENTS_PER_BATCH)).await {
                Ok(Ok(deliveries)) => drop(self.follow(deliveries, batch)),
                // One that has ended says so again when it is asked the next time.
                Ok(Err(_)) | Err(_) => return false,
            }
        }
        true
    }

    /// Catches up, to the event `reached` at least, trying again until `deadline`.
    async fn look(
        &mut self,
        batch: &mut Batch<D>,
        reached: Option<Revision>,
        deadline: Instant,
    ) -> Result<(), StoreError> {
        let mut back_off = BackOff::new(FIRST_RETRY_PAUSE, LONGEST_RETRY_PAUSE);
        loop {
            let looked = tokio::time::timeout_at(deadline.into(), self.catch_up(batch, reached)).await;
            let error = match looked {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => error,
                Err(_) => StoreError::Unavailable("no answer in time".to_owned()),
            };
            let pause = back_off.next_pause();
            if Instant::now() + pause >= deadline {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
        }
    }

    async fn catch_up(&mut self, batch: &mut Batch<D>, reached: Option<Revision>) -> Result<(), StoreError> {
        let before = self.ledger.revision();
        let saw = |recorded: &_, ledger: &_| batch.saw(recorded, ledger);
        let caught_up = catch_up(self.stream, &mut self.ledger, &self.reads, reached, saw).await;
        if self.ledger.revision() != before {
            self.publish();
        }
        caught_up
    }

    fn publish(&self) {
        self.published.store(Arc::new(self.ledger.clone()));
    }

    fn give_up(&self, batch: Batch<D>, error: StoreError) -> Disconnected {
        batch.fail(self.ledger.next_revision(), &error);
        self.disconnected(error)
    }

    fn connected(&self) {
        // What it was before is of no interest.
        drop(self.connection.send_replace(Ok(())));
    }

    fn disconnected(&self, error: StoreError) -> Disconnected {
        disconnected(self.stream, &self.connection, error);
        Disconnected
    }
}
