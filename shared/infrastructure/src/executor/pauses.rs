//! Pauses between attempts.

use std::time::Duration;

const FIRST_RETRY_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Pauses between attempts, each twice as long as the one before.
pub(super) struct Pauses {
    /// How long the next one will be.
    pub(super) next: Duration,
    pub(super) taken: usize,
}

impl Default for Pauses {
    fn default() -> Self {
        Self { next: FIRST_RETRY_PAUSE, taken: 0 }
    }
}

impl Pauses {
    pub(super) async fn take(&mut self) {
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 2).min(LONGEST_RETRY_PAUSE);
        self.taken += 1;
    }
}
