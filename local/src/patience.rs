use std::time::Duration;

use shared_infrastructure::back_off::BackOff;
use shared_service::ErrorChain;
use tokio::time::{Instant, sleep, timeout_at};

use crate::error::SystemError;

/// How long a server that is given may take until it answers: it may be starting at the same time.
const LIMIT: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// An attempt that did not succeed.
pub(crate) struct Failure {
    pub(crate) error: SystemError,
    /// Whether it may be different in a moment.
    pub(crate) is_transient: bool,
}

/// Tries until it succeeds, fails for good, or the limit is reached; then with the last error, or `silent` if there has
/// been no answer at all.
pub(crate) async fn patiently<T>(
    silent: impl FnOnce(Duration) -> SystemError,
    mut attempt: impl AsyncFnMut() -> Result<T, Failure>,
) -> Result<T, SystemError> {
    let deadline = Instant::now() + LIMIT;
    let mut back_off = BackOff::new(FIRST_PAUSE, LONGEST_PAUSE);
    let mut last = None;
    loop {
        match timeout_at(deadline, attempt()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(failure)) if !failure.is_transient => return Err(failure.error),
            Ok(Err(failure)) => {
                if last.is_none() {
                    tracing::info!("waiting up to {} s: {}", LIMIT.as_secs(), ErrorChain(&failure.error));
                }
                last = Some(failure.error);
            }
            Err(_elapsed) => {}
        }
        let pause = back_off.next_pause();
        if Instant::now() + pause >= deadline {
            return Err(last.unwrap_or_else(|| silent(LIMIT)));
        }
        sleep(pause).await;
    }
}
