//! A cluster whose leader changes.

use std::time::Duration;

use jetbridge_testing::{TestCluster, eventually};
use shared_infrastructure::event_store::{AppendError, AppendFailure, EventStore, StoreError};
use shared_kernel::Revision;
use uuid::Uuid;

use crate::accounts::{Command, STREAM};
use crate::append::{append, wrong_revision};
use crate::bank::{LIMIT, Replica};

/// What a failover may take here, where the next leader is elected at once.
const FAILOVER_LIMIT: Duration = Duration::from_secs(10);

fn deposit() -> Command {
    Command::Deposit { account: Uuid::now_v7(), amount: 1 }
}

async fn executes(replica: &Replica) {
    eventually("commands are executed", FAILOVER_LIMIT, async || replica.execute(deposit()).await).await;
}

/// Moving on costs one append, which certainly was not written: the node that does not lead any more names the one that
/// does.
#[tokio::test]
async fn an_append_follows_the_leader() {
    let cluster = TestCluster::start(3).await;
    let mut appender = EventStore::new(&cluster.connection_string()).unwrap().appender(STREAM);
    assert_eq!(append(&mut appender, None).await, Ok(()));
    for (revision, leader) in [(0, 1), (1, 2), (2, 0)] {
        cluster.elect(leader);
        let moved = append(&mut appender, Some(revision)).await;
        assert!(
            matches!(
                moved,
                Err(AppendError { written: 0, failure: AppendFailure::NotWritten(StoreError::Unavailable(_)) })
            ),
            "{moved:?}"
        );
        assert_eq!(append(&mut appender, Some(revision)).await, Ok(()));
    }
    assert_eq!(append(&mut appender, Some(7)).await, wrong_revision(0, 3));
}

/// One address is enough: the node there names the leader.
#[tokio::test]
async fn a_node_that_does_not_lead_leads_to_the_one_that_does() {
    let cluster = TestCluster::start(3).await;
    let follower = format!("esdb://{}?tls=false", cluster.addresses()[2]);
    let mut appender = EventStore::new(&follower).unwrap().appender(STREAM);
    assert!(append(&mut appender, None).await.is_err());
    assert_eq!(append(&mut appender, None).await, Ok(()));
    let discovered = EventStore::new(&format!("esdb+discover://{}?tls=false", cluster.addresses()[1])).unwrap();
    assert_eq!(discovered.appender(STREAM).check().await, Ok(Some(Revision(0))));
}

#[tokio::test]
async fn without_a_leader_nothing_is_written_and_it_is_said_why() {
    let cluster = TestCluster::start(3).await;
    let mut appender = EventStore::new(&cluster.connection_string()).unwrap().appender(STREAM);
    cluster.depose();
    let Err(StoreError::Unavailable(reason)) = appender.check().await else { panic!("there is no leader") };
    assert!(reason.contains("who leads"), "{reason}");
    cluster.elect(1);
    eventually("the leader is found", LIMIT, async || appender.check().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_go_on_after_a_leader_was_deposed_killed_or_hangs() {
    let mut cluster = TestCluster::start(3).await;
    let replica = Replica::start_at(&cluster.connection_string()).await;
    executes(&replica).await;
    cluster.elect(1);
    executes(&replica).await;
    cluster.kill(1).await;
    cluster.elect(2);
    executes(&replica).await;
    cluster.start_again(1).await;
    cluster.freeze(2);
    cluster.elect(0);
    executes(&replica).await;
    cluster.thaw(2);
    executes(&replica).await;
}

/// Nobody hears that something failed because the leader was another one: it is tried again where it can be decided.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_steps_down_is_noticed_by_nobody() {
    let cluster = TestCluster::start(2).await;
    let replica = Replica::start_at(&cluster.connection_string()).await;
    for round in 0..20 {
        cluster.elect(round % 2);
        let answer = replica.execute(deposit()).await;
        assert!(answer.is_ok(), "round {round}: {answer:?}");
    }
}
