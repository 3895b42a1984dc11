//! How far the read model is behind: from a command's answer until its row is there.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::answers::{self, Answered};
use crate::database::Database;
use crate::failure::Failure;
use crate::load::{Load, Measured, histogram};
use crate::system::Running;
use crate::timer::Timer;

/// How often the checkpoint is read.
const LOOK_INTERVAL: Duration = Duration::from_millis(1);
/// How long the read model may be behind in the end.
const LIMIT: Duration = Duration::from_secs(60);
/// It is written in one transaction with the rows up to it.
const CHECKPOINT: &str = "SELECT revision FROM checkpoints WHERE name = 'flight-projection'";

/// What was measured.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Lag {
    /// Commands a second, as they were meant, and how many were carried out a second.
    pub(crate) rate: f64,
    pub(super) per_second: f64,
    pub(crate) failed: u64,
    pub(super) answer_p99_milliseconds: f64,
    /// From the answer's arrival until a transaction sees the row; 0 for one that was there before.
    pub(super) p50_milliseconds: f64,
    pub(crate) p99_milliseconds: f64,
    pub(super) max_milliseconds: f64,
    /// Between two readings of the checkpoint, by which all of these can be too much.
    pub(super) look_p99_milliseconds: f64,
}

/// When the checkpoint was seen to reach how far.
type Seen = (i64, Instant);

pub(super) async fn measure(running: &Running, rate: f64, load: Load) -> Result<Lag, Failure> {
    let database = Database::of_flights(running).await?;
    let request = running.target.post(running.path, super::FLIGHT).into();
    let (until, wanted) = watch::channel(i64::MAX);
    let watching = tokio::spawn(look(database, wanted));
    let loaded = answers::run(&running.target, load, &request).await;
    let last =
        loaded.as_ref().map_or(-1, |(_, answered)| answered.iter().map(|(event, _)| *event).max().unwrap_or(0) as i64);
    until.send_replace(last);
    let seen = timeout(LIMIT, watching).await;
    let (measured, answered) = loaded?;
    let behind = || Failure::Answer(format!("the read model is more than {LIMIT:?} behind"));
    let (seen, looks) = seen.map_err(|_| behind())?.map_err(|_| Failure::Thread)??;
    Lag::new(rate, &measured, &lags(&answered, &seen)?, &looks)
}

/// Reads the checkpoint again and again until it is what is wanted: when it was seen to move, and the times between two
/// readings in microseconds.
async fn look(database: Database, wanted: watch::Receiver<i64>) -> Result<(Vec<Seen>, Histogram<u64>), Failure> {
    let statement = database.client.prepare(CHECKPOINT).await?;
    let timer = Timer::new()?;
    let (mut seen, mut looks) = (Vec::<Seen>::new(), histogram()?);
    let mut before = Instant::now();
    loop {
        let rows = database.client.query(&statement, &[]).await?;
        let now = Instant::now();
        looks.saturating_record(u64::try_from((now - before).as_micros()).unwrap_or(u64::MAX));
        let revision = rows.first().map_or(Ok(-1), |row| row.try_get(0))?;
        if seen.last().is_none_or(|(last, _)| *last != revision) {
            seen.push((revision, now));
        }
        if revision >= *wanted.borrow() {
            return Ok((seen, looks));
        }
        before = now;
        timer.until(now + LOOK_INTERVAL).await?;
    }
}

/// From each answer until the checkpoint was seen to cover its event, in microseconds.
fn lags(answered: &[Answered], seen: &[Seen]) -> Result<Histogram<u64>, Failure> {
    let mut lags = histogram()?;
    for (event, at) in answered {
        let first = seen.partition_point(|(revision, _)| *revision < *event as i64);
        let missing = || Failure::Answer(format!("event {event} has never come to the read model"));
        let (_, covered) = seen.get(first).ok_or_else(missing)?;
        let lag = covered.saturating_duration_since(*at);
        lags.saturating_record(u64::try_from(lag.as_micros()).unwrap_or(u64::MAX));
    }
    Ok(lags)
}

impl Lag {
    fn new(rate: f64, measured: &Measured, lags: &Histogram<u64>, looks: &Histogram<u64>) -> Result<Self, Failure> {
        let milliseconds = |of: &Histogram<u64>, quantile| of.value_at_quantile(quantile) as f64 / 1e3;
        Ok(Self {
            rate,
            per_second: measured.per_second(),
            failed: measured.failed(),
            answer_p99_milliseconds: measured.milliseconds(0.99),
            p50_milliseconds: milliseconds(lags, 0.5),
            p99_milliseconds: milliseconds(lags, 0.99),
            max_milliseconds: milliseconds(lags, 1.0),
            look_p99_milliseconds: milliseconds(looks, 0.99),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::lags;

    #[test]
    fn an_answer_waits_for_the_first_checkpoint_that_covers_it() {
        let begin = Instant::now();
        let at = |milliseconds| begin + Duration::from_millis(milliseconds);
        let seen = [(-1, at(0)), (3, at(10)), (7, at(20)), (8, at(50))];
        let of = |event, milliseconds| {
            let lags = lags(&[(event, at(milliseconds))], &seen).map_err(|failure| failure.to_string());
            lags.map(|lags| (lags.max() as f64 / 1e3).round() as u64)
        };
        assert_eq!(of(3, 4), Ok(6), "exactly covered");
        assert_eq!(of(4, 12), Ok(8), "covered together with a later one");
        assert_eq!(of(8, 60), Ok(0), "there before the answer");
        assert!(of(9, 1).unwrap_err().contains("event 9"));
    }
}
