use std::time::Duration;

use eventstore::{BatchAppendClient, BatchAppendOptions, EventData, ExpectedRevision};
use shared_kernel::Revision;
use tokio::time::timeout;
use uuid::Uuid;

use super::{EventMetadata, EventStore, OPERATION_LIMIT, StoreError};

/// `ALREADY_EXISTS`: how a batch append says that the stream is at another revision than expected.
const GRPC_ALREADY_EXISTS: i32 = 6;

/// An event to append.
pub struct ProposedEvent {
    /// Its identifier.
    pub id: Uuid,
    /// Its type.
    pub event_type: &'static str,
    /// Its data, as JSON.
    pub data: Vec<u8>,
    /// Its metadata.
    pub metadata: EventMetadata,
}

/// Events that are appended together or not at all.
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
    WrongExpectedRevision,
    /// Nothing was sent.
    #[error(transparent)]
    NotSent(StoreError),
    /// It may have been written or not, and may even be written later.
    #[error("the outcome of the append is unknown: {0}")]
    Unknown(String),
}

/// One long-lived batch-append call.
///
/// The client library leaves Nagle's algorithm on: separate append calls would wait about 40 ms for a delayed
/// acknowledgement, requests inside one call do not as long as each fits one HTTP/2 frame. After its first failure a
/// session is dead and must be dropped.
pub struct AppendSession {
    client: BatchAppendClient,
    stream: &'static str,
}

impl EventStore {
    /// Opens a session that appends to one stream.
    ///
    /// # Errors
    /// [`StoreError`] if the event store cannot be reached in time.
    pub async fn append_session(&self, stream: &'static str) -> Result<AppendSession, StoreError> {
        let client = self.client();
        let options = BatchAppendOptions::default();
        let opened = timeout(OPERATION_LIMIT, client.batch_append(&options)).await;
        let client = opened.map_err(|_| StoreError::timeout("opening an append session"))??;
        Ok(AppendSession { client, stream })
    }
}

impl AppendSession {
    /// Appends each of `appends`, the next one once the one before it is written.
    ///
    /// Never more than one under way: of two that are, the first may be refused because another writer was faster, and
    /// the second be accepted all the same, if the other writer has appended as many events as the first would have.
    ///
    /// # Errors
    /// The first failure. What was sent before it has been written, so look before deciding anything again.
    pub async fn append_all(&self, appends: Vec<ProposedAppend>, limit: Duration) -> Result<(), AppendFailure> {
        let appends = appends.into_iter().map(Encoded::new).collect::<Result<Vec<_>, _>>()?;
        let all = async {
            for (written, append) in appends.into_iter().enumerate() {
                self.append(append).await.map_err(|failure| match failure {
                    AppendFailure::WrongExpectedRevision if written > 0 => {
                        AppendFailure::Unknown(format!("{failure}, after {written} earlier appends were written"))
                    }
                    failure => failure,
                })?;
            }
            Ok(())
        };
        timeout(limit, all).await.unwrap_or_else(|_| {
            Err(AppendFailure::Unknown(format!("no answer to an append within {} ms", limit.as_millis())))
        })
    }

    async fn append(&self, append: Encoded) -> Result<(), AppendFailure> {
        match self.client.append_to_stream(self.stream, append.expected, append.events).await {
            Ok(_) => Ok(()),
            Err(eventstore::Error::Grpc { code, .. }) if i32::from(code) == GRPC_ALREADY_EXISTS => {
                Err(AppendFailure::WrongExpectedRevision)
            }
            Err(error) => Err(AppendFailure::Unknown(error.to_string())),
        }
    }
}

/// An append in the client library's form.
struct Encoded {
    expected: ExpectedRevision,
    events: Vec<EventData>,
}

impl Encoded {
    fn new(append: ProposedAppend) -> Result<Self, AppendFailure> {
        let expected =
            append.expected.map_or(ExpectedRevision::NoStream, |revision| ExpectedRevision::Exact(revision.0));
        let events = append.events.into_iter().map(into_event_data).collect::<Result<_, _>>()?;
        Ok(Self { expected, events })
    }
}

fn into_event_data(event: ProposedEvent) -> Result<EventData, AppendFailure> {
    // The library's JSON constructor wants to serialise the payload itself; a raw value passes ours through as it is.
    let unserialisable = |error: serde_json::Error| AppendFailure::NotSent(StoreError::Refused(error.to_string()));
    let data: Box<serde_json::value::RawValue> = serde_json::from_slice(&event.data).map_err(unserialisable)?;
    EventData::json(event.event_type, &data)
        .and_then(|data| data.id(event.id).metadata_as_json(&event.metadata))
        .map_err(unserialisable)
}
