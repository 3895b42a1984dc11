//! What is measured of the event log.

use std::fs;
use std::path::PathBuf;

use nix::sys::statvfs::statvfs;
use shared_telemetry::table::{
    STORE_AVAILABLE, STORE_COMMIT_DURATION, STORE_COMMITS, STORE_DISK, STORE_FAILURES, STORE_REQUESTS, STORE_SIZE,
};
use shared_telemetry::{AtScrape, Counter, Histogram, at_scrape};

/// Counts what is written.
pub(crate) struct WriterMeters {
    pub(crate) commits: Counter,
    pub(crate) failures: Counter,
    pub(crate) requests: Histogram,
    pub(crate) duration: Histogram,
}

impl WriterMeters {
    pub(crate) fn new() -> Self {
        Self {
            commits: STORE_COMMITS.of([]),
            failures: STORE_FAILURES.of([]),
            requests: STORE_REQUESTS.of([]),
            duration: STORE_COMMIT_DURATION.of([]),
        }
    }
}

/// Measures what the files in a folder take, and what is left on their disk, as long as what this gives is kept.
pub(crate) fn of_folder(folder: PathBuf) -> AtScrape {
    let (size, available, disk) = (STORE_SIZE.of([]), STORE_AVAILABLE.of([]), STORE_DISK.of([]));
    at_scrape(move || {
        let files = fs::read_dir(&folder).into_iter().flatten().flatten();
        let bytes: u64 =
            files.filter_map(|file| file.metadata().ok()).filter(|file| file.is_file()).map(|file| file.len()).sum();
        size.set(bytes as f64);
        if let Ok(of_disk) = statvfs(&folder) {
            let block = of_disk.fragment_size() as f64;
            available.set(of_disk.blocks_available() as f64 * block);
            disk.set(of_disk.blocks() as f64 * block);
        }
        std::future::ready(())
    })
}
