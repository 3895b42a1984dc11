//! What is measured of a reader while it leads.

use shared_telemetry::table::{READER_BATCH_DURATION, READER_CHECKPOINT, READER_EVENTS};
use shared_telemetry::{Counter, Gauge, Histogram};

pub(super) struct Meters {
    /// Events that are settled.
    pub(super) events: Counter,
    /// How long a batch took.
    pub(super) batches: Histogram,
    checkpoint: Gauge,
}

impl Meters {
    pub(super) fn of(reader: &str) -> Self {
        Self {
            events: READER_EVENTS.of([reader]),
            batches: READER_BATCH_DURATION.of([reader]),
            checkpoint: READER_CHECKPOINT.of([reader]),
        }
    }

    /// The checkpoint was moved.
    pub(super) fn moved(&self) {
        self.checkpoint.set(jiff::Timestamp::now().as_duration().as_secs_f64());
    }
}
