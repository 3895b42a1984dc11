//! What is answered to Prometheus.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use prometheus::TextEncoder;
use tokio::time::timeout;

use crate::family::REGISTRY;
use crate::{process, runtime};

/// How long what is asked for at a scrape may take: while what is asked is away, everything else has to be answered.
const LIMIT: Duration = Duration::from_millis(500);

type Question = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

static QUESTIONS: Mutex<Questions> = Mutex::new(Questions { next: 0, asked: BTreeMap::new() });
/// One answer is made at a time.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

struct Questions {
    next: u64,
    asked: BTreeMap<u64, Question>,
}

fn questions() -> MutexGuard<'static, Questions> {
    QUESTIONS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Something is measured at each scrape, until this is dropped.
#[derive(Debug)]
#[must_use = "nothing is measured any more once it is dropped"]
pub struct AtScrape(u64);

impl Drop for AtScrape {
    fn drop(&mut self) {
        // It is dropped after the lock is given back: what it holds may have one of these.
        let _question = questions().asked.remove(&self.0);
    }
}

/// Measures something at each scrape, and never else. What takes longer than half a second is given up, and measured the
/// next time.
pub fn at_scrape<F>(measure: impl Fn() -> F + Send + Sync + 'static) -> AtScrape
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut questions = questions();
    let number = questions.next;
    questions.next += 1;
    questions.asked.insert(number, Arc::new(move || Box::pin(measure())));
    AtScrape(number)
}

/// All metrics of this process, in Prometheus's text format, version 0.0.4. To be called on the runtime that is measured.
pub async fn text() -> String {
    let _turn = measured().await;
    process::measure();
    runtime::measure();
    // Writing to a text cannot fail.
    TextEncoder::new().encode_to_string(&REGISTRY.gather()).unwrap_or_default()
}

/// Measures what is measured at a scrape. Nobody else does so until what this gives is dropped.
pub(crate) async fn measured() -> tokio::sync::MutexGuard<'static, ()> {
    let turn = TURN.lock().await;
    let asked: Vec<_> = questions().asked.values().cloned().collect();
    join_all(asked.iter().map(|question| timeout(LIMIT, question()))).await;
    turn
}
