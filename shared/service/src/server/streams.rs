//! The answers on an HTTP/2 connection, each of which its client may leave unread while it reads the others.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::rt::Executor;
use tokio::time::{Instant, sleep_until};

tokio::task_local! {
    static STREAM: Arc<Progress>;
}

/// Carries out what answers requests on HTTP/2 connections, and gives up those whose client has not read on for too
/// long. The client gets a reset of that stream.
#[derive(Debug, Clone, Copy)]
pub(super) struct Streams {
    /// How long an answer may wait for its client.
    pub(super) stalled: Duration,
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let (progress, limit) = (Arc::new(Progress::default()), self.stalled);
        let scope = Arc::clone(&progress);
        tokio::spawn(async move {
            tokio::select! {
                () = STREAM.scope(scope, stream) => {}
                () = progress.stalled(limit) => tracing::debug!("gave up an answer that its client does not read"),
            }
        });
    }
}

/// Whether an answer waits for its client, and since when.
#[derive(Debug, Default)]
pub(super) struct Progress(Mutex<Option<Instant>>);

impl Progress {
    /// That of the stream on which this is called, if it is one of HTTP/2.
    pub(super) fn of_this_stream() -> Option<Arc<Self>> {
        STREAM.try_with(Arc::clone).ok()
    }

    /// More of the answer was asked for, and was there or not.
    pub(super) fn asked(&self, was_there: bool) {
        *self.waiting_since() = was_there.then(Instant::now);
    }

    fn waiting_since(&self) -> MutexGuard<'_, Option<Instant>> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn stalled(&self, limit: Duration) {
        loop {
            let now = Instant::now();
            let end = self.waiting_since().map_or(now, |since| since) + limit;
            if end <= now {
                return;
            }
            sleep_until(end).await;
        }
    }
}
