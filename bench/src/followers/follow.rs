//! Followers: connections that read a stream of server-sent events, and note when each event arrives.

use std::cell::RefCell;
use std::convert::Infallible;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, LocalSet, spawn_blocking};
use tokio::time::sleep;

use super::delivery::Arrivals;
use super::scan;
use crate::failure::Failure;
use crate::http::{Connection, Target};

/// How long all of them may take to be connected, and to read what was sent.
const LIMIT: Duration = Duration::from_secs(60);
const LOOK_INTERVAL: Duration = Duration::from_millis(5);
/// How many of a thread ask for their streams at a time, so that what is measured is not how they all come at once.
const OPENING: usize = 16;
/// What the program tells those whom it sends away because it has too much to do.
const COME_BACK_AFTER: Duration = Duration::from_secs(1);

/// Followers that read. They end when this is dropped.
pub(super) struct Following {
    shared: Arc<Shared>,
    stop: watch::Sender<()>,
    threads: Vec<JoinHandle<Result<Vec<Arrivals>, Failure>>>,
}

/// What the followers of all threads count together.
#[derive(Default)]
struct Shared {
    ready: AtomicU64,
    /// Events, once for each follower that has got them.
    delivered: AtomicU64,
    /// How often a follower was not given its stream, and came back for it.
    sent_away: AtomicU64,
    /// Followers that read no more.
    ended: AtomicU64,
}

impl Following {
    /// Connects so many followers, and waits until each is told everything from now on.
    ///
    /// # Errors
    /// When one is refused, or is not told anything in time.
    pub(super) async fn start(target: &Target, path: &str, number: usize) -> Result<Self, Failure> {
        let begin = Instant::now();
        let (shared, (stop, stopped)) = (Arc::<Shared>::default(), watch::channel(()));
        let request: Arc<[u8]> = target.get(path).into();
        let count = thread::available_parallelism()?.get().min(number).max(1);
        let threads = (0..count).map(|thread| {
            let share = Share {
                followers: number / count + usize::from(thread < number % count),
                target: target.clone(),
                request: Arc::clone(&request),
                shared: Arc::clone(&shared),
                begin,
            };
            let stopped = stopped.clone();
            spawn_blocking(move || share.run(stopped))
        });
        let following = Self { threads: threads.collect(), shared, stop };
        let ready = |shared: &Shared| shared.ready.load(Ordering::Relaxed) == number as u64;
        if following.until(ready).await { Ok(following) } else { Err(following.why("are not told anything").await) }
    }

    /// Waits until there were so many deliveries since the beginning. Whether there were, in a minute.
    pub(super) async fn until_delivered(&self, number: u64) -> bool {
        self.until(|shared| shared.delivered.load(Ordering::Relaxed) >= number).await
    }

    /// Waits until something is so, or a follower has ended, or the time is over. Whether it is so.
    async fn until(&self, is_so: impl Fn(&Shared) -> bool) -> bool {
        let end = Instant::now() + LIMIT;
        while Instant::now() < end && self.shared.ended.load(Ordering::Relaxed) == 0 {
            if is_so(&self.shared) {
                return true;
            }
            sleep(LOOK_INTERVAL).await;
        }
        is_so(&self.shared)
    }

    /// How often one of them was not given its stream at once.
    pub(super) fn sent_away(&self) -> u64 {
        self.shared.sent_away.load(Ordering::Relaxed)
    }

    /// What has arrived at each of them so far; they end.
    ///
    /// # Errors
    /// When a follower's stream has ended before.
    pub(super) async fn stop(self) -> Result<Vec<Arrivals>, Failure> {
        drop(self.stop);
        let mut arrivals = Vec::new();
        for thread in self.threads {
            arrivals.extend(thread.await.map_err(|_| Failure::Thread)??);
        }
        Ok(arrivals)
    }

    async fn why(self, what: &str) -> Failure {
        match self.stop().await {
            Err(failure) => failure,
            Ok(_) => Failure::Answer(format!("followers {what} within {LIMIT:?}")),
        }
    }
}

/// The followers of one thread.
struct Share {
    followers: usize,
    target: Target,
    request: Arc<[u8]>,
    shared: Arc<Shared>,
    begin: Instant,
}

impl Share {
    /// Until it is stopped, or one of the streams ends.
    fn run(self, mut stopped: watch::Receiver<()>) -> Result<Vec<Arrivals>, Failure> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let local = LocalSet::new();
        let arrivals: Vec<_> =
            (0..self.followers).map(|_| Rc::new(RefCell::new(Arrivals::since(self.begin)))).collect();
        let opening = Rc::new(Semaphore::new(OPENING));
        let (failed, mut failure) = tokio::sync::mpsc::unbounded_channel();
        for arrivals in &arrivals {
            let (failed, arrivals, opening) = (failed.clone(), Rc::clone(arrivals), Rc::clone(&opening));
            let (target, request, shared) = (self.target.clone(), Arc::clone(&self.request), Arc::clone(&self.shared));
            local.spawn_local(async move {
                let Err(reason) = follow(&target, &request, &shared, &opening, &arrivals).await;
                shared.ended.fetch_add(1, Ordering::Relaxed);
                // Nobody waits for the reason of a second one.
                let _ = failed.send(reason);
            });
        }
        let ended = local.block_on(&runtime, async {
            tokio::select! {
                // Whoever could stop them has gone, which is how they are stopped.
                _ = stopped.changed() => None,
                reason = failure.recv() => reason,
            }
        });
        drop(local);
        if let Some(reason) = ended {
            return Err(reason);
        }
        let own = arrivals.into_iter().map(|arrivals| Rc::into_inner(arrivals).map(RefCell::into_inner));
        own.collect::<Option<Vec<_>>>().ok_or(Failure::Thread)
    }
}

/// Reads until the stream ends, which it should not.
async fn follow(
    target: &Target,
    request: &[u8],
    shared: &Shared,
    opening: &Semaphore,
    arrivals: &RefCell<Arrivals>,
) -> Result<Infallible, Failure> {
    let mut connection = open(target, request, shared, opening).await?;
    shared.ready.fetch_add(1, Ordering::Relaxed);
    loop {
        connection.take(|bytes| {
            let now = Instant::now();
            let mut arrivals = arrivals.borrow_mut();
            let mut delivered = 0;
            let taken = scan::events(bytes, |event| delivered += u64::from(arrivals.note(event, now)));
            shared.delivered.fetch_add(delivered, Ordering::Relaxed);
            taken
        });
        connection.read().await.map_err(ended)?;
    }
}

/// Asks for the stream, until it is given. Whoever is sent away comes back, as browsers do.
async fn open(target: &Target, request: &[u8], shared: &Shared, opening: &Semaphore) -> Result<Connection, Failure> {
    let _turn = opening.acquire().await.map_err(|_| Failure::Thread)?;
    let end = Instant::now() + LIMIT;
    loop {
        let mut connection = Connection::open(target.address).await?;
        let status = connection.begin(request).await?;
        let Some(problem) = told(&mut connection, status).await? else { return Ok(connection) };
        if Instant::now() > end {
            return Err(Failure::Answer(format!("a follower was answered {status}: {problem}")));
        }
        shared.sent_away.fetch_add(1, Ordering::Relaxed);
        sleep(COME_BACK_AFTER).await;
    }
}

/// Waits for the first thing that is sent, which is an id alone, or what is wrong: that is answered.
async fn told(connection: &mut Connection, status: u16) -> Result<Option<String>, Failure> {
    loop {
        let mut text = String::new();
        connection.take(|bytes| {
            text = String::from_utf8_lossy(bytes).into_owned();
            0
        });
        if status != 200 || text.contains("event: problem") {
            return Ok(Some(text));
        }
        if text.contains("id: ") {
            return Ok(None);
        }
        connection.read().await.map_err(ended)?;
    }
}

fn ended(error: io::Error) -> Failure {
    Failure::Answer(format!("a follower's stream has ended: {error}"))
}
