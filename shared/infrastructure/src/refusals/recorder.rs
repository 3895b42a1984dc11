//! Recording refused commands, beside everything else.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use shared_kernel::{Cause, CommandContext};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{LeftOut, REFUSALS, Refused};
use crate::back_off::BackOff;
use crate::event_store::{AppendFailure, Appender, EventMetadata, EventStore, ProposedEvent, StoreError};
use crate::limits;

const REFUSED_TYPE: &str = "CommandRefused";
const LEFT_OUT_TYPE: &str = "RefusalsNotRecorded";
const SCHEMA_VERSION: u32 = 1;

/// How many refused commands go into one append.
const BATCH: usize = 100;
/// How often an append is tried that may succeed the next time.
const ATTEMPTS: usize = 4;
const FIRST_RETRY_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_RETRY_PAUSE: Duration = Duration::from_secs(1);
/// How long to wait after an append that was refused, or was tried in vain.
const FAILURE_PAUSE: Duration = Duration::from_secs(5);
/// How long refused commands that are left out are counted before their number is recorded.
const COUNT_FOR: Duration = Duration::from_secs(1);
/// How often a failure is logged.
const WARN_INTERVAL: Duration = Duration::from_secs(60);
/// How long recording goes on once the service ends.
const FLUSH_LIMIT: Duration = Duration::from_secs(2);

/// Records refused commands until it is stopped.
pub struct RefusalRecorder {
    event_store: EventStore,
    appender: Appender,
    service: String,
    keep_for: Duration,
    /// Whether the event store knows how long to keep them, or does not let this service say so.
    age_is_settled: bool,
    refused: mpsc::Receiver<Refused>,
    left_out: Arc<LeftOut>,
    warned: Option<Instant>,
}

impl RefusalRecorder {
    pub(super) fn new(
        event_store: &EventStore,
        service: String,
        keep_for: Duration,
        refused: mpsc::Receiver<Refused>,
        left_out: Arc<LeftOut>,
    ) -> Self {
        Self {
            event_store: event_store.separate(),
            appender: event_store.appender(REFUSALS.name),
            service,
            keep_for,
            age_is_settled: false,
            refused,
            left_out,
            warned: None,
        }
    }

    /// Runs until `shutdown`, and then until what waits is recorded, for two seconds at most. The event store is not
    /// asked for anything before a command is refused.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let left_out = Arc::clone(&self.left_out);
        loop {
            let mut batch = Vec::new();
            let counted = async {
                left_out.news.notified().await;
                sleep(COUNT_FOR).await;
            };
            tokio::select! {
                () = shutdown.cancelled() => break,
                taken = self.refused.recv_many(&mut batch, BATCH) => if taken == 0 { break },
                () = counted => {}
            }
            if !self.record(batch, &shutdown).await {
                shutdown.run_until_cancelled(sleep(FAILURE_PAUSE)).await;
            }
        }
        let _in_time = timeout(FLUSH_LIMIT, self.flush(&shutdown)).await;
    }

    /// Records what waits.
    async fn flush(&mut self, shutdown: &CancellationToken) {
        self.refused.close();
        loop {
            let mut batch = Vec::new();
            let taken = self.refused.recv_many(&mut batch, BATCH).await;
            if !self.record(batch, shutdown).await || taken == 0 {
                return;
            }
        }
    }

    /// Records these, and how many were left out. What cannot be recorded is left out as well; answers whether it could.
    async fn record(&mut self, batch: Vec<Refused>, shutdown: &CancellationToken) -> bool {
        let (count, left_out) = (batch.len() as u64, self.left_out.take());
        if count + left_out == 0 {
            return true;
        }
        let mut events: Vec<_> = batch.iter().map(|refused| self.event_of(refused)).collect();
        if left_out > 0 {
            events.push(self.count_of(left_out));
        }
        self.limit_age().await;
        let Err(failure) = self.append(&events, shutdown).await else { return true };
        self.left_out.add(count + left_out);
        self.warn(&failure);
        false
    }

    async fn append(&mut self, events: &[ProposedEvent], shutdown: &CancellationToken) -> Result<(), AppendFailure> {
        let mut back_off = BackOff::new(FIRST_RETRY_PAUSE, LONGEST_RETRY_PAUSE);
        loop {
            let failure = match self.appender.append_anywhere(events.to_vec(), limits::APPEND).await {
                Ok(()) => return Ok(()),
                Err(failure) => failure,
            };
            let is_hopeless = matches!(failure, AppendFailure::NotWritten(StoreError::Refused(_)));
            if is_hopeless || back_off.taken() + 1 == ATTEMPTS {
                return Err(failure);
            }
            if shutdown.is_cancelled() || shutdown.run_until_cancelled(back_off.pause()).await.is_none() {
                return Err(failure);
            }
        }
    }

    /// Tells the event store how long to keep what is recorded, unless it knows. If it cannot be told, it is the next time.
    async fn limit_age(&mut self) {
        if self.age_is_settled {
            return;
        }
        let metadata = EventMetadata::unasked(&self.service, SCHEMA_VERSION);
        match self.event_store.keep_events_for(REFUSALS.name, self.keep_for, &metadata).await {
            Ok(_) => self.age_is_settled = true,
            Err(AppendFailure::NotWritten(StoreError::Unavailable(_)) | AppendFailure::Unknown(_)) => {}
            Err(failure) => {
                // Somebody has to grant it; the next start tries again.
                self.age_is_settled = true;
                tracing::warn!(error = %failure, "cannot say how long refused commands are kept; they are kept for ever");
            }
        }
    }

    fn event_of(&self, refused: &Refused) -> ProposedEvent {
        let data = refused.data(&self.service);
        self.event(REFUSED_TYPE, serde_json::to_vec(&data), self.metadata(refused.cause.clone()))
    }

    fn count_of(&self, left_out: u64) -> ProposedEvent {
        let data = json!({ "count": left_out, "service": self.service });
        self.event(LEFT_OUT_TYPE, serde_json::to_vec(&data), EventMetadata::unasked(&self.service, SCHEMA_VERSION))
    }

    fn event(
        &self,
        event_type: &'static str,
        data: serde_json::Result<Vec<u8>>,
        metadata: EventMetadata,
    ) -> ProposedEvent {
        // Strings and numbers always have a JSON form.
        ProposedEvent { id: Uuid::now_v7(), event_type, data: Bytes::from(data.unwrap_or_default()), metadata }
    }

    fn metadata(&self, cause: Cause) -> EventMetadata {
        EventMetadata::of(&CommandContext::caused_by(Uuid::now_v7(), cause), SCHEMA_VERSION)
    }

    fn warn(&mut self, failure: &AppendFailure) {
        if self.warned.is_none_or(|warned| warned.elapsed() >= WARN_INTERVAL) {
            self.warned = Some(Instant::now());
            tracing::warn!(error = %failure, "cannot record refused commands; they are counted");
        }
    }
}
