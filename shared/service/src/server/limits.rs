//! How many connections there may be, and for how long.

use std::time::Duration;

use rlimit::Resource;

/// More connections than this are not taken, however many files may be open.
const MAX_CONNECTIONS: usize = 10_000;
/// What a process can open at least, wherever it runs, if it cannot be asked.
const FEW_FILES: u64 = 256;

/// How many connections a listener takes, and how long they may take for what they do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Connections at a time.
    pub connections: usize,
    /// Of these, how many may come from one client address: an IPv4 address, or an IPv6 network of 64 bits. `None` for
    /// as many as there are. This machine's own addresses are not counted.
    pub per_client: Option<usize>,
    /// From the beginning of a connection to the end of its first request's head, and from the first byte of any other
    /// head to its last.
    pub head: Duration,
    /// How long a connection is kept between two requests.
    pub idle: Duration,
    /// How long an answer may wait for its client to read on.
    pub stalled: Duration,
}

impl ConnectionLimits {
    /// Those of a listener which has the process to itself: half of the files that the process may open are for what
    /// it opens itself.
    #[must_use]
    pub fn of_a_process() -> Self {
        Self::with_files(open_files() / 2)
    }

    /// Those of one of several listeners of a process which are connected with each other: for each connection to the
    /// first of them there may be one to the next, which takes two more files, and as many are for everything else.
    #[must_use]
    pub fn of_a_part() -> Self {
        Self::with_files(open_files() / 4)
    }

    fn with_files(files: u64) -> Self {
        Self {
            connections: usize::try_from(files).unwrap_or(usize::MAX).clamp(1, MAX_CONNECTIONS),
            per_client: None,
            head: Duration::from_secs(15),
            // Longer than the 60 s for which proxies commonly keep theirs, so that they are the ones who close it.
            idle: Duration::from_secs(75),
            stalled: Duration::from_secs(30),
        }
    }
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self::of_a_process()
    }
}

/// How many files this process may open.
fn open_files() -> u64 {
    rlimit::getrlimit(Resource::NOFILE).map_or(FEW_FILES, |(soft, _)| soft)
}

/// Lets this process open as many files as the system allows it to.
pub(crate) fn raise_open_files() {
    // The limits are made from what there is then.
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::debug!("cannot raise the limit of open files: {error}");
    }
}
