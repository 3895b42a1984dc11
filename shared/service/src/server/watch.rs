//! What a connection is doing, and since when.

use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use http::Version;
use hyper::body::{Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep_until};
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::limits::ConnectionLimits;
use super::streams::Progress;

/// What one connection is doing.
#[derive(Debug)]
pub(super) struct Watch {
    phase: Mutex<Phase>,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// Nothing was asked on it so far.
    Silent { since: Instant },
    /// Requests are being answered.
    Answering { requests: NonZeroUsize },
    /// Between two requests. In HTTP/2 frames go to and fro that have nothing to do with requests.
    Idle { since: Instant, is_http2: bool },
    /// Some of the head of a further request has come.
    Head { since: Instant },
}

impl Watch {
    pub(super) fn new() -> Self {
        Self { phase: Mutex::new(Phase::Silent { since: Instant::now() }) }
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        // Nothing panics while it is held.
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes have come.
    pub(super) fn received(&self) {
        let mut phase = self.phase();
        if let Phase::Idle { is_http2: false, .. } = *phase {
            *phase = Phase::Head { since: Instant::now() };
        }
    }

    /// Bytes have gone.
    pub(super) fn sent(&self) {
        // The last of an answer, which was handed over before.
        if let Phase::Idle { since, is_http2: false } = &mut *self.phase() {
            *since = Instant::now();
        }
    }

    /// A request has come. It is being answered until what this gives is dropped. Says also whether it is the first.
    pub(super) fn begin(self: &Arc<Self>, version: Version) -> (Answering, bool) {
        let mut phase = self.phase();
        let is_first = matches!(*phase, Phase::Silent { .. });
        let requests = match *phase {
            Phase::Answering { requests } => requests.saturating_add(1),
            Phase::Silent { .. } | Phase::Idle { .. } | Phase::Head { .. } => NonZeroUsize::MIN,
        };
        *phase = Phase::Answering { requests };
        (Answering { watch: Arc::clone(self), is_http2: version >= Version::HTTP_2 }, is_first)
    }

    fn end(&self, is_http2: bool) {
        let mut phase = self.phase();
        if let Phase::Answering { requests } = *phase {
            *phase = match NonZeroUsize::new(requests.get() - 1) {
                Some(requests) => Phase::Answering { requests },
                None => Phase::Idle { since: Instant::now(), is_http2 },
            };
        }
    }

    /// Whether the head of a request is yet to come, or to come to its end.
    pub(super) fn is_waiting_for_head(&self) -> bool {
        matches!(*self.phase(), Phase::Silent { .. } | Phase::Head { .. })
    }

    /// Since when nothing was asked, if it was before.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        match *self.phase() {
            Phase::Idle { since, .. } => Some(since),
            Phase::Silent { .. } | Phase::Answering { .. } | Phase::Head { .. } => None,
        }
    }

    /// Waits until it has taken too long for what it is doing.
    pub(super) async fn overdue(&self, limits: &ConnectionLimits) {
        loop {
            let now = Instant::now();
            let end = match *self.phase() {
                Phase::Silent { since } | Phase::Head { since } => Some(since + limits.head),
                Phase::Idle { since, .. } => Some(since + limits.idle),
                Phase::Answering { .. } => None,
            };
            if end.is_some_and(|end| end <= now) {
                return;
            }
            // What begins meanwhile is not overdue before this time either.
            let next_look = now + limits.head.min(limits.idle);
            sleep_until(end.map_or(next_look, |end| end.min(next_look))).await;
        }
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct Answering {
    watch: Arc<Watch>,
    is_http2: bool,
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.watch.end(self.is_http2);
    }
}

/// Who knows that an answer is being given, as long as it is.
#[expect(dead_code, reason = "they are dropped")]
enum Counted {
    OfConnection(Answering),
    InProcess(TaskTrackerToken),
}

/// The body of an answer, until the end of which its request is being answered.
pub(super) struct Answer {
    body: Body,
    progress: Option<Arc<Progress>>,
    _counted: Counted,
    _place: Option<OwnedSemaphorePermit>,
}

impl Answer {
    pub(super) fn new(body: Body, answering: Answering, place: Option<OwnedSemaphorePermit>) -> Self {
        let progress = Progress::of_this_stream();
        if let Some(progress) = &progress {
            // Its client may not even let it begin.
            progress.asked(true);
        }
        Self { body, progress, _counted: Counted::OfConnection(answering), _place: place }
    }

    /// One that nothing but its reader waits for.
    pub(super) fn without_connection(
        body: Body,
        counted: TaskTrackerToken,
        place: Option<OwnedSemaphorePermit>,
    ) -> Self {
        Self { body, progress: None, _counted: Counted::InProcess(counted), _place: place }
    }
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if let Some(progress) = &self.progress {
            progress.asked(frame.is_ready());
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
