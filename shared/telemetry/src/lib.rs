//! What a process measures of itself, for Prometheus: the table of all metrics, and their text.
//!
//! A metric is an entry of [`table`]. Whoever measures asks its family once for the metric with certain labels, and keeps
//! what it gets: from then on, counting is an atomic operation.
//!
//! ```
//! use shared_telemetry::table::HTTP_REQUESTS;
//!
//! let refused = HTTP_REQUESTS.of(["bag-api", "GET", "/api/bags", "429"]);
//! refused.inc();
//! assert_eq!(refused.get(), 1);
//! ```
//!
//! All metrics are the process's own. No label has values that grow in number with what is kept or with who asks.

mod certificate;
mod family;
pub mod history;
mod process;
mod runtime;
mod scrape;
pub mod table;

pub use certificate::relies_on_certificates;
pub use family::{Counter, Description, Family, FloatCounter, Gauge, Handle, Histogram, Kind};
pub use scrape::{AtScrape, at_scrape, text};
