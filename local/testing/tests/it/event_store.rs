//! An event store that can be taken away and given back.

use std::time::Duration;

use eventstore::{AppendToStreamOptions, Client, EventData, ExpectedRevision, ReadStreamOptions};
use jetbridge_testing::{Right, TestCluster, TestEventStore, eventually};

const LIMIT: Duration = Duration::from_secs(20);

fn client(store: &TestEventStore) -> Client {
    client_at(store.connection_string())
}

fn client_at(connection_string: &str) -> Client {
    Client::new(connection_string.parse().unwrap()).unwrap()
}

async fn append(client: &Client) -> eventstore::Result<()> {
    let event = EventData::binary("Happened", Vec::new().into());
    let options = AppendToStreamOptions::default().expected_revision(ExpectedRevision::Any);
    client.append_to_stream("stream", &options, event).await.map(drop)
}

async fn count(client: &Client) -> eventstore::Result<usize> {
    let mut events = client.read_stream("stream", &ReadStreamOptions::default()).await?;
    let mut count = 0;
    while events.next().await?.is_some() {
        count += 1;
    }
    Ok(count)
}

#[tokio::test]
async fn stores_are_empty_and_separate() {
    let (one, other) = tokio::join!(TestEventStore::start(), TestEventStore::start());
    append(&client(&one)).await.unwrap();
    assert_eq!(count(&client(&one)).await.unwrap(), 1);
    assert!(matches!(count(&client(&other)).await, Err(eventstore::Error::ResourceNotFound)));
}

#[tokio::test]
async fn an_outage_loses_nothing() {
    let mut store = TestEventStore::start().await;
    let connection_string = store.connection_string().to_owned();
    append(&client(&store)).await.unwrap();

    store.stop().await;
    store.stop().await;
    assert!(tokio::net::TcpStream::connect(store.address()).await.is_err());

    store.start_again().await;
    store.start_again().await;
    assert_eq!(store.connection_string(), connection_string);
    let client = client(&store);
    let events = eventually("the event is there", LIMIT, async || count(&client).await).await;
    assert_eq!(events, 1);
}

#[tokio::test]
async fn a_store_can_deny_an_append() {
    let store = TestEventStore::start_denying(vec![Right::AppendStream("stream".to_owned())]).await;
    assert!(matches!(append(&client(&store)).await, Err(eventstore::Error::AccessDenied)));
}

#[tokio::test]
async fn an_ordinary_store_does_not_delay_acknowledgements() {
    let store = TestEventStore::start_ordinary().await;
    append(&client(&store)).await.unwrap();
}

#[tokio::test]
async fn a_cluster_goes_on_with_another_leader() {
    let mut cluster = TestCluster::start(3).await;
    append(&client_at(&cluster.connection_string())).await.unwrap();
    cluster.kill(0).await;
    assert_eq!(cluster.leader(), None);
    cluster.elect(1);
    append(&client_at(&cluster.connection_string())).await.unwrap();
    cluster.start_again(0).await;
    assert_eq!(cluster.leader(), Some(1));
    let events = count(&client_at(&cluster.connection_string())).await.unwrap();
    assert_eq!(events, 2);
}
