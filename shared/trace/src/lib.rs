//! Traces: which spans there are, how they belong together, and how they get to a collector; and the correlation id
//! that everything is known by which one request sets off.
//!
//! A span is one of `tracing` with the target [`TARGET`]. It is recorded if something that is recorded is under way
//! around it; what begins by itself is a [`root`], of which it is decided once whether it is. Without a collector there
//! is nothing that takes spans, so that they cost nothing.

mod correlation;
mod export;
mod failure;
mod parent;
mod send;
mod span;

pub use correlation::CorrelationId;
pub use export::{Exporting, Layer, SetUpError, Settings, layer};
pub use failure::Failure;
pub use parent::TraceParent;
pub use span::{Joined, current, fail, is_on, join, joint, name, of, passed_on, root, within};

/// The target of spans that are for traces.
pub const TARGET: &str = "jetbridge::trace";
/// The target of those that something begins with.
pub const ROOT_TARGET: &str = "jetbridge::trace::root";
/// The target of what the lines of the log are within: the request, or the reaction.
pub const LOG_TARGET: &str = "jetbridge::log";

/// A span within what is under way: its name, and its attributes as `tracing` takes them.
#[macro_export]
macro_rules! span {
    ($name:literal $(, $($fields:tt)*)?) => { ::tracing::info_span!(target: $crate::TARGET, $name $(, $($fields)*)?) };
}

/// A span that something begins with, for [`root`](crate::root()) and [`joint`](crate::joint()).
#[macro_export]
macro_rules! root_span {
    ($name:literal $(, $($fields:tt)*)?) => {
        ::tracing::info_span!(target: $crate::ROOT_TARGET, parent: None, $name $(, $($fields)*)?)
    };
}

/// What lines of the log are within, by the correlation id: `$name` is a word for what goes on.
#[macro_export]
macro_rules! log_span {
    ($name:literal, $id:expr) => {
        // Whatever is logged at all is logged within it.
        ::tracing::error_span!(
            target: $crate::LOG_TARGET, parent: None, $name, correlation.id = $id, trace.id = ::tracing::field::Empty
        )
    };
}
