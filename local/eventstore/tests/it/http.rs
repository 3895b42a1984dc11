//! The plain HTTP side, server features, gossip, and what is not there.

use tonic::Code;

use crate::grpc;
use crate::grpc::event_store::client::Empty;
use crate::grpc::event_store::client::gossip::gossip_client::GossipClient;
use crate::grpc::event_store::client::gossip::member_info::VNodeState;
use crate::grpc::event_store::client::server_features::server_features_client::ServerFeaturesClient;
use crate::support::{TestServer, let_eventstore_go_first, within_limit};

#[tokio::test]
async fn health_checks_get_an_answer_over_http_1() {
    let server = TestServer::start().await;
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    for (path, status) in [
        ("/health/live", 204),
        ("/info", 200),
        ("/ping", 200),
        ("/gossip", 200),
        ("/stats", 200),
        ("/subscriptions", 200),
        ("/", 404),
        ("/users", 404),
        ("/streams/x", 404),
    ] {
        let url = format!("http://{}{path}", server.address());
        let response = client.get(url).send().await.expect("a response");
        assert_eq!(response.status().as_u16(), status, "{path}");
    }
}

#[tokio::test]
async fn gossip_names_the_address_that_the_client_used() {
    let server = TestServer::start().await;
    let mut client = GossipClient::new(grpc::channel(&server).await);
    let cluster = client.read(Empty {}).await.expect("gossip").into_inner();
    let [member] = &cluster.members[..] else { panic!("one member, not {cluster:?}") };
    assert_eq!(member.state(), VNodeState::Leader);
    assert!(member.is_alive);
    let end_point = member.http_end_point.clone().expect("an address");
    assert_eq!(end_point.address, server.address().ip().to_string());
    assert_eq!(end_point.port, u32::from(server.address().port()));
}

#[tokio::test]
async fn features_are_lower_case_and_only_what_works() {
    let server = TestServer::start().await;
    let mut client = ServerFeaturesClient::new(grpc::channel(&server).await);
    let features = client.get_supported_methods(Empty {}).await.expect("features").into_inner();
    let parts: Vec<u32> = features.event_store_server_version.split('.').map_while(|part| part.parse().ok()).collect();
    assert_eq!(parts.len(), 3);
    let names: Vec<_> = features.methods.iter().map(|method| (&*method.service_name, &*method.method_name)).collect();
    assert!(
        names.iter().all(|(service, method)| *service == service.to_lowercase() && *method == method.to_lowercase())
    );
    assert!(names.contains(&("event_store.client.streams.streams", "batchappend")));
    assert!(!names.iter().any(|(_, method)| *method == "create"));
}

#[tokio::test]
async fn what_is_not_there_is_unimplemented() {
    let server = TestServer::start().await;
    let channel = grpc::channel(&server).await;
    for path in [
        "/event_store.client.persistent_subscriptions.PersistentSubscriptions/Create",
        "/event_store.client.operations.Operations/StartScavenge",
        "/event_store.client.users.Users/Create",
    ] {
        let mut client = tonic::client::Grpc::new(channel.clone());
        client.ready().await.expect("a connection");
        let codec = tonic_prost::ProstCodec::<Empty, Empty>::default();
        let path = http::uri::PathAndQuery::from_static(path);
        let status = client.unary(tonic::Request::new(Empty {}), path, codec).await;
        assert_eq!(status.expect_err("unimplemented").code(), Code::Unimplemented);
    }
}

#[tokio::test]
async fn clients_can_read_all_that_gossip_says() {
    let server = TestServer::start().await;
    let_eventstore_go_first(&server.uri()).await;
    let client = eventstore::Client::new(server.uri().parse().expect("an address")).expect("a client");
    let operations = eventstore::operations::Client::from(client);
    let members = within_limit(operations.read_gossip()).await.expect("every field is there");
    let [member] = &members[..] else { panic!("one member, not {members:?}") };
    assert!(member.is_alive && member.state == eventstore::operations::VNodeState::Leader);
    assert_eq!(member.http_end_point.port, u32::from(server.address().port()));
}
