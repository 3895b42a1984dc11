//! Errors as clients see them: gRPC statuses with EventStoreDB's trailers and texts, which clients match on.

use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::{Code, Status};

use crate::log::LogError;
use crate::rules::ExpectedRevision;

/// The largest append, in bytes, over all its events.
pub(crate) const MAX_APPEND_SIZE: usize = 1024 * 1024;

/// What EventStoreDB says when a handler fails for a reason that it does not name.
const UNHANDLED: &str = "Exception was thrown by handler.";

/// Why a request was refused before it reached the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RequestError {
    /// What is asked for is not supported.
    #[error("{0}")]
    Unsupported(&'static str),
    /// It cannot be understood, which EventStoreDB's handlers fail on.
    #[error("{0}")]
    Unreadable(&'static str),
    #[error("Required Metadata Property '{0}' is missing")]
    MissingMetadata(&'static str),
    #[error("Maximum Append Size of {MAX_APPEND_SIZE} Exceeded.")]
    AppendTooLarge,
}

impl From<RequestError> for Status {
    fn from(error: RequestError) -> Self {
        let message = error.to_string();
        match error {
            RequestError::Unsupported(_) => Status::invalid_argument(message),
            RequestError::Unreadable(_) => unhandled(),
            RequestError::MissingMetadata(_) => with_trailers(
                Code::InvalidArgument,
                message,
                &[
                    ("exception", "missing-required-metadata-property"),
                    ("required-metadata-properties", "type,content-type"),
                ],
            ),
            RequestError::AppendTooLarge => with_trailers(
                Code::InvalidArgument,
                message,
                &[("exception", "maximum-append-size-exceeded"), ("maximum-append-size", &MAX_APPEND_SIZE.to_string())],
            ),
        }
    }
}

impl From<LogError> for Status {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Storage(source) => {
                tracing::error!(error = %source, "a request failed in the event log");
                unhandled()
            }
            LogError::Closed => not_ready(),
        }
    }
}

/// What a handler that fails ends a call with.
pub(crate) fn unhandled() -> Status {
    Status::unknown(UNHANDLED)
}

/// Whether a call failed in its handler, or its message could not be read.
pub(crate) fn is_unhandled(status: &Status) -> bool {
    status.code() == Code::Unknown && status.message() == UNHANDLED
}

/// A read for which there is no first page.
pub(crate) fn no_page(result: &str, reason: &str) -> Status {
    Status::unknown(format!("Unexpected {result}: {reason}"))
}

/// What every open call ends with at shutdown, and what a node without a leader answers. Never OK: clients take that
/// for something else, or not at all.
pub(crate) fn not_ready() -> Status {
    Status::unavailable("Server Is Not Ready")
}

pub(crate) fn access_denied() -> Status {
    let trailers = [("exception", "access-denied")];
    with_trailers(Code::PermissionDenied, "Access Denied".to_owned(), &trailers)
}

pub(crate) fn stream_deleted(stream: &str) -> Status {
    with_trailers(
        Code::FailedPrecondition,
        format!("Event stream '{stream}' is deleted."),
        &[("exception", "stream-deleted"), ("stream-name", stream)],
    )
}

/// A delete or tombstone with an expectation that is not met.
pub(crate) fn wrong_revision(stream: &str, expected: ExpectedRevision, current: Option<u64>) -> Status {
    let expected = expected.signed().to_string();
    let actual = current.map_or("-1".to_owned(), |revision| revision.to_string());
    let message = format!(
        "Delete failed due to WrongExpectedVersion. Stream: {stream}, \
         Expected version: {expected}, Actual version: {actual}"
    );
    with_trailers(
        Code::FailedPrecondition,
        message,
        &[
            ("exception", "wrong-expected-version"),
            ("stream-name", stream),
            ("expected-version", &expected),
            ("actual-version", &actual),
        ],
    )
}

/// A status with trailers, those that have a value. What is not printable ASCII in one is percent-encoded.
pub(crate) fn with_trailers(code: Code, message: String, trailers: &[(&'static str, &str)]) -> Status {
    let mut metadata = MetadataMap::with_capacity(trailers.len());
    for (key, value) in trailers.iter().filter(|(_, value)| !value.is_empty()) {
        if let Ok(value) = AsciiMetadataValue::try_from(ascii(value)) {
            metadata.insert(*key, value);
        }
    }
    Status::with_metadata(code, message, metadata)
}

fn ascii(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b' '..=b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
