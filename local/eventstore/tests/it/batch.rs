//! Batch appends as they are on the wire.

use futures::StreamExt;
use prost::Message;
use uuid::Uuid;

use crate::STRICT;
use crate::frames::write;
use crate::grpc::event_store::client::streams::batch_append_req::options::{
    DeadlineOption, ExpectedStreamPosition as BatchExpected,
};
use crate::grpc::event_store::client::streams::{BatchAppendReq, BatchAppendResp, batch_append_resp};
use crate::grpc::event_store::client::{Empty, WrongExpectedVersion};
use crate::grpc::{self, batch, proposed};
use crate::support::{TestServer, within_limit};

/// The answers to the requests, as many as are expected. The session stays open until they are there: one that is
/// closed earlier does not get them all in strict mode.
async fn batch_responses(server: &TestServer, expected: usize, requests: Vec<BatchAppendReq>) -> Vec<BatchAppendResp> {
    let mut client = grpc::client(server).await;
    let requests = futures::stream::iter(requests).chain(futures::stream::pending());
    let mut responses = within_limit(client.batch_append(requests)).await.expect("a session").into_inner();
    let mut found = Vec::new();
    while found.len() < expected {
        found.push(within_limit(responses.message()).await.expect("a response").expect("not the end"));
    }
    found
}

#[tokio::test]
async fn a_session_that_is_closed_gets_all_answers_and_ends_unless_in_strict_mode() {
    if STRICT {
        return;
    }
    let server = TestServer::start().await;
    let mut client = grpc::client(&server).await;
    let any = || BatchExpected::Any(Empty {});
    let requests = (0..20).map(|_| batch(Uuid::new_v4(), "s", any(), vec![proposed(b"{}")]));
    let requests = futures::stream::iter(requests.collect::<Vec<_>>());
    let mut responses = client.batch_append(requests).await.expect("a session").into_inner();
    let mut answers = 0;
    while within_limit(responses.message()).await.expect("it ends with OK").is_some() {
        answers += 1;
    }
    assert_eq!(answers, 20);
}

#[tokio::test]
async fn a_bad_fragment_without_options_ends_the_session() {
    let server = TestServer::start().await;
    let mut client = grpc::client(&server).await;
    let (id, any) = (Uuid::new_v4(), || BatchExpected::Any(Empty {}));
    let first = BatchAppendReq { is_final: false, ..batch(id, "s", any(), vec![proposed(b"{}")]) };
    let mut bad = proposed(b"{}");
    bad.id = None;
    let second = BatchAppendReq { options: None, ..batch(id, "", any(), vec![bad]) };
    let requests = futures::stream::iter([first, second]).chain(futures::stream::pending());
    let end = async { client.batch_append(requests).await?.into_inner().message().await };
    let end = within_limit(end).await.expect_err("it ends");
    assert_eq!((end.code(), end.message()), (tonic::Code::Unknown, "Exception was thrown by handler."));
}

#[tokio::test]
async fn the_greatest_revision_comes_back_as_no_stream() {
    use crate::grpc::event_store::client::wrong_expected_version::ExpectedStreamPositionOption as Answered;
    let server = TestServer::start().await;
    write(&server, "s", 1).await;
    let request = batch(Uuid::new_v4(), "s", BatchExpected::StreamPosition(u64::MAX), vec![proposed(b"{}")]);
    let responses = batch_responses(&server, 1, vec![request]).await;
    let Some(batch_append_resp::Result::Error(status)) = &responses[0].result else { panic!("{responses:?}") };
    let detail = &status.details.as_ref().expect("a detail").value;
    let detail = WrongExpectedVersion::decode(&detail[..]).expect("its own type");
    assert_eq!(detail.expected_stream_position_option, Some(Answered::ExpectedNoStream(Empty {})));
}

fn failure(response: &BatchAppendResp) -> (i32, &str) {
    match &response.result {
        Some(batch_append_resp::Result::Error(status)) => {
            let detail = status.details.as_ref().expect("a detail");
            let name = detail.type_url.strip_prefix("type.googleapis.com/event_store.client.");
            (status.code, name.expect("the detail's name"))
        }
        other => panic!("an error, not {other:?}"),
    }
}

#[tokio::test]
async fn batch_errors_carry_one_detail() {
    let server = TestServer::start().await;
    write(&server, "s", 3).await;
    let any = || BatchExpected::Any(Empty {});
    let correlation_id = Uuid::new_v4();
    let request = batch(correlation_id, "s", BatchExpected::StreamPosition(9), vec![proposed(b"{}")]);
    let responses = batch_responses(&server, 1, vec![request]).await;
    assert_eq!(failure(&responses[0]), (6, "WrongExpectedVersion"));
    assert_eq!(responses[0].correlation_id, grpc::id(correlation_id));
    assert_eq!(responses[0].stream_identifier, grpc::identifier("s"));
    let Some(batch_append_resp::Result::Error(status)) = &responses[0].result else { panic!("{responses:?}") };
    let detail = &status.details.as_ref().expect("a detail").value;
    let detail = WrongExpectedVersion::decode(&detail[..]).expect("its own type");
    assert!(detail.current_stream_revision_option.is_some() && detail.expected_stream_position_option.is_some());

    let mut no_type = proposed(b"{}");
    no_type.metadata.clear();
    let large = vec![0; 1024 * 1024].leak();
    for (events, expected) in [(vec![no_type], "BadRequest"), (vec![proposed(large)], "MaximumAppendSizeExceeded")] {
        let request = batch(Uuid::new_v4(), "s", any(), events);
        let responses = batch_responses(&server, 1, vec![request]).await;
        assert_eq!(failure(&responses[0]), (3, expected));
    }
}

#[tokio::test]
async fn batch_fragments_belong_together_by_their_correlation_id() {
    let server = TestServer::start().await;
    let (first, second) = (Uuid::new_v4(), Uuid::new_v4());
    let any = || BatchExpected::Any(Empty {});
    let unfinished = |id, stream| BatchAppendReq { is_final: false, ..batch(id, stream, any(), vec![proposed(b"{}")]) };
    let more = |id| BatchAppendReq { options: None, ..batch(id, "", any(), vec![proposed(b"{}")]) };
    let requests =
        vec![unfinished(first, "a"), unfinished(second, "b"), more(first), more(second), more(Uuid::new_v4())];
    let responses = batch_responses(&server, 2, requests).await;
    assert_eq!(responses.len(), 2);
    for response in responses {
        let Some(batch_append_resp::Result::Success(success)) = response.result else { panic!("{response:?}") };
        let revision = batch_append_resp::success::CurrentRevisionOption::CurrentRevision(1);
        assert_eq!(success.current_revision_option, Some(revision));
    }
}

#[tokio::test]
async fn batch_deadlines_are_clamped_and_kept() {
    use prost_types::{Duration as ProtoDuration, Timestamp};
    let server = TestServer::start().await;
    let timed = |deadline| {
        let mut request = batch(Uuid::new_v4(), "s", BatchExpected::Any(Empty {}), vec![proposed(b"{}")]);
        request.options.as_mut().expect("options").deadline_option = Some(deadline);
        request
    };
    let absurd = [
        DeadlineOption::Deadline(ProtoDuration { seconds: i64::MAX, nanos: 0 }),
        DeadlineOption::Deadline(ProtoDuration { seconds: 1_700_000_000, nanos: 5 }),
        DeadlineOption::Deadline21100(Timestamp { seconds: 253_402_300_799, nanos: 0 }),
    ];
    for response in batch_responses(&server, 3, absurd.map(timed).to_vec()).await {
        assert!(matches!(response.result, Some(batch_append_resp::Result::Success(_))), "{response:?}");
    }
    let late = [
        DeadlineOption::Deadline(ProtoDuration::default()),
        DeadlineOption::Deadline(ProtoDuration { seconds: -1, nanos: 0 }),
        DeadlineOption::Deadline21100(Timestamp { seconds: 1, nanos: 0 }),
    ];
    for response in batch_responses(&server, 3, late.map(timed).to_vec()).await {
        assert_eq!(failure(&response), (4, "Timeout"));
    }

    let mut unfinished = timed(DeadlineOption::Deadline(ProtoDuration { seconds: 0, nanos: 50_000_000 }));
    unfinished.is_final = false;
    let mut client = grpc::client(&server).await;
    let requests = futures::stream::iter([unfinished]).chain(futures::stream::pending());
    let mut responses = client.batch_append(requests).await.expect("a session").into_inner();
    let response = within_limit(responses.message()).await.expect("a response").expect("not the end");
    assert_eq!(failure(&response), (4, "Timeout"));
}
