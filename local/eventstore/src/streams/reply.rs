//! What BatchAppend answers: errors are in the response, as a status with one detail that clients recognise by its
//! name.

use prost::Message;
use prost_types::Any;
use shared_eventstore_protocol::client::{StreamIdentifier, Uuid as ProtoUuid};
use tonic::Code;

use crate::log::WriteOutcome;
use crate::proto::client::wrong_expected_version::{CurrentStreamRevisionOption, ExpectedStreamPositionOption};
use crate::proto::client::{BadRequest, Empty, MaximumAppendSizeExceeded, Status, StreamDeleted, WrongExpectedVersion};
use crate::proto::streams::BatchAppendResp;
use crate::proto::streams::batch_append_resp::success::{CurrentRevisionOption as Revision, PositionOption as Place};
use crate::proto::streams::batch_append_resp::{Result as BatchResult, Success};
use crate::rules::ExpectedRevision;
use crate::status::{MAX_APPEND_SIZE, RequestError};

/// Why a write of a batch failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    Request(RequestError),
    AccessDenied,
    Timeout,
    /// There is no leader.
    NotReady,
    Unknown,
    WrongRevision {
        current: Option<u64>,
    },
    StreamDeleted,
}

impl Failure {
    /// Whether it is answered as BadRequest.
    pub(super) fn is_bad_request(self) -> bool {
        matches!(self, Self::Request(error) if error != RequestError::AppendTooLarge)
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

/// What identifies a write in its response.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    correlation_id: Option<ProtoUuid>,
    stream_identifier: Option<StreamIdentifier>,
    pub(super) expected: ExpectedRevision,
}

impl Reply {
    /// A reply with the ids as the client sent them.
    pub(super) fn new(correlation_id: Option<ProtoUuid>, stream_identifier: Option<StreamIdentifier>) -> Self {
        Self {
            correlation_id,
            stream_identifier: Some(stream_identifier.unwrap_or_default()),
            expected: ExpectedRevision::Any,
        }
    }

    pub(super) fn outcome(&self, outcome: WriteOutcome) -> BatchAppendResp {
        match outcome {
            WriteOutcome::Done { revision, position } => {
                self.response(BatchResult::Success(success(revision, position)))
            }
            WriteOutcome::WrongRevision { current } => self.failure(Failure::WrongRevision { current }),
            WriteOutcome::Deleted => self.failure(Failure::StreamDeleted),
        }
    }

    pub(super) fn failure(&self, failure: Failure) -> BatchAppendResp {
        if failure == Failure::NotReady {
            return self.not_ready();
        }
        let (code, name, detail) = self.detail(failure);
        let details = Any { type_url: format!("type.googleapis.com/event_store.client.{name}"), value: detail };
        self.response(BatchResult::Error(Status {
            code: code.into(),
            message: name.to_owned(),
            details: Some(details),
        }))
    }

    /// As EventStoreDB says it: with the code of success.
    fn not_ready(&self) -> BatchAppendResp {
        let nothing = Any { type_url: "type.googleapis.com/google.protobuf.Empty".to_owned(), value: Vec::new() };
        self.response(BatchResult::Error(Status {
            code: Code::Ok.into(),
            message: "Server Is Not Ready".to_owned(),
            details: Some(nothing),
        }))
    }

    fn response(&self, result: BatchResult) -> BatchAppendResp {
        BatchAppendResp {
            correlation_id: self.correlation_id.clone(),
            result: Some(result),
            stream_identifier: self.stream_identifier.clone(),
        }
    }

    fn detail(&self, failure: Failure) -> (Code, &'static str, Vec<u8>) {
        match failure {
            Failure::Request(RequestError::AppendTooLarge) => {
                let max_append_size = u32::try_from(MAX_APPEND_SIZE).unwrap_or(u32::MAX);
                let detail = MaximumAppendSizeExceeded { max_append_size };
                let name = "MaximumAppendSizeExceeded";
                (Code::InvalidArgument, name, detail.encode_to_vec())
            }
            Failure::Request(error) => {
                let message = match error {
                    RequestError::MissingMetadata(_) => "The given key was not present in the dictionary.".to_owned(),
                    error => error.to_string(),
                };
                let detail = BadRequest { message }.encode_to_vec();
                (Code::InvalidArgument, "BadRequest", detail)
            }
            Failure::AccessDenied => (Code::PermissionDenied, "AccessDenied", Vec::new()),
            Failure::Timeout => (Code::DeadlineExceeded, "Timeout", Vec::new()),
            Failure::Unknown | Failure::NotReady => (Code::Unknown, "Unknown", Vec::new()),
            Failure::WrongRevision { current } => {
                let detail = self.wrong_revision(current).encode_to_vec();
                (Code::AlreadyExists, "WrongExpectedVersion", detail)
            }
            Failure::StreamDeleted => {
                let stream_identifier = self.stream_identifier.clone();
                let detail = StreamDeleted { stream_identifier }.encode_to_vec();
                (Code::NotFound, "StreamDeleted", detail)
            }
        }
    }

    fn wrong_revision(&self, current: Option<u64>) -> WrongExpectedVersion {
        use CurrentStreamRevisionOption as Current;
        use ExpectedStreamPositionOption as Expected;
        let expected = match self.expected {
            ExpectedRevision::Any => Expected::ExpectedAny(Empty {}),
            ExpectedRevision::StreamExists => Expected::ExpectedStreamExists(Empty {}),
            ExpectedRevision::NoStream => Expected::ExpectedNoStream(Empty {}),
            ExpectedRevision::Exact(revision) => Expected::ExpectedStreamPosition(revision),
        };
        let current = current.map_or(Current::CurrentNoStream(Empty {}), Current::CurrentStreamRevision);
        WrongExpectedVersion {
            current_stream_revision_option: Some(current),
            expected_stream_position_option: Some(expected),
        }
    }
}

fn success(revision: Option<u64>, position: Option<u64>) -> Success {
    let revision = revision.map_or(Revision::NoStream(Empty {}), Revision::CurrentRevision);
    let position = position.map_or(Place::NoPosition(Empty {}), |position| Place::Position(position.into()));
    Success { current_revision_option: Some(revision), position_option: Some(position) }
}
