//! BatchAppend: many writes in one long call, each under a correlation id and possibly in several fragments.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::future::BoxFuture;
use futures::stream::{self, FuturesUnordered, Stream, StreamExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};
use uuid::Uuid;

use super::reply::{Failure, Reply};
use crate::log::{Command, EventLog, NewEvent, Operation};
use crate::proto::streams::batch_append_req::Options;
use crate::proto::streams::batch_append_req::options::{DeadlineOption, ExpectedStreamPosition};
use crate::proto::streams::{BatchAppendReq, BatchAppendResp};
use crate::rules::ExpectedRevision;
use crate::status::{self, MAX_APPEND_SIZE, RequestError};
use crate::wire;

/// The longest that a write may take, whatever the client asks for.
const MAX_TIMEOUT: Duration = Duration::from_secs(2);
/// Writes of one call that wait for their outcome; beyond it, no more is read from the client.
const MAX_PENDING: usize = 1024;
/// Correlation ids of one call whose last fragment has not come.
const MAX_UNFINISHED: usize = 256;

/// The responses of a call: one for each correlation id, until the client has sent all and got all.
pub(super) fn responses(
    log: EventLog,
    requests: Streaming<BatchAppendReq>,
    shutdown: CancellationToken,
) -> impl Stream<Item = Result<BatchAppendResp, Status>> {
    let session = Session {
        log,
        requests,
        shutdown,
        half_closed: false,
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
    log: EventLog,
    requests: Streaming<BatchAppendReq>,
    shutdown: CancellationToken,
    half_closed: bool,
    unfinished: HashMap<Uuid, Unfinished>,
    pending: FuturesUnordered<BoxFuture<'static, BatchAppendResp>>,
}

/// A write whose last fragment has not come.
enum Unfinished {
    Collecting(Fragments),
    /// It was answered with an error; what else comes of it is ignored.
    Answered,
}

struct Fragments {
    reply: Reply,
    stream: Arc<str>,
    deadline: Instant,
    events: Vec<NewEvent>,
    size: usize,
}

impl Session {
    async fn next(&mut self) -> Option<Result<BatchAppendResp, Status>> {
        while !(self.half_closed && self.pending.is_empty()) {
            let expires = self.next_deadline();
            let may_receive = !self.half_closed && self.pending.len() < MAX_PENDING;
            tokio::select! {
                Some(response) = self.pending.next() => return Some(Ok(response)),
                request = self.requests.message(), if may_receive => match request {
                    Ok(Some(request)) => match self.receive(request).await {
                        Ok(Some(response)) => return Some(Ok(response)),
                        Ok(None) => {}
                        Err(status) => return Some(Err(status)),
                    },
                    Ok(None) => self.half_closed = true,
                    Err(status) => return Some(Err(status)),
                },
                () = tokio::time::sleep_until(expires.unwrap_or_else(Instant::now)), if expires.is_some() => {
                    if let Some(response) = self.expire() {
                        return Some(Ok(response));
                    }
                }
                () = self.shutdown.cancelled() => return Some(Err(status::shutting_down())),
            }
        }
        None
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
        let key = key.ok_or(RequestError::Invalid("the correlation id is missing"))?;
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
                Fragments::begin(&mut reply, &options).map_err(|failure| (reply, failure))
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
            Err((reply, failure)) => {
                if !is_final {
                    self.unfinished.insert(key, Unfinished::Answered);
                }
                Ok(Some(reply.failure(failure)))
            }
            Ok(fragments) if is_final => {
                self.submit(fragments).await?;
                Ok(None)
            }
            Ok(fragments) => {
                let unfinished = Unfinished::Collecting(fragments);
                self.unfinished.insert(key, unfinished);
                Ok(None)
            }
        }
    }

    /// Queues a complete write; its response comes when its outcome is on disk.
    async fn submit(&mut self, fragments: Fragments) -> Result<(), Status> {
        let Fragments { reply, stream, deadline, events, .. } = fragments;
        let command = Command { stream, expected: reply.expected, operation: Operation::Append(events) };
        let outcome = self.log.submit(command).await?;
        self.pending.push(Box::pin(async move {
            match tokio::time::timeout_at(deadline, outcome).await {
                Ok(Ok(Ok(outcome))) => reply.outcome(outcome),
                Ok(_) => reply.failure(Failure::Unknown),
                Err(_) => reply.failure(Failure::Timeout),
            }
        }));
        Ok(())
    }
}

impl Fragments {
    fn begin(reply: &mut Reply, options: &Options) -> Result<Self, Failure> {
        let stream = wire::stream_name(options.stream_identifier.as_ref())?;
        if &*stream == "$all" {
            return Err(Failure::AccessDenied);
        }
        reply.expected = match options.expected_stream_position {
            Some(ExpectedStreamPosition::StreamPosition(revision)) => ExpectedRevision::exact(revision),
            Some(ExpectedStreamPosition::NoStream(_)) => ExpectedRevision::NoStream,
            Some(ExpectedStreamPosition::Any(_)) => ExpectedRevision::Any,
            Some(ExpectedStreamPosition::StreamExists(_)) => ExpectedRevision::StreamExists,
            None => return Err(RequestError::Invalid("the expected revision is missing").into()),
        };
        let timeout = timeout(options.deadline_option.as_ref());
        if timeout.is_zero() {
            return Err(Failure::Timeout);
        }
        Ok(Self { reply: reply.clone(), stream, deadline: Instant::now() + timeout, events: Vec::new(), size: 0 })
    }

    fn add(&mut self, messages: Vec<crate::proto::streams::ProposedMessage>) -> Result<(), Failure> {
        for message in messages {
            self.size += wire::proposed_size(&message);
            if self.size > MAX_APPEND_SIZE {
                return Err(RequestError::AppendTooLarge.into());
            }
            self.events.push(wire::new_event(message)?);
        }
        Ok(())
    }
}

/// How long the write may take. Clients send anything from nothing to decades; zero means that it is too late already.
fn timeout(option: Option<&DeadlineOption>) -> Duration {
    let requested = match option {
        None => return MAX_TIMEOUT,
        Some(DeadlineOption::Deadline(duration)) => Duration::try_from(*duration).ok(),
        Some(DeadlineOption::Deadline21100(timestamp)) => {
            SystemTime::try_from(*timestamp).ok().and_then(|at| at.duration_since(SystemTime::now()).ok())
        }
    };
    requested.unwrap_or_default().min(MAX_TIMEOUT)
}
