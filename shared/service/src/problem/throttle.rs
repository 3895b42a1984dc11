use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, OnceLock};
use std::time::Instant;

use super::ProblemType;

/// What was logged last about one type of problem.
#[derive(Default)]
struct Slot {
    /// The second in which the next line may be written, counted from the first use.
    next_second: AtomicU64,
    unlogged: AtomicU64,
}

/// Whether to log a problem of this type now, and how many of the type have not been logged since the last line.
pub(super) fn admit(kind: ProblemType) -> Option<u64> {
    static START: OnceLock<Instant> = OnceLock::new();
    static SLOTS: LazyLock<Vec<Slot>> = LazyLock::new(|| ProblemType::ALL.iter().map(|_| Slot::default()).collect());
    let second = START.get_or_init(Instant::now).elapsed().as_secs();
    let slot = SLOTS.get(kind as usize)?;
    let next = slot.next_second.load(Ordering::Relaxed);
    let is_due = second >= next;
    let is_ours = || slot.next_second.compare_exchange(next, second + 1, Ordering::Relaxed, Ordering::Relaxed).is_ok();
    if is_due && is_ours() {
        return Some(slot.unlogged.swap(0, Ordering::Relaxed));
    }
    slot.unlogged.fetch_add(1, Ordering::Relaxed);
    None
}
