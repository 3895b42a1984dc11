//! When to tell a filtered subscription how far it has come.

/// Counts the events that a filtered subscription considers.
#[derive(Debug)]
pub(super) struct Checkpoints {
    interval: u64,
    considered: u64,
    last_considered: Option<u64>,
}

impl Checkpoints {
    pub(super) fn new(interval: u64) -> Self {
        Self { interval, considered: 0, last_considered: None }
    }

    /// Counts an event, whether it matched or not. True if a checkpoint is due at its position.
    pub(super) fn consider(&mut self, position: u64) -> bool {
        self.considered += 1;
        self.last_considered = Some(position);
        let due = self.considered >= self.interval;
        if due {
            self.flush();
        }
        due
    }

    /// The position to report when all there is was considered; `None` if that was reported before.
    pub(super) fn flush(&mut self) -> Option<u64> {
        self.considered = 0;
        self.last_considered.take()
    }
}
