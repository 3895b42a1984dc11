//! A clock that wakes within microseconds; that of the runtime has a millisecond, which is more than what is measured.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::Instant;

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use tokio::io::unix::AsyncFd;

/// A timer of the operating system.
pub(crate) struct Timer(AsyncFd<Descriptor>);

/// What the runtime asks of a descriptor, which `TimerFd` does not all have.
struct Descriptor(TimerFd);

impl AsFd for Descriptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Descriptor {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl Timer {
    /// Within a runtime.
    #[expect(
        deprecated,
        reason = "what its successor asks of callers holds: the descriptor is owned, and stays the same"
    )]
    pub(crate) fn new() -> io::Result<Self> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        Ok(Self(AsyncFd::new(Descriptor(TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?))?))
    }

    /// Waits until then; not at all if that is over.
    pub(crate) async fn until(&self, moment: Instant) -> io::Result<()> {
        let left = moment.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        let expiration = Expiration::OneShot(TimeSpec::from_duration(left));
        self.0.get_ref().0.set(expiration, TimerSetTimeFlags::empty())?;
        loop {
            let mut ready = self.0.readable().await?;
            if let Ok(waited) = ready.try_io(|timer| timer.get_ref().0.wait().map_err(io::Error::from)) {
                return waited;
            }
        }
    }
}
