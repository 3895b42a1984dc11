use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shared_service::ErrorChain;
use tokio::time::Instant;

use super::{Stage, Supervisor};

/// What has stopped, in order.
type Stopped = Arc<Mutex<Vec<&'static str>>>;

fn spawn(supervisor: &mut Supervisor, stopped: &Stopped, stage: Stage, name: &'static str) {
    let (token, stopped) = (supervisor.token(stage), Arc::clone(stopped));
    supervisor.spawn(stage, name, async move {
        token.cancelled().await;
        tokio::task::yield_now().await;
        stopped.lock().unwrap().push(name);
        Ok::<_, Infallible>(())
    });
}

#[tokio::test]
async fn stages_stop_one_after_the_other() {
    let (mut supervisor, stopped) = (Supervisor::default(), Stopped::default());
    for (stage, name) in [
        (Stage::Stores, "stores"),
        (Stage::Gateway, "gateway"),
        (Stage::Processors, "processors"),
        (Stage::Apis, "apis"),
    ] {
        spawn(&mut supervisor, &stopped, stage, name);
    }
    supervisor.stop().await;
    assert_eq!(*stopped.lock().unwrap(), ["gateway", "apis", "processors", "stores"]);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_stop_holds_up_the_others_for_a_while_only() {
    let (mut supervisor, stopped) = (Supervisor::default(), Stopped::default());
    supervisor.spawn(Stage::Gateway, "gateway", std::future::pending::<Result<(), Infallible>>());
    supervisor.spawn(Stage::Stores, "stuck", std::future::pending::<Result<(), Infallible>>());
    spawn(&mut supervisor, &stopped, Stage::Stores, "stores");
    let begin = Instant::now();
    supervisor.stop().await;
    assert_eq!(*stopped.lock().unwrap(), ["stores"]);
    assert!(begin.elapsed() < Duration::from_millis(9_100), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_task_that_ends_by_itself_is_noticed() {
    let mut supervisor = Supervisor::default();
    supervisor.spawn(Stage::Stores, "store", std::future::pending::<Result<(), Infallible>>());
    supervisor.spawn(Stage::Apis, "API", async { Ok::<_, Infallible>(()) });
    assert_eq!(supervisor.task_ended().await.to_string(), "the API ended unexpectedly");
}

#[tokio::test]
async fn so_is_one_that_fails() {
    let mut supervisor = Supervisor::default();
    supervisor.spawn(Stage::Apis, "API", async { Err("it had no chance") });
    let error = supervisor.task_ended().await;
    assert_eq!(ErrorChain(&error).to_string(), "the API failed: it had no chance");
}

#[tokio::test]
async fn so_is_one_that_panics() {
    let mut supervisor = Supervisor::default();
    supervisor.spawn::<Infallible>(Stage::Apis, "API", async { panic!("as it should") });
    let error = supervisor.task_ended().await;
    assert_eq!(error.to_string(), "the API failed by a fault in the program");
}
