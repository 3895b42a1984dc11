//! What is refused, and with which status: the codes and texts of EventStoreDB 24.6.0.

use tonic::{Code, Status};
use uuid::Uuid;

use crate::frames::{frames, trailer, write};
use shared_eventstore_protocol::client::{Uuid as ProtoUuid, uuid::Value};

use crate::grpc::event_store::client::Empty;
use crate::grpc::event_store::client::streams::append_req::options::ExpectedStreamRevision as Expected;
use crate::grpc::event_store::client::streams::read_req::filter_options::{Filter, Window};
use crate::grpc::event_store::client::streams::read_req::options::CountOption;
use crate::grpc::event_store::client::streams::read_req::{Expression, FilterOptions, Options, UuidOption};
use crate::grpc::event_store::client::streams::read_resp::Content;
use crate::grpc::event_store::client::streams::{
    AppendReq, DeleteReq, ProposedMessage, ReadReq, TombstoneReq, append_req, append_resp,
};
use crate::grpc::{self, append, append_options, proposed, read_all, read_req, read_stream, subscribe_to_all};
use crate::support::TestServer;

const ANY: Expected = Expected::Any(Empty {});
const UNHANDLED: &str = "Exception was thrown by handler.";

async fn refused_read(server: &TestServer, options: Options) -> Status {
    let text = format!("{options:?}");
    let read = grpc::client(server).await.read(read_req(options)).await;
    read.err().unwrap_or_else(|| panic!("the call itself is refused: {text}"))
}

async fn refused_append(server: &TestServer, messages: Vec<AppendReq>) -> Status {
    let text = format!("{messages:?}");
    let append = grpc::client(server).await.append(futures::stream::iter(messages)).await;
    append.err().unwrap_or_else(|| panic!("refused: {text}"))
}

fn assert_unhandled(status: &Status, what: &str) {
    assert_eq!((status.code(), status.message()), (Code::Unknown, UNHANDLED), "{what}");
}

fn options_of(stream: &str, expected: Option<Expected>) -> AppendReq {
    let options =
        append_req::Options { stream_identifier: grpc::identifier(stream), expected_stream_revision: expected };
    AppendReq { content: Some(append_req::Content::Options(options)) }
}

fn event_of(event: ProposedMessage) -> AppendReq {
    AppendReq { content: Some(append_req::Content::ProposedMessage(event)) }
}

#[tokio::test]
async fn an_append_that_cannot_be_understood_is_an_unhandled_exception() {
    let server = TestServer::start().await;
    let text_id = |text: &str| Some(ProtoUuid { value: Some(Value::String(text.to_owned())) });
    let with_id = |id| event_of(ProposedMessage { id, ..proposed(b"{}") });
    let mut no_type = proposed(b"{}");
    no_type.metadata.insert("type".to_owned(), String::new());
    let target = || options_of("s", Some(ANY));
    for (what, messages) in [
        ("no options", vec![with_id(text_id(&Uuid::new_v4().to_string()))]),
        ("nothing", vec![]),
        ("options twice", vec![target(), target()]),
        ("an empty message", vec![target(), AppendReq { content: None }]),
        ("no stream", vec![options_of("", Some(ANY)), event_of(proposed(b"{}"))]),
        ("no id", vec![target(), with_id(None)]),
        ("an empty id", vec![target(), with_id(grpc::id(Uuid::nil()))]),
        ("an unreadable id", vec![target(), with_id(text_id("no id"))]),
        ("an empty type", vec![target(), event_of(no_type)]),
        (
            "a revision out of range",
            vec![options_of("s", Some(Expected::Revision(1 << 63))), event_of(proposed(b"{}"))],
        ),
    ] {
        assert_unhandled(&refused_append(&server, messages).await, what);
    }
    let no_expectation = refused_append(&server, vec![options_of("s", None), event_of(proposed(b"{}"))]).await;
    assert_eq!(no_expectation.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_missing_property_is_named() {
    let server = TestServer::start().await;
    for property in ["type", "content-type"] {
        let mut event = proposed(b"{}");
        event.metadata.remove(property);
        let status = refused_append(&server, vec![options_of("s", Some(ANY)), event_of(event)]).await;
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(status.message(), format!("Required Metadata Property '{property}' is missing"));
    }
}

#[tokio::test]
async fn a_delete_that_cannot_be_understood_is_an_unhandled_exception() {
    let server = TestServer::start().await;
    let mut client = grpc::client(&server).await;
    let out_of_range = append_options("s", Expected::Revision(u64::MAX - 1));
    for options in [None, Some(append_options("", ANY)), Some(out_of_range)] {
        let status = client.delete(DeleteReq { options: options.clone() }).await.expect_err("refused");
        assert_unhandled(&status, "delete");
        let status = client.tombstone(TombstoneReq { options }).await.expect_err("refused");
        assert_unhandled(&status, "tombstone");
    }
}

#[tokio::test]
async fn a_read_that_cannot_be_understood_is_an_unhandled_exception() {
    let server = TestServer::start().await;
    write(&server, "s", 1).await;
    let status = grpc::client(&server).await.read(ReadReq { options: None }).await.expect_err("refused");
    assert_unhandled(&status, "no options");
    let filter = || FilterOptions {
        filter: Some(Filter::EventType(Expression { regex: String::new(), prefix: vec!["T".to_owned()] })),
        window: Some(Window::Max(32)),
        checkpoint_interval_multiplier: 1,
    };
    let bad_regex = Filter::EventType(Expression { regex: "(".to_owned(), prefix: vec![] });
    let subscribe = |options| subscribe_to_all(Some(options));
    for (what, options) in [
        ("no stream", read_stream("", 0, 1)),
        ("a revision out of range", read_stream("s", 1 << 63, 1)),
        ("prepare beyond commit", read_all((5, 6), 0, 10)),
        ("a position out of range", read_all((1 << 63, 1 << 63), 0, 10)),
        ("multiplier 0", subscribe(FilterOptions { checkpoint_interval_multiplier: 0, ..filter() })),
        ("bad regex", subscribe(FilterOptions { filter: Some(bad_regex), ..filter() })),
    ] {
        assert_unhandled(&refused_read(&server, options).await, what);
    }
    let no_window = refused_read(&server, subscribe(FilterOptions { window: None, ..filter() })).await;
    assert_eq!(no_window.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_read_that_can_have_no_first_page_is_an_error() {
    let server = TestServer::start().await;
    write(&server, "s", 3).await;
    let stream_error = |status: Status| {
        assert_eq!((status.code(), status.message()), (Code::Unknown, "Unexpected ReadStreamResult: Error"));
    };
    stream_error(refused_read(&server, read_stream("s", u64::MAX, 1)).await);
    stream_error(refused_read(&server, read_stream("s", 0, 0)).await);
    let i64_max = i64::MAX as u64;
    let backwards = refused_read(&server, read_all((i64_max, i64_max), 1, 10)).await;
    assert_eq!((backwards.code(), backwards.message()), (Code::Unknown, "Unexpected ReadAllResult: Error"));
    for end in [u64::MAX, i64_max] {
        assert_eq!(frames(&server, read_all((end, end), 0, 10), |_| false).await, []);
    }
    assert_eq!(frames(&server, read_all((u64::MAX, u64::MAX), 1, 1), |_| false).await.len(), 1);
}

#[tokio::test]
async fn a_read_without_a_start_ends_at_once() {
    let server = TestServer::start().await;
    write(&server, "s", 3).await;
    let mut options = read_stream("s", 0, 9);
    options.stream_option = Some(grpc::stream_option("s", None));
    assert_eq!(frames(&server, options, |_| false).await, []);
    let mut options = read_all((0, 0), 0, 9);
    options.stream_option = Some(grpc::all_option(None));
    assert_eq!(frames(&server, options, |_| false).await, []);
}

#[tokio::test]
async fn an_empty_form_of_ids_is_the_structured_one() {
    let server = TestServer::start().await;
    write(&server, "s", 1).await;
    let options = Options { uuid_option: Some(UuidOption { content: None }), ..read_stream("s", 0, 1) };
    let found = frames(&server, options, |_| false).await;
    let Some(Content::Event(event)) = found.first() else { panic!("{found:?}") };
    let event = grpc::recorded(event);
    assert!(matches!(event.id.and_then(|id| id.value), Some(Value::Structured(_))));
}

#[tokio::test]
async fn a_refused_read_is_refused_before_any_frame() {
    let server = TestServer::start().await;
    write(&server, "gone", 1).await;
    let options = Some(append_options("gone", ANY));
    grpc::client(&server).await.tombstone(TombstoneReq { options }).await.expect("tombstoned");
    let subscription = Options { count_option: Some(CountOption::Subscription(Empty {})), ..read_stream("gone", 0, 1) };
    for options in [read_stream("gone", 0, 1), read_stream("$$gone", 0, 1), subscription] {
        let status = refused_read(&server, options).await;
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert_eq!(trailer(&status, "exception"), Some("stream-deleted"));
        // With the headers, not after them: only then are there ordinary response headers beside the status.
        assert!(status.metadata().get("date").is_some(), "{status:?}");
    }
}

#[tokio::test]
async fn the_greatest_revision_means_no_stream_and_comes_back_as_it_was_sent() {
    use append_resp::wrong_expected_version::ExpectedRevisionOption;
    let server = TestServer::start().await;
    let mut client = grpc::client(&server).await;
    let first = client.append(append("s", Expected::Revision(u64::MAX), vec![proposed(b"{}")])).await;
    first.expect("a new stream");
    let request = append("s", Expected::Revision(u64::MAX), vec![proposed(b"{}")]);
    let response = client.append(request).await.expect("in band").into_inner();
    let Some(append_resp::Result::WrongExpectedVersion(wrong)) = response.result else { panic!("{response:?}") };
    assert_eq!(wrong.expected_revision_option, Some(ExpectedRevisionOption::ExpectedRevision(u64::MAX)));
}

#[tokio::test]
async fn no_trailer_is_empty() {
    let server = TestServer::start().await;
    let mut client = grpc::client(&server).await;
    let options = Some(append_options("missing", ANY));
    let status = client.delete(DeleteReq { options }).await.expect_err("refused");
    assert_eq!(trailer(&status, "actual-version"), Some("-1"));

    use crate::grpc::event_store::client::persistent_subscriptions as persistent;
    use persistent::list_req::{Options, StreamOption, options::ListOption, stream_option};
    let stream = grpc::identifier("s").map(stream_option::StreamOption::Stream);
    let options = Options { list_option: Some(ListOption::ListForStream(StreamOption { stream_option: stream })) };
    let channel = grpc::channel(&server).await;
    let mut client = persistent::persistent_subscriptions_client::PersistentSubscriptionsClient::new(channel);
    let status = client.list(persistent::ListReq { options: Some(options) }).await.expect_err("refused");
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(trailer(&status, "stream-name"), Some("s"));
    assert_eq!(trailer(&status, "group-name"), None);
}

#[tokio::test]
async fn every_name_is_an_ordinary_one_to_writes() {
    let server = TestServer::start().await;
    for stream in ["$all", "$", "$$", "$$$", &"n".repeat(60_000)] {
        write(&server, stream, 1).await;
    }
}
