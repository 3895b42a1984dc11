//! Appending: one long-lived batch-append call to the node that leads.

mod answer;
mod call;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use shared_eventstore_protocol::client::{Empty, Uuid as ProtoUuid};
use shared_eventstore_protocol::streams::ProposedMessage;
use shared_eventstore_protocol::streams::batch_append_req::Options;
use shared_eventstore_protocol::streams::batch_append_req::options::{DeadlineOption, ExpectedStreamPosition};
use shared_kernel::Revision;
use tokio::time::timeout;
use uuid::Uuid;

use super::connection::{ConnectionSettings, Node};
use super::{EventMetadata, EventStore, Refusal, StoreError, leader};
use crate::limits;
use call::Call;

/// A number that no stream has. An append that expects it is refused, and says how far the stream reaches.
const NO_SUCH_REVISION: u64 = i64::MAX as u64;

/// An event to append.
#[derive(Debug, Clone)]
pub struct ProposedEvent {
    /// Its identifier.
    pub id: Uuid,
    /// Its type.
    pub event_type: &'static str,
    /// Its data, as JSON.
    pub data: Bytes,
    /// Its metadata.
    pub metadata: EventMetadata,
}

/// Events that are appended together or not at all.
#[derive(Debug, Clone)]
pub struct ProposedAppend {
    /// The stream's newest event when they are appended; `None` for a stream that does not exist yet.
    pub expected: Option<Revision>,
    /// The events, in order.
    pub events: Vec<ProposedEvent>,
}

/// Why an append did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendFailure {
    /// The stream is at another revision. Nothing was written.
    #[error("the stream is at another revision than expected")]
    WrongExpectedRevision {
        /// Its newest event; `None` if it has none.
        current: Option<Revision>,
    },
    /// Nothing was written.
    #[error(transparent)]
    NotWritten(#[from] StoreError),
    /// It may have been written or not, and may even be written later.
    #[error("the outcome of the append is unknown: {0}")]
    Unknown(String),
}

impl AppendFailure {
    /// A word for it.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::WrongExpectedRevision { .. } => "wrong_expected_revision",
            Self::NotWritten(_) => "not_written",
            Self::Unknown(_) => "outcome_unknown",
        }
    }
}

/// Of several appends one failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{failure}")]
pub struct AppendError {
    /// How many before it were written. None after it was sent.
    pub written: usize,
    /// What became of it.
    pub failure: AppendFailure,
}

/// Appends to one stream, over a connection of its own to the node that leads, which it finds and follows.
///
/// After a failure other than a refusal, the call and its connection are given up, and the next append opens new ones:
/// nobody knows what state they are in. Dropping it resets the call and closes the connection.
pub struct Appender {
    settings: Arc<ConnectionSettings>,
    stream: Cow<'static, str>,
    call: Option<Call>,
    /// The node that another one has named as its leader.
    leader: Option<Node>,
}

impl EventStore {
    /// Appends to `stream`. Nothing is sent before the first use.
    #[must_use]
    pub fn appender(&self, stream: impl Into<Cow<'static, str>>) -> Appender {
        Appender { settings: Arc::clone(&self.connections), stream: stream.into(), call: None, leader: None }
    }
}

impl Appender {
    /// Appends each of `appends`, the next one once the one before it is written.
    ///
    /// Never more than one under way: of two that are, the first may be refused because another writer was faster, and
    /// the second be accepted all the same, if the other writer has appended as many events as the first would have.
    ///
    /// # Errors
    /// [`AppendError`] with the first failure.
    pub async fn append_all(&mut self, appends: Vec<ProposedAppend>, limit: Duration) -> Result<(), AppendError> {
        let (mut written, mut sent) = (0, false);
        let all = async {
            for append in appends {
                let messages = append.events.into_iter().map(proposed).collect::<Result<Vec<_>, _>>()?;
                let expected = match append.expected {
                    Some(Revision(revision)) => ExpectedStreamPosition::StreamPosition(revision),
                    None => ExpectedStreamPosition::NoStream(Empty {}),
                };
                self.append(expected, messages, limit, &mut sent).await?;
                (written, sent) = (written + 1, false);
            }
            Ok(())
        };
        let outcome = timeout(limit, all).await;
        let failure = match outcome {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(failure)) => failure,
            Err(_) => no_answer(sent, limit),
        };
        Err(AppendError { written, failure })
    }

    /// Appends events wherever the stream ends, which nothing may be decided on. If they were appended by an attempt
    /// before whose answer was lost, the event store finds that out most of the time, but not for certain.
    ///
    /// # Errors
    /// [`AppendFailure`], never [`AppendFailure::WrongExpectedRevision`].
    pub async fn append_anywhere(&mut self, events: Vec<ProposedEvent>, limit: Duration) -> Result<(), AppendFailure> {
        let mut sent = false;
        let append = async {
            let messages = events.into_iter().map(proposed).collect::<Result<Vec<_>, _>>()?;
            self.append(ExpectedStreamPosition::Any(Empty {}), messages, limit, &mut sent).await
        };
        timeout(limit, append).await.unwrap_or_else(|_| Err(no_answer(sent, limit)))
    }

    /// Looks whether this user may append, and how far the stream reaches. Writes nothing.
    ///
    /// # Errors
    /// [`StoreError`] if the event store is away or refuses.
    pub async fn check(&mut self) -> Result<Option<Revision>, StoreError> {
        let expected = ExpectedStreamPosition::StreamPosition(NO_SUCH_REVISION);
        let messages = vec![message(Uuid::now_v7(), "NeverWritten", Bytes::from_static(b"{}"), Bytes::new())];
        let error = match timeout(
            limits::STORE_OPERATION,
            self.append(expected, messages, limits::STORE_OPERATION, &mut false),
        )
        .await
        {
            Ok(Err(AppendFailure::WrongExpectedRevision { current })) => return Ok(current),
            Ok(Err(AppendFailure::NotWritten(error))) => error,
            Ok(Err(AppendFailure::Unknown(reason))) => StoreError::Unavailable(reason),
            Ok(Ok(())) => Refusal::Other("it has accepted an append that expects what cannot be".to_owned()).into(),
            Err(_) => StoreError::timeout("an append", limits::STORE_OPERATION),
        };
        Err(self.settings.explained(error).await)
    }

    /// Gives up the call and its connection.
    pub fn disconnect(&mut self) {
        self.call = None;
    }

    /// One append. `sent` is set as soon as it may have reached the event store.
    async fn append(
        &mut self,
        expected: ExpectedStreamPosition,
        messages: Vec<ProposedMessage>,
        limit: Duration,
        sent: &mut bool,
    ) -> Result<(), AppendFailure> {
        // Taken out, so that it is gone if this future is dropped while it waits.
        let mut call = match self.call.take() {
            Some(call) => call,
            None => self.open().await?,
        };
        let options = Options {
            stream_identifier: Some((&*self.stream).into()),
            expected_stream_position: Some(expected),
            deadline_option: prost_types::Duration::try_from(limit).ok().map(DeadlineOption::Deadline),
        };
        *sent = true;
        match call.append(options, messages, &self.stream).await {
            Ok(outcome) => {
                self.call = Some(call);
                outcome
            }
            Err(broken) => {
                self.leader = broken.leader;
                Err(broken.failure)
            }
        }
    }

    async fn open(&mut self) -> Result<Call, StoreError> {
        let transport = match self.leader.take() {
            // One that is not there any more either is forgotten, and looked for the next time.
            Some(node) => {
                self.settings.connect(&node).await.map_err(|error| StoreError::Unavailable(error.to_string()))?
            }
            None => leader::connect(&self.settings).await?,
        };
        Ok(Call::new(transport, Arc::clone(&self.settings)))
    }
}

/// What it means that an append was not answered in time.
fn no_answer(sent: bool, limit: Duration) -> AppendFailure {
    match sent {
        true => AppendFailure::Unknown(format!("no answer within {} ms", limit.as_millis())),
        false => StoreError::timeout("a connection for an append", limit).into(),
    }
}

fn proposed(event: ProposedEvent) -> Result<ProposedMessage, AppendFailure> {
    let metadata = serde_json::to_vec(&event.metadata)
        .map_err(|error| StoreError::from(Refusal::Other(format!("the metadata has no JSON form: {error}"))))?;
    Ok(message(event.id, event.event_type, event.data, metadata.into()))
}

fn message(id: Uuid, event_type: &str, data: Bytes, metadata: Bytes) -> ProposedMessage {
    let property = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let properties = [property("type", event_type), property("content-type", "application/json")];
    ProposedMessage {
        id: Some(ProtoUuid::structured(id)),
        metadata: HashMap::from(properties),
        custom_metadata: metadata,
        data,
    }
}
