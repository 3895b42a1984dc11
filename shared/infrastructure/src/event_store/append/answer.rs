//! What an answer says for certain. Whatever does not say that nothing was written counts as unknown.

use shared_eventstore_protocol::client::wrong_expected_version::CurrentStreamRevisionOption;
use shared_eventstore_protocol::client::{self, MaximumAppendSizeExceeded, WrongExpectedVersion};
use shared_eventstore_protocol::streams::BatchAppendResp;
use shared_eventstore_protocol::streams::batch_append_resp::Result as Answer;
use shared_kernel::Revision;
use tonic::{Code, Status};

use super::AppendFailure;
use crate::event_store::connection::Node;
use crate::event_store::{Refusal, Right, StoreError};

/// How EventStoreDB says that it has not begun, with no code or detail that would.
const NOT_BEGUN: [&str; 3] = ["Server Is Not Ready", "Server Is Too Busy", "Server Is Busy"];

/// A call that has ended, or cannot be relied on.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) failure: AppendFailure,
    /// Who leads instead, if the node has said so.
    pub(super) leader: Option<Node>,
}

impl Broken {
    pub(super) fn unexplained(reason: &str) -> Self {
        Self { failure: AppendFailure::Unknown(reason.to_owned()), leader: None }
    }

    /// What the status says that has ended a call with one append under way.
    pub(super) fn by_status(status: &Status, stream: &str) -> Self {
        // One with a cause is this side's own: the connection broke, whatever its code says.
        if std::error::Error::source(status).is_some() {
            return Self::unexplained(&format!("the connection broke ({})", status.message()));
        }
        let trailer = |name: &str| status.metadata().get(name).and_then(|value| value.to_str().ok());
        let not_leader = trailer("exception") == Some("not-leader");
        let leader = if not_leader {
            let port = trailer("leader-endpoint-port").and_then(|port| port.parse().ok());
            trailer("leader-endpoint-host").zip(port).map(|(host, port)| Node::named(host.to_owned(), port))
        } else {
            None
        };
        let message = status.message().to_owned();
        let failure = match status.code() {
            _ if not_leader => StoreError::Unavailable("the node does not lead any more".to_owned()).into(),
            Code::PermissionDenied | Code::Unauthenticated => {
                StoreError::from(Refusal::AccessDenied(Right::Append(stream.to_owned()))).into()
            }
            Code::ResourceExhausted => StoreError::from(Refusal::TooLarge(message)).into(),
            Code::InvalidArgument | Code::Unimplemented => StoreError::from(Refusal::Other(message)).into(),
            Code::Unavailable if has_not_begun(&message) => StoreError::Unavailable(message).into(),
            code => AppendFailure::Unknown(format!("{code:?}: {message}")),
        };
        Self { failure, leader }
    }
}

/// The outcome of one append. After a refusal the call goes on.
pub(super) fn outcome(answer: BatchAppendResp, stream: &str) -> Result<Result<(), AppendFailure>, Broken> {
    match answer.result {
        Some(Answer::Success(_)) => Ok(Ok(())),
        Some(Answer::Error(status)) => refusal(status, stream).map(Err),
        None => Err(Broken::unexplained("the event store's answer says nothing")),
    }
}

fn refusal(status: client::Status, stream: &str) -> Result<AppendFailure, Broken> {
    let client::Status { code, message, details } = status;
    let detail = details.as_ref().map(|detail| detail.value.as_slice());
    let unreadable = |_| Broken::unexplained("the event store's refusal cannot be read");
    Ok(match Code::from_i32(code) {
        Code::AlreadyExists => {
            let detail: WrongExpectedVersion = decode(detail).map_err(unreadable)?;
            let current = match detail.current_stream_revision_option {
                Some(CurrentStreamRevisionOption::CurrentStreamRevision(revision)) => Some(Revision(revision)),
                Some(CurrentStreamRevisionOption::CurrentNoStream(_)) => None,
                None => return Err(Broken::unexplained("the event store's refusal does not say where the stream is")),
            };
            AppendFailure::WrongExpectedRevision { current }
        }
        Code::NotFound => StoreError::from(Refusal::StreamDeleted(stream.to_owned())).into(),
        Code::PermissionDenied => StoreError::from(Refusal::AccessDenied(Right::Append(stream.to_owned()))).into(),
        Code::InvalidArgument if is_size(details.as_ref()) => {
            let detail: MaximumAppendSizeExceeded = decode(detail).map_err(unreadable)?;
            StoreError::from(Refusal::TooLarge(detail.max_append_size.to_string())).into()
        }
        Code::InvalidArgument => StoreError::from(Refusal::Other(message)).into(),
        // The code says that all is well, and only the words that it is not.
        Code::Ok if has_not_begun(&message) => StoreError::Unavailable(message).into(),
        code => return Err(Broken::unexplained(&format!("{code:?}: {message}"))),
    })
}

fn decode<M: prost::Message + Default>(detail: Option<&[u8]>) -> Result<M, prost::DecodeError> {
    M::decode(detail.unwrap_or_default())
}

fn is_size(detail: Option<&prost_types::Any>) -> bool {
    detail.is_some_and(|detail| detail.type_url.ends_with(".MaximumAppendSizeExceeded"))
}

fn has_not_begun(message: &str) -> bool {
    NOT_BEGUN.iter().any(|words| message.contains(words))
}

#[cfg(test)]
mod tests;
