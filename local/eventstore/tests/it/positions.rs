//! Positions in `$all`: offsets of records, and what they are good for.

use tonic::Code;

use crate::frames::{frames, positions, write};
use crate::grpc::event_store::client::Empty;
use crate::grpc::event_store::client::streams::append_req::options::ExpectedStreamRevision as Expected;
use crate::grpc::event_store::client::streams::read_resp::Content;
use crate::grpc::{self, append, proposed, read_all, read_req, recorded, subscribe_from};
use crate::support::{TestServer, within_limit};

fn commit(content: &Content) -> Option<u64> {
    match content {
        Content::Event(event) => Some(recorded(event).commit_position),
        _ => None,
    }
}

#[tokio::test]
async fn positions_grow_by_the_size_of_a_record() {
    let mut server = TestServer::start().await;
    write(&server, "s", 1).await;
    let large = vec![b' '; 10_000].leak();
    let request = append("s", Expected::Any(Empty {}), vec![proposed(large)]);
    grpc::client(&server).await.append(request).await.expect("written");
    write(&server, "s", 1).await;
    let before = positions(&server).await;
    let [first, small, large, last] = before[..] else { panic!("{before:?}") };
    assert!(first > 0, "a client's event is never at the beginning");
    assert!(small > first + 1 && large > small + 1);
    assert!(large - small < 1000 && last - large > 10_000, "{before:?}");

    server.restart().await;
    assert_eq!(positions(&server).await, before);
    write(&server, "s", 1).await;
    let after = positions(&server).await;
    assert_eq!(after.last().map(|next| next - last), Some(large - small), "the same record again");
}

#[tokio::test]
async fn a_read_from_where_no_record_begins_is_refused() {
    let server = TestServer::start().await;
    write(&server, "s", 2).await;
    let known = positions(&server).await;
    let last = *known.last().expect("an event");
    for (position, direction) in [(known[1] + 1, 0), (known[1] + 1, 1), (1, 0), (1, 1), (last + 1, 0), (last + 1, 1)] {
        let options = read_all((position, position), direction, 10);
        let refused = grpc::client(&server).await.read(read_req(options)).await.expect_err("refused");
        assert_eq!((refused.code(), refused.message()), (Code::Unknown, "Unexpected ReadAllResult: InvalidPosition"));
    }
    assert_eq!(frames(&server, read_all((0, 0), 0, 10), |_| false).await.len(), 3);
    assert_eq!(frames(&server, read_all((0, 0), 1, 10), |_| false).await.len(), 0);
}

#[tokio::test]
async fn a_subscription_to_where_no_record_begins_is_confirmed_and_then_refused() {
    let server = TestServer::start().await;
    write(&server, "s", 2).await;
    let middle = positions(&server).await[1] + 1;
    let mut client = grpc::client(&server).await;
    let request = read_req(subscribe_from((middle, middle)));
    let mut frames = client.read(request).await.expect("a subscription").into_inner();
    let first = within_limit(frames.message()).await.expect("a frame").expect("not the end");
    assert!(matches!(first.content, Some(Content::Confirmation(_))), "{first:?}");
    let refused = within_limit(frames.message()).await.expect_err("refused");
    assert_eq!(
        (refused.code(), refused.message()),
        (Code::InvalidArgument, "Trying to read from an invalid position.")
    );
}

#[tokio::test]
async fn a_subscription_from_beyond_the_end_waits() {
    let server = TestServer::start().await;
    write(&server, "s", 2).await;
    let beyond = positions(&server).await.last().expect("an event") + 1_000_000;
    for position in [beyond, i64::MAX as u64] {
        let caught_up = |content: &Content| matches!(content, Content::CaughtUp(_));
        let found = frames(&server, subscribe_from((position, position)), caught_up).await;
        assert!(matches!(found[..], [Content::Confirmation(_), Content::CaughtUp(_)]), "{found:?}");
    }
}

#[tokio::test]
async fn a_position_prepared_before_an_event_has_it_considered_again() {
    let server = TestServer::start().await;
    write(&server, "s", 3).await;
    let known = positions(&server).await;
    let caught_up = |content: &Content| matches!(content, Content::CaughtUp(_));
    let after = async |start| -> Vec<_> {
        let found = frames(&server, subscribe_from(start), caught_up).await;
        found.iter().filter_map(commit).collect()
    };
    assert_eq!(after((known[2], known[2])).await, known[3..]);
    assert_eq!(after((known[2], 0)).await, known[2..]);
    let backwards: Vec<_> = frames(&server, read_all((known[2], 0), 1, 1), |_| false).await;
    assert_eq!(backwards.iter().filter_map(commit).collect::<Vec<_>>(), [known[1]]);
}
