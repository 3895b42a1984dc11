//! Requests that all connections make together, each of them once, and the ids of what they have made.

use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use uuid::Uuid;

use crate::failure::Failure;
use crate::http::{Answer, Target};
use crate::load::{self, Load, Measured, Pace, Script};

/// What a series came to.
pub(crate) struct Done {
    pub(crate) measured: Measured,
    /// In no order.
    pub(crate) ids: Vec<Uuid>,
}

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
    let series = Arc::new(Series { next: AtomicU64::new(0), wanted, request, ids: Mutex::default() });
    let scripts = (0..connections)
        .map(|_| Box::new(Share { series: Arc::clone(&series), request: Vec::new() }) as Box<dyn Script>);
    let load = Load { connections, pace: Pace::Closed, duration };
    let measured = load::run(target, load, scripts.collect()).await?;
    let ids = mem::take(&mut *series.ids.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(Done { measured, ids })
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
}

/// What one connection takes of it.
struct Share<R> {
    series: Arc<Series<R>>,
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
        self.request = (self.series.request)(number);
        Some(&self.request)
    }

    fn answered(&mut self, answer: &Answer) {
        if answer.is_success()
            && let Ok(Made { id }) = serde_json::from_slice(&answer.body)
        {
            self.series.ids.lock().unwrap_or_else(PoisonError::into_inner).push(id);
        }
    }
}
