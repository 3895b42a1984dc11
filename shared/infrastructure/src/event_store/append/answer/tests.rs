use prost::Message;
use shared_eventstore_protocol::client::wrong_expected_version::CurrentStreamRevisionOption;
use shared_eventstore_protocol::client::{self, Empty, MaximumAppendSizeExceeded, WrongExpectedVersion};
use shared_eventstore_protocol::streams::BatchAppendResp;
use shared_eventstore_protocol::streams::batch_append_resp::{Result as Answer, Success};
use shared_kernel::Revision;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

use super::{Broken, outcome};
use crate::event_store::append::AppendFailure;
use crate::event_store::connection::Node;
use crate::event_store::{Refusal, Right, StoreError};

const STREAM: &str = "a-stream";

fn answered(result: Option<Answer>) -> Result<Result<(), AppendFailure>, AppendFailure> {
    outcome(BatchAppendResp { result, ..BatchAppendResp::default() }, STREAM).map_err(|broken| broken.failure)
}

fn refused(
    code: Code,
    message: &str,
    detail: &str,
    value: Vec<u8>,
) -> Result<Result<(), AppendFailure>, AppendFailure> {
    let type_url = format!("type.googleapis.com/event_store.client.{detail}");
    answered(Some(Answer::Error(client::Status {
        code: code.into(),
        message: message.to_owned(),
        details: Some(prost_types::Any { type_url, value }),
    })))
}

fn wrong_revision(current: Option<CurrentStreamRevisionOption>) -> Vec<u8> {
    let detail = WrongExpectedVersion { current_stream_revision_option: current, ..WrongExpectedVersion::default() };
    detail.encode_to_vec()
}

fn certain(refusal: Refusal) -> Result<Result<(), AppendFailure>, AppendFailure> {
    Ok(Err(StoreError::Refused(refusal).into()))
}

fn is_unknown(answer: &Result<Result<(), AppendFailure>, AppendFailure>) -> bool {
    matches!(answer, Err(AppendFailure::Unknown(_)))
}

fn access_denied() -> Refusal {
    Refusal::AccessDenied(Right::Append(STREAM.to_owned()))
}

#[test]
fn a_refusal_says_where_the_stream_is() {
    let refused = |current| refused(Code::AlreadyExists, "", "WrongExpectedVersion", wrong_revision(current));
    let at = |current| Ok(Err(AppendFailure::WrongExpectedRevision { current }));
    assert_eq!(refused(Some(CurrentStreamRevisionOption::CurrentStreamRevision(7))), at(Some(Revision(7))));
    assert_eq!(refused(Some(CurrentStreamRevisionOption::CurrentNoStream(Empty {}))), at(None));
    assert!(is_unknown(&refused(None)));
}

#[test]
fn what_was_certainly_not_written_is_said_to_be() {
    assert_eq!(answered(Some(Answer::Success(Success::default()))), Ok(Ok(())));
    let deleted = refused(Code::NotFound, "StreamDeleted", "StreamDeleted", Vec::new());
    assert_eq!(deleted, certain(Refusal::StreamDeleted(STREAM.to_owned())));
    let denied = refused(Code::PermissionDenied, "AccessDenied", "AccessDenied", Vec::new());
    assert_eq!(denied, certain(access_denied()));
    let size = MaximumAppendSizeExceeded { max_append_size: 1024 }.encode_to_vec();
    let large = refused(Code::InvalidArgument, "", "MaximumAppendSizeExceeded", size);
    assert_eq!(large, certain(Refusal::TooLarge("1024".to_owned())));
    let bad = refused(Code::InvalidArgument, "no id", "BadRequest", Vec::new());
    assert_eq!(bad, certain(Refusal::Other("no id".to_owned())));
    for words in ["Server Is Not Ready", "Server Is Busy"] {
        let not_begun = refused(Code::Ok, words, "Empty", Vec::new());
        assert_eq!(not_begun, Ok(Err(StoreError::Unavailable(words.to_owned()).into())));
    }
}

#[test]
fn whatever_else_comes_leaves_it_unknown() {
    assert!(is_unknown(&answered(None)));
    for code in [Code::DeadlineExceeded, Code::FailedPrecondition, Code::Unknown, Code::Ok, Code::Aborted] {
        assert!(is_unknown(&refused(code, "", "Timeout", Vec::new())), "{code:?}");
    }
    let garbage = refused(Code::AlreadyExists, "", "WrongExpectedVersion", vec![0xff]);
    assert!(is_unknown(&garbage));
}

#[test]
fn a_status_that_ends_the_call_counts_for_what_it_says() {
    let failure = |status: Status| Broken::by_status(&status, STREAM).failure;
    for code in [Code::PermissionDenied, Code::Unauthenticated] {
        let denied = failure(Status::new(code, "Access Denied"));
        assert_eq!(denied, AppendFailure::NotWritten(access_denied().into()), "{code:?}");
    }
    assert!(matches!(
        failure(Status::resource_exhausted("too big")),
        AppendFailure::NotWritten(StoreError::Refused(Refusal::TooLarge(_)))
    ));
    let not_ready = failure(Status::unavailable("Server Is Not Ready"));
    assert!(matches!(not_ready, AppendFailure::NotWritten(StoreError::Unavailable(_))));
    for status in [
        Status::unavailable("gone"),
        Status::unknown("Exception was thrown by handler."),
        Status::cancelled(""),
        Status::aborted("Operation timed out"),
        Status::deadline_exceeded(""),
    ] {
        assert!(matches!(failure(status.clone()), AppendFailure::Unknown(_)), "{status}");
    }
}

/// A proxy or this side's own library may give a broken connection any code.
#[test]
fn a_connection_that_broke_says_nothing_whatever_its_code() {
    let mut status = Status::permission_denied("Server Is Not Ready");
    status.set_source(std::sync::Arc::new(std::io::Error::other("reset")));
    assert!(matches!(Broken::by_status(&status, STREAM).failure, AppendFailure::Unknown(_)));
}

#[test]
fn a_node_that_does_not_lead_names_the_one_that_does() {
    let not_leader = |trailers: &[(&'static str, &str)]| {
        let mut metadata = MetadataMap::new();
        metadata.insert("exception", "not-leader".parse().unwrap());
        for (name, value) in trailers {
            metadata.insert(*name, value.parse().unwrap());
        }
        Broken::by_status(&Status::with_metadata(Code::NotFound, "Leader info available", metadata), STREAM)
    };
    let named = not_leader(&[("leader-endpoint-host", "b"), ("leader-endpoint-port", "2114")]);
    assert_eq!(named.leader, Some(Node::named("b".to_owned(), 2114)));
    assert!(matches!(named.failure, AppendFailure::NotWritten(StoreError::Unavailable(_))));
    assert_eq!(not_leader(&[("leader-endpoint-host", "b"), ("leader-endpoint-port", "no")]).leader, None);
    assert_eq!(not_leader(&[]).leader, None);
}
