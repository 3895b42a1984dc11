//! When replicas that append to the same stream let each other go first.

use std::time::{Duration, Instant};

/// Another replica counts as being at work for this long after it has appended.
const AT_WORK: Duration = Duration::from_millis(100);
/// The least and the most that a turn of the others takes.
const SHORTEST_TURN: Duration = Duration::from_millis(1);
const LONGEST_TURN: Duration = Duration::from_millis(20);

/// Whether other replicas are at work, and how long their turn may take.
#[derive(Debug, Default)]
pub(super) struct Turns {
    others: Option<Instant>,
    append: Duration,
}

impl Turns {
    /// An append of this replica took this long; those of the others will take about as long.
    pub(super) fn appended_in(&mut self, time: Duration) {
        self.append = time;
    }

    /// Another replica has appended.
    pub(super) fn others_appended(&mut self) {
        self.others = Some(Instant::now());
    }

    /// No other replica has used its turn.
    pub(super) fn others_are_idle(&mut self) {
        self.others = None;
    }

    /// How long to let the others go first; `None` if there are none at work.
    pub(super) fn of_others(&self) -> Option<Duration> {
        self.others.filter(|since| since.elapsed() < AT_WORK)?;
        Some((self.append * 2).clamp(SHORTEST_TURN, LONGEST_TURN))
    }
}
