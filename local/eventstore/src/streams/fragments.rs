//! The fragments of one write of a batch.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::reply::{Failure, Reply};
use crate::access::Access;
use crate::log::NewEvent;
use crate::proto::streams::ProposedMessage;
use crate::proto::streams::batch_append_req::Options;
use crate::proto::streams::batch_append_req::options::{DeadlineOption, ExpectedStreamPosition};
use crate::rules::ExpectedRevision;
use crate::status::{MAX_APPEND_SIZE, RequestError};
use crate::wire;

/// The longest that a write may take, whatever the client asks for.
const MAX_TIMEOUT: Duration = Duration::from_secs(2);

/// A write, as far as it has come.
pub(super) struct Fragments {
    pub(super) reply: Reply,
    pub(super) stream: Arc<str>,
    pub(super) deadline: Instant,
    pub(super) events: Vec<NewEvent>,
    size: usize,
}

impl Fragments {
    pub(super) fn begin(reply: &mut Reply, options: &Options, access: &Access) -> Result<Self, Failure> {
        let stream = wire::stream_name(options.stream_identifier.as_ref())?;
        if !access.may_append_to(&stream) {
            return Err(Failure::AccessDenied);
        }
        reply.expected = match options.expected_stream_position {
            Some(ExpectedStreamPosition::StreamPosition(revision)) => ExpectedRevision::exact(wire::number(revision)?),
            Some(ExpectedStreamPosition::NoStream(_)) => ExpectedRevision::NoStream,
            Some(ExpectedStreamPosition::Any(_)) => ExpectedRevision::Any,
            Some(ExpectedStreamPosition::StreamExists(_)) => ExpectedRevision::StreamExists,
            None => return Err(RequestError::Unsupported("the expected revision is missing").into()),
        };
        let timeout = timeout(options.deadline_option.as_ref());
        if timeout.is_zero() {
            return Err(Failure::Timeout);
        }
        Ok(Self { reply: reply.clone(), stream, deadline: Instant::now() + timeout, events: Vec::new(), size: 0 })
    }

    pub(super) fn add(&mut self, messages: Vec<ProposedMessage>) -> Result<(), Failure> {
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
