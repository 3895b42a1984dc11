//! What some metrics were in the last 15 minutes, for people who look now.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::scrape::measured;
use crate::table::{
    COMMANDS, HTTP_REQUESTS, READER_EVENTS, READER_LAG, READER_LAG_SECONDS, READER_LEADING, READER_PARKED,
};

/// How far two samples are apart.
pub const INTERVAL: Duration = Duration::from_secs(5);
/// How many there are, at most: those of 15 minutes.
pub const SAMPLES: usize = 180;

/// The label by which requests are told apart.
const SERVICE: &str = "service";
/// The label by which commands are told apart.
const STREAM: &str = "stream";
/// The label by which what is read is told apart.
const READER: &str = "reader";

/// The samples of this process, the oldest first.
static KEPT: Mutex<VecDeque<Sample>> = Mutex::new(VecDeque::new());

struct Sample {
    at: Instant,
    /// By the name of the metric and the value of its label. None grows in number with what is kept or with who asks.
    values: BTreeMap<(&'static str, String), f64>,
}

/// Metrics of which something is kept, summed up for one value of a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    metric: &'static str,
    of: String,
}

/// What was kept of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its name, as the table has it.
    pub metric: &'static str,
    /// Of whom: the name of a service, stream or reader.
    pub of: String,
    /// One for each sample, the oldest first. `None` where it was unknown.
    pub values: Vec<Option<f64>>,
}

/// What was kept.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    /// How old each sample is, in seconds, the oldest first.
    pub ages: Vec<f64>,
    /// What was asked for.
    pub series: Vec<Series>,
}

impl Wanted {
    /// What is known of the requests to a service.
    #[must_use]
    pub fn of_service(service: &str) -> Vec<Self> {
        vec![Self { metric: HTTP_REQUESTS.name(), of: service.to_owned() }]
    }

    /// What is known of the commands on a stream.
    #[must_use]
    pub fn of_stream(stream: &str) -> Vec<Self> {
        vec![Self { metric: COMMANDS.name(), of: stream.to_owned() }]
    }

    /// What is known of a reader of a stream.
    #[must_use]
    pub fn of_reader(reader: &str) -> Vec<Self> {
        let metrics = [
            READER_EVENTS.name(),
            READER_LAG.name(),
            READER_LAG_SECONDS.name(),
            READER_LEADING.name(),
            READER_PARKED.name(),
        ];
        metrics.map(|metric| Self { metric, of: reader.to_owned() }).into()
    }
}

/// Takes a sample every five seconds, for ever. What is measured at a scrape is measured for it.
pub async fn keep() {
    let mut ticks = interval(INTERVAL);
    // A process that stood still has a gap, and no samples for it afterwards.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        take().await;
    }
}

/// Takes a sample.
pub async fn take() {
    let _turn = measured().await;
    let mut values = BTreeMap::new();
    let mut put = |metric: &'static str, sums: BTreeMap<String, f64>| {
        values.extend(sums.into_iter().map(|(of, value)| ((metric, of), value)));
    };
    put(HTTP_REQUESTS.name(), HTTP_REQUESTS.by(SERVICE));
    put(COMMANDS.name(), COMMANDS.by(STREAM));
    put(READER_EVENTS.name(), READER_EVENTS.by(READER));
    for gauge in [&READER_LAG, &READER_LAG_SECONDS, &READER_LEADING, &READER_PARKED] {
        put(gauge.name(), gauge.by(READER));
    }
    let mut kept = kept();
    while kept.len() >= SAMPLES {
        kept.pop_front();
    }
    kept.push_back(Sample { at: Instant::now(), values });
}

/// What was kept of these.
#[must_use]
pub fn of(wanted: &[Wanted]) -> History {
    let kept = kept();
    // To a tenth: nobody sees more.
    let age = |sample: &Sample| (sample.at.elapsed().as_secs_f64() * 10.0).round() / 10.0;
    let series = wanted.iter().map(|Wanted { metric, of }| {
        let key = (*metric, of.clone());
        let values = kept.iter().map(|sample| sample.values.get(&key).copied()).collect();
        Series { metric, of: of.clone(), values }
    });
    History { ages: kept.iter().map(age).collect(), series: series.collect() }
}

fn kept() -> MutexGuard<'static, VecDeque<Sample>> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}
