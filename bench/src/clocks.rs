//! How busy the processors of this machine are, with what is measured, with the load, and with others.

use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::processes::{self, Processes, Times};

/// How long processors were busy so far.
pub(crate) struct Clocks {
    at: Instant,
    subject: Times,
    own: Duration,
    machine: Duration,
}

/// The same, between two points in time.
pub(crate) struct Busy {
    whole: Duration,
    /// With what is measured.
    pub(crate) subject: Times,
    /// With this program, which makes the load.
    pub(crate) own: Duration,
    others: Duration,
}

impl Clocks {
    /// Reads them, for what these processes do.
    ///
    /// # Errors
    /// When `/proc` cannot be read.
    pub(crate) fn read(subject: &Processes) -> Result<Self, Failure> {
        let subject = subject.times()?;
        Ok(Self { at: Instant::now(), subject, own: processes::own()?, machine: processes::machine()? })
    }

    /// What has been added since an earlier reading.
    pub(crate) fn since(&self, before: &Self) -> Busy {
        let subject = processes::since(&before.subject, &self.subject);
        let own = self.own.saturating_sub(before.own);
        let known = processes::total(&subject) + own;
        let others = (self.machine.saturating_sub(before.machine)).saturating_sub(known);
        Busy { whole: self.at - before.at, subject, own, others }
    }
}

impl Busy {
    /// How much of this machine was busy with neither, from 0 to the number of its cores.
    pub(crate) fn others_cores(&self) -> f64 {
        self.others.as_secs_f64() / self.whole.as_secs_f64()
    }
}
