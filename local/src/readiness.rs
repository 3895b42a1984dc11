//! Whether everything is ready, as the gateway knows it.

use std::time::Duration;

use gateway::Probe;
use shared_infrastructure::back_off::BackOff;
use tokio::time::Instant;

use crate::error::SystemError;

/// Long enough to fold streams of many millions of events.
const LIMIT: Duration = Duration::from_secs(600);
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
/// How often to say what is missing.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// Asks the services again and again, until everything is ready.
pub(crate) async fn wait(services: &Probe) -> Result<(), SystemError> {
    let start = Instant::now();
    let mut next_report = start + REPORT_INTERVAL;
    let mut back_off = BackOff::new(FIRST_PAUSE, LONGEST_PAUSE);
    loop {
        // Each of them has a second to say how it is.
        let down = services.down().await;
        if down.is_empty() {
            return Ok(());
        }
        let missing = down.join(", ");
        if start.elapsed() >= LIMIT {
            return Err(SystemError::NotReady { limit: LIMIT, missing });
        }
        if Instant::now() >= next_report {
            tracing::info!(waited.s = start.elapsed().as_secs(), "still waiting for {missing}");
            next_report += REPORT_INTERVAL;
        }
        back_off.pause().await;
    }
}
