use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Sleep;

use crate::upstream::Lease;

/// A body that breaks off when it pauses for too long. The time is only looked at while there is nothing to pass on.
pub(crate) struct Paced {
    body: Body,
    longest_pause: Duration,
    pause: Option<Pin<Box<Sleep>>>,
    /// The instance that answers is at work until the end.
    _lease: Lease,
}

impl Paced {
    pub(crate) fn new(body: Body, longest_pause: Duration, lease: Lease) -> Self {
        Self { body, longest_pause, pause: None, _lease: lease }
    }
}

impl HttpBody for Paced {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            this.pause = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let pause = this.pause.get_or_insert_with(|| Box::pin(tokio::time::sleep(this.longest_pause)));
        pause.as_mut().poll(cx).map(|()| Some(Err("the answer paused for too long".into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
