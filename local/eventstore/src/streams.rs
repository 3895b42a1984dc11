//! The Streams service.

mod append;
mod batch;
mod checkpoints;
mod fragments;
mod read;
mod reply;
mod request;
mod subscription;

use futures::stream::{self, BoxStream, StreamExt};
use tokio_util::sync::CancellationToken;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming};

use crate::access::Access;
use crate::log::{Command, EventLog, Operation, WriteOutcome};
use crate::membership::{Node, requires_leader};
use crate::proto::streams::streams_server::Streams;
use crate::proto::streams::{
    AppendReq, AppendResp, BatchAppendReq, BatchAppendResp, DeleteReq, DeleteResp, ReadReq, ReadResp, TombstoneReq,
    TombstoneResp, append_req, delete_resp, tombstone_resp,
};
use crate::status;
use request::{Count, ReadRequest, Source, Start};

/// Serves reads and writes from one event log, on one node.
#[derive(Debug, Clone)]
pub(crate) struct StreamsService {
    pub(crate) log: EventLog,
    pub(crate) node: Node,
    access: Access,
    strict: bool,
    shutdown: CancellationToken,
}

impl StreamsService {
    /// Serves `log` on `node`. Its long-lived calls end with `shutdown`, when the node stops.
    pub(crate) const fn new(
        log: EventLog,
        node: Node,
        access: Access,
        strict: bool,
        shutdown: CancellationToken,
    ) -> Self {
        Self { log, node, access, strict, shutdown }
    }

    /// Deletes or tombstones a stream and returns the position of the record of it.
    async fn end_stream(
        &self,
        metadata: &MetadataMap,
        options: Option<append_req::Options>,
        operation: Operation,
    ) -> Result<Option<u64>, Status> {
        let target = append::Target::new(options.as_ref())?;
        self.node.may_write(requires_leader(metadata))?;
        let command = Command { stream: target.stream.clone(), expected: target.expected, operation };
        match self.log.write(command).await? {
            WriteOutcome::Done { position, .. } => Ok(position),
            WriteOutcome::Deleted => Err(status::stream_deleted(&target.stream)),
            WriteOutcome::WrongRevision { current } => {
                Err(status::wrong_revision(&target.stream, target.expected, current))
            }
        }
    }

    fn may_read(&self, source: &Source) -> bool {
        match source {
            Source::All(_) => self.access.may_read_all(),
            Source::Stream(stream) => self.access.may_read(stream),
        }
    }
}

type Responses<T> = BoxStream<'static, Result<T, Status>>;

/// Waits for the first response. If it is a refusal, the call itself is refused, and not only what comes of it.
async fn begun<T: Send + 'static>(responses: Responses<T>) -> Result<Response<Responses<T>>, Status> {
    let mut responses = responses.fuse();
    let first = responses.next().await.transpose()?;
    Ok(Response::new(stream::iter(first.map(Ok)).chain(responses).boxed()))
}

#[tonic::async_trait]
impl Streams for StreamsService {
    type ReadStream = Responses<ReadResp>;
    type BatchAppendStream = Responses<BatchAppendResp>;

    async fn read(&self, request: Request<ReadReq>) -> Result<Response<Self::ReadStream>, Status> {
        let requires_leader = requires_leader(request.metadata());
        let request = ReadRequest::new(request.into_inner())?;
        if !self.may_read(&request.source) {
            return Err(status::access_denied());
        }
        self.node.may_read(requires_leader)?;
        let log = self.log.clone();
        let shutdown = self.shutdown.clone();
        begun(match request.count {
            Count::Limited(_) if request.start == Start::Nowhere => stream::empty().boxed(),
            Count::Limited(count) => read::frames(log, request, count, shutdown).boxed(),
            Count::Subscription => subscription::frames(log, request, self.strict, shutdown).boxed(),
        })
        .await
    }

    async fn append(&self, request: Request<Streaming<AppendReq>>) -> Result<Response<AppendResp>, Status> {
        let requires_leader = requires_leader(request.metadata());
        let response = append::append(self, request.into_inner(), requires_leader).await?;
        Ok(Response::new(response))
    }

    async fn batch_append(
        &self,
        request: Request<Streaming<BatchAppendReq>>,
    ) -> Result<Response<Self::BatchAppendStream>, Status> {
        let requires_leader = requires_leader(request.metadata());
        let responses = batch::responses(self.clone(), request.into_inner(), requires_leader).boxed();
        match self.strict {
            true => begun(responses).await,
            false => Ok(Response::new(responses)),
        }
    }

    async fn delete(&self, request: Request<DeleteReq>) -> Result<Response<DeleteResp>, Status> {
        use delete_resp::PositionOption;
        let (metadata, _, message) = request.into_parts();
        let position = self.end_stream(&metadata, message.options, Operation::Delete).await?;
        Ok(Response::new(DeleteResp {
            position_option: position.map(|position| PositionOption::Position(position.into())),
        }))
    }

    async fn tombstone(&self, request: Request<TombstoneReq>) -> Result<Response<TombstoneResp>, Status> {
        use tombstone_resp::PositionOption;
        let (metadata, _, message) = request.into_parts();
        let position = self.end_stream(&metadata, message.options, Operation::Tombstone).await?;
        Ok(Response::new(TombstoneResp {
            position_option: position.map(|position| PositionOption::Position(position.into())),
        }))
    }
}
