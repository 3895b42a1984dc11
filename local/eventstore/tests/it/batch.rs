//! Batch appends as they are on the wire.

use futures::StreamExt;
use prost::Message;
use uuid::Uuid;

use crate::frames::write;
use crate::grpc::event_store::client::streams::batch_append_req::options::{
    DeadlineOption, ExpectedStreamPosition as BatchExpected,
};
use crate::grpc::event_store::client::streams::{BatchAppendReq, BatchAppendResp, batch_append_resp};
use crate::grpc::event_store::client::{Empty, WrongExpectedVersion};
use crate::grpc::{self, batch, proposed};
use crate::support::{TestServer, within_limit};

async fn batch_responses(server: &TestServer, requests: Vec<BatchAppendReq>) -> Vec<BatchAppendResp> {
    let mut client = grpc::client(server).await;
    let requests = futures::stream::iter(requests);
    let mut responses = client.batch_append(requests).await.expect("a session").into_inner();
    let mut found = Vec::new();
    while let Some(response) = within_limit(responses.message()).await.expect("a response") {
        found.push(response);
    }
    found
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
    let responses = batch_responses(&server, vec![request]).await;
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
        let responses = batch_responses(&server, vec![request]).await;
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
    let responses = batch_responses(&server, requests).await;
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
    for response in batch_responses(&server, absurd.map(timed).to_vec()).await {
        assert!(matches!(response.result, Some(batch_append_resp::Result::Success(_))), "{response:?}");
    }
    let late = [
        DeadlineOption::Deadline(ProtoDuration::default()),
        DeadlineOption::Deadline(ProtoDuration { seconds: -1, nanos: 0 }),
        DeadlineOption::Deadline21100(Timestamp { seconds: 1, nanos: 0 }),
    ];
    for response in batch_responses(&server, late.map(timed).to_vec()).await {
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
