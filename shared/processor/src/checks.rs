//! How the readers of a processor are.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use shared_infrastructure::event_store::{EventStore, StoreError};
use shared_infrastructure::postgres::Database;
use shared_infrastructure::progress::Progress;
use shared_infrastructure::worker::{Halted, Retrying, WorkError, WorkerHandle, WorkerState};
use shared_kernel::Revision;
use shared_service::health::{Checks, Finding, Trouble};
use tokio::time::{Instant, timeout};

/// How long finding out how far a reader has come may take; less than the gateway gives all of the answer.
const PROGRESS_LIMIT: Duration = Duration::from_millis(500);
/// What mends itself within this is not worth looking after: a service that starts again, a connection that breaks.
const PATIENCE: Duration = Duration::from_secs(5);

/// A reader, as far as its health is concerned.
struct Reader {
    name: &'static str,
    stream: &'static str,
    handle: WorkerHandle,
    event_store: Arc<EventStore>,
    database: Database,
    /// The checkpoint at which it was seen with events before it, and since when. It is looked at as often as somebody
    /// asks.
    seen_behind: Mutex<Option<(Option<Revision>, Instant)>>,
}

/// A check for each reader of `stream`.
pub(crate) fn of(
    workers: &[(&'static str, WorkerHandle)],
    stream: &'static str,
    event_store: EventStore,
    database: &Database,
) -> Checks {
    let event_store = Arc::new(event_store);
    workers.iter().fold(Checks::new(), |checks, (name, handle)| {
        let reader = Arc::new(Reader {
            name,
            stream,
            handle: handle.clone(),
            event_store: Arc::clone(&event_store),
            database: database.clone(),
            seen_behind: Mutex::default(),
        });
        checks.with(*name, move || {
            let reader = Arc::clone(&reader);
            async move { reader.find().await }
        })
    })
}

impl Reader {
    async fn find(&self) -> Finding {
        let role = match self.handle.state() {
            WorkerState::Leading => "",
            WorkerState::StandingBy => "standing by: another instance works; ",
            WorkerState::Waiting => {
                let trouble = self.handle.trouble();
                return Err(Trouble::Down(
                    trouble.unwrap_or_else(|| "waiting for PostgreSQL or the event store".to_owned()),
                ));
            }
        };
        if let Some(Halted { difference, .. }) = self.handle.halted() {
            return Err(Trouble::Degraded(format!(
                "the event store holds another history ({difference}); waiting for POST /reactions/resume"
            )));
        }
        let progress = Progress::of(self.name, self.stream, &self.event_store, &self.database);
        let progress = match timeout(PROGRESS_LIMIT, progress).await {
            Ok(Ok(progress)) => progress,
            Ok(Err(WorkError::Store(StoreError::Refused(refusal)))) => return Err(Trouble::Down(refusal.to_string())),
            Ok(Err(_)) | Err(_) => {
                return Err(Trouble::Degraded(format!("{role}how far it has come cannot be found out")));
            }
        };
        let state = format!("{role}{}", behind(progress.behind));
        let troubles = self.troubles(progress);
        if troubles.is_empty() {
            Ok(Some(state))
        } else {
            Err(Trouble::Degraded([vec![state], troubles].concat().join("; ")))
        }
    }

    /// What somebody has to look after.
    fn troubles(&self, progress: Progress) -> Vec<String> {
        let parked = (progress.parked > 0).then(|| format!("{} parked", events(progress.parked)));
        let retrying = retried(&self.handle.retrying());
        let full =
            self.handle.is_full().then(|| "it reads no more until some of what it has in hand is done".to_owned());
        let stuck = self.stuck_for(progress).filter(|since| *since >= PATIENCE);
        let stuck = stuck.map(|since| format!("its checkpoint has not moved for {} s", since.as_secs()));
        [parked, retrying, full, stuck].into_iter().flatten().collect()
    }

    /// For how long its checkpoint has stood where it is although there is more in the stream.
    fn stuck_for(&self, progress: Progress) -> Option<Duration> {
        let mut seen = self.seen_behind.lock().unwrap_or_else(PoisonError::into_inner);
        let since = match *seen {
            _ if progress.behind == 0 => None,
            Some((checkpoint, since)) if checkpoint == progress.checkpoint => Some(since),
            _ => Some(Instant::now()),
        };
        *seen = since.map(|since| (progress.checkpoint, since));
        since.map(|since| since.elapsed())
    }
}

fn behind(count: u64) -> String {
    match count {
        0 => "up to date".to_owned(),
        1 => "1 event behind".to_owned(),
        many => format!("{many} events behind"),
    }
}

fn events(count: usize) -> String {
    if count == 1 { "1 event".to_owned() } else { format!("{count} events") }
}

/// The event that is tried again for the longest time, if that is worth looking after.
fn retried(retrying: &[Retrying]) -> Option<String> {
    let now = Timestamp::now();
    let age = |retrying: &Retrying| Duration::try_from(now.duration_since(retrying.since)).unwrap_or_default();
    let lasting: Vec<_> = retrying.iter().filter(|retrying| age(retrying) >= PATIENCE).collect();
    let oldest = lasting.iter().min_by_key(|retrying| retrying.since)?;
    let others = match lasting.len() - 1 {
        0 => String::new(),
        others => format!(", and {} about other things", events(others)),
    };
    let Retrying { event_number, event_type, key, reason, .. } = oldest;
    let seconds = age(oldest).as_secs();
    Some(format!("retrying event {event_number} ({event_type}) about {key} for {seconds} s{others}: {reason}"))
}
