//! What a measurement is written down as: a file of JSON, with what it was measured on.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use procfs::{CpuInfo, Current, LoadAverage};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// A measurement, and its circumstances.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report<R> {
    /// What was run, as it was said on the command line.
    pub(crate) command: String,
    pub(crate) began: Timestamp,
    pub(crate) machine: Machine,
    pub(crate) results: R,
}

/// On what it was measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
    /// What ran beside it when it began: processes that wait for a processor, over a minute.
    pub(crate) load_before: f32,
}

impl Machine {
    fn this() -> Result<Self, Failure> {
        let processors = CpuInfo::current()?;
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned();
        Ok(Self {
            processor: processors.model_name(0).unwrap_or("unknown").to_owned(),
            cores: processors.num_cores(),
            kernel,
            load_before: LoadAverage::current()?.one,
        })
    }
}

/// The circumstances of a measurement that begins now.
pub(crate) struct Circumstances {
    began: Timestamp,
    machine: Machine,
}

impl Circumstances {
    pub(crate) fn now() -> Result<Self, Failure> {
        Ok(Self { began: Timestamp::now(), machine: Machine::this()? })
    }

    pub(crate) fn report<R>(self, results: R) -> Report<R> {
        let arguments: Vec<_> = std::env::args().skip(1).collect();
        Report { command: arguments.join(" "), began: self.began, machine: self.machine, results }
    }
}

/// Where the figures go beside standard output.
#[derive(Debug, Args)]
pub(crate) struct OutputArgs {
    /// File to write the figures to, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl<R: Serialize> Report<R> {
    /// Writes it to a file, if there is to be one.
    pub(crate) fn write(&self, output: &OutputArgs) -> Result<(), Failure> {
        let Some(file) = &output.json else { return Ok(()) };
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(fs::write(file, serde_json::to_vec_pretty(self)?)?)
    }
}
