//! What the runtime says of its threads and tasks.

use tokio::runtime::Handle;

use crate::table::{RUNTIME_BUSY, RUNTIME_QUEUE, RUNTIME_TASKS, RUNTIME_WORKERS};

/// Asks the runtime that this is called on.
pub(crate) fn measure() {
    let metrics = Handle::current().metrics();
    RUNTIME_WORKERS.of([]).set(metrics.num_workers() as f64);
    RUNTIME_TASKS.of([]).set(metrics.num_alive_tasks() as f64);
    RUNTIME_QUEUE.of([]).set(metrics.global_queue_depth() as f64);
    let busy: f64 =
        (0..metrics.num_workers()).map(|worker| metrics.worker_total_busy_duration(worker).as_secs_f64()).sum();
    let counted = RUNTIME_BUSY.of([]);
    counted.inc_by((busy - counted.get()).max(0.0));
}
