//! The batch-append call itself.

use std::sync::Arc;

use futures::future::BoxFuture;
use shared_eventstore_protocol::client::Uuid as ProtoUuid;
use shared_eventstore_protocol::streams::batch_append_req::Options;
use shared_eventstore_protocol::streams::streams_client::StreamsClient;
use shared_eventstore_protocol::streams::{BatchAppendReq, BatchAppendResp, ProposedMessage};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use super::AppendFailure;
use super::answer::{self, Broken};
use crate::event_store::connection::ConnectionSettings;
use crate::event_store::in_process::Transport;

/// A batch-append call, with one append under way at a time.
///
/// The fields are dropped in order: the answers before the requests. So the call is reset, and not half-closed:
/// EventStoreDB does not end a call that is half-closed while nothing is under way, and takes 100 calls on a
/// connection.
pub(super) struct Call {
    answers: Answers,
    requests: mpsc::Sender<BatchAppendReq>,
    appends: u64,
}

enum Answers {
    /// EventStoreDB sends the head of its answer with the first part of it: not before something was asked.
    Opening(BoxFuture<'static, Result<Response<Streaming<BatchAppendResp>>, Status>>),
    Open(Box<Streaming<BatchAppendResp>>),
}

impl Call {
    /// A call on a connection of its own. Nothing is sent before the first append.
    pub(super) fn new(transport: Transport, settings: Arc<ConnectionSettings>) -> Self {
        let (requests, received) = mpsc::channel(1);
        let opening = async move {
            let mut request = Request::new(ReceiverStream::new(received));
            settings.authorize(request.metadata_mut());
            request.metadata_mut().insert("requires-leader", MetadataValue::from_static("true"));
            StreamsClient::new(transport).batch_append(request).await
        };
        Self { answers: Answers::Opening(Box::pin(opening)), requests, appends: 0 }
    }

    /// Sends an append and waits for its outcome.
    ///
    /// # Errors
    /// [`Broken`] if the call has ended or cannot be relied on any more. It must not be used again then, and neither if this
    /// future is dropped before it is ready.
    pub(super) async fn append(
        &mut self,
        options: Options,
        events: Vec<ProposedMessage>,
        stream: &str,
    ) -> Result<Result<(), AppendFailure>, Broken> {
        self.appends += 1;
        let correlation_id = Uuid::from_u64_pair(0, self.appends);
        let request = BatchAppendReq {
            correlation_id: Some(ProtoUuid::structured(correlation_id)),
            options: Some(options),
            proposed_messages: events,
            is_final: true,
        };
        // The channel has room: the append before this one was answered. If it is closed, the call's status says why.
        let _ = self.requests.try_send(request);
        let answer = self.next_answer().await.map_err(|status| Broken::by_status(&status, stream))?;
        let answer = answer.ok_or_else(|| Broken::unexplained("the event store has ended the call"))?;
        if answer.correlation_id.as_ref().and_then(ProtoUuid::to_id) != Some(correlation_id) {
            return Err(Broken::unexplained("the event store has answered something else"));
        }
        answer::outcome(answer, stream)
    }

    async fn next_answer(&mut self) -> Result<Option<BatchAppendResp>, Status> {
        if let Answers::Opening(opening) = &mut self.answers {
            self.answers = Answers::Open(Box::new(opening.await?.into_inner()));
        }
        match &mut self.answers {
            Answers::Open(streaming) => streaming.message().await,
            Answers::Opening(_) => Ok(None),
        }
    }
}
