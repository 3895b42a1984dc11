//! What growth has measured, for people.

use std::fmt;

use super::cold::ColdStart;
use super::snapshot::SnapshotMemory;
use super::{Latency, Step};
use crate::statistics::figure;

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>10} events  start {:>5} s  program {:>5} MB  PostgreSQL {:>5} MB  {:>4} bytes of disk each",
            figure(self.events as f64),
            figure(self.start_seconds),
            figure(self.program_megabytes),
            figure(self.postgres_megabytes),
            figure(self.disk_bytes),
        )?;
        for (name, Latency { p50_milliseconds, p99_milliseconds }) in &self.queries {
            write!(
                f,
                "\n    {name:<28} p50 {:>6} ms  p99 {:>6} ms",
                figure(*p50_milliseconds),
                figure(*p99_milliseconds)
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for SnapshotMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, most) = (figure(self.before_megabytes), figure(self.most_megabytes));
        write!(f, "while a snapshot is saved: {most} MB at most, {before} MB before")
    }
}

impl fmt::Display for ColdStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (commands, queries) = (figure(self.commands_seconds), figure(self.queries_seconds));
        write!(f, "start on the events alone: commands after {commands} s, queries after {queries} s")
    }
}
