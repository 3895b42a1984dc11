//! Clients that may not do everything.

use jetbridge_eventstore::Right;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::frames::{count, trailer, write};
use crate::grpc::event_store::client::Empty;
use crate::grpc::event_store::client::streams::append_req::options::ExpectedStreamRevision as Expected;
use crate::grpc::event_store::client::streams::batch_append_req::options::ExpectedStreamPosition;
use crate::grpc::event_store::client::streams::batch_append_resp::Result as BatchResult;
use crate::grpc::{self, append, batch, proposed, read_all, read_req, read_stream, subscribe_to_all};
use crate::support::{TestServer, within_limit};

fn assert_denied(status: &Status) {
    assert_eq!((status.code(), status.message()), (Code::PermissionDenied, "Access Denied"));
    assert_eq!(trailer(status, "exception"), Some("access-denied"));
}

#[tokio::test]
async fn a_read_without_the_right_is_denied() {
    let rights = vec![Right::ReadAll, Right::ReadStream("secret".to_owned())];
    let server = TestServer::start_denying(rights).await;
    write(&server, "secret", 1).await;
    write(&server, "open", 1).await;
    for options in [read_all((0, 0), 0, 9), subscribe_to_all(None), read_stream("secret", 0, 9)] {
        let denied = grpc::client(&server).await.read(read_req(options)).await;
        assert_denied(&denied.expect_err("denied"));
    }
    assert_eq!(count(&server, "open").await, 1);
}

#[tokio::test]
async fn an_append_without_the_right_is_denied() {
    let server = TestServer::start_denying(vec![Right::AppendStream("secret".to_owned())]).await;
    let mut client = grpc::client(&server).await;
    let request = append("secret", Expected::Any(Empty {}), vec![proposed(b"{}")]);
    assert_denied(&client.append(request).await.expect_err("denied"));

    let request = batch(Uuid::new_v4(), "secret", ExpectedStreamPosition::Any(Empty {}), vec![proposed(b"{}")]);
    let requests = futures::StreamExt::chain(futures::stream::iter([request]), futures::stream::pending());
    let mut responses = client.batch_append(requests).await.expect("a session").into_inner();
    let response = within_limit(responses.message()).await.expect("a response").expect("not the end");
    let Some(BatchResult::Error(status)) = response.result else { panic!("{response:?}") };
    assert_eq!((status.code, &*status.message), (7, "AccessDenied"));
    write(&server, "open", 1).await;
    assert_eq!(count(&server, "secret").await, 0);
}
