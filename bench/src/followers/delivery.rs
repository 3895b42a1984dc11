//! What was delivered, beside what was answered.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::answers::Answered;
use crate::failure::Failure;
use crate::load::histogram;

/// When events arrived at one follower.
pub(super) struct Arrivals {
    begin: Instant,
    /// By the number of the event, in microseconds from the beginning: enough for an hour.
    at: Vec<u32>,
    /// Events that had arrived before.
    doubled: u64,
}

const NEVER: u32 = u32::MAX;

/// What became of all deliveries.
pub(super) struct Deliveries {
    /// From the answer to the arrival, in microseconds; 0 for what arrived before.
    pub(super) latency: Histogram<u64>,
    /// Those that arrived before the answer.
    pub(super) early: u64,
    pub(super) lost: u64,
    pub(super) doubled: u64,
}

impl Arrivals {
    pub(super) fn since(begin: Instant) -> Self {
        Self { begin, at: Vec::new(), doubled: 0 }
    }

    /// Notes that an event arrives. Whether it is the first time.
    pub(super) fn note(&mut self, event: u64, now: Instant) -> bool {
        let event = event as usize;
        if self.at.len() <= event {
            self.at.resize(event + 1, NEVER);
        }
        let is_first = self.at[event] == NEVER;
        if is_first {
            self.at[event] = microseconds(now.saturating_duration_since(self.begin));
        } else {
            self.doubled += 1;
        }
        is_first
    }
}

fn microseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(NEVER - 1)
}

impl Deliveries {
    /// Matches what arrived at each follower with what was answered.
    ///
    /// # Errors
    /// None of its own.
    pub(super) fn of(answered: &[Answered], followers: &[Arrivals]) -> Result<Self, Failure> {
        let mut deliveries = Self { latency: histogram()?, early: 0, lost: 0, doubled: 0 };
        for follower in followers {
            deliveries.doubled += follower.doubled;
            for (event, answered) in answered {
                let answered = microseconds(answered.saturating_duration_since(follower.begin));
                match follower.at.get(*event as usize) {
                    None | Some(&NEVER) => deliveries.lost += 1,
                    Some(&arrived) => {
                        deliveries.early += u64::from(arrived < answered);
                        deliveries.latency.saturating_record(arrived.saturating_sub(answered).into());
                    }
                }
            }
        }
        Ok(deliveries)
    }

    pub(super) fn milliseconds(&self, quantile: f64) -> f64 {
        self.latency.value_at_quantile(quantile) as f64 / 1e3
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Arrivals, Deliveries};

    #[test]
    fn deliveries_are_matched_with_answers() {
        let begin = Instant::now();
        let at = |milliseconds| begin + Duration::from_millis(milliseconds);
        let mut early = Arrivals::since(begin);
        assert!(early.note(7, at(9)), "before its answer");
        assert!(early.note(8, at(24)));
        assert!(early.note(6, at(30)), "of a command that was not answered");
        let mut late = Arrivals::since(begin);
        assert!(late.note(7, at(40)));
        assert!(!late.note(7, at(41)), "twice");
        let deliveries = Deliveries::of(&[(7, at(10)), (8, at(20))], &[early, late]).unwrap();
        assert_eq!((deliveries.early, deliveries.lost, deliveries.doubled), (1, 1, 1));
        assert_eq!(deliveries.latency.len(), 3, "the event that one follower has never got has no latency");
        let [least, middle, most] = [0.0, 0.5, 1.0].map(|quantile| deliveries.milliseconds(quantile).round());
        assert_eq!((least, middle, most), (0.0, 4.0, 30.0), "the first arrival counts");
    }
}
