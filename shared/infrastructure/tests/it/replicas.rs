//! Several executors of one stream.

use futures::future::join_all;
use jetbridge_testing::TestEventStore;
use shared_kernel::{Execute, Revision};
use uuid::Uuid;

use crate::accounts::{Command, Event};
use crate::bank::{Answers, Replica, assert_holds_what_was_answered, context, is_rejected};
use crate::events::Writer;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_never_overdraw_together() {
    let store = TestEventStore::start().await;
    let replicas = [Replica::start(&store).await, Replica::start(&store).await];
    let accounts: Vec<Uuid> = (0..3).map(|_| Uuid::now_v7()).collect();
    let tasks = (0..60).map(|task| {
        let (handle, accounts) = (replicas[task % 2].handle.clone(), accounts.clone());
        tokio::spawn(async move {
            let mut answers = Answers::new();
            for round in 0..10 {
                let account = accounts[(task + round) % 3];
                let command = match (task + round) % 4 {
                    0 => Command::Deposit { account, amount: 4 },
                    _ => Command::Withdraw { account, amount: 2 },
                };
                let context = context();
                answers.insert(context.command_id, handle.execute(command, context).await);
            }
            answers
        })
    });
    let answers: Answers = join_all(tasks).await.into_iter().flat_map(Result::unwrap).collect();
    assert!(answers.values().all(|answer| answer.is_ok() || is_rejected(answer)), "{answers:?}");
    assert!(answers.values().any(is_rejected));
    assert_holds_what_was_answered(&store, &answers).await;
}

/// A batch goes in several appends. Each rests on the one before it, so when that is refused, because the other replica
/// was faster, it must not be accepted, although the other replica's append was of the same size.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rest_of_a_batch_is_not_written_without_its_beginning() {
    let store = TestEventStore::start().await;
    let replicas = [Replica::start(&store).await, Replica::start(&store).await];
    let mut answers = Answers::new();
    for _ in 0..25 {
        let tasks = replicas.iter().map(|replica| {
            let handle = replica.handle.clone();
            tokio::spawn(async move {
                let accounts: Vec<Uuid> = (0..40).map(|_| Uuid::now_v7()).collect();
                let deposits = accounts.iter().map(|&account| Command::Deposit { account, amount: 2 });
                let withdrawals = accounts.iter().map(|&account| Command::Withdraw { account, amount: 1 });
                join_all(deposits.chain(withdrawals).map(async |command| {
                    let context = context();
                    (context.command_id, handle.execute(command, context).await)
                }))
                .await
            })
        });
        answers.extend(join_all(tasks).await.into_iter().flat_map(Result::unwrap));
    }
    assert!(answers.values().all(Result::is_ok));
    assert_holds_what_was_answered(&store, &answers).await;
}

#[tokio::test]
async fn what_one_replica_has_answered_the_others_know() {
    let store = TestEventStore::start().await;
    let [one, other] = [Replica::start(&store).await, Replica::start(&store).await];
    let account = Uuid::now_v7();
    for round in 0..100 {
        one.execute(Command::Deposit { account, amount: 3 }).await.unwrap();
        let committed = other.execute(Command::Withdraw { account, amount: 3 }).await.unwrap();
        assert_eq!(committed.outcome, 0, "round {round}");
        // Now there is nothing left to withdraw, and the first has not decided since.
        assert!(is_rejected(&one.execute(Command::Withdraw { account, amount: 1 }).await), "round {round}");
    }
}

#[tokio::test]
async fn a_fresh_look_covers_what_was_appended_elsewhere() {
    let store = TestEventStore::start().await;
    let [one, other] = [Replica::start(&store).await, Replica::start(&store).await];
    let account = Uuid::now_v7();
    for round in 1..=100 {
        let committed = one.execute(Command::Deposit { account, amount: 1 }).await.unwrap();
        let (balance, revision) = other.handle.inspect_fresh(|balances| balances.of(account)).await.unwrap();
        assert_eq!((balance, revision), (round, committed.revision));
    }
}

/// More than one read brings, so that what a rejection was decided on changes in the middle of looking.
#[tokio::test]
async fn a_replica_that_is_far_behind_catches_up_before_it_rejects() {
    let store = TestEventStore::start().await;
    let replica = Replica::start(&store).await;
    let (account, other) = (Uuid::now_v7(), Uuid::now_v7());
    let writer = Writer::new(&store);
    let mut events = vec![Event::deposited(other, 1); 2_500];
    events.push(Event::deposited(account, 1));
    assert_eq!(writer.append(&events).await, Revision(2_500));
    assert_eq!(replica.execute(Command::Withdraw { account, amount: 1 }).await.unwrap().outcome, 0);
}

/// Both replicas are at work all the time, so that most appends of one meet an append of the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_in_each_others_way_answer_every_command() {
    const CALLERS: usize = 24;
    const COMMANDS_EACH: usize = 120;
    let store = TestEventStore::start().await;
    let replicas = [Replica::start(&store).await, Replica::start(&store).await];
    let tasks = (0..CALLERS).map(|caller| {
        let handle = replicas[caller % 2].handle.clone();
        tokio::spawn(async move {
            let mut answers = Answers::new();
            for _ in 0..COMMANDS_EACH {
                let context = context();
                let deposit = Command::Deposit { account: Uuid::now_v7(), amount: 1 };
                answers.insert(context.command_id, handle.execute(deposit, context).await);
            }
            answers
        })
    });
    let answers: Answers = join_all(tasks).await.into_iter().flat_map(Result::unwrap).collect();
    let unanswered: Vec<_> = answers.values().filter(|answer| answer.is_err()).collect();
    assert!(unanswered.is_empty(), "{} of {}: {unanswered:?}", unanswered.len(), answers.len());
    assert_holds_what_was_answered(&store, &answers).await;
}
