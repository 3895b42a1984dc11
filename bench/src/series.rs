//! Requests that all connections make together, each of them once, and the ids of what they have made.

use std::io::{self, Write};
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::time::sleep;
use uuid::Uuid;

use crate::failure::Failure;
use crate::http::{Answer, Target};
use crate::load::{self, Load, Measured, Pace, Script};

/// What a series came to.
pub(crate) struct Done {
    pub(crate) measured: Measured,
    /// In no order.
    pub(crate) ids: Vec<Uuid>,
    /// The numbers whose request was not answered with success.
    pub(crate) refused: Vec<u64>,
}

/// How often what was refused is asked for again, and how long is waited before.
const MOST_ATTEMPTS: u32 = 20;
const WAIT: Duration = Duration::from_millis(250);

/// Makes the request of every number from 0 up to `wanted`, in a closed loop, until `duration` is over.
///
/// # Errors
/// When a connection breaks, or an answer cannot be read.
pub(crate) async fn run(
    target: &Target,
    connections: usize,
    duration: Duration,
    wanted: u64,
    request: impl Fn(u64) -> Vec<u8> + Send + Sync + 'static,
) -> Result<Done, Failure> {
    let series =
        Arc::new(Series { next: AtomicU64::new(0), wanted, request, ids: Mutex::default(), refused: Mutex::default() });
    let scripts = (0..connections)
        .map(|_| Box::new(Share { series: Arc::clone(&series), number: 0, request: Vec::new() }) as Box<dyn Script>);
    let load = Load { connections, pace: Pace::Closed, duration };
    let measured = load::run(target, load, scripts.collect()).await?;
    let ids = mem::take(&mut *series.ids.lock().unwrap_or_else(PoisonError::into_inner));
    let refused = mem::take(&mut *series.refused.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(Done { measured, ids, refused })
}

/// Makes the request of every number from 0 up to `wanted`, and again those that are refused, as clients do: the ids in
/// the answers, in no order, and how many were refused.
///
/// # Errors
/// When something is refused again and again, when the time is over, or as [`run`].
pub(crate) async fn all(
    target: &Target,
    connections: usize,
    limit: Duration,
    wanted: u64,
    request: impl Fn(u64) -> Vec<u8> + Send + Sync + 'static,
) -> Result<(Vec<Uuid>, u64), Failure> {
    let (request, end) = (Arc::new(request), Instant::now() + limit);
    let (mut left, mut ids, mut refused): (Vec<u64>, _, _) = ((0..wanted).collect(), Vec::new(), 0);
    for _ in 0..MOST_ATTEMPTS {
        let (request, numbers) = (Arc::clone(&request), left.clone());
        let duration = end.saturating_duration_since(Instant::now());
        let asked = move |number: u64| request(numbers[number as usize]);
        let done = run(target, connections, duration, left.len() as u64, asked).await?;
        if done.measured.answered + done.measured.failed() < left.len() as u64 {
            return Err(Failure::Asked(format!("not everything could be sent within {limit:?}")));
        }
        ids.extend(done.ids);
        refused += done.refused.len() as u64;
        left = done.refused.iter().map(|number| left[*number as usize]).collect();
        if left.is_empty() {
            return Ok((ids, refused));
        }
        if let Some(example) = done.measured.example.filter(|_| refused == left.len() as u64) {
            writeln!(io::stderr(), "refused, and asked for again, such as {example}")?;
        }
        sleep(WAIT).await;
    }
    Err(Failure::Answer(format!("{} requests were refused {MOST_ATTEMPTS} times", left.len())))
}

impl Done {
    /// Itself if everything was answered.
    ///
    /// # Errors
    /// When something was refused: what is measured next would be of less than was meant.
    pub(crate) fn whole(self) -> Result<Self, Failure> {
        if self.measured.failed() == 0 {
            return Ok(self);
        }
        let example = self.measured.example.unwrap_or_default();
        Err(Failure::Answer(format!("refused: {:?}, such as {example}", self.measured.refused)))
    }
}

struct Series<R> {
    next: AtomicU64,
    wanted: u64,
    request: R,
    ids: Mutex<Vec<Uuid>>,
    refused: Mutex<Vec<u64>>,
}

/// What one connection takes of it.
struct Share<R> {
    series: Arc<Series<R>>,
    number: u64,
    request: Vec<u8>,
}

/// What is read of an answer.
#[derive(Deserialize)]
struct Made {
    id: Uuid,
}

impl<R: Fn(u64) -> Vec<u8> + Send + Sync> Script for Share<R> {
    fn next(&mut self) -> Option<&[u8]> {
        let number = self.series.next.fetch_add(1, Ordering::Relaxed);
        if number >= self.series.wanted {
            return None;
        }
        self.number = number;
        self.request = (self.series.request)(number);
        Some(&self.request)
    }

    fn answered(&mut self, answer: &Answer) {
        if !answer.is_success() {
            self.series.refused.lock().unwrap_or_else(PoisonError::into_inner).push(self.number);
        } else if let Ok(Made { id }) = serde_json::from_slice(&answer.body) {
            self.series.ids.lock().unwrap_or_else(PoisonError::into_inner).push(id);
        }
    }
}
