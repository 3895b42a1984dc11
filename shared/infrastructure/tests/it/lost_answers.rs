//! Commands whose answers are lost on the way, and that are repeated until there is one.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use jetbridge_testing::{TestEventStore, eventually};
use shared_infrastructure::event_store::Recorded;
use shared_infrastructure::executor::ExecutorHandle;
use shared_kernel::{Execute, ExecuteError, Interruption};
use uuid::Uuid;

use crate::accounts::{Accounts, Command};
use crate::bank::{Answer, LIMIT, Replica, assert_holds_what_was_answered, context, keyed};
use crate::events::{decoded, folded, recorded};

const RETRY_PAUSE: Duration = Duration::from_millis(5);

#[derive(Default)]
struct Progress {
    answered: AtomicUsize,
    interrupted: AtomicUsize,
    /// Nothing is disturbed any more.
    is_over: AtomicBool,
}

/// Repeats a command with the same key until it is known what became of it.
async fn execute_until_answered(
    handle: &ExecutorHandle<Accounts>,
    command: Command,
    key: &str,
    progress: &Progress,
) -> Answer {
    loop {
        match handle.execute(command, keyed(key, "a")).await {
            Err(ExecuteError::Interrupted(interruption)) => {
                assert!(!matches!(interruption, Interruption::Internal(_)), "{interruption}");
                progress.interrupted.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(RETRY_PAUSE).await;
            }
            answer => {
                progress.answered.fetch_add(1, Ordering::SeqCst);
                return answer;
            }
        }
    }
}

/// What each key's command got, and the account it was about.
type Answers = HashMap<String, (Uuid, Answer)>;

/// The answers to commands that many callers send at once: at least so many each, and for as long as `disturb` does its
/// worst, so that there is always something to disturb.
async fn answers_under(
    handle: &ExecutorHandle<Accounts>,
    callers: usize,
    at_least_each: usize,
    disturb: impl AsyncFnOnce(&Progress),
) -> Answers {
    let progress = Arc::new(Progress::default());
    let accounts: Vec<Uuid> = (0..4).map(|_| Uuid::now_v7()).collect();
    let callers: Vec<_> = (0..callers)
        .map(|caller| {
            let (handle, accounts, progress) = (handle.clone(), accounts.clone(), Arc::clone(&progress));
            tokio::spawn(async move {
                let mut answers = Vec::new();
                for number in 0.. {
                    if number >= at_least_each && progress.is_over.load(Ordering::SeqCst) {
                        break;
                    }
                    let account = accounts[(caller + number) % 4];
                    let command = match (caller + number) % 3 {
                        0 => Command::Deposit { account, amount: 3 },
                        _ => Command::Withdraw { account, amount: 2 },
                    };
                    let key = format!("caller {caller} command {number}");
                    let answer = execute_until_answered(&handle, command, &key, &progress).await;
                    answers.push((key, (account, answer)));
                }
                answers
            })
        })
        .collect();
    disturb(&progress).await;
    progress.is_over.store(true, Ordering::SeqCst);
    let answering = async {
        let mut answers = Answers::new();
        for caller in callers {
            answers.extend(caller.await.unwrap());
        }
        answers
    };
    tokio::time::timeout(LIMIT, answering).await.expect("every command gets an answer")
}

async fn assert_each_key_is_there_once(store: &TestEventStore, answers: &Answers) {
    let stream = recorded(store).await;
    let balances = folded(&stream);
    let mut by_key: HashMap<String, Vec<&Recorded>> = HashMap::new();
    for event in &stream {
        let key = event.metadata().unwrap().idempotency().unwrap().key;
        by_key.entry(key.to_string()).or_default().push(event);
    }
    for (key, (account, answer)) in answers {
        let events = by_key.remove(key).unwrap_or_default();
        match answer {
            Ok(committed) => {
                let commands: Vec<_> =
                    events.iter().map(|event| event.metadata().unwrap().command_id().unwrap()).collect();
                assert!(!commands.is_empty(), "{key} was acknowledged, but its events are not in the stream");
                assert!(commands.iter().all(|command| *command == commands[0]), "{key} is in the stream twice");
                let last = events[events.len() - 1].revision;
                assert_eq!(committed.revision, Some(last), "{key}");
                assert_eq!(committed.outcome, balances[usize::try_from(last.0).unwrap()].of(*account), "{key}");
                let stored: Vec<_> = events.iter().map(|event| decoded(event).0).collect();
                assert!(committed.events.is_empty() || committed.events == stored, "{key}");
            }
            Err(ExecuteError::Rejected { .. }) => {
                assert!(events.is_empty(), "{key} was rejected, but is in the stream")
            }
            Err(other) => panic!("{key}: {other:?}"),
        }
    }
    assert!(by_key.is_empty(), "{by_key:?}");
    assert!(balances.iter().all(|balances| balances.lowest() >= 0));
}

/// Without a key nothing but the events' identifiers says that they are there.
#[tokio::test]
async fn an_answer_that_is_lost_is_found_in_the_stream() {
    let (store, proxy, replica) = Replica::behind_proxy().await;
    let account = Uuid::now_v7();
    let mut answers = crate::bank::Answers::new();
    for command in [Command::Deposit { account, amount: 1 }, Command::Withdraw { account, amount: 1 }].repeat(10) {
        replica.connected().await;
        proxy.cut_next_request();
        let context = context();
        let command_id = context.command_id;
        let answer = replica.handle.execute(command, context).await;
        assert!(answer.is_ok(), "{answer:?}");
        answers.insert(command_id, answer);
    }
    assert_holds_what_was_answered(&store, &answers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut_before_the_answer() {
    let (store, proxy, replica) = Replica::behind_proxy().await;
    let other = Replica::start(&store).await;
    let mut elsewhere = Answers::new();
    let mut answers = answers_under(&replica.handle, 40, 25, async |progress| {
        for cut in 1..=18 {
            let enough = || progress.answered.load(Ordering::SeqCst) >= cut * 50;
            eventually("commands are answered", LIMIT, async || enough()).await;
            proxy.cut_next_request();
            // Another replica makes sure that an attempt does not find the stream as it left it.
            let (key, account) = (format!("cut {cut}"), Uuid::now_v7());
            let deposit = Command::Deposit { account, amount: 1 };
            let answer = execute_until_answered(&other.handle, deposit, &key, &Progress::default()).await;
            elsewhere.insert(key, (account, answer));
        }
    })
    .await;
    answers.extend(elsewhere);
    assert_each_key_is_there_once(&store, &answers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_come_late_or_never() {
    let (store, proxy, replica) = Replica::behind_proxy().await;
    let answers = answers_under(&replica.handle, 40, 25, async |progress| {
        for silence in 1..=2 {
            eventually("commands are answered", LIMIT, async || {
                progress.answered.load(Ordering::SeqCst) >= silence * 300
            })
            .await;
            let before = progress.interrupted.load(Ordering::SeqCst);
            proxy.hold_answers(true);
            let limit = Duration::from_secs(5);
            eventually("an interruption", limit, async || progress.interrupted.load(Ordering::SeqCst) > before).await;
            proxy.hold_answers(false);
        }
    })
    .await;
    assert_each_key_is_there_once(&store, &answers).await;
}
