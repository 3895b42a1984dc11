//! The same key gives the same outcome.

use futures::future::join_all;
use jetbridge_testing::{TestEventStore, eventually};
use shared_infrastructure::testing::undated;
use shared_kernel::{CommandContext, Digest, Execute, ExecuteError, IdempotencyKey, Revision};
use uuid::Uuid;

use crate::accounts::Command;
use crate::bank::{Answer, LIMIT, Replica, is_rejected, keyed};
use crate::events::recorded;

const KEY: &str = "one key";

fn withdraw_all(account: Uuid) -> Command {
    Command::Withdraw { account, amount: 10 }
}

/// An account with 10 on it, whose event has number 0.
async fn account(replica: &Replica) -> Uuid {
    let account = Uuid::now_v7();
    replica.execute(Command::Deposit { account, amount: 10 }).await.unwrap();
    account
}

/// The outcome of [`withdraw_all`]: it has two events.
fn assert_first_outcome(answer: Answer) {
    let committed = answer.unwrap();
    assert_eq!((committed.outcome, committed.revision), (0, Some(Revision(2))));
}

#[tokio::test]
async fn a_key_repeated_at_the_same_time_is_one_command() {
    let store = TestEventStore::start().await;
    let [one, other] = [Replica::start(&store).await, Replica::start(&store).await];
    let account = account(&one).await;
    let replicas = [&one, &other, &one, &other, &one, &other];
    let answers = join_all(replicas.map(|replica| replica.execute_with_key(withdraw_all(account), KEY, "a"))).await;
    assert_eq!(answers.iter().flatten().filter(|committed| !committed.events.is_empty()).count(), 1);
    answers.into_iter().for_each(assert_first_outcome);
    assert_eq!(recorded(&store).await.len(), 3);
}

#[tokio::test]
async fn a_key_repeated_later_elsewhere_and_after_a_restart_gets_the_first_outcome() {
    let store = TestEventStore::start().await;
    let [one, other] = [Replica::start(&store).await, Replica::start(&store).await];
    let account = account(&one).await;
    assert_first_outcome(one.execute_with_key(withdraw_all(account), KEY, "a").await);
    assert_first_outcome(other.execute_with_key(withdraw_all(account), KEY, "a").await);

    // What has happened since changes nothing about it.
    one.execute(Command::Deposit { account, amount: 77 }).await.unwrap();
    assert_first_outcome(one.execute_with_key(withdraw_all(account), KEY, "a").await);
    one.stop().await;
    let restarted = Replica::start(&store).await;
    for replica in [&other, &restarted] {
        assert_first_outcome(replica.execute_with_key(withdraw_all(account), KEY, "a").await);
    }
    assert_eq!(recorded(&store).await.len(), 4);

    let key = IdempotencyKey::new(KEY).unwrap();
    let (fingerprint, committed) = restarted.handle.remembered(&key).unwrap();
    assert_eq!(fingerprint, Digest::of("a"));
    assert_first_outcome(Ok(committed));
}

/// A release from before has recorded it, with another digest of the same request.
#[tokio::test]
async fn a_key_with_another_fingerprint_of_the_same_request_gets_the_first_outcome() {
    let store = TestEventStore::start().await;
    let [one, other] = [Replica::start(&store).await, Replica::start(&store).await];
    let account = account(&one).await;
    assert_first_outcome(one.execute_with_key(withdraw_all(account), KEY, "a").await);
    let mut context = keyed(KEY, "in another form");
    let idempotency = context.idempotency.as_mut().unwrap();
    for (earlier, is_known) in [("b", false), ("a", true)] {
        idempotency.other_fingerprints = vec!["of another secret".to_owned(), earlier.to_owned()];
        let repeated = CommandContext { idempotency: Some(idempotency.clone()), ..keyed(KEY, "") };
        match other.handle.execute(withdraw_all(account), repeated).await {
            Err(ExecuteError::KeyReused) => assert!(!is_known, "{earlier}"),
            answer => assert_first_outcome(answer),
        }
    }
    assert_eq!(recorded(&store).await.len(), 3);
}

#[tokio::test]
async fn a_key_cannot_be_used_for_something_else() {
    let store = TestEventStore::start().await;
    let [one, other] = [Replica::start(&store).await, Replica::start(&store).await];
    let account = account(&one).await;
    one.execute_with_key(withdraw_all(account), KEY, "a").await.unwrap();
    for replica in [&one, &other, &Replica::start(&store).await] {
        let answer = replica.execute_with_key(Command::Deposit { account, amount: 1 }, KEY, "b").await;
        assert!(matches!(answer, Err(ExecuteError::KeyReused)), "{answer:?}");
    }
    assert_eq!(recorded(&store).await.len(), 3);
}

#[tokio::test]
async fn a_rejected_command_does_not_use_its_key_up() {
    let store = TestEventStore::start().await;
    let replica = Replica::start(&store).await;
    let account = Uuid::now_v7();
    assert!(is_rejected(&replica.execute_with_key(withdraw_all(account), KEY, "a").await));
    replica.execute(Command::Deposit { account, amount: 10 }).await.unwrap();
    assert_first_outcome(replica.execute_with_key(withdraw_all(account), KEY, "a").await);
}

/// Carried out anew it would change what others have done since.
#[tokio::test]
async fn a_command_that_changes_nothing_is_remembered_if_it_has_a_key() {
    let store = TestEventStore::start().await;
    let [one, other] = [Replica::start(&store).await, Replica::start(&store).await];
    let account = account(&one).await;
    let nothing = Command::Deposit { account, amount: 0 };
    let committed = one.execute_with_key(nothing, KEY, "a").await.unwrap();
    assert_eq!((committed.outcome, committed.revision), (10, Some(Revision(1))));
    one.execute(Command::Deposit { account, amount: 7 }).await.unwrap();
    for replica in [&one, &other, &Replica::start(&store).await] {
        let committed = replica.execute_with_key(nothing, KEY, "a").await.unwrap();
        assert_eq!((committed.outcome, committed.revision), (10, Some(Revision(1))));
    }
    assert_eq!(recorded(&store).await.len(), 3);
}

/// Also where nobody else appends. What has no age is never forgotten.
#[tokio::test]
async fn a_replica_finds_out_when_its_own_commands_were_recorded() {
    let store = TestEventStore::start().await;
    let replica = Replica::start(&store).await;
    let account = account(&replica).await;
    for number in 0..20 {
        let deposit = Command::Deposit { account, amount: 1 };
        replica.execute_with_key(deposit, &format!("key {number}"), "a").await.unwrap();
    }
    eventually("every command has an age", LIMIT, async || {
        replica.execute(Command::Deposit { account, amount: 1 }).await.unwrap();
        match undated(&replica.handle.current()) {
            0 => Ok(()),
            undated => Err(undated),
        }
    })
    .await;
}
