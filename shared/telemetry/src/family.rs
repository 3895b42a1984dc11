//! Metrics of one name, with different values of their labels.

use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use prometheus::core::Collector;
use prometheus::{CounterVec, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

/// Counts; it only ever goes up.
pub type Counter = prometheus::IntCounter;
/// The same for what is not counted in whole numbers.
pub type FloatCounter = prometheus::Counter;
/// Something that goes up and down.
pub type Gauge = prometheus::Gauge;
/// How often something was how large.
pub type Histogram = prometheus::Histogram;

/// The metrics of this process.
pub(crate) static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::new);

/// What Prometheus takes a metric for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only ever goes up.
    Counter,
    /// It goes up and down.
    Gauge,
    /// It comes in buckets, with a count and a sum.
    Histogram,
}

/// A metric, as the table has it.
#[derive(Debug, Clone, Copy)]
pub struct Description {
    /// Its name, with the unit at the end.
    pub name: &'static str,
    /// What Prometheus takes it for.
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it is.
    pub help: &'static str,
    /// The upper bounds of a histogram's buckets.
    pub buckets: &'static [f64],
}

/// All metrics of one name, one for each combination of the values of its `N` labels.
pub struct Family<T: Handle, const N: usize> {
    description: Description,
    vector: OnceLock<T::Vector>,
}

impl<T: Handle, const N: usize> Family<T, N> {
    pub(crate) const fn new(description: Description) -> Self {
        Self { description, vector: OnceLock::new() }
    }

    /// The one with these values of its labels, in the order of the table. Finding it takes a look into a map: keep it.
    pub fn of(&self, labels: [&str; N]) -> T {
        T::of(self.vector(), &labels)
    }

    /// Forgets the one with these values: it is unknown from now on, which is something else than a zero.
    pub fn forget(&self, labels: [&str; N]) {
        T::forget(self.vector(), &labels);
    }

    /// What the metrics of this name are at the moment, summed up for each value of one of their labels. Nothing for
    /// histograms.
    pub fn by(&self, label: &str) -> BTreeMap<String, f64> {
        let mut sums = BTreeMap::new();
        for family in self.vector().collect() {
            for metric in family.get_metric() {
                let Some(pair) = metric.get_label().iter().find(|pair| pair.name() == label) else { continue };
                let value = match T::KIND {
                    Kind::Counter => metric.get_counter().get_value(),
                    Kind::Gauge => metric.get_gauge().get_value(),
                    Kind::Histogram => continue,
                };
                *sums.entry(pair.value().to_owned()).or_insert(0.0) += value;
            }
        }
        sums
    }

    /// What it is called.
    pub const fn name(&self) -> &'static str {
        self.description.name
    }

    fn vector(&self) -> &T::Vector {
        self.vector.get_or_init(|| {
            let vector = T::vector(&self.description);
            // A name that is taken would be an error of the table, which its test finds.
            let _ = REGISTRY.register(Box::new(vector.clone()));
            vector
        })
    }
}

/// A kind of metric.
pub trait Handle: Sized {
    /// All metrics of one name.
    type Vector: Collector + Clone + 'static;
    /// What Prometheus takes it for.
    const KIND: Kind;

    /// A family without metrics.
    fn vector(description: &Description) -> Self::Vector;
    /// The metric with these values, made if there is none.
    fn of(vector: &Self::Vector, labels: &[&str]) -> Self;
    /// Takes the metric with these values away.
    fn forget(vector: &Self::Vector, labels: &[&str]);
}

macro_rules! handles {
    ($($handle:ty, $vector:ident, $kind:ident, $options:expr;)+) => {$(
        impl Handle for $handle {
            type Vector = $vector;
            const KIND: Kind = Kind::$kind;

            #[allow(clippy::expect_used, reason = "what is in the table is made once by its test")]
            fn vector(description: &Description) -> $vector {
                let options: fn(&Description) -> _ = $options;
                $vector::new(options(description), description.labels).expect("the table is sound")
            }

            fn of(vector: &$vector, labels: &[&str]) -> Self {
                vector.with_label_values(labels)
            }

            fn forget(vector: &$vector, labels: &[&str]) {
                // Where there is none, there is nothing to forget.
                let _ = vector.remove_label_values(labels);
            }
        }
    )+};
}

handles! {
    Counter, IntCounterVec, Counter, |of| Opts::new(of.name, of.help);
    FloatCounter, CounterVec, Counter, |of| Opts::new(of.name, of.help);
    Gauge, GaugeVec, Gauge, |of| Opts::new(of.name, of.help);
    Histogram, HistogramVec, Histogram, |of| HistogramOpts::new(of.name, of.help).buckets(of.buckets.to_vec());
}
