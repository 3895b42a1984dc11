//! What the system says of this process.

/// Asks the system.
#[cfg(target_os = "linux")]
pub(crate) fn measure() {
    use procfs::process::Process;

    use crate::table::{
        PROCESS_CPU, PROCESS_FILES, PROCESS_FILES_MAX, PROCESS_MEMORY, PROCESS_MEMORY_LIMIT, PROCESS_START,
        PROCESS_THREADS,
    };

    // What the system does not say is left as it was.
    let Ok(process) = Process::myself() else { return };
    if let Ok(stat) = process.stat() {
        let seconds = |ticks: u64| ticks as f64 / procfs::ticks_per_second() as f64;
        PROCESS_MEMORY.of([]).set((stat.rss * procfs::page_size()) as f64);
        PROCESS_THREADS.of([]).set(stat.num_threads as f64);
        let (used, counted) = (seconds(stat.utime + stat.stime), PROCESS_CPU.of([]));
        counted.inc_by((used - counted.get()).max(0.0));
        if let Ok(boot) = procfs::boot_time_secs() {
            PROCESS_START.of([]).set(boot as f64 + seconds(stat.starttime));
        }
    }
    if let Ok(count) = process.fd_count() {
        PROCESS_FILES.of([]).set(count as f64);
    }
    if let Ok(limits) = process.limits()
        && let procfs::process::LimitValue::Value(most) = limits.max_open_files.soft_limit
    {
        PROCESS_FILES_MAX.of([]).set(most as f64);
    }
    if let Some(limit) = memory_limit() {
        PROCESS_MEMORY_LIMIT.of([]).set(limit as f64);
    }
}

/// How much memory there is for this process: what its container may have, or else what the machine has.
#[cfg(target_os = "linux")]
fn memory_limit() -> Option<u64> {
    use procfs::Current;

    let of_container = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        .into_iter()
        .filter_map(|file| std::fs::read_to_string(file).ok()?.trim().parse().ok());
    let of_machine = procfs::Meminfo::current().ok().map(|memory| memory.mem_total);
    of_container.chain(of_machine).min()
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn measure() {}
