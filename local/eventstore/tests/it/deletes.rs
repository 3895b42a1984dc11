//! Deleting, tombstoning and metadata, to the letter of EventStoreDB 24.6.0.

use tonic::{Code, Status};
use uuid::Uuid;

use crate::frames::{count, frames, trailer, write};
use crate::grpc::event_store::client::Empty;
use crate::grpc::event_store::client::streams::append_req::options::ExpectedStreamRevision as Expected;
use crate::grpc::event_store::client::streams::append_resp::{self, Success, success};
use crate::grpc::event_store::client::streams::read_resp::Content;
use crate::grpc::event_store::client::streams::{DeleteReq, ProposedMessage, TombstoneReq};
use crate::grpc::{self, append, append_options, proposed, read_all, read_stream, recorded};
use crate::support::TestServer;

const ANY: Expected = Expected::Any(Empty {});
const NO_STREAM: Expected = Expected::NoStream(Empty {});
const STREAM_EXISTS: Expected = Expected::StreamExists(Empty {});

async fn delete(server: &TestServer, stream: &str, expected: Expected) -> Result<u64, Status> {
    use crate::grpc::event_store::client::streams::delete_resp::PositionOption;
    let options = Some(append_options(stream, expected));
    let deleted = grpc::client(server).await.delete(DeleteReq { options }).await?;
    match deleted.into_inner().position_option {
        Some(PositionOption::Position(position)) => Ok(position.commit_position),
        other => panic!("a position, not {other:?}"),
    }
}

async fn tombstone(server: &TestServer, stream: &str) -> Result<(), Status> {
    let options = Some(append_options(stream, ANY));
    grpc::client(server).await.tombstone(TombstoneReq { options }).await.map(drop)
}

async fn try_append(
    server: &TestServer,
    stream: &str,
    expected: Expected,
    events: Vec<ProposedMessage>,
) -> Result<append_resp::Result, Status> {
    let response = grpc::client(server).await.append(append(stream, expected, events)).await?;
    Ok(response.into_inner().result.expect("a result"))
}

fn done(result: Result<append_resp::Result, Status>) -> Success {
    match result {
        Ok(append_resp::Result::Success(success)) => success,
        other => panic!("success, not {other:?}"),
    }
}

fn is_wrong(result: Result<append_resp::Result, Status>) -> bool {
    matches!(result, Ok(append_resp::Result::WrongExpectedVersion(_)))
}

fn position(success: &Success) -> u64 {
    match &success.position_option {
        Some(success::PositionOption::Position(position)) => position.commit_position,
        other => panic!("a position, not {other:?}"),
    }
}

async fn metadata(server: &TestServer, stream: &str) -> String {
    let found = frames(server, read_stream(&format!("$${stream}"), 0, 9), |_| false).await;
    match found.first() {
        Some(Content::Event(event)) => String::from_utf8(recorded(event).data.to_vec()).expect("text"),
        other => panic!("metadata, not {other:?}"),
    }
}

#[tokio::test]
async fn a_stream_that_has_only_metadata_can_be_deleted() {
    let server = TestServer::start().await;
    for (stream, expected) in [("any", ANY), ("none", NO_STREAM), ("exists", STREAM_EXISTS)] {
        write(&server, &format!("$${stream}"), 1).await;
        delete(&server, stream, expected).await.expect("deleted");
        assert_eq!(metadata(&server, stream).await, format!("{{\"$tb\":{}}}", i64::MAX));
        delete(&server, stream, ANY).await.expect("deleted again");
        let again = delete(&server, stream, STREAM_EXISTS).await.expect_err("deleted");
        assert_eq!(trailer(&again, "exception"), Some("stream-deleted"));
    }
    let missing = delete(&server, "missing", ANY).await.expect_err("there is nothing");
    assert_eq!(trailer(&missing, "actual-version"), Some("-1"));
}

#[tokio::test]
async fn metadata_of_a_tombstoned_stream_is_refused_unless_it_was_written_lately() {
    let mut server = TestServer::start().await;
    tombstone(&server, "s").await.expect("tombstoned");
    let refused = try_append(&server, "$$s", ANY, vec![proposed(b"{}")]).await.expect_err("refused");
    assert_eq!(trailer(&refused, "exception"), Some("stream-deleted"));
    assert_eq!(trailer(&refused, "stream-name"), Some("$$s"));

    write(&server, "$$known", 1).await;
    tombstone(&server, "known").await.expect("tombstoned");
    write(&server, "$$known", 1).await;
    server.restart().await;
    try_append(&server, "$$known", ANY, vec![proposed(b"{}")]).await.expect_err("refused");
}

#[tokio::test]
async fn a_tombstone_of_metadata_leaves_the_stream_as_it_was() {
    let server = TestServer::start().await;
    write(&server, "s", 2).await;
    tombstone(&server, "$$s").await.expect("tombstoned");
    assert_eq!(count(&server, "s").await, 2);
    let refused = delete(&server, "s", ANY).await.expect_err("there is no room for the record of it");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    write(&server, "s", 1).await;
    assert_eq!(count(&server, "s").await, 3);
}

#[tokio::test]
async fn an_append_without_events_has_a_position_that_nothing_shows() {
    let mut server = TestServer::start().await;
    let none = done(try_append(&server, "s", NO_STREAM, vec![]).await);
    assert_eq!(none.current_revision_option, Some(success::CurrentRevisionOption::NoStream(Empty {})));
    write(&server, "s", 2).await;
    let empty = done(try_append(&server, "s", Expected::Revision(1), vec![]).await);
    assert_eq!(empty.current_revision_option, Some(success::CurrentRevisionOption::CurrentRevision(1)));
    for expected in [Expected::Revision(0), Expected::Revision(2), NO_STREAM] {
        assert!(is_wrong(try_append(&server, "s", expected, vec![]).await));
    }
    server.restart().await;
    let next = done(try_append(&server, "s", ANY, vec![proposed(b"{}")]).await);
    assert!(position(&none) < position(&empty) && position(&empty) < position(&next));

    let positions = |content: &Content| match content {
        Content::Event(event) => recorded(event).commit_position,
        other => panic!("{other:?}"),
    };
    let all = frames(&server, read_all((0, 0), 0, 99), |_| false).await;
    let found: Vec<_> = all.iter().map(positions).collect();
    assert!(!found.contains(&position(&none)) && !found.contains(&position(&empty)));
    assert_eq!(found.last(), Some(&position(&next)));
    let from = frames(&server, read_all((position(&empty), position(&empty)), 0, 99), |_| false).await;
    assert_eq!(from.iter().map(positions).collect::<Vec<_>>(), [position(&next)]);
}

#[tokio::test]
async fn an_append_without_events_makes_a_deleted_stream_readable() {
    let server = TestServer::start().await;
    write(&server, "s", 2).await;
    delete(&server, "s", ANY).await.expect("deleted");
    assert!(is_wrong(try_append(&server, "s", NO_STREAM, vec![]).await));
    done(try_append(&server, "s", ANY, vec![]).await);
    assert_eq!(metadata(&server, "s").await, r#"{"$tb":2}"#);
    assert_eq!(count(&server, "s").await, 0);
    let found = frames(&server, read_stream("s", 0, 9), |_| false).await;
    assert_eq!(found, [Content::FirstStreamPosition(2), Content::LastStreamPosition(1)]);
}

#[tokio::test]
async fn a_retry_of_what_can_no_longer_be_read_has_no_position() {
    let server = TestServer::start().await;
    let events = vec![ProposedMessage { id: grpc::id(Uuid::new_v4()), ..proposed(b"{}") }];
    let first = done(try_append(&server, "s", NO_STREAM, events.clone()).await);
    let again = done(try_append(&server, "s", ANY, events.clone()).await);
    assert_eq!(again, first);
    delete(&server, "s", ANY).await.expect("deleted");
    for expected in [ANY, NO_STREAM] {
        let again = done(try_append(&server, "s", expected, events.clone()).await);
        assert_eq!(again.current_revision_option, first.current_revision_option);
        assert_eq!(again.position_option, Some(success::PositionOption::NoPosition(Empty {})));
    }
}

#[tokio::test]
async fn when_all_is_truncated_the_first_position_is_the_next() {
    let server = TestServer::start().await;
    write(&server, "s", 5).await;
    let truncate = ProposedMessage { data: br#"{"$tb":100}"#[..].into(), ..proposed(b"") };
    done(try_append(&server, "$$s", ANY, vec![truncate]).await);
    let found = frames(&server, read_stream("s", 0, 9), |_| false).await;
    assert_eq!(found, [Content::FirstStreamPosition(5), Content::LastStreamPosition(4)]);
    let found = frames(&server, read_stream("s", 5, 9), |_| false).await;
    assert_eq!(found, [Content::LastStreamPosition(4)]);
}

#[tokio::test]
async fn a_delete_of_metadata_hides_nothing() {
    let server = TestServer::start().await;
    write(&server, "s", 1).await;
    write(&server, "$$s", 1).await;
    delete(&server, "$$s", ANY).await.expect("deleted");
    assert_eq!(count(&server, "$$s").await, 1);
    assert_eq!(count(&server, "$$$$s").await, 1);
    assert_eq!(count(&server, "s").await, 1);
}
