//! Keeps the server running until it is told to stop.

use std::process::ExitStatus;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::error::StopError;
use crate::leash::{Leashed, RemovedAtEnd};
use crate::server::Server;

const FIRST_DELAY: Duration = Duration::from_millis(200);
const LONGEST_DELAY: Duration = Duration::from_secs(30);
/// After this time without trouble, the next restart is quick again.
const QUIET: Duration = Duration::from_secs(60);
const LOG_CHECK: Duration = Duration::from_secs(60);

/// How long to wait before each attempt to start the server again.
struct Delays(ExponentialBackoff);

impl Delays {
    fn new() -> Self {
        let delays = ExponentialBuilder::new().with_min_delay(FIRST_DELAY).with_max_delay(LONGEST_DELAY);
        Self(delays.without_max_times().build())
    }

    fn next(&mut self) -> Duration {
        // There is always one, since there is no maximum of times.
        self.0.next().unwrap_or(LONGEST_DELAY)
    }
}

/// Owns a running server.
pub(crate) struct Supervisor {
    pub(crate) server: Server,
    pub(crate) stop: CancellationToken,
    pub(crate) removed_at_end: Option<RemovedAtEnd>,
}

impl Supervisor {
    /// Until told to stop: restarts the server when it ends, with growing delays, at the same address.
    pub(crate) async fn run(self, mut process: Leashed) -> Result<(), StopError> {
        let mut log_check = interval(LOG_CHECK);
        log_check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut delays = Delays::new();
        let mut started = Instant::now();
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return self.finish(Some(process)).await,
                _ = log_check.tick() => self.bound_log(),
                ended = process.ended() => {
                    if started.elapsed() > QUIET {
                        delays = Delays::new();
                    }
                    let delay = delays.next();
                    self.report_end(&ended, delay);
                    match self.restart(delay, &mut delays).await {
                        Some(restarted) => process = restarted,
                        None => return self.finish(None).await,
                    }
                    started = Instant::now();
                }
            }
        }
    }

    /// Tries until the server runs again; `None` when told to stop.
    async fn restart(&self, mut delay: Duration, delays: &mut Delays) -> Option<Leashed> {
        loop {
            let attempt = async {
                sleep(delay).await;
                self.server.launch().await
            };
            tokio::select! {
                // A server that is being started is let go of, and so stopped.
                () = self.stop.cancelled() => return None,
                launched = attempt => match launched {
                    Ok(process) => {
                        info!("PostgreSQL runs again");
                        return Some(process);
                    }
                    Err(error) => {
                        delay = delays.next();
                        error!(
                            error = &error as &dyn std::error::Error,
                            retry.delay_ms = delay.as_millis(),
                            "PostgreSQL cannot be restarted; trying again"
                        );
                    }
                },
            }
        }
    }

    async fn finish(self, process: Option<Leashed>) -> Result<(), StopError> {
        let stopped = match process {
            Some(process) => process.stop().await.map(|status| {
                info!(postgres.exit = %status, "PostgreSQL has stopped");
            }),
            None => Ok(()),
        };
        if let Some(folder) = self.removed_at_end {
            folder.remove().await?;
        }
        stopped
    }

    fn report_end(&self, ended: &std::io::Result<ExitStatus>, delay: Duration) {
        let status = match ended {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        error!(
            postgres.exit = status,
            postgres.log = %self.server.log.path().display(),
            retry.delay_ms = delay.as_millis(),
            "PostgreSQL ended unexpectedly; restarting it"
        );
    }

    fn bound_log(&self) {
        if let Err(error) = self.server.log.bound() {
            warn!(%error, "cannot shorten PostgreSQL's log");
        }
    }
}
