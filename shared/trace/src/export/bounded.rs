//! A bound for spans that wait to be exported, and an account of those that are lost.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor};

use super::variable;

/// Spans that wait, unless `OTEL_BSP_MAX_QUEUE_SIZE` says otherwise.
const WAITING: usize = 2_048;
const MOST_WAITING: usize = 1_000_000;
/// How often the log says at most that spans are lost.
const WARNING_INTERVAL: Duration = Duration::from_secs(60);

/// How many spans wait, and how many are lost.
#[derive(Debug, Default)]
struct Account {
    waiting: AtomicUsize,
    lost: AtomicU64,
    warned_at: Mutex<Option<Instant>>,
}

impl Account {
    /// Counts spans as lost, and says so now and then.
    fn lose(&self, count: usize, reason: &dyn std::fmt::Display) {
        let lost = self.lost.fetch_add(count as u64, Ordering::Relaxed) + count as u64;
        let mut warned_at = self.warned_at.lock().unwrap_or_else(PoisonError::into_inner);
        if warned_at.is_none_or(|at| at.elapsed() >= WARNING_INTERVAL) {
            *warned_at = Some(Instant::now());
            drop(warned_at);
            tracing::warn!(spans.lost = lost, %reason, "spans of traces are lost; everything else goes on");
        }
    }
}

/// Exports spans in batches, on a thread of its own. A span for which there is no room is counted as lost; nobody waits.
#[derive(Debug)]
pub(super) struct Bounded {
    batches: BatchSpanProcessor,
    account: Arc<Account>,
    most: usize,
}

impl Bounded {
    pub(super) fn new<E: SpanExporter + 'static>(exporter: E) -> Self {
        let most = variable(&["OTEL_BSP_MAX_QUEUE_SIZE"]).and_then(|size| size.parse().ok());
        let most = most.unwrap_or(WAITING).clamp(1, MOST_WAITING);
        let account = Arc::new(Account::default());
        let counted = Counted { exporter, account: Arc::clone(&account) };
        let config = BatchConfigBuilder::default().with_max_queue_size(most).build();
        Self { batches: BatchSpanProcessor::builder(counted).with_batch_config(config).build(), account, most }
    }
}

impl SpanProcessor for Bounded {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.batches.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if self.account.waiting.fetch_add(1, Ordering::Relaxed) < self.most {
            self.batches.on_end(span);
        } else {
            self.account.waiting.fetch_sub(1, Ordering::Relaxed);
            self.account.lose(1, &"more of them end than can be sent");
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.batches.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        let ended = self.batches.shutdown_with_timeout(timeout);
        let waiting = self.account.waiting.load(Ordering::Relaxed);
        if waiting > 0 {
            self.account.lose(waiting, &"the program ends");
        }
        ended
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.batches.set_resource(resource);
    }
}

/// An exporter, and what becomes of the spans that it gets.
#[derive(Debug)]
struct Counted<E> {
    exporter: E,
    account: Arc<Account>,
}

impl<E: SpanExporter> SpanExporter for Counted<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        let exported = self.exporter.export(batch).await;
        self.account.waiting.fetch_sub(count, Ordering::Relaxed);
        exported.inspect_err(|error| self.account.lose(count, error))
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
