//! Reading calls of our own: one connection to the node that leads, for reads or for one subscription.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shared_eventstore_protocol::client::Empty;
use shared_eventstore_protocol::streams::read_req::options::{CountOption, FilterOption, StreamOption};
use shared_eventstore_protocol::streams::read_req::stream_options::RevisionOption;
use shared_eventstore_protocol::streams::read_req::{Options, StreamOptions, UuidOption, uuid_option};
use shared_eventstore_protocol::streams::streams_client::StreamsClient;
use shared_eventstore_protocol::streams::{ReadReq, ReadResp};
use tonic::metadata::MetadataValue;
use tonic::{Code, Request, Status, Streaming};

use super::connection::ConnectionSettings;
use super::in_process::Transport;
use super::{Refusal, Right, StoreError, leader};

/// The largest part of an answer that is taken: far more than the event store takes as one event.
const LARGEST_PART_BYTES: usize = 64 * 1024 * 1024;
/// How the event store refuses a position in the log of all streams. Reads and subscriptions use words of their own.
const NO_SUCH_POSITION: [&str; 2] = ["InvalidPosition", "Trying to read from an invalid position"];

/// A connection to the node that leads. It ends with the last call on it.
pub(super) struct Connection {
    transport: Transport,
    settings: Arc<ConnectionSettings>,
    alive: Arc<AtomicUsize>,
}

impl Connection {
    async fn open(settings: Arc<ConnectionSettings>, alive: Arc<AtomicUsize>) -> Result<Self, StoreError> {
        let transport = leader::connect(&settings).await?;
        alive.fetch_add(1, Ordering::Relaxed);
        Ok(Self { transport, settings, alive })
    }

    /// Asks for events.
    pub(super) async fn read(&self, options: Options) -> Result<Streaming<ReadResp>, Status> {
        let mut request = Request::new(ReadReq { options: Some(options) });
        self.settings.authorize(request.metadata_mut());
        request.metadata_mut().insert("requires-leader", MetadataValue::from_static("true"));
        let mut client = StreamsClient::new(self.transport.clone()).max_decoding_message_size(LARGEST_PART_BYTES);
        Ok(client.read(request).await?.into_inner())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The connection that reads share at the moment, made when it is needed.
pub(super) struct CurrentConnection {
    settings: Arc<ConnectionSettings>,
    current: Mutex<Option<Arc<Connection>>>,
    /// How many there are, of this and of those that were separated from it.
    alive: Arc<AtomicUsize>,
}

impl CurrentConnection {
    pub(super) fn new(settings: Arc<ConnectionSettings>) -> Self {
        Self { settings, current: Mutex::default(), alive: Arc::default() }
    }

    /// Another one to the same event store.
    pub(super) fn separate(&self) -> Self {
        let (settings, alive) = (Arc::clone(&self.settings), Arc::clone(&self.alive));
        Self { settings, current: Mutex::default(), alive }
    }

    /// A connection that nobody else uses.
    pub(super) async fn open(&self) -> Result<Connection, StoreError> {
        Connection::open(Arc::clone(&self.settings), Arc::clone(&self.alive)).await
    }

    /// The connection. Whoever has something under way on it holds it for as long.
    pub(super) async fn get(&self) -> Result<Arc<Connection>, StoreError> {
        if let Some(connection) = &*self.lock() {
            return Ok(Arc::clone(connection));
        }
        let connection = Arc::new(self.open().await?);
        // Of several that were opened at the same time one is kept.
        Ok(Arc::clone(self.lock().get_or_insert(connection)))
    }

    /// Lets go of the connection, whichever it is.
    pub(super) fn release(&self) {
        drop(self.lock().take());
    }

    /// Lets go of this connection, unless another one has taken its place: callers that fail together share what comes
    /// next.
    pub(super) fn give_up(&self, failed: &Arc<Connection>) {
        let mut current = self.lock();
        if current.as_ref().is_some_and(|connection| Arc::ptr_eq(connection, failed)) {
            *current = None;
        }
    }

    pub(super) fn alive(&self) -> usize {
        self.alive.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Connection>>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The options that all reading calls have in common: forwards, and without a filter.
pub(super) fn options(source: StreamOption, count: CountOption) -> Options {
    let structured = uuid_option::Content::Structured(Empty {});
    Options {
        stream_option: Some(source),
        count_option: Some(count),
        filter_option: Some(FilterOption::NoFilter(Empty {})),
        uuid_option: Some(UuidOption { content: Some(structured) }),
        ..Options::default()
    }
}

/// A stream, from a place in it.
pub(super) fn stream(name: &str, from: RevisionOption) -> StreamOption {
    StreamOption::Stream(StreamOptions { stream_identifier: Some(name.into()), revision_option: Some(from) })
}

/// What the status says that has ended a call which needs `right`.
pub(super) fn failure(status: &Status, right: &Right) -> StoreError {
    let message = status.message();
    if NO_SUCH_POSITION.iter().any(|words| message.contains(words)) {
        return Refusal::NoSuchPosition.into();
    }
    // One with a cause is this side's own: the connection broke, whatever its code says.
    if std::error::Error::source(status).is_some() {
        return StoreError::Unavailable(format!("the connection broke ({message})"));
    }
    let exception = status.metadata().get("exception").and_then(|value| value.to_str().ok());
    match (status.code(), exception) {
        (_, Some("stream-deleted")) => Refusal::StreamDeleted(right.stream()).into(),
        (_, Some("not-leader")) => StoreError::Unavailable("the node does not lead any more".to_owned()),
        (Code::PermissionDenied | Code::Unauthenticated, _) => Refusal::AccessDenied(right.clone()).into(),
        (Code::InvalidArgument | Code::Unimplemented, _) => Refusal::Other(message.to_owned()).into(),
        (code, _) => StoreError::Unavailable(format!("{code:?}: {message}")),
    }
}
