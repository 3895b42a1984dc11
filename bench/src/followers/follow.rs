//! Followers: connections that read a stream of server-sent events, and note when each event arrives.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::task::{JoinHandle, LocalSet, spawn_blocking};
use tokio::time::sleep;

use super::delivery::Arrivals;
use super::scan;
use crate::failure::Failure;
use crate::http::{Connection, Target};

/// How long all of them may take to be connected, and to read what was sent.
const LIMIT: Duration = Duration::from_secs(60);
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

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
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let local = LocalSet::new();
        let arrivals: Vec<_> =
            (0..self.followers).map(|_| Rc::new(RefCell::new(Arrivals::since(self.begin)))).collect();
        let (failed, mut failure) = tokio::sync::mpsc::unbounded_channel();
        for arrivals in &arrivals {
            let (failed, arrivals) = (failed.clone(), Rc::clone(arrivals));
            let (target, request, shared) = (self.target.clone(), Arc::clone(&self.request), Arc::clone(&self.shared));
            local.spawn_local(async move {
                let Err(reason) = follow(&target, &request, &shared, &arrivals).await;
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
    arrivals: &RefCell<Arrivals>,
) -> Result<std::convert::Infallible, Failure> {
    let ended = |error: std::io::Error| Failure::Answer(format!("a follower's stream has ended: {error}"));
    let mut connection = Connection::open(target.address).await?;
    let status = connection.begin(request).await?;
    let mut is_told = false;
    while !is_told {
        let mut problem = None;
        // The first thing that is sent is an id alone.
        connection.take(|bytes| {
            let text = String::from_utf8_lossy(bytes);
            is_told = status == 200 && text.contains("id: ");
            problem = (status != 200 || text.contains("event: problem")).then(|| text.into_owned());
            0
        });
        if let Some(problem) = problem {
            return Err(Failure::Answer(format!("a follower was answered {status}: {problem}")));
        }
        if !is_told {
            connection.read().await.map_err(ended)?;
        }
    }
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
