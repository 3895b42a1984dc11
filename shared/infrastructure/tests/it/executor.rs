//! One executor: what it answers is what the stream says.

use futures::StreamExt;
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use jetbridge_testing::{TestEventStore, eventually};
use shared_kernel::{Execute, ExecuteError, Interruption, Revision};
use uuid::Uuid;

use crate::accounts::{Command, Event};
use crate::bank::{Answers, LIMIT, Replica, assert_holds_what_was_answered, context, is_rejected};
use crate::events::{Writer, folded, recorded};

#[tokio::test]
async fn concurrent_commands_are_each_in_the_stream_once() {
    let store = TestEventStore::start().await;
    let replica = Replica::start(&store).await;
    let accounts: Vec<Uuid> = (0..7).map(|_| Uuid::now_v7()).collect();
    let tasks = (0..150).map(|task| {
        let (handle, accounts) = (replica.handle.clone(), accounts.clone());
        tokio::spawn(async move {
            let mut answers = Answers::new();
            for round in 0..6 {
                let (account, amount) = (accounts[(task + round) % 7], i64::try_from(task % 5).unwrap());
                let command = match (task + round) % 3 {
                    0 => Command::Deposit { account, amount },
                    _ => Command::Withdraw { account, amount: amount + 1 },
                };
                let context = context();
                answers.insert(context.command_id, handle.execute(command, context).await);
            }
            answers
        })
    });
    let answers: Answers = join_all(tasks).await.into_iter().flat_map(Result::unwrap).collect();

    assert_eq!(answers.len(), 900);
    assert!(answers.values().all(|answer| answer.is_ok() || is_rejected(answer)));
    assert!(answers.values().any(is_rejected) && answers.values().any(|answer| answer.is_ok()));
    let stream = assert_holds_what_was_answered(&store, &answers).await;
    let current = replica.handle.current();
    assert_eq!(current.revision(), stream.last().map(|event| event.revision));
    assert_eq!(current.state(), folded(&stream).last().unwrap());
}

#[tokio::test]
async fn a_command_that_changes_nothing_appends_nothing() {
    let store = TestEventStore::start().await;
    let replica = Replica::start(&store).await;
    let account = Uuid::now_v7();
    let nothing = Command::Deposit { account, amount: 0 };
    let committed = replica.execute(nothing).await.unwrap();
    assert_eq!((committed.outcome, committed.revision), (0, None));

    replica.execute(Command::Deposit { account, amount: 5 }).await.unwrap();
    let committed = replica.execute(nothing).await.unwrap();
    assert_eq!((committed.outcome, committed.revision, committed.events), (5, Some(Revision(0)), Vec::new()));
    assert_eq!(recorded(&store).await.len(), 1);
}

#[tokio::test]
async fn events_that_nobody_can_read_do_not_stop_it() {
    let store = TestEventStore::start().await;
    let writer = Writer::new(&store);
    let account = Uuid::now_v7();
    writer.append_malformed(&Event::deposited(account, 100)).await;
    let replica = Replica::start(&store).await;
    replica.execute(Command::Deposit { account, amount: 5 }).await.unwrap();

    writer.append_malformed(&Event::deposited(account, 100)).await;
    assert!(is_rejected(&replica.execute(Command::Withdraw { account, amount: 6 }).await));
    let committed = replica.execute(Command::Withdraw { account, amount: 4 }).await.unwrap();
    assert_eq!((committed.outcome, committed.revision), (1, Some(Revision(3))));
}

/// Another replica of a newer version has written them, before the start and while it runs.
#[tokio::test]
async fn what_an_event_of_another_version_is_about_gets_no_decision() {
    let store = TestEventStore::start().await;
    let writer = Writer::new(&store);
    let [before, since, fine] = [Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7()];
    writer.append_unknown("Foreign", before, 100).await;
    let replica = Replica::start(&store).await;
    assert!(replica.handle.readable(before).is_err());
    replica.execute(Command::Deposit { account: since, amount: 5 }).await.unwrap();
    writer.append_unknown("Foreign", since, 100).await;
    for account in [before, since] {
        for amount in [4, 6] {
            let refused = replica.execute(Command::Withdraw { account, amount }).await;
            let unavailable = matches!(refused, Err(ExecuteError::Interrupted(Interruption::Unavailable(_))));
            assert!(unavailable, "{refused:?}");
        }
        assert!(replica.handle.readable(account).is_err());
    }
    assert_eq!(replica.execute(Command::Deposit { account: fine, amount: 7 }).await.unwrap().outcome, 7);
    assert!(replica.handle.readable(fine).is_ok());
    assert_eq!(recorded(&store).await.len(), 4);
}

/// Their callers have gone while the event store was silent.
#[tokio::test]
async fn commands_that_nobody_waits_for_are_not_carried_out() {
    let (store, proxy, replica) = Replica::behind_proxy().await;
    let account = Uuid::now_v7();
    let deposit = move |amount| Command::Deposit { account, amount };
    proxy.hold_answers(true);
    let sent = proxy.bytes_sent();
    let handle = replica.handle.clone();
    let first = tokio::spawn(async move { handle.execute(deposit(1), context()).await });
    eventually("the first is under way", LIMIT, async || proxy.bytes_sent() > sent).await;
    let mut abandoned: Vec<_> = (0..500).map(|_| Box::pin(replica.execute(deposit(10)))).collect();
    for command in &mut abandoned {
        assert!(futures::poll!(command).is_pending());
    }
    drop(abandoned);
    let waiting = replica.execute(deposit(100));
    let (committed, ()) = tokio::join!(waiting, async { proxy.hold_answers(false) });
    assert_eq!(committed.unwrap().outcome, 101);
    first.await.unwrap().unwrap();
    assert_eq!(recorded(&store).await.len(), 2);
}

#[tokio::test]
async fn a_shutdown_answers_what_was_taken_and_refuses_the_rest() {
    let store = TestEventStore::start().await;
    let replica = Replica::start(&store).await;
    let handle = replica.handle.clone();
    let account = Uuid::now_v7();
    // More than one batch takes.
    let mut executing: FuturesUnordered<_> = (0..2_000)
        .map(|_| async {
            let context = context();
            (context.command_id, handle.execute(Command::Deposit { account, amount: 1 }, context).await)
        })
        .collect();
    let mut answers = Answers::from_iter(executing.next().await);
    let stopping = tokio::spawn(replica.stop());
    answers.extend(executing.collect::<Vec<_>>().await);
    stopping.await.unwrap();

    let refusal = ExecuteError::Interrupted(Interruption::Unavailable("the service is stopping".to_owned()));
    let (done, rest): (Vec<_>, Vec<_>) = answers.values().partition(|answer| answer.is_ok());
    assert!(!done.is_empty() && !rest.is_empty(), "{} done, {} refused", done.len(), rest.len());
    assert!(rest.iter().all(|answer| answer.as_ref().err() == Some(&refusal)), "{rest:?}");
    assert_holds_what_was_answered(&store, &answers).await;
    let late = handle.execute(Command::Deposit { account, amount: 1 }, context()).await;
    assert_eq!(late.err(), Some(refusal));
}
