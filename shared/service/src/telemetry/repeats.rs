//! Keeps a warning that comes again and again from filling the log.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::fmt::{self, Write as _};
use std::hash::{Hash, Hasher};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// How often the same warning is written.
const INTERVAL: Duration = Duration::from_secs(60);
/// How many different ones are remembered. Beyond that, those whose time has passed are forgotten, and if there are none,
/// nothing is left out.
const REMEMBERED: usize = 1_024;

/// A warning that was written, and how often it was not since then.
struct Written {
    at: Instant,
    left_out: u64,
    metadata: &'static Metadata<'static>,
}

static WRITTEN: LazyLock<Mutex<HashMap<u64, Written>>> = LazyLock::new(Mutex::default);

/// Writes a warning or an error with the same words and values once a minute, in the form of another.
///
/// It is no `Filter`: one that leaves out a single event lets the one after it fail an assertion of `tracing-subscriber`
/// 0.3.23 (`layer_filters`), or be left out as well.
pub(super) struct WithoutRepeats<F>(pub(super) F);

impl<S, N, F> FormatEvent<S, N> for WithoutRepeats<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        if is_written(event) { self.0.format_event(context, writer, event) } else { Ok(()) }
    }
}

fn is_written(event: &Event<'_>) -> bool {
    let metadata = event.metadata();
    if *metadata.level() > Level::WARN || metadata.target() == module_path!() {
        return true;
    }
    let mut said = Said(DefaultHasher::new());
    metadata.callsite().hash(&mut said.0);
    event.record(&mut said);
    admit(said.0.finish(), metadata, Instant::now())
}

fn admit(said: u64, metadata: &'static Metadata<'static>, now: Instant) -> bool {
    let mut written = WRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
    let is_recent = |at: Instant| now.saturating_duration_since(at) < INTERVAL;
    if let Some(before) = written.get_mut(&said) {
        if is_recent(before.at) {
            before.left_out += 1;
            return false;
        }
        before.at = now;
        return true;
    }
    if written.len() >= REMEMBERED {
        written.retain(|_, before| is_recent(before.at) || before.left_out > 0);
    }
    if written.len() < REMEMBERED {
        written.insert(said, Written { at: now, left_out: 0, metadata });
    }
    true
}

/// Says how many lines were left out since this was said last, and where they come from.
pub(super) fn report() {
    let left_out: Vec<_> = {
        let mut written = WRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
        let repeated = written.values_mut().filter(|written| written.left_out > 0);
        repeated.map(|written| (written.metadata, std::mem::take(&mut written.left_out))).collect()
    };
    for (metadata, count) in left_out {
        tracing::warn!(
            log.target = metadata.target(),
            log.line = metadata.line(),
            log.repeats = count,
            "a line of the log was left out because it said the same as one before"
        );
    }
}

pub(super) async fn report_now_and_then() {
    loop {
        tokio::time::sleep(INTERVAL).await;
        report();
    }
}

/// What an event says, as a number.
struct Said(DefaultHasher);

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        field.name().hash(&mut self.0);
        // It does not fail.
        let _ = write!(Hashing(&mut self.0), "{value:?}");
    }
}

struct Hashing<'a>(&'a mut DefaultHasher);

impl fmt::Write for Hashing<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}
