//! BatchAppend: many writes in one long call, each under a correlation id and possibly in several fragments.

use std::collections::HashMap;

use futures::future::BoxFuture;
use futures::stream::{self, FuturesUnordered, Stream, StreamExt};
use tokio::time::Instant;
use tonic::{Status, Streaming};
use uuid::Uuid;

use super::StreamsService;
use super::fragments::Fragments;
use super::reply::{Failure, Reply};
use crate::log::{Command, Operation};
use crate::membership::NotHandled;
use crate::proto::streams::{BatchAppendReq, BatchAppendResp};
use crate::status::{self, RequestError};

/// Writes of one call that wait for their outcome; beyond it, no more is read from the client.
const MAX_PENDING: usize = 1024;
/// Correlation ids of one call whose last fragment has not come.
const MAX_UNFINISHED: usize = 256;

/// The responses of a call: one for each correlation id, until the client has sent all and got all.
///
/// In strict mode EventStoreDB's own ending: after the client has closed its side there is one more response and the
/// call ends, whatever else is under way; with nothing under way it does not end.
pub(super) fn responses(
    service: StreamsService,
    requests: Streaming<BatchAppendReq>,
    requires_leader: bool,
) -> impl Stream<Item = Result<BatchAppendResp, Status>> {
    let session = Session {
        service,
        requests,
        requires_leader,
        input: Input::Open,
        is_over: false,
        unfinished: HashMap::new(),
        pending: FuturesUnordered::new(),
    };
    stream::unfold(Some(session), |session| async move {
        let mut session = session?;
        match session.next().await {
            Some(Ok(response)) => Some((Ok(response), Some(session))),
            Some(Err(status)) => Some((Err(status), None)),
            None => None,
        }
    })
}

struct Session {
    service: StreamsService,
    requests: Streaming<BatchAppendReq>,
    requires_leader: bool,
    input: Input,
    /// Nothing more is answered, whatever is under way.
    is_over: bool,
    unfinished: HashMap<Uuid, Unfinished>,
    pending: FuturesUnordered<BoxFuture<'static, BatchAppendResp>>,
}

/// What more the client sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    Open,
    /// The client has closed its side.
    HalfClosed,
    /// What it sent could not be read, which ends the call.
    Unreadable,
}

/// A write whose last fragment has not come.
enum Unfinished {
    Collecting(Fragments),
    /// It was answered with an error; what else comes of it is ignored.
    Answered,
}

impl Session {
    async fn next(&mut self) -> Option<Result<BatchAppendResp, Status>> {
        while !self.has_ended() {
            let expires = self.next_deadline();
            let may_receive = self.input == Input::Open && self.pending.len() < MAX_PENDING;
            // First what the client sends: the more is queued at once, the fewer transactions it takes.
            tokio::select! {
                biased;
                request = self.requests.message(), if may_receive => match request {
                    Ok(Some(request)) => match self.receive(request).await {
                        Ok(Some(response)) => return Some(Ok(self.answer(response))),
                        Ok(None) => {}
                        Err(status) => return Some(Err(status)),
                    },
                    Ok(None) => self.input = Input::HalfClosed,
                    Err(status) if status::is_unhandled(&status) => self.input = Input::Unreadable,
                    Err(status) => return Some(Err(status)),
                },
                Some(response) = self.pending.next() => return Some(Ok(self.answer(response))),
                () = tokio::time::sleep_until(expires.unwrap_or_else(Instant::now)), if expires.is_some() => {
                    if let Some(response) = self.expire() {
                        return Some(Ok(self.answer(response)));
                    }
                }
                () = self.service.shutdown.cancelled() => return Some(Err(status::not_ready())),
            }
        }
        self.leave();
        None
    }

    fn has_ended(&self) -> bool {
        match (self.input, self.service.strict) {
            (Input::Open, _) => false,
            (Input::Unreadable, true) => true,
            (Input::HalfClosed, true) => self.is_over,
            (_, false) => self.pending.is_empty(),
        }
    }

    /// A response that is on its way, and in strict mode the last one if the client has closed its side.
    fn answer(&mut self, response: BatchAppendResp) -> BatchAppendResp {
        self.is_over = self.input == Input::HalfClosed;
        response
    }

    /// Lets what is under way be written although nobody will hear of it. Each write has its own time limit.
    fn leave(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        if !pending.is_empty() {
            tokio::spawn(pending.for_each(|_| async {}));
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        let deadlines = self.unfinished.values().filter_map(|write| match write {
            Unfinished::Collecting(fragments) => Some(fragments.deadline),
            Unfinished::Answered => None,
        });
        deadlines.min()
    }

    /// Answers a write whose last fragment did not come in time.
    fn expire(&mut self) -> Option<BatchAppendResp> {
        let now = Instant::now();
        self.unfinished.values_mut().find_map(|write| match write {
            Unfinished::Collecting(fragments) if fragments.deadline <= now => {
                let response = fragments.reply.failure(Failure::Timeout);
                *write = Unfinished::Answered;
                Some(response)
            }
            _ => None,
        })
    }

    /// Takes a fragment; the response is there at once if it is refused.
    async fn receive(&mut self, request: BatchAppendReq) -> Result<Option<BatchAppendResp>, Status> {
        let BatchAppendReq { correlation_id, options, proposed_messages, is_final } = request;
        let key = correlation_id.as_ref().and_then(|id| id.to_id());
        let key = key.ok_or(RequestError::Unsupported("the correlation id is missing"))?;
        let has_options = options.is_some();
        let fragments = match (self.unfinished.remove(&key), options) {
            (Some(Unfinished::Collecting(fragments)), _) => Ok(fragments),
            (Some(Unfinished::Answered), _) => {
                if !is_final {
                    self.unfinished.insert(key, Unfinished::Answered);
                }
                return Ok(None);
            }
            (None, Some(options)) => {
                let mut reply = Reply::new(correlation_id, options.stream_identifier.clone());
                Fragments::begin(&mut reply, &options, &self.service.access).map_err(|failure| (reply, failure))
            }
            (None, None) => return Ok(None),
        };
        let fragments = fragments.and_then(|mut fragments| match fragments.add(proposed_messages) {
            Ok(()) => Ok(fragments),
            Err(failure) => Err((fragments.reply, failure)),
        });
        if !is_final && self.unfinished.len() >= MAX_UNFINISHED {
            return Err(Status::resource_exhausted("too many unfinished appends"));
        }
        match fragments {
            // EventStoreDB looks for the stream of its answer in the options.
            Err((_, failure)) if failure.is_bad_request() && !has_options => Err(status::unhandled()),
            Err((reply, failure)) => {
                if !is_final {
                    self.unfinished.insert(key, Unfinished::Answered);
                }
                Ok(Some(reply.failure(failure)))
            }
            Ok(fragments) if is_final => self.submit(fragments).await,
            Ok(fragments) => {
                let unfinished = Unfinished::Collecting(fragments);
                self.unfinished.insert(key, unfinished);
                Ok(None)
            }
        }
    }

    /// Queues a complete write; its response comes when its outcome is on disk.
    async fn submit(&mut self, fragments: Fragments) -> Result<Option<BatchAppendResp>, Status> {
        let Fragments { reply, stream, deadline, events, .. } = fragments;
        match self.service.node.may_write(self.requires_leader) {
            Ok(()) => {}
            Err(NotHandled::NotReady) => return Ok(Some(reply.failure(Failure::NotReady))),
            Err(not_leader) => return Err(not_leader.into()),
        }
        let command = Command { stream, expected: reply.expected, operation: Operation::Append(events) };
        let outcome = self.service.log.submit(command).await?;
        self.pending.push(Box::pin(async move {
            match tokio::time::timeout_at(deadline, outcome).await {
                Ok(Ok(Ok(outcome))) => reply.outcome(outcome),
                Ok(_) => reply.failure(Failure::Unknown),
                Err(_) => reply.failure(Failure::Timeout),
            }
        }));
        Ok(None)
    }
}
