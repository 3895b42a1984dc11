//! Going away in two steps: a service first says that it is not ready any more, so that nothing new is sent to it, and
//! stops a little later.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;
use tokio_util::sync::CancellationToken;

use crate::health::{Checks, Trouble};

/// How a service goes away.
#[derive(Debug, Clone, Copy, Args)]
pub struct DrainArgs {
    /// Seconds between being told to stop and stopping. Until then requests are answered, while /health/ready says that no
    /// more should be sent. Longer than what is in front of it takes to notice
    #[arg(long, value_name = "SECONDS", env = "JETBRIDGE_DRAIN", default_value_t = 2)]
    #[arg(value_parser = clap::value_parser!(u32).range(..=60))]
    drain: u32,
}

impl DrainArgs {
    /// What a listener has to know of it.
    #[must_use]
    pub fn drain(&self) -> Drain {
        Drain::new(Duration::from_secs(self.drain.into()))
    }
}

/// Whether a service is going away, and how long that takes. By default it stops at once.
#[derive(Debug, Clone, Default)]
pub struct Drain {
    time: Duration,
    /// Looked at for every answer.
    has_begun: Arc<AtomicBool>,
}

impl Drain {
    /// One that takes so long.
    #[must_use]
    pub fn new(time: Duration) -> Self {
        Self { time, has_begun: Arc::default() }
    }

    /// What stops a service some time after `told` has been cancelled. As soon as that happens, it says so.
    #[must_use]
    pub fn before_end(&self, told: CancellationToken) -> CancellationToken {
        if self.time.is_zero() {
            return told;
        }
        let (drain, stop) = (self.clone(), CancellationToken::new());
        let stopped = stop.clone();
        tokio::spawn(async move {
            told.cancelled().await;
            drain.has_begun.store(true, Ordering::Relaxed);
            tokio::time::sleep(drain.time).await;
            stop.cancel();
        });
        stopped
    }

    /// Whether the service was told to stop, and nothing new should be sent to it.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::Relaxed)
    }

    /// These checks, and one that says so.
    #[must_use]
    pub fn noted_in(&self, checks: Checks) -> Checks {
        if self.time.is_zero() {
            return checks;
        }
        let drain = self.clone();
        checks.with("running", move || {
            let is_over = drain.has_begun();
            async move { if is_over { Err(Trouble::Down("it is shutting down".to_owned())) } else { Ok(None) } }
        })
    }
}
