//! The load: requests over connections that stay open, in one of two ways.
//!
//! *Closed*: each connection sends its next request once the one before is answered. It shows how much a server can do. Of
//! latency it shows little: a server that stops is asked nothing meanwhile, and what would have waited is not counted.
//!
//! *Open*: requests have times at which they are meant to be sent, at a given rate from the beginning, whatever the server
//! does. Whichever connection is free takes the next one, waits for its time and sends it; latency counts from the time
//! that was meant, so that what waits because the server is late counts as late (coordinated omission). All that were
//! meant to be sent are sent, also after the time is over.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::runtime::Builder;
use tokio::task::LocalSet;

use crate::failure::Failure;
use crate::http::{Answer, Connection, Target};
use crate::timer::Timer;

const LONGEST_MICROSECONDS: u64 = 600_000_000;
const DIGITS: u8 = 3;
/// How much longer than meant an open loop goes on, as a factor.
const MOST_OVERTIME: u32 = 2;

/// What one connection asks, one request after another.
pub(crate) trait Script: Send {
    /// The next request; `None` when there is nothing left to ask.
    fn next(&mut self) -> Option<&[u8]>;

    /// Sees the answer to it.
    fn answered(&mut self, _answer: &Answer) {}
}

/// The same request again and again.
pub(crate) struct Again(pub(crate) Arc<[u8]>);

impl Script for Again {
    fn next(&mut self) -> Option<&[u8]> {
        Some(&self.0)
    }
}

/// How requests follow each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pace {
    /// Each after the answer to the one before.
    Closed,
    /// At so many a second.
    Open(f64),
}

/// Reads so many a second from a command line.
pub(crate) fn rate(text: &str) -> Result<f64, &'static str> {
    text.parse().ok().filter(|rate| (0.1..=1_000_000.0).contains(rate)).ok_or("must be a number from 0.1 to 1000000")
}

/// How much is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    pub(crate) pace: Pace,
    /// How long; scripts may end it sooner.
    pub(crate) duration: Duration,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Measured {
    /// Requests that succeeded.
    pub(crate) answered: u64,
    /// How many were answered with which other status.
    pub(crate) refused: BTreeMap<u16, u64>,
    /// The body of one of those.
    pub(crate) example: Option<String>,
    /// Requests that were never sent because the server was too late.
    pub(crate) unsent: u64,
    pub(crate) duration: Duration,
    /// Of those that succeeded, in microseconds.
    pub(crate) latency: Histogram<u64>,
}

/// Of durations in microseconds, up to ten minutes, with three digits.
///
/// # Errors
/// Not with these bounds.
pub(crate) fn histogram() -> Result<Histogram<u64>, Failure> {
    let histogram = Histogram::new_with_bounds(1, LONGEST_MICROSECONDS, DIGITS);
    histogram.map_err(|error| Failure::Asked(error.to_string()))
}

impl Measured {
    fn new() -> Result<Self, Failure> {
        let latency = histogram()?;
        let (refused, duration) = (BTreeMap::new(), Duration::ZERO);
        Ok(Self { answered: 0, refused, example: None, unsent: 0, duration, latency })
    }

    fn note(&mut self, answer: &Answer, latency: Duration) {
        if answer.is_success() {
            self.answered += 1;
            self.latency.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
        } else {
            *self.refused.entry(answer.status).or_default() += 1;
            self.example.get_or_insert_with(|| String::from_utf8_lossy(&answer.body).into_owned());
        }
    }

    fn add(&mut self, other: &Self) -> Result<(), Failure> {
        self.answered += other.answered;
        self.example = self.example.take().or_else(|| other.example.clone());
        for (status, number) in &other.refused {
            *self.refused.entry(*status).or_default() += number;
        }
        self.latency.add(&other.latency).map_err(|error| Failure::Asked(error.to_string()))
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.answered as f64 / self.duration.as_secs_f64()
    }

    /// A quantile of the latency, in milliseconds.
    pub(crate) fn milliseconds(&self, quantile: f64) -> f64 {
        self.latency.value_at_quantile(quantile) as f64 / 1_000.0
    }

    /// How many did not succeed.
    pub(crate) fn failed(&self) -> u64 {
        self.refused.values().sum::<u64>() + self.unsent
    }
}

/// What all connections share: when it begins and ends, and which request comes next.
struct Schedule {
    begin: Instant,
    pace: Pace,
    end: Instant,
    /// How many are sent, in an open loop.
    planned: u64,
    next: AtomicU64,
}

impl Schedule {
    fn new(load: Load) -> Self {
        let begin = Instant::now();
        let (planned, end) = match load.pace {
            Pace::Closed => (u64::MAX, begin + load.duration),
            Pace::Open(rate) => ((rate * load.duration.as_secs_f64()) as u64, begin + load.duration * MOST_OVERTIME),
        };
        Self { begin, pace: load.pace, end, planned, next: AtomicU64::new(0) }
    }

    /// When the next request is meant to be sent; `None` when there is none any more.
    fn take(&self) -> Option<Instant> {
        let now = Instant::now();
        let Pace::Open(rate) = self.pace else { return Some(now).filter(|now| *now < self.end) };
        if now >= self.end {
            return None;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        (number < self.planned).then(|| self.begin + Duration::from_secs_f64(number as f64 / rate))
    }
}

/// Makes the load, and waits until it is over. `scripts` has one for each connection.
///
/// # Errors
/// When a connection breaks, or an answer cannot be read.
pub(crate) async fn run(target: &Target, load: Load, scripts: Vec<Box<dyn Script>>) -> Result<Measured, Failure> {
    let schedule = Arc::new(Schedule::new(load));
    let threads = thread::available_parallelism()?.get().min(scripts.len()).max(1);
    let mut shares: Vec<Vec<_>> = (0..threads).map(|_| Vec::new()).collect();
    for (number, script) in scripts.into_iter().enumerate() {
        shares[number % threads].push(script);
    }
    let running: Vec<_> = shares
        .into_iter()
        .map(|share| {
            let (target, schedule) = (target.clone(), Arc::clone(&schedule));
            tokio::task::spawn_blocking(move || run_share(&target, &schedule, share))
        })
        .collect();
    let mut all = Measured::new()?;
    for share in running {
        all.add(&share.await.map_err(|_| Failure::Thread)??)?;
    }
    all.duration = schedule.begin.elapsed();
    if let Pace::Open(_) = load.pace {
        all.unsent = schedule.planned.saturating_sub(schedule.next.load(Ordering::Relaxed));
    }
    Ok(all)
}

/// The connections of one thread, which share its runtime and what is measured.
fn run_share(target: &Target, schedule: &Arc<Schedule>, scripts: Vec<Box<dyn Script>>) -> Result<Measured, Failure> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let local = LocalSet::new();
    let measured = Rc::new(RefCell::new(Measured::new()?));
    let connections: Vec<_> = scripts
        .into_iter()
        .map(|script| local.spawn_local(converse(target.clone(), Arc::clone(schedule), script, Rc::clone(&measured))))
        .collect();
    local.block_on(&runtime, async {
        for connection in connections {
            connection.await.map_err(|_| Failure::Thread)??;
        }
        Ok::<_, Failure>(())
    })?;
    drop(local);
    Rc::into_inner(measured).map(RefCell::into_inner).ok_or(Failure::Thread)
}

async fn converse(
    target: Target,
    schedule: Arc<Schedule>,
    mut script: Box<dyn Script>,
    measured: Rc<RefCell<Measured>>,
) -> Result<(), Failure> {
    let mut connection = Connection::open(target.address).await?;
    let timer = Timer::new()?;
    while let Some(meant) = schedule.take() {
        let Some(request) = script.next() else { break };
        timer.until(meant).await?;
        let answer = connection.exchange(request).await.map_err(|error| Failure::Answer(error.to_string()))?;
        script.answered(&answer);
        measured.borrow_mut().note(&answer, meant.elapsed());
    }
    Ok(())
}
