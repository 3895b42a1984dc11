use shared_infrastructure::event_store::StoreError;
use tokio::join;
use tokio::sync::{broadcast, watch};
use tokio::time::{Duration, Instant, sleep};

use super::{NotFollowing, State, Tail};

/// Who joins; and what becomes of the subscription after that long.
async fn joined_when(after: Duration, comes: impl FnOnce(&mut State)) -> (Result<(), NotFollowing>, Duration) {
    let (state, watched) = watch::channel(State::default());
    let tail = Tail { state: watched };
    let begun = Instant::now();
    let joining = async { (tail.join().await.map(drop), begun.elapsed()) };
    let coming = async {
        sleep(after).await;
        state.send_modify(comes);
    };
    join!(joining, coming).0
}

#[tokio::test(start_paused = true)]
async fn a_follower_waits_for_a_subscription_that_is_only_slow() {
    let begins = |state: &mut State| state.entries = Some(broadcast::channel(1).0);
    let late = Duration::from_millis(1_200);
    assert_eq!(joined_when(late, begins).await, (Ok(()), late));
    let (outcome, waited) = joined_when(Duration::from_secs(10), begins).await;
    assert_eq!(outcome, Err(NotFollowing(None)));
    assert!(waited < Duration::from_secs(2), "whoever asks gets to know within two seconds, and not in {waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_follower_hears_soon_of_an_outage() {
    let outage = StoreError::Unavailable("away".to_owned());
    for (after, told_after) in [(100, 500), (1_200, 1_200)].map(|(after, told)| (ms(after), ms(told))) {
        let breaks = |state: &mut State| state.outage = Some(outage.clone());
        assert_eq!(joined_when(after, breaks).await, (Err(NotFollowing(Some(outage.clone()))), told_after));
    }
}

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}
