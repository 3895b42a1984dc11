//! Frames, statuses and trailers as they are on the wire.

use std::time::{Duration, Instant};

use futures::StreamExt;
use prost::Message;
use tonic::{Code, Request, Status};
use uuid::Uuid;

use crate::grpc::event_store::client::Empty;
use crate::grpc::event_store::client::streams::append_req::options::ExpectedStreamRevision as Expected;
use crate::grpc::event_store::client::streams::batch_append_req::options::ExpectedStreamPosition;
use crate::grpc::event_store::client::streams::read_req::filter_options::{Filter, Window};
use crate::grpc::event_store::client::streams::read_req::{Expression, FilterOptions, Options};
use crate::grpc::event_store::client::streams::read_resp::Content;
use crate::grpc::event_store::client::streams::{AppendReq, DeleteReq, ProposedMessage, ReadEvent, append_resp};
use crate::grpc::{self, append, append_options, batch, proposed, read_req, read_stream, subscribe_to_all};
use crate::support::{TestServer, within_limit};

const ANY: Expected = Expected::Any(Empty {});
const NO_STREAM: Expected = Expected::NoStream(Empty {});

pub(crate) async fn write(server: &TestServer, stream: &str, count: usize) {
    let events = (0..count).map(|_| proposed(b"{}")).collect();
    let request = append(stream, ANY, events);
    grpc::client(server).await.append(request).await.expect("written");
}

/// How many events a read of the stream shows.
pub(crate) async fn count(server: &TestServer, stream: &str) -> usize {
    let found = frames(server, read_stream(stream, 0, 10_000), |_| false).await;
    found.iter().filter(|content| matches!(content, Content::Event(_))).count()
}

/// The frames of a read, up to and including the first that `last` accepts.
pub(crate) async fn frames(server: &TestServer, options: Options, last: fn(&Content) -> bool) -> Vec<Content> {
    let mut client = grpc::client(server).await;
    let mut frames = client.read(read_req(options)).await.expect("a read").into_inner();
    let mut found = Vec::new();
    while let Some(frame) = within_limit(frames.message()).await.expect("a frame") {
        let content = frame.content.expect("content");
        let end = last(&content);
        found.push(content);
        if end {
            break;
        }
    }
    found
}

pub(crate) fn trailer<'a>(status: &'a Status, key: &str) -> Option<&'a str> {
    status.metadata().get(key).map(|value| value.to_str().expect("text"))
}

#[tokio::test]
async fn an_event_has_exactly_three_pieces_of_metadata() {
    let server = TestServer::start().await;
    write(&server, "s", 1).await;
    let found = frames(&server, read_stream("s", 0, 1), |_| false).await;
    let Some(Content::Event(event)) = found.first().cloned() else { panic!("{found:?}") };
    let event = ReadEvent::decode(event).expect("an event").event.expect("itself");
    let mut keys: Vec<_> = event.metadata.keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["content-type", "created", "type"]);
    assert_eq!(event.metadata["content-type"], "application/json");
    assert_eq!(event.prepare_position, event.commit_position);
}

#[tokio::test]
async fn a_wrong_revision_fills_both_sets_of_fields() {
    use append_resp::wrong_expected_version as fields;
    let server = TestServer::start().await;
    write(&server, "s", 3).await;
    let mut client = grpc::client(&server).await;
    let request = append("s", Expected::Revision(7), vec![proposed(b"{}")]);
    let response = client.append(request).await.expect("in band").into_inner();
    let Some(append_resp::Result::WrongExpectedVersion(wrong)) = response.result else { panic!("{response:?}") };
    assert_eq!(wrong.current_revision_option, Some(fields::CurrentRevisionOption::CurrentRevision(2)));
    assert_eq!(wrong.expected_revision_option, Some(fields::ExpectedRevisionOption::ExpectedRevision(7)));
    let legacy = fields::LegacyCurrentRevisionOption::LegacyCurrentRevision(2);
    assert_eq!(wrong.legacy_current_revision_option, Some(legacy));
    let legacy = fields::LegacyExpectedRevisionOption::LegacyExpectedRevision(7);
    assert_eq!(wrong.legacy_expected_revision_option, Some(legacy));

    let request = append("s", NO_STREAM, vec![proposed(b"{}")]);
    let response = client.append(request).await.expect("in band").into_inner();
    let Some(append_resp::Result::WrongExpectedVersion(wrong)) = response.result else { panic!("{response:?}") };
    let legacy = fields::LegacyExpectedRevisionOption::LegacyExpectedRevision(u64::MAX);
    assert_eq!(wrong.legacy_expected_revision_option, Some(legacy));
}

#[tokio::test]
async fn a_refused_delete_says_why_in_text_and_trailers() {
    let server = TestServer::start().await;
    write(&server, "s", 3).await;
    let mut client = grpc::client(&server).await;
    let mut delete = async |stream, expected| {
        let options = Some(append_options(stream, expected));
        client.delete(DeleteReq { options }).await.expect_err("refused")
    };
    let wrong = delete("s", Expected::Revision(1)).await;
    assert_eq!(wrong.code(), Code::FailedPrecondition);
    assert!(wrong.message().contains("WrongExpectedVersion"), "{wrong:?}");
    assert_eq!(trailer(&wrong, "exception"), Some("wrong-expected-version"));
    assert_eq!(trailer(&wrong, "stream-name"), Some("s"));
    assert_eq!(trailer(&wrong, "expected-version"), Some("1"));
    assert_eq!(trailer(&wrong, "actual-version"), Some("2"));
    let missing = delete("\u{fc}nbekannt", ANY).await;
    assert!(missing.message().contains("Actual version: -1"), "{missing:?}");
    assert_eq!(trailer(&missing, "expected-version"), Some("-2"));
    assert_eq!(trailer(&missing, "stream-name"), Some("%C3%BCnbekannt"));
}

/// An append of these events is refused as invalid, with these trailers.
async fn assert_invalid(server: &TestServer, events: Vec<ProposedMessage>, trailers: [(&str, &str); 2]) {
    let appended = grpc::client(server).await.append(append("s", ANY, events)).await;
    let status = appended.expect_err("refused");
    assert_eq!(status.code(), Code::InvalidArgument);
    for (name, value) in trailers {
        assert_eq!(trailer(&status, name), Some(value));
    }
}

#[tokio::test]
async fn an_event_without_a_property_is_refused() {
    let server = TestServer::start().await;
    let mut event = proposed(b"{}");
    event.metadata.remove("content-type");
    let trailers =
        [("exception", "missing-required-metadata-property"), ("required-metadata-properties", "type,content-type")];
    assert_invalid(&server, vec![event], trailers).await;
}

#[tokio::test]
async fn an_append_over_the_limit_names_the_limit() {
    let server = TestServer::start().await;
    let half = vec![0; 600 * 1024].leak();
    let trailers = [("exception", "maximum-append-size-exceeded"), ("maximum-append-size", "1048576")];
    assert_invalid(&server, vec![proposed(half), proposed(half)], trailers).await;
}

#[tokio::test]
async fn a_deadline_is_kept_before_and_after_the_first_frame() {
    let server = TestServer::start().await;
    let mut client = grpc::client_without_clock(&server);
    let never_ends = append("s", ANY, vec![]).chain(futures::stream::pending::<AppendReq>());
    let mut request = Request::new(never_ends);
    request.set_timeout(Duration::from_millis(100));
    let status = within_limit(client.append(request)).await.expect_err("too late");
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");

    let mut request = Request::new(read_req(subscribe_to_all(None)));
    request.set_timeout(Duration::from_millis(300));
    let mut frames = client.read(request).await.expect("a subscription").into_inner();
    let end = loop {
        match within_limit(frames.message()).await {
            Ok(Some(_)) => {}
            end => break end,
        }
    };
    assert_eq!(end.expect_err("too late").code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn shutdown_ends_every_call_with_unavailable() {
    let mut server = TestServer::start().await;
    let mut client = grpc::client(&server).await;
    let request = read_req(subscribe_to_all(None));
    let mut subscription = client.read(request).await.expect("a subscription").into_inner();
    let write = batch(Uuid::new_v4(), "s", ExpectedStreamPosition::Any(Empty {}), vec![proposed(b"{}")]);
    let requests = futures::stream::iter([write]).chain(futures::stream::pending());
    let mut session = client.batch_append(requests).await.expect("a session").into_inner();
    within_limit(session.message()).await.expect("a response").expect("not the end");
    let start = Instant::now();
    let subscribed = async {
        loop {
            match subscription.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("it ended with OK"),
                Err(status) => break status,
            }
        }
    };
    let all = async { tokio::join!(subscribed, session.message(), server.stop()) };
    let (subscription, session, ()) = within_limit(all).await;
    assert_eq!(subscription.code(), Code::Unavailable, "{subscription:?}");
    assert_eq!(session.expect_err("no response").code(), Code::Unavailable);
    assert!(start.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn unsupported_combinations_are_refused() {
    let server = TestServer::start().await;
    write(&server, "s", 1).await;
    let all = || subscribe_to_all(None);
    let mut client = grpc::client(&server).await;
    let filtered_stream =
        Options { filter_option: subscribe_to_all(Some(filter(1, 1))).filter_option, ..read_stream("s", 0, 1) };
    let refused = [
        (Options { uuid_option: None, ..all() }, Code::InvalidArgument),
        (Options { read_direction: 1, ..all() }, Code::InvalidArgument),
        (Options { read_direction: 9, ..all() }, Code::InvalidArgument),
        (Options { filter_option: None, ..all() }, Code::InvalidArgument),
        (Options { stream_option: None, ..all() }, Code::InvalidArgument),
        (Options { count_option: None, ..all() }, Code::InvalidArgument),
        (filtered_stream, Code::InvalidArgument),
        (subscribe_to_all(Some(filter(0, 1))), Code::InvalidArgument),
    ];
    for (options, code) in refused {
        let text = format!("{options:?}");
        let status = client.read(read_req(options)).await.expect_err("refused");
        assert_eq!(status.code(), code, "{text}");
    }
}

fn filter(window: u32, multiplier: u32) -> FilterOptions {
    FilterOptions {
        filter: Some(Filter::StreamIdentifier(Expression { regex: String::new(), prefix: vec!["wanted".to_owned()] })),
        window: Some(Window::Max(window)),
        checkpoint_interval_multiplier: multiplier,
    }
}

/// The positions of all events.
pub(crate) async fn positions(server: &TestServer) -> Vec<u64> {
    let found = frames(server, grpc::read_all((0, 0), 0, 1000), |_| false).await;
    let commit = |content: &Content| match content {
        Content::Event(event) => Some(grpc::recorded(event).commit_position),
        _ => None,
    };
    found.iter().filter_map(commit).collect()
}

fn position(content: &Content) -> Option<u64> {
    match content {
        Content::Checkpoint(position) => Some(position.commit_position),
        _ => None,
    }
}

#[tokio::test]
async fn checkpoints_come_at_their_interval_and_never_twice() {
    let server = TestServer::start().await;
    write(&server, "other", 9).await;
    let known = positions(&server).await;
    let subscription = subscribe_to_all(Some(filter(2, 2)));
    let caught_up = |content: &Content| matches!(content, Content::CaughtUp(_));
    let found = frames(&server, subscription, caught_up).await;
    let checkpoints: Vec<_> = found.iter().filter_map(position).collect();
    assert_eq!(checkpoints, [known[3], known[7], known[9]]);
    assert!(matches!(found[found.len() - 2], Content::Checkpoint(_)), "{found:?}");

    let subscription = subscribe_to_all(Some(filter(5, 2)));
    let found = frames(&server, subscription, caught_up).await;
    assert_eq!(found.iter().filter_map(position).collect::<Vec<_>>(), [known[9]]);
}

#[tokio::test]
async fn live_checkpoints_count_what_was_considered() {
    let server = TestServer::start().await;
    let mut client = grpc::client(&server).await;
    let request = read_req(subscribe_to_all(Some(filter(2, 1))));
    let mut frames = client.read(request).await.expect("a subscription").into_inner();
    loop {
        let frame = within_limit(frames.message()).await.expect("a frame").expect("not the end");
        if matches!(frame.content, Some(Content::CaughtUp(_))) {
            break;
        }
    }
    write(&server, "other", 3).await;
    write(&server, "wanted", 1).await;
    let mut found = Vec::new();
    while found.len() < 3 {
        let frame = within_limit(frames.message()).await.expect("a frame").expect("not the end");
        found.push(match frame.content.expect("content") {
            Content::Checkpoint(position) => ("checkpoint", position.commit_position),
            Content::Event(event) => {
                let event = ReadEvent::decode(event).expect("an event").event.expect("itself");
                ("event", event.commit_position)
            }
            other => panic!("{other:?}"),
        });
    }
    let known = positions(&server).await;
    assert_eq!(found, [("checkpoint", known[2]), ("event", known[4]), ("checkpoint", known[4])]);
}

#[tokio::test]
async fn a_slow_consumer_catches_up_again() {
    const APPENDS: u64 = 24;
    const EVENTS: u64 = 1000;
    let server = TestServer::start().await;
    let mut client = grpc::client_with_small_window(&server).await;
    let request = read_req(subscribe_to_all(None));
    let mut frames = client.read(request).await.expect("a subscription").into_inner();
    let mut next = async || within_limit(frames.message()).await.expect("a frame").expect("not the end").content;
    while !matches!(next().await, Some(Content::CaughtUp(_))) {}
    // More than the server keeps in memory and than fits between it and a client that does not read.
    for _ in 0..APPENDS {
        write(&server, "s", EVENTS as usize).await;
    }
    let mut caught_up = 0;
    let mut expected_revision = 0;
    while expected_revision < APPENDS * EVENTS {
        match next().await.expect("content") {
            Content::Event(event) => {
                let event = ReadEvent::decode(event).expect("an event").event.expect("itself");
                assert_eq!(event.stream_revision, expected_revision);
                expected_revision += 1;
            }
            Content::CaughtUp(_) => caught_up += 1,
            other => panic!("{other:?}"),
        }
    }
    while caught_up == 0 {
        caught_up += i32::from(matches!(next().await, Some(Content::CaughtUp(_))));
    }
}

#[tokio::test]
async fn a_read_tells_the_ends_of_the_stream_to_clients_that_know_them() {
    let server = TestServer::start().await;
    write(&server, "s", 3).await;
    let found = frames(&server, read_stream("s", 0, 2), |_| false).await;
    assert!(matches!(found[..], [Content::Event(_), Content::Event(_), Content::LastStreamPosition(2)]), "{found:?}");
    let found = frames(&server, read_stream("s", 9, 5), |_| false).await;
    assert_eq!(found, [Content::FirstStreamPosition(3), Content::LastStreamPosition(2)]);
    let found = frames(&server, read_stream("missing", 0, 1), |_| false).await;
    assert!(matches!(found[..], [Content::StreamNotFound(_)]), "{found:?}");
    let unaware = Options { control_option: None, ..read_stream("s", 2, 5) };
    let found = frames(&server, unaware, |_| false).await;
    assert!(matches!(found[..], [Content::Event(_)]), "{found:?}");
}
