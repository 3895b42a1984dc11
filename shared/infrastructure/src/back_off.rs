//! Exponential back-off with jitter: pauses between attempts that are repeated until they succeed.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// Pauses between attempts, each about twice as long as the one before, without end.
///
/// A pause takes between half of its time and all of it, so that those who failed together do not come back together.
#[derive(Debug)]
pub struct BackOff {
    builder: ExponentialBuilder,
    pauses: ExponentialBackoff,
    longest: Duration,
    taken: usize,
}

impl BackOff {
    /// The first pause takes up to `first`, and none more than `longest`.
    #[must_use]
    pub fn new(first: Duration, longest: Duration) -> Self {
        // The library adds the jitter on top: up to as much again.
        let builder = ExponentialBuilder::new()
            .with_min_delay(first / 2)
            .with_max_delay(longest / 2)
            .without_max_times()
            .with_jitter();
        Self { builder, pauses: builder.build(), longest, taken: 0 }
    }

    /// How long the next pause is to be.
    pub fn next_pause(&mut self) -> Duration {
        self.taken += 1;
        // There is always one, since there is no maximum of times.
        self.pauses.next().unwrap_or(self.longest)
    }

    /// Takes the next pause.
    pub async fn pause(&mut self) {
        tokio::time::sleep(self.next_pause()).await;
    }

    /// How many pauses there were since the beginning.
    #[must_use]
    pub const fn taken(&self) -> usize {
        self.taken
    }

    /// Begins anew, after a success.
    pub fn reset(&mut self) {
        self.pauses = self.builder.build();
        self.taken = 0;
    }
}

#[cfg(test)]
mod tests;
