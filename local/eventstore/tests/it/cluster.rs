//! Several nodes, one of which leads.

use std::net::SocketAddr;

use futures::StreamExt;
use jetbridge_eventstore::{RunningCluster, start_cluster};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Code, Request, Status};
use uuid::Uuid;

use crate::frames::trailer;
use crate::grpc::event_store::client::Empty;
use crate::grpc::event_store::client::gossip::gossip_client::GossipClient;
use crate::grpc::event_store::client::gossip::member_info::VNodeState;
use crate::grpc::event_store::client::streams::BatchAppendReq;
use crate::grpc::event_store::client::streams::append_req::options::ExpectedStreamRevision as Expected;
use crate::grpc::event_store::client::streams::batch_append_req::options::ExpectedStreamPosition;
use crate::grpc::event_store::client::streams::batch_append_resp::Result as BatchResult;
use crate::grpc::event_store::client::streams::streams_client::StreamsClient;
use crate::grpc::{self, append, batch, proposed, read_req, read_stream};
use crate::support::{ANY_PORT, config, let_eventstore_go_first, within_limit};

struct TestCluster {
    nodes: RunningCluster,
    _shutdown: DropGuard,
    _directory: TempDir,
}

impl TestCluster {
    async fn start() -> Self {
        let directory = tempfile::tempdir().expect("a temporary folder");
        let shutdown = CancellationToken::new();
        let config = config(directory.path(), ANY_PORT);
        let nodes = start_cluster(config, &[ANY_PORT, ANY_PORT], shutdown.clone()).await.expect("it starts");
        Self { nodes, _shutdown: shutdown.drop_guard(), _directory: directory }
    }

    fn address(&self, node: usize) -> SocketAddr {
        self.nodes.addresses()[node]
    }

    async fn client(&self, node: usize) -> grpc::Client {
        StreamsClient::new(grpc::channel_to(self.address(node)).await)
    }

    /// The members as a node tells them: state, alive, port.
    async fn gossip(&self, node: usize) -> Vec<(VNodeState, bool, u16)> {
        let mut client = GossipClient::new(grpc::channel_to(self.address(node)).await);
        let cluster = client.read(Empty {}).await.expect("gossip").into_inner();
        let member = |member: &grpc::event_store::client::gossip::MemberInfo| {
            let port = member.http_end_point.as_ref().expect("an address").port;
            (member.state(), member.is_alive, u16::try_from(port).expect("a port"))
        };
        cluster.members.iter().map(member).collect()
    }

    async fn append(&self, node: usize) -> Result<(), Status> {
        let events = vec![proposed(b"{}")];
        let request = wanting_leader(append("s", Expected::Any(Empty {}), events));
        self.client(node).await.append(request).await.map(drop)
    }
}

fn wanting_leader<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("requires-leader", "true".parse().expect("a value"));
    request
}

fn assert_not_leader(status: &Status, leader: SocketAddr) {
    assert_eq!((status.code(), status.message()), (Code::NotFound, "Leader info available"));
    assert_eq!(trailer(status, "exception"), Some("not-leader"));
    assert_eq!(trailer(status, "leader-endpoint-host"), Some(&*leader.ip().to_string()));
    assert_eq!(trailer(status, "leader-endpoint-port"), Some(&*leader.port().to_string()));
}

#[tokio::test]
async fn every_node_names_all_members() {
    use VNodeState::{Follower, Leader, Unknown};
    let mut cluster = TestCluster::start().await;
    let ports: Vec<_> = cluster.nodes.addresses().iter().map(SocketAddr::port).collect();
    let [a, b, c] = ports[..] else { panic!("{ports:?}") };
    for node in 0..3 {
        assert_eq!(cluster.gossip(node).await, [(Leader, true, a), (Follower, true, b), (Follower, true, c)]);
    }
    cluster.nodes.elect(2);
    assert_eq!(cluster.gossip(1).await, [(Follower, true, a), (Follower, true, b), (Leader, true, c)]);
    cluster.nodes.kill(2).await;
    assert_eq!(cluster.gossip(1).await, [(Unknown, true, a), (Unknown, true, b), (Leader, false, c)]);
    cluster.nodes.elect(2);
    assert_eq!(cluster.nodes.leader(), None, "a node that is gone cannot lead");
    cluster.nodes.elect(0);
    cluster.nodes.start_again(2).await.expect("it starts again");
    assert_eq!(cluster.gossip(2).await, [(Leader, true, a), (Follower, true, b), (Follower, true, c)]);

    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let url = format!("http://{}/gossip", cluster.address(1));
    let page = client.get(url).send().await.expect("a response").bytes().await.expect("a body");
    let page: serde_json::Value = serde_json::from_slice(&page).expect("JSON");
    assert_eq!(page["members"][0]["state"], "Leader");
    assert_eq!(page["members"][2]["httpEndPointPort"], c);
}

#[tokio::test]
async fn only_the_leader_serves_who_wants_the_leader() {
    let cluster = TestCluster::start().await;
    cluster.append(0).await.expect("the leader writes");
    assert_not_leader(&cluster.append(1).await.expect_err("refused"), cluster.address(0));
    let read = || read_req(read_stream("s", 0, 9));
    let refused = cluster.client(1).await.read(wanting_leader(read())).await;
    assert_not_leader(&refused.expect_err("refused"), cluster.address(0));
    let mut client = cluster.client(1).await;
    let request = append("s", Expected::Revision(0), vec![proposed(b"{}")]);
    client.append(request).await.expect("a follower passes it on");
    let frames = client.read(read()).await.expect("a read").into_inner();
    assert_eq!(frames.count().await, 3, "two events and the last position");

    cluster.nodes.elect(1);
    cluster.append(1).await.expect("the new leader writes");
    assert_not_leader(&cluster.append(0).await.expect_err("refused"), cluster.address(1));
    cluster.nodes.depose();
    for node in 0..3 {
        assert_eq!(cluster.append(node).await.expect_err("refused").code(), Code::Unavailable);
    }
    client.read(read()).await.expect("anybody reads");
}

#[tokio::test]
async fn a_session_ends_with_its_leader_at_the_next_write() {
    let cluster = TestCluster::start().await;
    let (sender, receiver) = mpsc::channel::<BatchAppendReq>(8);
    let requests = futures::stream::unfold(receiver, async |mut receiver| {
        let request = receiver.recv().await?;
        Some((request, receiver))
    });
    let write = || batch(Uuid::new_v4(), "s", ExpectedStreamPosition::Any(Empty {}), vec![proposed(b"{}")]);
    sender.send(write()).await.expect("sent");
    let mut client = cluster.client(0).await;
    let session = client.batch_append(wanting_leader(requests)).await;
    let mut responses = session.expect("a session").into_inner();
    let first = within_limit(responses.message()).await.expect("a response").expect("not the end");
    assert!(matches!(first.result, Some(BatchResult::Success(_))), "{first:?}");

    cluster.nodes.depose();
    sender.send(write()).await.expect("sent");
    let unready = within_limit(responses.message()).await.expect("a response").expect("not the end");
    let Some(BatchResult::Error(status)) = unready.result else { panic!("{unready:?}") };
    assert_eq!((status.code, &*status.message), (0, "Server Is Not Ready"));

    cluster.nodes.elect(2);
    sender.send(write()).await.expect("sent");
    let end = within_limit(responses.message()).await.expect_err("it ends");
    assert_not_leader(&end, cluster.address(2));
}

#[tokio::test]
async fn a_killed_node_breaks_its_calls_off_and_can_come_back() {
    let mut cluster = TestCluster::start().await;
    let mut client = cluster.client(0).await;
    let request = read_req(grpc::subscribe_to_all(None));
    let mut frames = client.read(request).await.expect("a subscription").into_inner();
    within_limit(cluster.nodes.kill(0)).await;
    within_limit(async { while let Ok(Some(_)) = frames.message().await {} }).await;
    assert!(tokio::net::TcpStream::connect(cluster.address(0)).await.is_err());
    cluster.nodes.elect(1);
    cluster.append(1).await.expect("the new leader writes");
    cluster.nodes.start_again(0).await.expect("it starts again");
    assert_not_leader(&cluster.append(0).await.expect_err("refused"), cluster.address(1));
}

#[tokio::test]
async fn a_frozen_node_says_nothing_until_it_goes_on() {
    let cluster = TestCluster::start().await;
    let mut client = cluster.client(0).await;
    client.read(read_req(read_stream("s", 0, 1))).await.expect("a read");
    cluster.nodes.freeze(0);
    assert_eq!(cluster.nodes.leader(), None);
    let mut read = Box::pin(client.read(read_req(read_stream("s", 0, 1))));
    let silent = tokio::time::timeout(std::time::Duration::from_millis(200), &mut read).await;
    assert!(silent.is_err(), "{silent:?}");
    cluster.nodes.elect(1);
    cluster.append(1).await.expect("the new leader writes");
    cluster.nodes.thaw(0);
    within_limit(read).await.expect("it answers after all");
    assert_not_leader(&cluster.append(0).await.expect_err("refused"), cluster.address(1));
}

#[tokio::test]
async fn the_library_finds_the_leader() {
    let cluster = TestCluster::start().await;
    cluster.nodes.elect(1);
    let uri = format!("{}&discoveryInterval=10", cluster.nodes.connection_string());
    let_eventstore_go_first(&uri).await;
    let client = eventstore::Client::new(uri.parse().expect("an address")).expect("a client");
    let event = eventstore::EventData::binary("T", bytes::Bytes::new());
    let options = eventstore::AppendToStreamOptions::default().expected_revision(eventstore::ExpectedRevision::Any);
    within_limit(client.append_to_stream("s", &options, event)).await.expect("written at the leader");
}
