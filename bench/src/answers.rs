//! Commands of which it is kept when each was answered, and how far the stream of flights reached with it.

use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::failure::Failure;
use crate::http::{Answer, Target};
use crate::load::{self, Load, Measured, Script};

/// A command that was carried out: the number of its event, and when its answer had arrived.
pub(crate) type Answered = (u64, Instant);

/// Sends the same command again and again.
///
/// # Errors
/// When a connection breaks, or a command is answered without a position.
pub(crate) async fn run(
    target: &Target,
    load: Load,
    request: &Arc<[u8]>,
) -> Result<(Measured, Vec<Answered>), Failure> {
    let answered = Arc::<Mutex<Vec<Answered>>>::default();
    let scripts = (0..load.connections)
        .map(|_| Box::new(Noting { request: Arc::clone(request), answered: Arc::clone(&answered) }) as Box<dyn Script>);
    let measured = load::run(target, load, scripts.collect()).await?;
    let answered = mem::take(&mut *answered.lock().unwrap_or_else(PoisonError::into_inner));
    if answered.len() as u64 != measured.answered {
        return Err(Failure::Answer("a command was answered without the position of its event".to_owned()));
    }
    Ok((measured, answered))
}

struct Noting {
    request: Arc<[u8]>,
    answered: Arc<Mutex<Vec<Answered>>>,
}

impl Script for Noting {
    fn next(&mut self) -> Option<&[u8]> {
        Some(&self.request)
    }

    fn answered(&mut self, answer: &Answer) {
        let now = Instant::now();
        if let (true, Some(revision)) = (answer.is_success(), answer.flights) {
            self.answered.lock().unwrap_or_else(PoisonError::into_inner).push((revision, now));
        }
    }
}
