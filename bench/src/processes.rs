//! What processes take of processor and memory, as the operating system counts it.

use std::collections::BTreeMap;
use std::time::Duration;

use procfs::process::{ClearRefs, Process, Stat, all_processes};
use procfs::{CurrentSI, KernelStats};
use tokio::time::{Instant, sleep};

use crate::failure::Failure;

/// The name of every server process of PostgreSQL.
const POSTGRES: &str = "postgres";
/// How long a time of rest is, for [`Processes::rest`], and how much of one core may be in use in it.
const REST: Duration = Duration::from_millis(400);
const REST_SHARE: f64 = 0.05;

/// Processes, each with all that it has started.
#[derive(Debug, Clone, Default)]
pub(crate) struct Processes {
    roots: Vec<(String, i32)>,
}

/// Time of the processor, by the names of the processes; what PostgreSQL takes is under its own.
pub(crate) type Times = BTreeMap<String, Duration>;

impl Processes {
    pub(crate) fn add(&mut self, name: &str, pid: i32) {
        self.roots.push((name.to_owned(), pid));
    }

    /// So far, since they have begun: of those that have ended as well.
    pub(crate) fn times(&self) -> Result<Times, Failure> {
        let mut times = Times::new();
        for (name, process) in self.all()? {
            // A process that is gone is counted by the one that has waited for it.
            let Ok(stat) = process.stat() else { continue };
            *times.entry(named(&name, &stat)).or_default() += time_of(&stat);
        }
        Ok(times)
    }

    /// Resident memory in bytes; what several share is counted once.
    pub(crate) fn memory(&self) -> Result<BTreeMap<String, u64>, Failure> {
        let mut memory = BTreeMap::new();
        for (name, process) in self.all()? {
            let (Ok(stat), Ok(maps)) = (process.stat(), process.smaps_rollup()) else { continue };
            let bytes: u64 = maps.memory_map_rollup.iter().filter_map(|map| map.extension.map.get("Pss")).sum();
            *memory.entry(named(&name, &stat)).or_default() += bytes;
        }
        Ok(memory)
    }

    /// What all but PostgreSQL have resident, and the most that they had since [`forget_most`](Self::forget_most), in
    /// bytes. What several share is counted more than once.
    pub(crate) fn resident(&self) -> Result<(u64, u64), Failure> {
        let (mut now, mut most) = (0, 0);
        for process in self.without_postgres()? {
            let Ok(status) = process.status() else { continue };
            now += status.vmrss.unwrap_or_default() * 1024;
            most += status.vmhwm.unwrap_or_default() * 1024;
        }
        Ok((now, most))
    }

    /// Lets the most that they had resident be what they have now.
    ///
    /// # Errors
    /// When the operating system does not let this user do that.
    pub(crate) fn forget_most(&self) -> Result<(), Failure> {
        for process in self.without_postgres()? {
            process.clear_refs(ClearRefs::PeakRSS)?;
        }
        Ok(())
    }

    fn without_postgres(&self) -> Result<impl Iterator<Item = Process>, Failure> {
        let is_other = |process: &Process| process.stat().is_ok_and(|stat| stat.comm != POSTGRES);
        Ok(self.all()?.into_iter().map(|(_, process)| process).filter(is_other))
    }

    /// Waits until they have nothing left to do, or until the limit. Whether they have.
    pub(crate) async fn rest(&self, limit: Duration) -> Result<bool, Failure> {
        let end = Instant::now() + limit;
        let mut before = total(&self.times()?);
        while Instant::now() < end {
            sleep(REST).await;
            let now = total(&self.times()?);
            if (now.saturating_sub(before)).as_secs_f64() < REST_SHARE * REST.as_secs_f64() {
                return Ok(true);
            }
            before = now;
        }
        Ok(false)
    }

    /// The roots and everything below them, each with the name of its root.
    fn all(&self) -> Result<Vec<(String, Process)>, Failure> {
        let mut children: BTreeMap<i32, Vec<Process>> = BTreeMap::new();
        for process in all_processes()?.flatten() {
            if let Ok(stat) = process.stat() {
                children.entry(stat.ppid).or_default().push(process);
            }
        }
        let mut found = Vec::new();
        for (name, pid) in &self.roots {
            found.push((name.clone(), Process::new(*pid)?));
            let mut waiting = vec![*pid];
            while let Some(parent) = waiting.pop() {
                for process in children.remove(&parent).unwrap_or_default() {
                    waiting.push(process.pid);
                    found.push((name.clone(), process));
                }
            }
        }
        Ok(found)
    }
}

fn named(root: &str, stat: &Stat) -> String {
    if stat.comm == POSTGRES { "PostgreSQL" } else { root }.to_owned()
}

/// Its own, and that of its children which it has waited for.
fn time_of(stat: &Stat) -> Duration {
    let children = u64::try_from(stat.cutime + stat.cstime).unwrap_or_default();
    ticks(stat.utime + stat.stime + children)
}

fn ticks(number: u64) -> Duration {
    Duration::from_secs_f64(number as f64 / procfs::ticks_per_second() as f64)
}

/// Of all of them.
pub(crate) fn total(times: &Times) -> Duration {
    times.values().sum()
}

/// What has been added since.
pub(crate) fn since(before: &Times, now: &Times) -> Times {
    let before_of = |name: &String| before.get(name).copied().unwrap_or_default();
    now.iter().map(|(name, time)| (name.clone(), time.saturating_sub(before_of(name)))).collect()
}

/// How long the processors of this machine have been busy so far, with whatever.
pub(crate) fn machine() -> Result<Duration, Failure> {
    let total = KernelStats::current()?.total;
    Ok(ticks(total.user + total.nice + total.system + total.irq.unwrap_or(0) + total.softirq.unwrap_or(0)))
}

/// How long this process has been.
pub(crate) fn own() -> Result<Duration, Failure> {
    let stat = Process::myself()?.stat()?;
    Ok(ticks(stat.utime + stat.stime))
}
