use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use shared_kernel::ProblemType;

/// How often one type of problem is logged.
const INTERVAL: Duration = Duration::from_secs(1);

/// What was logged last about one type of problem.
#[derive(Default)]
struct Slot {
    logged: Option<Instant>,
    unlogged: u64,
}

/// Whether to log a problem of this type now, and how many of the type have not been logged since the last line.
pub(super) fn admit(kind: &'static ProblemType) -> Option<u64> {
    // As many as there are types, which are constants.
    static SLOTS: LazyLock<Mutex<HashMap<&'static str, Slot>>> = LazyLock::new(Mutex::default);
    let mut slots = SLOTS.lock().unwrap_or_else(PoisonError::into_inner);
    let slot = slots.entry(kind.slug).or_default();
    if slot.logged.is_some_and(|logged| logged.elapsed() < INTERVAL) {
        slot.unlogged += 1;
        return None;
    }
    slot.logged = Some(Instant::now());
    Some(std::mem::take(&mut slot.unlogged))
}
