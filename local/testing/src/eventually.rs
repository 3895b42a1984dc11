//! Waiting for something that happens soon.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::time::{Instant, sleep, timeout_at};

const SHORTEST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// What a condition can answer: a `bool`, an `Option`, or a `Result` whose error means "not yet".
pub trait Outcome {
    /// What there is once the condition holds.
    type Value;

    /// The value, or what to say about its absence.
    ///
    /// # Errors
    ///
    /// While the condition does not hold.
    fn into_result(self) -> Result<Self::Value, String>;
}

impl Outcome for bool {
    type Value = ();

    fn into_result(self) -> Result<(), String> {
        self.then_some(()).ok_or_else(String::new)
    }
}

impl<T> Outcome for Option<T> {
    type Value = T;

    fn into_result(self) -> Result<T, String> {
        self.ok_or_else(String::new)
    }
}

impl<T, E: std::fmt::Display> Outcome for Result<T, E> {
    type Value = T;

    fn into_result(self) -> Result<T, String> {
        self.map_err(|error| format!(" (last: {error})"))
    }
}

/// Asks again and again until the condition holds, and gives what it gave. One answer may not take longer than the
/// limit either.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// use jetbridge_testing::eventually;
/// use std::time::Duration;
///
/// let mut answers = [None, None, Some(7)].into_iter();
/// let seven = eventually("the third answer", Duration::from_secs(5), async || answers.next().flatten()).await;
/// assert_eq!(seven, 7);
/// # });
/// ```
///
/// # Panics
///
/// When it did not happen in time, naming `what`.
pub async fn eventually<O: Outcome>(what: &str, limit: Duration, mut condition: impl AsyncFnMut() -> O) -> O::Value {
    let deadline = Instant::now() + limit;
    let pauses = ExponentialBuilder::new().with_min_delay(SHORTEST_PAUSE).with_max_delay(LONGEST_PAUSE);
    let mut pauses = pauses.without_max_times().build();
    let mut last = " (no answer)".to_owned();
    loop {
        if let Ok(outcome) = timeout_at(deadline, condition()).await {
            match outcome.into_result() {
                Ok(value) => return value,
                Err(reason) => last = reason,
            }
        }
        assert!(Instant::now() < deadline, "did not happen within {limit:?}: {what}{last}");
        sleep(pauses.next().unwrap_or(LONGEST_PAUSE)).await;
    }
}
