//! Waiting with a limit.

use std::time::Duration;

use jetbridge_testing::eventually;

#[tokio::test]
async fn the_value_of_the_condition_is_given() {
    let mut answers = [Err("not yet"), Ok(7)].into_iter();
    let value = eventually("seven", Duration::from_secs(5), || std::future::ready(answers.next().unwrap())).await;
    assert_eq!(value, 7);
}

#[tokio::test]
#[should_panic(expected = "did not happen within 20ms: pigs fly")]
async fn what_did_not_happen_is_named() {
    eventually("pigs fly", Duration::from_millis(20), async || false).await;
}

#[tokio::test]
#[should_panic(expected = "did not happen within 20ms: an answer (no answer)")]
async fn a_condition_that_hangs_is_given_up() {
    eventually("an answer", Duration::from_millis(20), std::future::pending::<bool>).await;
}
