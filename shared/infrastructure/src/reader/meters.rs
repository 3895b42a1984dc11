//! What is measured of a reader while it leads.

use shared_telemetry::table::{READER_BATCH_DURATION, READER_CHECKPOINT, READER_EVENTS, REBUILD_EVENTS, REBUILD_OF};
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

/// What is measured of a rebuild. What is true of it only while it goes on is forgotten with this.
pub(super) struct RebuildMeters {
    reader: &'static str,
    /// By what its events are told from those of the projection.
    own: String,
}

impl RebuildMeters {
    /// With the meters of its events.
    pub(super) fn of(reader: &'static str) -> (Self, Meters) {
        let own = format!("{reader} rebuild");
        let meters = Meters::of(&own);
        (Self { reader, own }, meters)
    }

    /// It has come to so many events of so many.
    #[expect(clippy::cast_precision_loss, reason = "metrics are such numbers")]
    pub(super) fn has_come_to(&self, events: u64, of: u64) {
        REBUILD_EVENTS.of([self.reader]).set(events as f64);
        REBUILD_OF.of([self.reader]).set(of as f64);
    }
}

impl Drop for RebuildMeters {
    fn drop(&mut self) {
        REBUILD_EVENTS.forget([self.reader]);
        REBUILD_OF.forget([self.reader]);
        // A checkpoint that does not move any more stands still for no reason that anybody has to look after.
        READER_CHECKPOINT.forget([&*self.own]);
    }
}
