//! What is measured of an executor.

use shared_kernel::{Committed, Decider, ExecuteError, Interruption};
use shared_telemetry::table::{
    APPEND_DURATION, APPEND_FAILURES, BATCH_COMMANDS, COMMAND_QUEUE, COMMAND_QUEUE_MAX, COMMANDS, DECIDE_DURATION,
    EXECUTOR_CONNECTED,
};
use shared_telemetry::{AtScrape, Counter, Histogram, at_scrape};
use tokio::sync::{mpsc, watch};

use super::Connection;
use super::batch::Request;
use crate::event_store::AppendFailure;

/// Counts what is done with batches.
pub(super) struct Meters {
    pub(super) commands: Histogram,
    pub(super) decided: Histogram,
    pub(super) appended: Histogram,
    conflicts: Counter,
    not_written: Counter,
    unknown: Counter,
    _at_scrape: AtScrape,
}

impl Meters {
    pub(super) fn of<D: Decider>(
        stream: &str,
        requests: &mpsc::Sender<Request<D>>,
        connection: watch::Receiver<Connection>,
    ) -> Self {
        let (waiting, most) = (COMMAND_QUEUE.of([stream]), COMMAND_QUEUE_MAX.of([stream]));
        // The executor ends when all who give it commands are gone, and this is none of them.
        let (connected, requests) = (EXECUTOR_CONNECTED.of([stream]), requests.downgrade());
        let measured = at_scrape(move || {
            if let Some(requests) = requests.upgrade() {
                waiting.set((requests.max_capacity() - requests.capacity()) as f64);
                most.set(requests.max_capacity() as f64);
            }
            connected.set(f64::from(u8::from(connection.borrow().is_ok())));
            std::future::ready(())
        });
        let failures = |failure| APPEND_FAILURES.of([stream, failure]);
        Self {
            commands: BATCH_COMMANDS.of([stream]),
            decided: DECIDE_DURATION.of([stream]),
            appended: APPEND_DURATION.of([stream]),
            conflicts: failures("conflict"),
            not_written: failures("not_written"),
            unknown: failures("outcome_unknown"),
            _at_scrape: measured,
        }
    }

    pub(super) fn failed(&self, failure: &AppendFailure) {
        match failure {
            AppendFailure::WrongExpectedRevision { .. } => &self.conflicts,
            AppendFailure::NotWritten(_) => &self.not_written,
            AppendFailure::Unknown(_) => &self.unknown,
        }
        .inc();
    }
}

/// Counts what becomes of commands.
pub(super) struct Outcomes {
    committed: Counter,
    rejected: Counter,
    key_reused: Counter,
    overloaded: Counter,
    unavailable: Counter,
    outcome_unknown: Counter,
    failed: Counter,
}

impl Outcomes {
    pub(super) fn of(stream: &str) -> Self {
        let outcome = |outcome| COMMANDS.of([stream, outcome]);
        Self {
            committed: outcome("committed"),
            rejected: outcome("rejected"),
            key_reused: outcome("key_reused"),
            overloaded: outcome("overloaded"),
            unavailable: outcome("unavailable"),
            outcome_unknown: outcome("outcome_unknown"),
            failed: outcome("failed"),
        }
    }

    pub(super) fn count<D: Decider>(&self, outcome: &Result<Committed<D>, ExecuteError<D::Rejection>>) {
        match outcome {
            Ok(_) => &self.committed,
            Err(ExecuteError::Rejected { .. }) => &self.rejected,
            Err(ExecuteError::KeyReused) => &self.key_reused,
            Err(ExecuteError::Interrupted(interruption)) => match interruption {
                Interruption::Overloaded => &self.overloaded,
                Interruption::Unavailable(_) => &self.unavailable,
                Interruption::OutcomeUnknown(_) => &self.outcome_unknown,
                Interruption::Refused(_) | Interruption::Internal(_) => &self.failed,
            },
        }
        .inc();
    }
}
