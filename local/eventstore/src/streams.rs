//! The Streams service.

mod append;
mod batch;
mod read;
mod reply;
mod request;
mod subscription;

use futures::stream::BoxStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use crate::log::{Command, EventLog, Operation, Outcome};
use crate::proto::streams::streams_server::Streams;
use crate::proto::streams::{
    AppendReq, AppendResp, BatchAppendReq, BatchAppendResp, DeleteReq, DeleteResp, ReadReq, ReadResp, TombstoneReq,
    TombstoneResp, append_req, delete_resp, tombstone_resp,
};
use crate::status;
use request::{Count, ReadRequest};

/// Serves reads and writes from one event log.
#[derive(Debug, Clone)]
pub(crate) struct StreamsService {
    log: EventLog,
    /// Ends long-lived calls when the server stops.
    shutdown: CancellationToken,
}

impl StreamsService {
    pub(crate) fn new(log: EventLog, shutdown: CancellationToken) -> Self {
        Self { log, shutdown }
    }

    /// Deletes or tombstones a stream and returns the position of the record of it.
    async fn end_stream(
        &self,
        options: Option<append_req::Options>,
        operation: Operation,
    ) -> Result<Option<u64>, Status> {
        let target = append::Target::new(options.as_ref())?;
        let command = Command { stream: target.stream.clone(), expected: target.expected, operation };
        match self.log.write(command).await? {
            Outcome::Done { position, .. } => Ok(position),
            Outcome::Deleted => Err(status::stream_deleted(&target.stream)),
            Outcome::WrongRevision { current } => Err(status::wrong_revision(&target.stream, target.expected, current)),
        }
    }
}

#[tonic::async_trait]
impl Streams for StreamsService {
    type ReadStream = BoxStream<'static, Result<ReadResp, Status>>;
    type BatchAppendStream = BoxStream<'static, Result<BatchAppendResp, Status>>;

    async fn read(&self, request: Request<ReadReq>) -> Result<Response<Self::ReadStream>, Status> {
        let request = ReadRequest::new(request.into_inner())?;
        let log = self.log.clone();
        let shutdown = self.shutdown.clone();
        let frames: Self::ReadStream = match request.count {
            Count::Limited(count) => Box::pin(read::frames(log, request, count, shutdown)),
            Count::Subscription => Box::pin(subscription::frames(log, request, shutdown)),
        };
        Ok(Response::new(frames))
    }

    async fn append(&self, request: Request<Streaming<AppendReq>>) -> Result<Response<AppendResp>, Status> {
        let response = append::append(&self.log, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn batch_append(
        &self,
        request: Request<Streaming<BatchAppendReq>>,
    ) -> Result<Response<Self::BatchAppendStream>, Status> {
        let responses = batch::responses(self.log.clone(), request.into_inner(), self.shutdown.clone());
        Ok(Response::new(Box::pin(responses)))
    }

    async fn delete(&self, request: Request<DeleteReq>) -> Result<Response<DeleteResp>, Status> {
        use delete_resp::PositionOption;
        let options = request.into_inner().options;
        let position = self.end_stream(options, Operation::Delete).await?;
        Ok(Response::new(DeleteResp {
            position_option: position.map(|position| PositionOption::Position(position.into())),
        }))
    }

    async fn tombstone(&self, request: Request<TombstoneReq>) -> Result<Response<TombstoneResp>, Status> {
        use tombstone_resp::PositionOption;
        let options = request.into_inner().options;
        let position = self.end_stream(options, Operation::Tombstone).await?;
        Ok(Response::new(TombstoneResp {
            position_option: position.map(|position| PositionOption::Position(position.into())),
        }))
    }
}
